//! Groups windows of many texts into packs that one forward pass takes.

use std::ops::Range;

/// One window of one text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// Index of the text.
    pub(super) text: usize,
    /// Its tokens, special ones not counted.
    pub(super) range: Range<usize>,
}

/// Tokens that a pack gathers before it is closed: enough that reading the weights is paid for, few enough that
/// the rows stay in the second-level cache.
const PACK_TOKENS: usize = 256;
/// The two special tokens of a window.
pub(super) const SPECIAL: usize = 2;

/// Packs the windows, shortest first, so that short ones share a pass; a window is named by its place in `windows`.
pub(super) fn packs(windows: &[Window]) -> Vec<Vec<usize>> {
    let mut order: Vec<(usize, &Window)> = windows.iter().enumerate().collect();
    order.sort_by_key(|(_, window)| (window.range.len(), window.text, window.range.start));
    let mut packs: Vec<Vec<usize>> = Vec::new();
    let mut tokens = 0;
    for (place, window) in order {
        let length = window.range.len() + SPECIAL;
        match packs.last_mut() {
            Some(pack) if tokens + length <= PACK_TOKENS => pack.push(place),
            _ => {
                packs.push(vec![place]);
                tokens = 0;
            }
        }
        tokens += length;
    }
    packs
}
