//! The reader of `[[head]]`: heads of the policy's own, as `teach` writes them, in files beside it.

use std::collections::HashMap;

use portcullis_calibration::{CalibrationError, Problem as Rule, TaughtHead};

use super::file::{self, Folder};
use crate::policy::error::{PolicyError, PolicyWarning, Problem};
use crate::policy::rule;
use crate::policy::signature::{self, HeadSignature};
use crate::policy::source::Source;
use crate::policy::table::{Found, Table, shorten};
use crate::policy::{MAX_HEADS, PolicyHead, taught_detector};

const KEYS: [&str; 1] = ["file"];
/// How the name of a file ends that carries the digest of its content before that, after a hyphen.
const ENDING: &str = ".head.toml";
/// The hex digits of the digest in such a name.
const DIGITS: usize = 12;

pub(super) fn heads(
    root: &Table<'_, '_>,
    source: &Source,
    folder: Folder<'_>,
    found: &mut Found,
) -> Vec<PolicyHead> {
    let Some(value) = root.value("head") else { return Vec::new() };
    let expected = "list of tables, each under `[[head]]`";
    let Some(items) = value.get_ref().as_array() else {
        let error = PolicyError::WrongType { key: "head", found: value.get_ref().type_str(), expected };
        found.push((value.span(), error));
        return Vec::new();
    };
    if items.len() > MAX_HEADS {
        let error = PolicyError::TooMany { what: "heads", found: items.len(), limit: MAX_HEADS };
        found.push((value.span(), error));
        return Vec::new();
    }
    let mut heads: Vec<PolicyHead> = Vec::new();
    let mut seen: HashMap<String, usize> = HashMap::new();
    for item in items.iter() {
        let Some(entries) = item.get_ref().as_table() else {
            let error = PolicyError::WrongType { key: "head", found: item.get_ref().type_str(), expected };
            found.push((item.span(), error));
            continue;
        };
        let table = Table { name: "this head", entries, place: item.span() };
        table.only(&KEYS, found);
        table.require("file", "the name of a file that `portcullis teach` wrote", found);
        let Some((file, place)) = table.string("file", found) else { continue };
        let (head, digest, signature) = match read(file, folder) {
            Ok(read) => read,
            Err(what) => {
                found.push((place, PolicyError::HeadFile { file: shorten(file), what }));
                continue;
            }
        };
        let name = head.head().name.clone();
        match seen.get(&name) {
            Some(&first) => found.push((place.clone(), PolicyError::DuplicateHead { name, first })),
            None => _ = seen.insert(name, source.line(place.start)),
        }
        heads.push(PolicyHead { head, place, digest, signature });
    }
    heads
}

/// The heads that no rule looks at.
pub(super) fn unused(
    heads: &[PolicyHead],
    rules: &[rule::Rule],
    source: &Source,
) -> Vec<Problem<PolicyWarning>> {
    let idle = heads.iter().filter(|own| {
        let detector = taught_detector(&own.head);
        !rules.iter().any(|rule| rule.detector.covers(&detector))
    });
    idle.map(|own| {
        let warning = PolicyWarning::UnusedHead { name: own.head.head().name.clone() };
        Problem::new(source, own.place.clone(), warning)
    })
    .collect()
}

/// The files of the heads, each under `head/` and its name; no list's id holds a `/`.
pub(super) fn files(heads: &[PolicyHead]) -> impl Iterator<Item = (String, &blake3::Hash)> {
    heads.iter().map(|own| (format!("head/{}", own.head.head().name), &own.digest))
}

/// The head in a file, the file's BLAKE3, and the signature beside it or why there is none.
fn read(file: &str, folder: Folder<'_>) -> Result<(TaughtHead, blake3::Hash, HeadSignature), String> {
    let bytes = file::read(file, folder, "one beside the file", "a head", TaughtHead::MAX_BYTES)?;
    let digest = blake3::hash(&bytes);
    if let Some(named) = named_digest(file)
        && !digest.to_hex().starts_with(named)
    {
        let found = digest.to_hex();
        let found = found.get(..DIGITS).unwrap_or_default();
        return Err(format!(
            "its BLAKE3 digest begins with {found}, expected {named} as in its name: it is corrupt or was changed"
        ));
    }
    let head = TaughtHead::parse(&bytes).map_err(|error| message(&error))?;
    Ok((head, digest, signature::beside(file, folder)))
}

/// The digits of the digest in the name of a file, where it is named as `teach` names it.
fn named_digest(file: &str) -> Option<&str> {
    let (_, digits) = file.strip_suffix(ENDING)?.rsplit_once('-')?;
    let hex = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (digits.len() == DIGITS && hex).then_some(digits)
}

/// What is wrong with a head's file; the error speaks of calibrations.
fn message(error: &CalibrationError) -> String {
    let list =
        |problems: &[Rule]| problems.iter().take(3).map(Rule::to_string).collect::<Vec<_>>().join("; ");
    match error {
        CalibrationError::NotUtf8 { valid_up_to } => {
            format!("it is not UTF-8 from byte {} on, expected UTF-8 text", valid_up_to + 1)
        }
        CalibrationError::Syntax { problems } => format!("it is not TOML: {}", list(problems)),
        CalibrationError::Invalid { problems } => list(problems),
        other => other.to_string(),
    }
}
