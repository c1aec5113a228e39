//! Addresses of crypto wallets, each by its checksum: Base58Check, Bech32 and Bech32m (BIP-173, BIP-350), EIP-55.

pub(super) mod base58;
mod bech32;

use sha3::{Digest as _, Keccak256};

use super::context;
use super::near::{byte, run, word_ends, word_start};
use super::{Detector, Hit, Trigger};
use crate::span::Span;

pub(super) const DETECTOR: Detector = Detector {
    name: "pii.crypto_wallet",
    category: "pii",
    placeholder: "[WALLET]",
    trigger: Trigger::Numbers,
    at,
};

/// The checksum holds.
const CHECKED: f32 = 1.0;
/// Forty hexadecimal digits after `0x` without the capitals that are Ethereum's checksum, announced.
const ANNOUNCED: f32 = 0.9;
/// The same, unannounced: also the shape of a digest.
const UNCHECKED: f32 = 0.6;
/// Capitals that are not the checksum's.
const MISTYPED: f32 = 0.3;

const WORDS: [&str; 11] = [
    "address", "contract", "crypto", "deposit", "erc", "eth", "ether", "ethereum", "send", "token", "wallet",
];

/// First byte of the payload, and its length: Bitcoin, Litecoin, Dogecoin, Dash, Tron.
const VERSIONS: [u8; 8] = [0x00, 0x05, 0x30, 0x32, 0x1e, 0x16, 0x4c, 0x41];
/// Zcash has two version bytes.
const ZCASH: [[u8; 2]; 2] = [[0x1c, 0xb8], [0x1c, 0xbd]];
const HASH_BYTES: usize = 20;

/// Longest address, in bytes: Bech32 has at most 90.
const MOST: usize = 90;

fn at(text: &str, at: usize, floor: usize) -> Option<Hit> {
    let bytes = text.as_bytes();
    let start = word_start(bytes, at, 34, floor)?;
    let length = run(bytes, start, MOST + 1, |b| b.is_ascii_alphanumeric());
    let end = start + length;
    if !(25..=MOST).contains(&length) || !word_ends(bytes, end) {
        return None;
    }
    let word = text.get(start..end)?;
    let score = match word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        Some(digits) => ethereum(text, start, digits)?,
        None => (is_base58(word) || bech32::is_address(word)).then_some(CHECKED)?,
    };
    Some(Hit::new(Span::new(start, end), score))
}

fn is_base58(word: &str) -> bool {
    // Twenty-one or twenty-two bytes and four of checksum.
    let payload = (25..=36).contains(&word.len()).then(|| base58::checked(word)).flatten();
    match payload.as_deref() {
        Some([version, hash @ ..]) if hash.len() == HASH_BYTES => VERSIONS.contains(version),
        Some([first, second, hash @ ..]) => hash.len() == HASH_BYTES && ZCASH.contains(&[*first, *second]),
        _ => false,
    }
}

fn ethereum(text: &str, start: usize, digits: &str) -> Option<f32> {
    if digits.len() != 40 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let lower = digits.bytes().any(|b| b.is_ascii_lowercase());
    let upper = digits.bytes().any(|b| b.is_ascii_uppercase());
    if lower && upper {
        return Some(if eip_55(digits) { CHECKED } else { MISTYPED });
    }
    let one = digits.as_bytes().first().copied().unwrap_or_default();
    if digits.bytes().all(|b| b == one) {
        return Some(MISTYPED);
    }
    let announced = context::announces(text, start, &WORDS, &[]) || byte(text.as_bytes(), start) == b'X';
    Some(if announced { ANNOUNCED } else { UNCHECKED })
}

/// A letter is a capital where the Keccak-256 of the address in lower case has a nibble of 8 or more.
fn eip_55(digits: &str) -> bool {
    let hash = Keccak256::digest(digits.to_ascii_lowercase());
    let nibbles = hash.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .bytes()
        .zip(nibbles)
        .all(|(c, nibble)| !c.is_ascii_alphabetic() || c.is_ascii_uppercase() == (nibble >= 8))
}
