//! The entry: computations at a chosen CPU level, on inputs that are checked here.

use crate::error::InputError;
use crate::isa::{Isa, LANES};
use crate::level::Level;
use crate::ops::attention::{attend, attention_block};
use crate::ops::bound::KeepsBound;
use crate::ops::embed::Embed;
use crate::ops::feed_forward::feed_forward_block;
use crate::ops::heads::Pool;
use crate::ops::linear::linear;
use crate::ops::places;
use crate::ops::quantize::{Quantize, codes_of_row};
use crate::scalar::Scalar;
use crate::scratch::{Scratch, take_lanes};
use crate::sequences::Sequences;
use crate::weights::embeddings::Embeddings;
use crate::weights::heads::HeadWeights;
use crate::weights::layer::{AttentionWeights, FeedForwardWeights};
use crate::weights::linear::PackedLinear;

#[cfg(target_arch = "x86_64")]
use crate::{amx_int8::AmxInt8, avx_vnni::AvxVnni, avx2::Avx2, avx512_vnni::Avx512Vnni};
#[cfg(target_arch = "aarch64")]
use crate::{neon::Neon, neon_dotprod::NeonDotprod, neon_i8mm::NeonI8mm};

/// The computations of an encoder at one CPU level; every level gives the same bits.
///
/// A batch is packed: the rows of all sequences lie one after another without padding, and `bounds` holds where each
/// begins, with the number of rows as its last element: `[0, len0, len0 + len1, …]`. `[0]` is the empty batch, and an
/// empty sequence is an error. What a sequence gets depends on nothing else in the batch.
///
/// All calls run on the calling thread. The value is a proof that this CPU has the level's instructions, and can be
/// copied and shared between threads; each thread brings its own [`Scratch`].
#[derive(Debug, Clone, Copy)]
pub struct Kernels {
    proof: Proof,
}

