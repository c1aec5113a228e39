//! Bech32 and Bech32m: BIP-173 and BIP-350.

const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATORS: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
const BECH32: u32 = 1;
const BECH32M: u32 = 0x2bc8_30a3;

/// Human-readable parts of mainnets and test networks: Bitcoin, Litecoin, Cardano.
const PREFIXES: [&str; 4] = ["bc", "tb", "ltc", "addr"];

/// Whether the word is an address of a known chain with a checksum that holds; all of one case.
pub(super) fn is_address(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    if word != lower && word != word.to_ascii_uppercase() {
        return false;
    }
    let Some((prefix, data)) = lower.rsplit_once('1') else { return false };
    if !PREFIXES.contains(&prefix) || data.len() < 14 {
        return false;
    }
    let mut check = 1;
    for value in prefix.bytes().map(|b| b >> 5).chain([0]).chain(prefix.bytes().map(|b| b & 31)) {
        check = step(check, u32::from(value));
    }
    for c in data.bytes() {
        let Some(value) = ALPHABET.iter().position(|known| *known == c) else { return false };
        check = step(check, u32::try_from(value).unwrap_or_default());
    }
    matches!(check, BECH32 | BECH32M)
}

fn step(check: u32, value: u32) -> u32 {
    let top = check >> 25;
    let shifted = ((check & 0x01ff_ffff) << 5) ^ value;
    GENERATORS
        .iter()
        .enumerate()
        .filter(|(bit, _)| (top >> bit) & 1 == 1)
        .fold(shifted, |check, (_, generator)| check ^ generator)
}
