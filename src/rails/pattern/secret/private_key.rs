//! Private keys in PEM, OpenPGP and PuTTY blocks (RFC 7468, RFC 9580).

use super::{CATEGORY, Detector, Hit, Trigger};
use crate::span::Span;

pub(in crate::rails::pattern) const DETECTOR: Detector = Detector {
    name: "secret.private_key",
    category: CATEGORY,
    placeholder: "[PRIVATE KEY]",
    trigger: Trigger::Literals(&["-----BEGIN ", "PuTTY-User-Key-File-"]),
    at,
};

/// The header of a private key and a body of key material.
const KEY: f32 = 1.0;
/// The header with hardly anything after it, as in an explanation.
const HEADER: f32 = 0.4;

/// Longest label: `OPENSSH PRIVATE KEY` and the like.
const LABEL: usize = 64;
/// Most bytes of one key: an RSA key of 16,384 bits has some 13,000.
const MOST: usize = 1 << 14;
/// Least characters of key material: an Ed25519 key has 64.
const LEAST: usize = 60;

fn at(text: &str, at: usize, _floor: usize) -> Option<Hit> {
    let rest = text.get(at..)?;
    let header = match rest.strip_prefix("-----BEGIN ") {
        Some(label) => {
            let end = label.bytes().take(LABEL).position(|b| b == b'-')?;
            let is_private = label.get(..end)?.contains("PRIVATE KEY");
            (is_private && label.get(end..)?.starts_with("-----")).then_some("-----BEGIN ".len() + end + 5)?
        }
        None => rest.starts_with("PuTTY-User-Key-File-").then_some("PuTTY-User-Key-File-".len())?,
    };
    let body = rest.get(header..)?;
    // What is no part of a body ends it: the closing line, another block, prose. `\n` may be written out.
    let belongs = |b: u8| b.is_ascii_alphanumeric() || b"+/=\n\r\t :,.\\_()<>@\"-".contains(&b);
    let window = body.get(..body.floor_char_boundary(MOST))?;
    let window = window.split("-----").next()?;
    let length = window.bytes().take_while(|b| belongs(*b)).count();
    let material = body.get(..length)?.bytes().filter(u8::is_ascii_alphanumeric).count();
    let mut end = at + header + length;
    let closing = text.get(end..).filter(|rest| rest.starts_with("-----END "));
    if let Some(label) = closing {
        let label_end = label.bytes().skip(9).take(LABEL).position(|b| b == b'-');
        end += label_end
            .filter(|place| label.get(9 + place..).is_some_and(|dashes| dashes.starts_with("-----")))
            .map_or(0, |place| 9 + place + 5);
    }
    let trimmed = text.get(at..end)?.trim_end().len();
    let score =
        if material >= LEAST && (closing.is_some() || is_dense(body.get(..length)?)) { KEY } else { HEADER };
    Some(Hit::new(Span::new(at, at + trimmed), score))
}

/// Whether a line holds as many characters without a space as key material has.
fn is_dense(body: &str) -> bool {
    body.split_whitespace().any(|word| word.len() >= 48)
}
