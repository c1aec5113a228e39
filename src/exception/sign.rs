//! What is signed of an exception: the bytes of its file before the line `[signature]`, as they are.

use serde::Deserialize;

use super::{Exception, ExceptionError, MAX_BYTES, read};
use crate::trust::{KeyRing, Purpose, Signature, SigningKey};

/// The line that ends what is signed.
const LINE: &str = "[signature]";

/// A file in its two parts.
pub(super) struct Parts<'a> {
    /// What is signed.
    pub(super) body: &'a str,
    signature: Option<Signature>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    signature: Signature,
}

/// The parts of a file. Each is read alone, so that nothing in one changes what the other says.
pub(super) fn split(text: &str) -> Result<Parts<'_>, ExceptionError> {
    if text.len() > MAX_BYTES {
        return Err(ExceptionError::TooLarge);
    }
    let mut at = 0;
    let line = text.split_inclusive('\n').find_map(|line| {
        let start = at;
        at += line.len();
        (line.trim_end() == LINE).then_some(start)
    });
    let Some((body, signature)) = line.and_then(|at| text.split_at_checked(at)) else {
        return Ok(Parts { body: text, signature: None });
    };
    let before = body.bytes().filter(|byte| *byte == b'\n').count();
    let wire: Wire = toml::from_str(signature).map_err(|error| read::syntax(signature, before, &error))?;
    Ok(Parts { body, signature: Some(wire.signature) })
}

/// Checks that the one who approves has signed, with a key of `ring`.
pub(super) fn verify(parts: &Parts<'_>, exception: &Exception, ring: &KeyRing) -> Result<(), ExceptionError> {
    let signature = parts.signature.as_ref().ok_or(ExceptionError::NotSigned)?;
    let key = ring.verify(Purpose::Exception, parts.body.as_bytes(), signature)?;
    // The name that counts is the one under which the key is trusted here.
    if key.name() != exception.approved_by {
        return Err(ExceptionError::Approver {
            approved_by: exception.approved_by.clone(),
            signed_by: key.name().to_owned(),
        });
    }
    Ok(())
}

/// The text of an exception with the signature of `key` in place of any that it has. Where it lacks `approved_by`, the key's name is
/// put in.
///
/// # Errors
/// As for [`Exception::parse`], and [`ExceptionError::Approver`] where another is named as the one who approves.
pub fn sign(text: &str, key: &SigningKey) -> Result<String, ExceptionError> {
    let mut body = match split(text) {
        Ok(parts) => parts.body.to_owned(),
        // A signature that cannot be read is replaced as well.
        Err(ExceptionError::TooLarge) => return Err(ExceptionError::TooLarge),
        Err(_) => {
            text.lines().take_while(|line| line.trim_end() != LINE).map(|line| format!("{line}\n")).collect()
        }
    };
    if !body.is_empty() && !body.ends_with('\n') {
        body.push('\n');
    }
    let names_approver =
        toml::from_str::<toml::Table>(&body).is_ok_and(|table| table.contains_key("approved_by"));
    if !names_approver {
        body = format!("{}\napproved_by = \"{}\"\n", body.trim_end(), key.name());
    }
    let exception = read::exception(&body)?;
    if exception.approved_by != key.name() {
        return Err(ExceptionError::Approver {
            approved_by: exception.approved_by,
            signed_by: key.name().to_owned(),
        });
    }
    // A blank line before the signature is a part of what is signed.
    if !body.ends_with("\n\n") {
        body.push('\n');
    }
    let Signature { signed_by, key: id, signature } = key.sign(Purpose::Exception, body.as_bytes());
    let text =
        format!("{body}{LINE}\nsigned_by = \"{signed_by}\"\nkey = \"{id}\"\nsignature = \"{signature}\"\n");
    // What is made is what can be read.
    if text.len() > MAX_BYTES { Err(ExceptionError::TooLarge) } else { Ok(text) }
}
