//! Latencies in bounded memory: a histogram whose cells grow with the value.

use std::collections::BTreeMap;

/// Cells between one power of two and the next: a quantile is at most 1/64 above the true one.
const CELLS: u64 = 64;

/// How often each latency was seen, in microseconds.
#[derive(Clone, Debug, Default)]
pub(super) struct Latencies {
    cells: BTreeMap<u64, u64>,
    n: u64,
}

impl Latencies {
    /// Counts one more.
    pub(super) fn add(&mut self, microseconds: u64) {
        *self.cells.entry(upper_edge(microseconds)).or_default() += 1;
        self.n += 1;
    }

    /// Counts those of `other` too.
    pub(super) fn merge(&mut self, other: &Self) {
        for (edge, n) in &other.cells {
            *self.cells.entry(*edge).or_default() += n;
        }
        self.n += other.n;
    }

    /// How many there are.
    pub(super) const fn n(&self) -> u64 {
        self.n
    }

    /// The latency that a share `q` of them does not pass (nearest rank), in microseconds; none when there are none.
    pub(super) fn quantile(&self, q: f64) -> Option<u64> {
        let rank = ((q * self.n as f64).ceil() as u64).max(1);
        let mut below = 0;
        self.cells.iter().find_map(|(edge, n)| {
            below += n;
            (below >= rank).then_some(*edge)
        })
    }
}

/// The greatest value of the cell that `value` is in.
const fn upper_edge(value: u64) -> u64 {
    if value < 2 * CELLS {
        return value;
    }
    let width = 1 << (value.ilog2() - CELLS.ilog2());
    value | (width - 1)
}
