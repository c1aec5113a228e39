//! Sliding windows over verdicts, by count and by time: rings of cells, each the counts over a run of verdicts.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::counts::{Counts, Names};
use super::observation::Observation;
use crate::installation::MonitorSettings;

/// Cells of a window by count, and of one by time.
const CELLS_BY_COUNT: u64 = 20;
const CELLS_BY_TIME: i64 = 60;
/// Verdicts older than this before the newest are in no window by count, in seconds; or older than the window by time.
const OLDEST: i64 = 86_400;

/// A run of verdicts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Cell {
    /// When it began, in seconds since 1970.
    start: i64,
    counts: Counts,
}

/// How large windows and cells are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Shape {
    /// Verdicts of the long window.
    verdicts: u64,
    /// Seconds of the window by time.
    seconds: i64,
}

impl Shape {
    pub(super) fn of(settings: &MonitorSettings) -> Self {
        Self { verdicts: settings.window_verdicts, seconds: settings.window }
    }

    fn cell_verdicts(self) -> u64 {
        (self.verdicts / CELLS_BY_COUNT).max(1)
    }

    fn cell_seconds(self) -> i64 {
        (self.seconds / CELLS_BY_TIME).max(1)
    }
}

/// The windows of one policy.
///
/// The window of the last N verdicts has N to N and a twentieth of them, that of the last T seconds T less a sixtieth to T.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Windows {
    shape: Shape,
    by_count: VecDeque<Cell>,
    by_time: VecDeque<Cell>,
    /// The greatest time of a verdict so far.
    latest: i64,
}

impl Windows {
    pub(super) const fn new(shape: Shape) -> Self {
        Self { shape, by_count: VecDeque::new(), by_time: VecDeque::new(), latest: i64::MIN }
    }

    pub(super) const fn shape(&self) -> Shape {
        self.shape
    }

    /// Whether what was read from a file can be gone on with.
    pub(super) fn is_sound(&self) -> bool {
        let cells = |ring: &VecDeque<Cell>, most: usize| ring.len() <= most;
        (1..=1 << 32).contains(&self.shape.verdicts)
            && (1..=1 << 32).contains(&self.shape.seconds)
            && cells(&self.by_count, 64)
            && cells(&self.by_time, 256)
    }

    /// The time of the newest verdict; nothing without one.
    pub(super) fn latest(&self) -> Option<i64> {
        (!self.by_count.is_empty()).then_some(self.latest)
    }

    /// Counts a verdict.
    ///
    /// A clock that goes back by less than the window moves nothing: the verdict counts as of the newest time. One that goes
    /// back further was wrong before, and the window by time begins anew.
    pub(super) fn record(&mut self, observation: &Observation, names: &mut Names) {
        let time = if observation.time < self.latest.saturating_sub(self.shape.seconds) {
            self.by_time.clear();
            observation.time
        } else {
            observation.time.max(self.latest)
        };
        self.latest = time;
        let full = |cell: &Cell| cell.counts.all.verdicts >= self.shape.cell_verdicts();
        if self.by_count.back().is_none_or(full) {
            self.by_count.push_back(Cell { start: time, counts: Counts::default() });
            // One more than the window: the newest is being filled.
            while self.by_count.len() > 1 + CELLS_BY_COUNT as usize {
                self.by_count.pop_front();
            }
        }
        let width = self.shape.cell_seconds();
        let start = time.div_euclid(width) * width;
        if self.by_time.back().is_none_or(|cell| cell.start < start) {
            self.by_time.push_back(Cell { start, counts: Counts::default() });
        }
        while self.by_time.front().is_some_and(|cell| cell.start <= time - self.shape.seconds) {
            self.by_time.pop_front();
        }
        for cell in [self.by_count.back_mut(), self.by_time.back_mut()].into_iter().flatten() {
            cell.counts.record(observation, names);
        }
    }

    /// The counts of the last `verdicts`, at most those of the long window.
    pub(super) fn last(&self, verdicts: u64) -> Counts {
        let oldest = self.latest.saturating_sub(OLDEST.max(self.shape.seconds));
        let mut sum = Counts::default();
        for cell in self.by_count.iter().rev().take_while(|cell| cell.start >= oldest) {
            if sum.all.verdicts >= verdicts {
                break;
            }
            sum.add(&cell.counts);
        }
        sum
    }

    /// The counts of the long window.
    pub(super) fn long(&self) -> Counts {
        self.last(self.shape.verdicts)
    }

    /// The counts of the short window: a tenth of the long one.
    pub(super) fn short(&self) -> Counts {
        self.last(self.shape.verdicts / 10)
    }

    /// The counts of the `seconds` before `now`, at most those of the window by time.
    pub(super) fn since(&self, now: i64, seconds: i64) -> Counts {
        let from = now.saturating_sub(seconds);
        let mut sum = Counts::default();
        for cell in self.by_time.iter().rev().take_while(|cell| cell.start > from) {
            sum.add(&cell.counts);
        }
        sum
    }

    /// The counts of the window by time.
    pub(super) fn timed(&self, now: i64) -> Counts {
        self.since(now, self.shape.seconds)
    }

    /// The names that are counted one by one.
    pub(super) fn names(&self) -> Names {
        Names::of(self.by_count.iter().chain(&self.by_time).map(|cell| &cell.counts))
    }
}
