//! The hashed model: which buckets a window of words falls into, and the logits of their sum.
//!
//! `scripts/train/hashed.py` has the same rules, and `tests/hashed.rs` holds the two together. All sums are modulo 2⁶⁴:
//!
//! - The hash of bytes `b` is `Σ b[k] · PRIMEᵏ`.
//! - Features are each word (kind 1); each pair of neighbours, `hash(first) · PAIR + hash(second)` (kind 2); and each run
//!   of 3, 4 and 5 bytes of a word with a space on either side (kinds 3, 4 and 5).
//! - The key of a feature: `x = hash ^ (kind · KIND)`, `x ^= x >> 32`, the upper 32 bits of `x · MIX`. Its bucket is
//!   the upper bits of the key, as many as number the buckets.
//! - A bucket counts once a window, however many features fall into it.
//!
//! A head's logit is `sum · scale / √count + bias`: the integer sum of its weights over the buckets, their number, and three
//! f32 operations, each rounded once, so it is the same on every machine.

use std::ops::Range;

use crate::bundle::HashedWeights;
use crate::tokenize::Words;

const PRIME: u64 = 0x9E37_79B9_7F4A_7C15;
const PAIR: u64 = 0xC2B2_AE3D_27D4_EB4F;
const KIND: u64 = 0xD6E8_FEB8_6659_FD93;
const MIX: u64 = 0xFF51_AFD7_ED55_8CCD;
const WORD: u64 = 1;
const NEIGHBOURS: u64 = 2;
/// Lengths of the runs of bytes.
const SHORTEST: usize = 3;
const LONGEST: usize = 5;
/// `PRIME` to the powers of 0 to 4.
const POWERS: [u64; LONGEST] = powers();

const fn powers() -> [u64; LONGEST] {
    let second = PRIME.wrapping_mul(PRIME);
    [1, PRIME, second, second.wrapping_mul(PRIME), second.wrapping_mul(second)]
}

/// What one window needs for a while; keep one for each worker, so that later windows allocate nothing.
#[derive(Debug, Default)]
pub struct Scratch {
    /// A bit a bucket: whether the window has it. All zero between windows.
    seen: Vec<u64>,
    /// The words of `seen` that are not zero.
    touched: Vec<u32>,
    sums: Vec<i32>,
}

impl Scratch {
    /// Empty buffers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

/// The logits of the words in `range`, one a head; the biases alone where there is no word.
pub fn logits(
    weights: &HashedWeights,
    words: &Words,
    range: Range<usize>,
    scratch: &mut Scratch,
) -> Vec<f32> {
    let heads = weights.heads();
    let table = weights.table();
    let shift = u32::BITS - weights.shape().buckets.trailing_zeros().min(u32::BITS);
    let Scratch { seen, touched, sums } = scratch;
    seen.resize(weights.shape().buckets.div_ceil(64), 0);
    sums.clear();
    sums.resize(heads, 0);
    let mut count = 0_u32;
    features(words, range, |key| {
        let bucket = key.checked_shr(shift).unwrap_or(0);
        let Some(bits) = seen.get_mut((bucket / 64) as usize) else { return };
        let bit = 1 << (bucket % 64);
        if *bits & bit != 0 {
            return;
        }
        if *bits == 0 {
            touched.push(bucket / 64);
        }
        *bits |= bit;
        count += 1;
        let start = bucket as usize * heads;
        let row = table.get(start..start + heads).unwrap_or_default();
        for (sum, weight) in sums.iter_mut().zip(row) {
            *sum += i32::from(*weight);
        }
    });
    for place in touched.drain(..) {
        if let Some(bits) = seen.get_mut(place as usize) {
            *bits = 0;
        }
    }
    let root = (count.max(1) as f32).sqrt();
    let scaled = sums.iter().zip(weights.scale()).map(|(sum, scale)| *sum as f32 * scale);
    scaled.zip(weights.bias()).map(|(scaled, bias)| scaled / root + bias).collect()
}

/// Calls `each` with the key of every feature of the words in `range`, equal ones as often as they occur.
pub fn features(words: &Words, range: Range<usize>, mut each: impl FnMut(u32)) {
    let mut before = None;
    for spaced in words.spaced(range) {
        let word = spaced.get(1..spaced.len().saturating_sub(1)).unwrap_or_default();
        let hash = hash(word);
        each(key(hash, WORD));
        if let Some(before) = before {
            each(key(hash.wrapping_add(PAIR.wrapping_mul(before)), NEIGHBOURS));
        }
        before = Some(hash);
        for length in SHORTEST..=LONGEST {
            for piece in spaced.windows(length) {
                each(key(run(piece), length as u64));
            }
        }
    }
}

/// The hash of a whole word.
fn hash(bytes: &[u8]) -> u64 {
    // From the last byte to the first: Σ b[k] · PRIMEᵏ by Horner's rule.
    bytes.iter().rev().fold(0, |sum: u64, byte| sum.wrapping_mul(PRIME).wrapping_add(u64::from(*byte)))
}

/// The same for at most five bytes, whose products do not wait for each other.
fn run(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .zip(POWERS)
        .fold(0, |sum: u64, (byte, power)| sum.wrapping_add(power.wrapping_mul(u64::from(*byte))))
}

const fn key(hash: u64, kind: u64) -> u32 {
    let mixed = hash ^ kind.wrapping_mul(KIND);
    let mixed = mixed ^ (mixed >> 32);
    (mixed.wrapping_mul(MIX) >> 32) as u32
}
