//! Signatures of taught heads: each in a file beside the head's own, over the BLAKE3 of that.

use super::error::{PolicyError, PolicyErrors};
use super::read::file::{self, Folder};
use super::table::shorten;
use super::{Policy, PolicyHead};
use crate::trust::{KeyRing, Purpose, Signature, SigningKey};

/// What the name of a head's file is followed by in that of its signature.
pub const SIGNATURE_ENDING: &str = ".sig";

/// Most bytes of a signature's file.
const LIMIT: usize = 4096;

/// A signature that nobody has checked, or why there is none.
pub(super) type HeadSignature = Result<Signature, String>;

/// The signature by `key` of a head whose file has these bytes: of their BLAKE3, for [`Purpose::Head`]. As JSON it is the content of
/// the file that has the head's name and [`SIGNATURE_ENDING`].
#[must_use]
pub fn sign_head(key: &SigningKey, file: &[u8]) -> Signature {
    key.sign(Purpose::Head, blake3::hash(file).as_bytes())
}

/// The signature beside a head's file in the policy's folder.
pub(super) fn beside(head: &str, folder: Folder<'_>) -> HeadSignature {
    let name = format!("{head}{SIGNATURE_ENDING}");
    let named = |what: String| format!("`{}`: {what}", shorten(&name));
    let bytes = file::read(&name, folder, "one with a folder", "a signature", LIMIT).map_err(named)?;
    // A list would be read as an object's values.
    let is_object = bytes.trim_ascii_start().starts_with(b"{");
    let parsed: Option<Signature> = serde_json::from_slice(&bytes).ok().filter(|_| is_object);
    // What the file holds instead may be anything and is not shown.
    let what = "found no JSON object of `signed_by`, `key` and `signature`, each a string";
    parsed.ok_or_else(|| named(what.to_owned()))
}

impl Policy {
    /// Checks that a key of `ring` has signed every head of the policy's own.
    ///
    /// # Errors
    /// Every head that none has, with its place in the document.
    pub fn check_signatures(&self, ring: &KeyRing) -> Result<(), PolicyErrors> {
        let mut found = Vec::new();
        for PolicyHead { head, place, digest, signature } in &self.heads {
            let what = match signature {
                Ok(signature) => match ring.verify(Purpose::Head, digest.as_bytes(), signature) {
                    Ok(_) => continue,
                    Err(error) => error.to_string(),
                },
                Err(what) => format!("expected a signature beside it, as this installation asks for; {what}"),
            };
            found.push((place.clone(), PolicyError::HeadFile { file: head.head().name.clone(), what }));
        }
        if found.is_empty() { Ok(()) } else { Err(PolicyErrors::new(&self.source, found)) }
    }
}
