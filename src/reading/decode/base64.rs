//! Base64, of either alphabet, padded or not, on one line or on several.

use super::super::lexicon::Words;
use super::{Part, Says, readable, runs};
use crate::verdict::Disguise;
use std::ops::Range;

/// Digits of a run that is looked at, at least: four bytes.
const LEAST: usize = 6;
/// Digits of a line that another may follow, at least.
const LEAST_LINE: usize = 40;
/// Digits that are decoded before the rest is, and their bytes: most runs that are something else are no text by then.
const HEAD: usize = 12;
const HEAD_BYTES: usize = 9;

/// Adds the runs that decode to text.
pub(super) fn find(text: &str, words: &Words<'_>, parts: &mut Vec<Part>) {
    let mut runs = runs(text, LEAST, is_digit).peekable();
    while let Some(run) = runs.next() {
        let mut lines = vec![run];
        // Wrapped lines: each of whole groups, parted by a line break alone.
        while let (Some(line), Some(next)) = (lines.last(), runs.peek()) {
            let gap = text.get(line.end..next.start).unwrap_or_default();
            if line.len() < LEAST_LINE || !line.len().is_multiple_of(4) || !matches!(gap, "\n" | "\r\n") {
                break;
            }
            lines.extend(runs.next());
        }
        match decoded(text, &lines, words) {
            Some(part) => parts.push(part),
            // A line of something else before it hides nothing.
            None if lines.len() > 1 => {
                parts
                    .extend(lines.iter().filter_map(|line| decoded(text, std::slice::from_ref(line), words)));
            }
            None => {}
        }
    }
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

fn decoded(text: &str, lines: &[Range<usize>], words: &Words<'_>) -> Option<Part> {
    let (first, last) = (lines.first()?, lines.last()?);
    let mut head = [0; HEAD_BYTES];
    let mut len = 0;
    let begins = text.get(first.start..first.end.min(first.start + HEAD))?;
    bytes(begins.bytes(), |byte| {
        if let Some(place) = head.get_mut(len) {
            *place = byte;
            len += 1;
        }
    })?;
    if !may_be_text(head.get(..len)?) {
        return None;
    }
    let digits = lines.iter().filter_map(|line| text.get(line.clone())).flat_map(str::bytes);
    let mut all = Vec::new();
    bytes(digits, |byte| all.push(byte))?;
    let says = readable(all, words)?;
    let padding = text.get(last.end..).unwrap_or_default().bytes().take(2).take_while(|&byte| byte == b'=');
    let range = first.start..last.end + padding.count();
    Some(Part { range, says: Says::Block(says), disguise: Disguise::Base64 })
}

/// Whether the bytes can begin a text: no controls, and UTF-8 up to a last character that may be cut.
fn may_be_text(bytes: &[u8]) -> bool {
    let control = |byte: &u8| byte.is_ascii_control() && !matches!(byte, b'\n' | b'\r' | b'\t');
    let whole = |error: std::str::Utf8Error| error.error_len().is_some();
    !bytes.iter().any(control) && !std::str::from_utf8(bytes).is_err_and(whole)
}

/// Hands on the bytes of the digits; nothing where one digit is left over. Bits that fill up the last byte are not looked
/// at.
fn bytes(digits: impl Iterator<Item = u8>, mut each: impl FnMut(u8)) -> Option<()> {
    let (mut bits, mut held) = (0_u32, 0);
    for digit in digits {
        bits = bits << 6 | u32::from(value(digit)?);
        held += 6;
        if held >= 8 {
            held -= 8;
            each((bits >> held & 0xFF) as u8);
        }
    }
    (held != 6).then_some(())
}

const fn value(digit: u8) -> Option<u8> {
    match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}
