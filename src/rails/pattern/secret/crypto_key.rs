//! Private keys of crypto wallets, by their checksum: WIF (Bitcoin and its kin) and extended keys (BIP-32).

use super::super::near::{run, word_ends, word_start};
use super::super::wallet::base58;
use super::{CATEGORY, Detector, Hit, PLACEHOLDER, Trigger};
use crate::span::Span;

pub(in crate::rails::pattern) const DETECTOR: Detector = Detector {
    name: "secret.crypto_key",
    category: CATEGORY,
    placeholder: PLACEHOLDER,
    trigger: Trigger::Numbers,
    at,
};

/// The checksum holds.
const CHECKED: f32 = 1.0;

/// First bytes of WIF keys: Bitcoin, Litecoin, Dogecoin, Dash, the test networks.
const WIF: [u8; 5] = [0x80, 0xb0, 0x9e, 0xcc, 0xef];
/// Letters and digits of WIF, and of an extended key.
const WIF_LENGTHS: [usize; 2] = [51, 52];
const EXTENDED_LENGTH: usize = 111;

fn at(text: &str, at: usize, floor: usize) -> Option<Hit> {
    let bytes = text.as_bytes();
    let start = word_start(bytes, at, 24, floor)?;
    let length = run(bytes, start, EXTENDED_LENGTH + 1, |b| b.is_ascii_alphanumeric());
    let word = text.get(start..start + length)?;
    let wif = WIF_LENGTHS.contains(&length);
    let extended = length == EXTENDED_LENGTH
        && ["xprv", "yprv", "zprv", "tprv"].iter().any(|kind| word.starts_with(kind));
    if !(wif || extended) || !word_ends(bytes, start + length) {
        return None;
    }
    let payload = base58::checked(word)?;
    let is_key = match payload.as_slice() {
        [version, key @ ..] if wif => WIF.contains(version) && matches!(key.len(), 32 | 33),
        payload => extended && payload.len() == 78,
    };
    is_key.then(|| Hit::new(Span::new(start, start + length), CHECKED))
}
