//! Hardware addresses of network interfaces: IEEE 802 EUI-48, as `00-1B-…`, `00:1b:…` and `001b.….…`.

use super::context;
use super::near::{before, byte, run, run_back, word_ends};
use super::{Detector, Hit, Trigger};
use crate::span::Span;

pub(super) const DETECTOR: Detector =
    Detector { name: "pii.mac", category: "pii", placeholder: "[MAC]", trigger: Trigger::Bytes(b":-."), at };

/// Six pairs of an interface's address.
const ADDRESS: f32 = 0.9;
/// Three groups of four, or pairs of decimal digits with hyphens, unannounced.
const UNUSUAL: f32 = 0.6;
const DECIMAL: f32 = 0.4;
/// Broadcast, multicast and null addresses: nobody's.
const NOBODY: f32 = 0.3;

const WORDS: [&str; 8] =
    ["address", "adapter", "bluetooth", "bssid", "ethernet", "hardware", "hwaddr", "mac"];

fn at(text: &str, at: usize, floor: usize) -> Option<Hit> {
    let bytes = text.as_bytes();
    let separator = byte(bytes, at);
    let size = if separator == b'.' { 4 } else { 2 };
    if run_back(bytes, at, size + 1, floor, |b| b.is_ascii_hexdigit()) != size {
        return None;
    }
    let start = at - size;
    let one = before(bytes, start, 1, floor);
    if one.is_ascii_alphanumeric() || one == b'_' || one == separator || one >= 0x80 {
        return None;
    }
    let groups = 12 / size;
    for group in 1..groups {
        let from = start + group * (size + 1);
        if byte(bytes, from - 1) != separator || run(bytes, from, size + 1, |b| b.is_ascii_hexdigit()) != size
        {
            return None;
        }
    }
    let end = start + groups * (size + 1) - 1;
    let joined = byte(bytes, end) == separator && byte(bytes, end + 1).is_ascii_alphanumeric();
    if !word_ends(bytes, end) || joined {
        return None;
    }
    Some(Hit::new(Span::new(start, end), score(text, start, end, separator)))
}

fn score(text: &str, start: usize, end: usize, separator: u8) -> f32 {
    let address = text.get(start..end).unwrap_or_default();
    let digits: Vec<u32> = address.chars().filter_map(|c| c.to_digit(16)).collect();
    let multicast = digits.get(1).is_some_and(|low| low % 2 == 1);
    let null = digits.iter().all(|digit| *digit == 0);
    let announced = context::announces(text, start, &WORDS, &[]);
    let decimal = digits.iter().all(|digit| *digit < 10);
    match separator {
        _ if multicast || null => NOBODY,
        _ if announced => ADDRESS,
        b'-' if decimal => DECIMAL,
        b'.' if decimal => NOBODY,
        b'.' => UNUSUAL,
        _ => ADDRESS,
    }
}
