//! Base58Check: Bitcoin's base 58 with the first four bytes of a double SHA-256 at the end.

use sha2::{Digest as _, Sha256};

const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// The payload without its checksum; `None` for another alphabet or a checksum that does not hold.
///
/// Time is quadratic in `word`, so callers bound its length.
pub(in crate::rails::pattern) fn checked(word: &str) -> Option<Vec<u8>> {
    let mut bytes = decoded(word)?;
    let checksum = bytes.split_off(bytes.len().checked_sub(4)?);
    let hash = Sha256::digest(Sha256::digest(&bytes));
    hash.starts_with(&checksum).then_some(bytes)
}

fn decoded(word: &str) -> Option<Vec<u8>> {
    // Little-endian.
    let mut number: Vec<u8> = Vec::with_capacity(word.len());
    for c in word.bytes() {
        let digit = ALPHABET.iter().position(|known| *known == c)?;
        let mut carry = u32::try_from(digit).ok()?;
        for byte in &mut number {
            carry += u32::from(*byte) * 58;
            *byte = carry.to_le_bytes()[0];
            carry >>= 8;
        }
        while carry > 0 {
            number.push(carry.to_le_bytes()[0]);
            carry >>= 8;
        }
    }
    number.extend(word.bytes().take_while(|c| *c == b'1').map(|_| 0));
    number.reverse();
    Some(number)
}
