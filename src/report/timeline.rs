//! Figures over time, in periods that widen as the log does.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::latency::Latencies;
use super::written;
use super::{Rate, Tally};

/// Most periods of a trend.
const MOST: i64 = 100;
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;
/// The widths that a period may have, in seconds, each a multiple of the one before.
const WIDTHS: [i64; 6] = [HOUR, DAY, WEEK, 4 * WEEK, 52 * WEEK, 520 * WEEK];
/// 1970-01-05, a Monday: weeks begin on Mondays.
const MONDAY: i64 = 4 * DAY;

/// How the figures went over time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trend {
    /// The length of a period in seconds; periods begin at full hours, at midnight UTC or on Mondays.
    pub period_s: i64,
    /// The periods from the first decision to the last, those without decisions too.
    pub periods: Vec<Period>,
}

/// The figures of one period.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Period {
    /// When it begins, RFC 3339.
    pub start: String,
    /// Its decisions.
    pub decisions: Tally,
    /// Vetoes among them.
    pub veto_rate: Rate,
    /// Rewrites among them.
    pub rewrite_rate: Rate,
    /// Escalations among them.
    pub escalation_rate: Rate,
    /// Decisions judged in full.
    pub coverage_rate: Rate,
    /// The median latency, in microseconds.
    pub latency_p50_us: Option<u64>,
    /// The latency that one in a hundred passes, in microseconds.
    pub latency_p99_us: Option<u64>,
}

/// What is gathered of one decision.
pub(super) struct Point<'a> {
    pub(super) decision: crate::verdict::Decision,
    pub(super) full: bool,
    pub(super) latency_us: u64,
    pub(super) scores: &'a BTreeMap<String, f32>,
}

/// What is gathered in a period.
#[derive(Clone, Debug, Default)]
pub(super) struct Cell {
    tally: Tally,
    full: u64,
    latencies: Latencies,
    pub(super) scores: super::drift::Scores,
}

/// Decisions by period.
#[derive(Clone, Debug, Default)]
pub(super) struct Timeline {
    width: usize,
    cells: BTreeMap<i64, Cell>,
}

impl Timeline {
    /// Adds a decision of this time; where it makes the trend too long, periods are joined.
    pub(super) fn add(&mut self, time: Timestamp, point: &Point<'_>) {
        let second = time.as_second();
        while self.span_with(self.key(second)) > MOST && self.width + 1 < WIDTHS.len() {
            self.widen();
        }
        let cell = self.cells.entry(self.key(second)).or_default();
        cell.tally.add(point.decision);
        cell.full += u64::from(point.full);
        cell.latencies.add(point.latency_us);
        cell.scores.add(point.scores);
    }

    /// The periods in order.
    pub(super) fn cells(&self) -> impl DoubleEndedIterator<Item = &Cell> + ExactSizeIterator {
        self.cells.values()
    }

    /// The trend.
    pub(super) fn trend(&self) -> Trend {
        let (Some((&first, _)), Some((&last, _))) =
            (self.cells.first_key_value(), self.cells.last_key_value())
        else {
            return Trend { period_s: self.seconds(), periods: Vec::new() };
        };
        let empty = Cell::default();
        let periods = (first..=last)
            .map(|key| {
                let cell = self.cells.get(&key).unwrap_or(&empty);
                let (tally, rate) = (cell.tally, |events| Rate::new(events, cell.tally.n));
                Period {
                    start: self.start(key),
                    decisions: tally,
                    veto_rate: rate(tally.veto),
                    rewrite_rate: rate(tally.rewrite),
                    escalation_rate: rate(tally.escalate),
                    coverage_rate: rate(cell.full),
                    latency_p50_us: cell.latencies.quantile(0.5),
                    latency_p99_us: cell.latencies.quantile(0.99),
                }
            })
            .collect();
        Trend { period_s: self.seconds(), periods }
    }

    fn seconds(&self) -> i64 {
        WIDTHS.get(self.width).copied().unwrap_or(DAY)
    }

    fn key(&self, second: i64) -> i64 {
        (second - MONDAY).div_euclid(self.seconds())
    }

    fn start(&self, key: i64) -> String {
        let second = key.saturating_mul(self.seconds()).saturating_add(MONDAY);
        Timestamp::from_second(second).map(written).unwrap_or_default()
    }

    /// How many periods the trend would have with this one.
    fn span_with(&self, key: i64) -> i64 {
        let first = self.cells.first_key_value().map_or(key, |(first, _)| key.min(*first));
        let last = self.cells.last_key_value().map_or(key, |(last, _)| key.max(*last));
        last - first + 1
    }

    fn widen(&mut self) {
        let before = self.seconds();
        self.width += 1;
        let after = self.seconds();
        for (key, cell) in std::mem::take(&mut self.cells) {
            let wider = self.cells.entry((key * before).div_euclid(after)).or_default();
            wider.tally.merge(&cell.tally);
            wider.full += cell.full;
            wider.latencies.merge(&cell.latencies);
            wider.scores.merge(&cell.scores);
        }
    }
}
