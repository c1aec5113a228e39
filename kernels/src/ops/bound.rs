//! Whether weights keep the bound of a packed linear layer.

#![expect(clippy::indexing_slicing, reason = "lanes are below the length of their arrays")]

use crate::isa::{Isa, Task, WeightGroup};

/// What the codes of one sign in a quad sum to at most.
const QUAD_BOUND: u16 = 128;

/// Asks whether the panels of a layer, of `groups` groups each, keep the bound.
pub(crate) struct KeepsBound<'a> {
    pub(crate) panels: &'a [WeightGroup],
    pub(crate) groups: usize,
}

impl<I: Isa> Task<I> for KeepsBound<'_> {
    type Output = bool;

    #[inline(always)]
    fn run(self, _: I) -> bool {
        let mut most = [0u16; 32];
        for panel in self.panels.chunks(self.groups.max(1)) {
            let (runs, last) = panel.as_chunks::<2>();
            for [first, second] in runs {
                add_quads(&mut most, first, second);
            }
            for group in last {
                add_quads(&mut most, group, &[0; 64]);
            }
        }
        most.into_iter().all(|most| most <= QUAD_BOUND)
    }
}

/// Raises `most` to the sums of one sign of a run's 32 quads, each cut off at 255 a half.
#[inline(always)]
fn add_quads(most: &mut [u16; 32], first: &WeightGroup, second: &WeightGroup) {
    // Whole arrays at a time, bytes then words, which compilers turn into vector instructions.
    let (mut positive, mut negative) = ([0u8; 64], [0u8; 64]);
    for i in 0..64 {
        positive[i] = first[i].max(0).unsigned_abs().saturating_add(second[i].max(0).unsigned_abs());
        negative[i] = first[i].min(0).unsigned_abs().saturating_add(second[i].min(0).unsigned_abs());
    }
    let (positive, negative) = (positive.as_chunks::<2>().0, negative.as_chunks::<2>().0);
    for i in 0..32 {
        let sum = |pair: [u8; 2]| u16::from(pair[0]) + u16::from(pair[1]);
        most[i] = most[i].max(sum(positive[i])).max(sum(negative[i]));
    }
}