/// Declares the proof of one level, and how it is asked for and named.
macro_rules! proofs {
    ($($(#[$cfg:meta])? $level:ident,)+) => {
        /// The proof of one level.
        #[derive(Clone, Copy)]
        enum Proof {
            $($(#[$cfg])? $level($level),)+
        }

        impl Proof {
            fn new(level: Level) -> Option<Self> {
                match level {
                    $($(#[$cfg])? Level::$level => $level::new().map(Self::$level),)+
                    // The levels of other architectures.
                    _ => None,
                }
            }

            fn level(self) -> Level {
                match self {
                    $($(#[$cfg])? Self::$level(_) => Level::$level,)+
                }
            }
        }
    };
}

proofs! {
    Scalar,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    AvxVnni,
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
    #[cfg(target_arch = "x86_64")]
    AmxInt8,
    #[cfg(target_arch = "aarch64")]
    Neon,
    #[cfg(target_arch = "aarch64")]
    NeonDotprod,
    #[cfg(target_arch = "aarch64")]
    NeonI8mm,
}

impl Proof {
    /// The proof to use for a whole block of so many rows: tiles pay only from some number on.
    fn for_rows(self, rows: usize) -> Self {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::AmxInt8(isa) if rows < AmxInt8::FEWEST_ROWS => Self::Avx512Vnni(isa.into()),
            proof => {
                let _ = rows;
                proof
            }
        }
    }
}

/// Evaluates `$call` with `$isa` bound to the proof of the level at hand.
macro_rules! with_isa {
    ($proof:expr, $isa:ident => $call:expr) => {
        match $proof {
            Proof::Scalar($isa) => $call,
            #[cfg(target_arch = "x86_64")]
            Proof::Avx2($isa) => $call,
            #[cfg(target_arch = "x86_64")]
            Proof::AvxVnni($isa) => $call,
            #[cfg(target_arch = "x86_64")]
            Proof::Avx512Vnni($isa) => $call,
            #[cfg(target_arch = "x86_64")]
            Proof::AmxInt8($isa) => $call,
            #[cfg(target_arch = "aarch64")]
            Proof::Neon($isa) => $call,
            #[cfg(target_arch = "aarch64")]
            Proof::NeonDotprod($isa) => $call,
            #[cfg(target_arch = "aarch64")]
            Proof::NeonI8mm($isa) => $call,
        }
    };
}

impl Kernels {
    /// The computations at `level`, or `None` when this CPU does not have it.
    #[must_use]
    pub fn new(level: Level) -> Option<Self> {
        Some(Self { proof: Proof::new(level)? })
    }

    /// The level that the computations run at.
    #[must_use]
    pub fn level(&self) -> Level {
        self.proof.level()
    }

    /// Embeds tokens: `out[row] = norm(word[ids[row]] + position[row - start of its sequence])`.
    ///
    /// `ids` has one id a row and `out` the hidden width a row.
    ///
    /// # Errors
    ///
    /// [`InputError`] when an id is outside the vocabulary, a sequence is empty or longer than the positions, the
    /// bounds do not cover the ids, or `out` has another length.
    pub fn embed(
        &self,
        embeddings: &Embeddings<'_>,
        ids: &[u32],
        bounds: &[usize],
        out: &mut [f32],
    ) -> Result<(), InputError> {
        let sequences = Sequences::new(bounds, ids.len())?.at_most(embeddings.positions())?;
        InputError::length("out", out.len(), ids.len().saturating_mul(embeddings.hidden()))?;
        let vocabulary = embeddings.vocabulary();
        if let Some((row, &found)) = ids.iter().enumerate().find(|(_, id)| **id as usize >= vocabulary) {
            return Err(InputError::TokenOutOfVocabulary { row, found, vocabulary });
        }
        with_isa!(self.proof, isa => isa.run(Embed { embeddings, ids, sequences, out }));
        Ok(())
    }

    /// Runs a layer's attention block in place: `x ← norm(x + output(attention(qkv(x))))`, each sequence for itself.
    ///
    /// `x` has the hidden width a row.
    ///
    /// # Errors
    ///
    /// [`InputError`] when a sequence is empty or the bounds do not cover `x`.
    pub fn attention_block(
        &self,
        weights: &AttentionWeights<'_>,
        bounds: &[usize],
        x: &mut [f32],
        scratch: &mut Scratch,
    ) -> Result<(), InputError> {
        let rows = rows("x", x.len(), weights.hidden())?;
        let sequences = Sequences::new(bounds, rows)?;
        with_isa!(self.proof.for_rows(rows), isa => attention_block(isa, weights, sequences, x, scratch));
        Ok(())
    }

    /// The first half of [`Kernels::attention_block`] for some rows: `qkv` gets their queries, keys and values.
    ///
    /// The two halves are for several threads. The rows of a batch are split into parts, each with its rows of `x` and
    /// a scratch of its own; every part is projected into its piece of one buffer, and when all are done,
    /// [`Kernels::attend`] runs for each. The bits are those of the whole block, whatever the parts.
    ///
    /// `x` has the hidden width a row and `qkv` three times as much, in an order of this crate's own. A piece that
    /// begins at a multiple of 64 bytes is fastest.
    ///
    /// # Errors
    ///
    /// [`InputError`] when `x` is not made of whole rows or `qkv` has another length.
    pub fn project(
        &self,
        weights: &AttentionWeights<'_>,
        x: &[f32],
        qkv: &mut [f32],
        scratch: &mut Scratch,
    ) -> Result<(), InputError> {
        rows("x", x.len(), weights.hidden())?;
        InputError::length("qkv", qkv.len(), x.len().saturating_mul(3))?;
        let qkv = qkv.as_chunks_mut().0;
        with_isa!(self.proof, isa => linear(isa, &weights.qkv, x, qkv, &mut scratch.codes));
        Ok(())
    }

    /// The second half of [`Kernels::attention_block`] for the rows of one part, in place:
    /// `x ← norm(x + output(attention(qkv)))`.
    ///
    /// `parts` says where each part begins, with the number of rows as its last element, as `bounds` does for sequences.
    /// `qkv` holds what [`Kernels::project`] gave for each part, and `x` the rows of part number `part`.
    ///
    /// # Errors
    ///
    /// [`InputError`] when a sequence or a part is empty, they or `part` do not cover `qkv`, or `x` has another length.
    #[expect(clippy::too_many_arguments, reason = "what is shared by all parts, and what is the part's own")]
    pub fn attend(
        &self,
        weights: &AttentionWeights<'_>,
        bounds: &[usize],
        qkv: &[f32],
        parts: &[usize],
        part: usize,
        x: &mut [f32],
        scratch: &mut Scratch,
    ) -> Result<(), InputError> {
        let hidden = weights.hidden();
        let rows = rows("qkv", qkv.len(), 3 * hidden)?;
        let sequences = Sequences::new(bounds, rows)?;
        let own = Sequences::new(parts, rows)?.iter().nth(part);
        InputError::length("x", x.len(), own.map_or(0, |own| own.len() * hidden))?;
        if x.is_empty() {
            return Ok(());
        }
        let qkv = qkv.as_chunks().0;
        with_isa!(self.proof, isa => attend(isa, weights, sequences.iter(), qkv, parts, part, x, scratch));
        Ok(())
    }

    /// Runs a layer's feed-forward block in place: `x ← norm(x + output(gelu(input(x))))`, row by row.
    ///
    /// # Errors
    ///
    /// [`InputError`] when `x` is not made of whole rows of the hidden width.
    pub fn feed_forward_block(
        &self,
        weights: &FeedForwardWeights<'_>,
        x: &mut [f32],
        scratch: &mut Scratch,
    ) -> Result<(), InputError> {
        let rows = rows("x", x.len(), weights.hidden())?;
        with_isa!(self.proof.for_rows(rows), isa => feed_forward_block(isa, weights, x, scratch));
        Ok(())
    }

    /// Pools the final rows and scores them: for each sequence `pooled` gets the mean row (the hidden width) and
    /// `logits` one number a head.
    ///
    /// `attention`, when given, gets one number a head for each row of `x`: what share of the head's attention the
    /// token had, in `0..=1`, summing to 1 over a sequence.
    ///
    /// # Errors
    ///
    /// [`InputError`] when a sequence is empty, the bounds do not cover `x`, or a buffer has another length.
    #[expect(clippy::too_many_arguments, reason = "three separate outputs, none worth a type of its own")]
    pub fn pool_heads(
        &self,
        weights: &HeadWeights<'_>,
        bounds: &[usize],
        x: &[f32],
        pooled: &mut [f32],
        logits: &mut [f32],
        attention: Option<&mut [f32]>,
        scratch: &mut Scratch,
    ) -> Result<(), InputError> {
        let (hidden, heads) = (weights.hidden(), weights.len());
        let rows = rows("x", x.len(), hidden)?;
        let sequences = Sequences::new(bounds, rows)?;
        InputError::length("pooled", pooled.len(), sequences.len().saturating_mul(hidden))?;
        InputError::length("logits", logits.len(), sequences.len().saturating_mul(heads))?;
        let mut attention = match attention {
            Some(attention) => {
                InputError::length("attention", attention.len(), rows.saturating_mul(heads))?;
                attention
            }
            None => &mut [],
        };
        let mut x = x;
        let outputs = pooled.chunks_exact_mut(hidden).zip(logits.chunks_exact_mut(heads));
        for (sequence, (pooled, logits)) in sequences.iter().zip(outputs) {
            let rows;
            (rows, x) = x.split_at(sequence.len() * hidden);
            let shares;
            (shares, attention) = attention.split_at_mut(attention.len().min(sequence.len() * heads));
            let scores = &mut scratch.scores;
            with_isa!(self.proof, isa => {
                isa.run(Pool { weights, x: rows, pooled, logits, attention: shares, scores });
            });
        }
        Ok(())
    }

    /// Applies one linear layer: `out[row] = W x[row] + b`, each row of `x` (`k` elements) quantized to u8 first.
    ///
    /// `out` has `n` elements a row.
    ///
    /// # Errors
    ///
    /// [`InputError`] when `x` is not made of whole rows or `out` has another length.
    pub fn linear(
        &self,
        weights: &PackedLinear<'_>,
        x: &[f32],
        out: &mut [f32],
        scratch: &mut Scratch,
    ) -> Result<(), InputError> {
        let rows = rows("x", x.len(), weights.k())?;
        InputError::length("out", out.len(), rows.saturating_mul(weights.n()))?;
        with_isa!(self.proof, isa => linear_rows(isa, weights, x, out, scratch));
        Ok(())
    }

    /// Whether the codes `q` of a layer with `k` inputs, in the packed layout, keep the bound that [`PackedLinear`]
    /// describes.
    ///
    /// Bytes after the last whole group are passed over.
    #[must_use]
    pub fn keeps_bound(&self, q: &[i8], k: usize) -> bool {
        with_isa!(self.proof, isa => isa.run(KeepsBound { panels: q.as_chunks().0, groups: k / 4 }))
    }

    /// Quantizes rows of `k` elements as [`Kernels::linear`] does: `x * input = (code - zero) * scale`, approximately.
    ///
    /// `input` has `k` elements, `codes` has as many elements as `x`; `scale` and `zero` have one element a row. For reading and testing: the
    /// layers above keep the codes in a form of their own.
    ///
    /// # Errors
    ///
    /// [`InputError`] when `k` is no positive multiple of 4, `x` is not made of whole rows, or a buffer has another
    /// length.
    pub fn quantize_rows(
        &self,
        x: &[f32],
        input: &[f32],
        codes: &mut [u8],
        scale: &mut [f32],
        zero: &mut [u8],
        scratch: &mut Scratch,
    ) -> Result<(), InputError> {
        let k = input.len();
        if k == 0 || !k.is_multiple_of(4) {
            return Err(InputError::Length { what: "row", found: k, expected: (k / 4 + 1) * 4 });
        }
        let rows = rows("x", x.len(), k)?;
        InputError::length("codes", codes.len(), x.len())?;
        InputError::length("scale", scale.len(), rows)?;
        InputError::length("zero", zero.len(), rows)?;
        with_isa!(self.proof, isa => quantize_rows(isa, x, input, (codes, scale, zero), scratch));
        Ok(())
    }
}

/// The number of rows of `width` elements in a buffer of `len`, which must be whole.
fn rows(what: &'static str, len: usize, width: usize) -> Result<usize, InputError> {
    let rows = len / width;
    InputError::length(what, len, rows * width)?;
    Ok(rows)
}

fn linear_rows<I: Isa>(
    isa: I,
    weights: &PackedLinear<'_>,
    x: &[f32],
    out: &mut [f32],
    scratch: &mut Scratch,
) {
    let chunks = weights.n() / LANES;
    let rows = out.len() / weights.n();
    let tiled = take_lanes(&mut scratch.wide, rows * chunks);
    linear(isa, weights, x, tiled, &mut scratch.codes);
    for (place, out) in places(rows, I::TILE_ROWS, chunks).zip(out.chunks_exact_mut(weights.n())) {
        for (c, out) in out.as_chunks_mut().0.iter_mut().enumerate() {
            if let Some(chunk) = tiled.get(place.chunk(c)) {
                *out = *chunk;
            }
        }
    }
}

fn quantize_rows<I: Isa>(
    isa: I,
    x: &[f32],
    input: &[f32],
    (codes, scale, zero): (&mut [u8], &mut [f32], &mut [u8]),
    scratch: &mut Scratch,
) {
    let store = &mut scratch.codes;
    isa.run(Quantize { x, input, codes: store });
    let (k, rows) = (input.len(), scale.len());
    for (row, codes) in codes.chunks_exact_mut(k).enumerate() {
        for (to, code) in codes.iter_mut().zip(codes_of_row::<I>(store, rows, k, row)) {
            *to = code;
        }
    }
    for ((scale, zero), step) in scale.iter_mut().zip(zero).zip(&store.steps) {
        *scale = step.scale;
        *zero = step.zero as u8;
    }
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.level().name())
    }
}
