//! JSON Web Tokens (RFC 7519): three parts of base64url, the first a JSON header that names its algorithm.

use super::super::near::{before, run};
use super::{CATEGORY, Detector, Hit, PLACEHOLDER, Trigger};
use crate::span::Span;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

pub(in crate::rails::pattern) const DETECTOR: Detector = Detector {
    name: "secret.jwt",
    category: CATEGORY,
    placeholder: PLACEHOLDER,
    // `{"` in base64.
    trigger: Trigger::Literals(&["eyJ"]),
    at,
};

/// Header and claims are JSON, and a signature follows.
const SIGNED: f32 = 1.0;
/// Without a signature.
const UNSIGNED: f32 = 0.6;
/// The well-known token of the tutorials.
const EXAMPLE: f32 = 0.3;

const MOST_HEADER: usize = 2048;
const MOST_PART: usize = 1 << 14;
/// `{"sub":"1234567890","name":"John Doe"`, as the tutorials have it.
const TUTORIAL: &str = "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9l";

fn at(text: &str, at: usize, floor: usize) -> Option<Hit> {
    let bytes = text.as_bytes();
    let one = before(bytes, at, 1, floor);
    if one.is_ascii_alphanumeric() || b"_-.".contains(&one) {
        return None;
    }
    let part = |from: usize, most: usize| {
        run(bytes, from, most, |b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
    };
    let header = part(at, MOST_HEADER);
    let claims_at = at + header + 1;
    if bytes.get(at + header) != Some(&b'.')
        || !text.get(claims_at..)?.starts_with("eyJ")
        || !is_header(text.get(at..at + header)?)
    {
        return None;
    }
    let claims = part(claims_at, MOST_PART);
    let end = claims_at + claims;
    let signature = if bytes.get(end) == Some(&b'.') { part(end + 1, MOST_PART) } else { 0 };
    let tutorial = text.get(claims_at..end)?.starts_with(TUTORIAL);
    let (end, score) = match signature {
        0 => (end, UNSIGNED),
        _ => (end + 1 + signature, SIGNED),
    };
    Some(Hit::new(Span::new(at, end), if tutorial { EXAMPLE } else { score }))
}

/// Whether it is a JSON object with a string `alg`.
fn is_header(part: &str) -> bool {
    let Ok(json) = BASE64_URL_SAFE_NO_PAD.decode(part) else { return false };
    let header: Result<serde_json::Value, _> = serde_json::from_slice(&json);
    header.is_ok_and(|header| header.get("alg").is_some_and(serde_json::Value::is_string))
}
