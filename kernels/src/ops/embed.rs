//! Embedding: word row, widened where it is narrow, plus position row, normalised.

use crate::isa::{Isa, Lanes, Task};
use crate::ops::norm::normalize;
use crate::sequences::Sequences;
use crate::weights::embeddings::Embeddings;

/// Embeds checked ids, each sequence from position 0.
pub(crate) struct Embed<'a> {
    pub(crate) embeddings: &'a Embeddings<'a>,
    pub(crate) ids: &'a [u32],
    pub(crate) sequences: Sequences<'a>,
    pub(crate) out: &'a mut [f32],
}

impl<I: Isa> Task<I> for Embed<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self, isa: I) {
        let Embeddings { word, projection, position, norm } = self.embeddings;
        let positions = self.sequences.iter().flat_map(|rows| 0..rows.len());
        for ((out, &id), at) in self.out.chunks_exact_mut(norm.width()).zip(self.ids).zip(positions) {
            let out = out.as_chunks_mut().0;
            let (word, word_scale) = word.row(id as usize);
            let (position, position_scale) = position.row(at);
            let position_scale = isa.splat(position_scale);
            let mut sum = isa.splat(0.0);
            if projection.is_empty() {
                let word_scale = isa.splat(word_scale);
                for ((out, word), position) in out.iter_mut().zip(word).zip(position) {
                    let placed = isa.widen(position).mul(position_scale);
                    let both = isa.widen(word).mul_add(word_scale, placed);
                    both.store(out);
                    sum = sum.add(both);
                }
            } else {
                for (out, position) in out.iter_mut().zip(position) {
                    isa.widen(position).mul(position_scale).store(out);
                }
                let directions = projection.chunks_exact(out.len());
                for (&code, direction) in word.as_flattened().iter().zip(directions) {
                    let size = isa.splat(f32::from(code) * word_scale);
                    for (out, direction) in out.iter_mut().zip(direction) {
                        isa.load(direction).mul_add(size, isa.load(out)).store(out);
                    }
                }
                for out in &*out {
                    sum = sum.add(isa.load(out));
                }
            }
            normalize(isa, out, [sum], norm);
        }
    }
}
