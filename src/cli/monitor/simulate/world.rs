//! Verdicts drawn at random, and a watch over them.

use super::chance::Chance;
use portcullis::installation::MonitorSettings;
use portcullis::monitor::{Baseline, Bounds, Change, Counts, Observation, References, State, Taken};
use portcullis::{Coverage, Decision, PolicyRef};
use portcullis_calibration::Reference;
use std::sync::Arc;

/// Verdicts of a baseline, of a run without a shift, before a shift, and after it at most.
const BASELINE: u64 = 10_000;
pub(super) const QUIET: u64 = 10_000;
const BEFORE: u64 = 10_000;
const AFTER: u64 = 50_000;
/// Verdicts a second.
const A_SECOND: i64 = 5;
const HEADS: [&str; 6] = ["head_a", "head_b", "head_c", "head_d", "head_e", "head_f"];
const SLICES: [&str; 4] = ["north", "east", "south", "west"];

/// How verdicts are drawn.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    veto: f64,
    fault: f64,
    /// How far the logits of the first head are moved, in standard deviations.
    score: f64,
    /// By what times are multiplied.
    slower: f64,
    /// By what vetoes in the first slice are multiplied.
    slice: f64,
}

const USUAL: Kind = Kind { veto: 0.02, fault: 0.001, score: 0.0, slower: 1.0, slice: 1.0 };

/// A change of how verdicts are drawn.
#[derive(Clone, Copy)]
pub(super) struct Shift {
    pub(super) name: &'static str,
    pub(super) indicator: &'static str,
    kind: Kind,
}

impl Shift {
    /// Those that are measured.
    pub(super) const ALL: [Self; 11] = [
        Self { name: "veto rate x1.5", indicator: "veto_rate", kind: Kind { veto: 0.03, ..USUAL } },
        Self { name: "veto rate x2", indicator: "veto_rate", kind: Kind { veto: 0.04, ..USUAL } },
        Self { name: "veto rate x5", indicator: "veto_rate", kind: Kind { veto: 0.10, ..USUAL } },
        Self { name: "veto rate to 0", indicator: "veto_rate", kind: Kind { veto: 0.0, ..USUAL } },
        Self {
            name: "veto rate in a slice x5",
            indicator: "slice_veto_rate",
            kind: Kind { slice: 5.0, ..USUAL },
        },
        Self { name: "fault rate to 2%", indicator: "fault_rate", kind: Kind { fault: 0.02, ..USUAL } },
        Self { name: "fault rate to 10%", indicator: "fault_rate", kind: Kind { fault: 0.10, ..USUAL } },
        // The index of two normal distributions is about the square of the distance of their means.
        Self { name: "scores by 0.4 sd, psi 0.15", indicator: "drift", kind: Kind { score: 0.4, ..USUAL } },
        Self { name: "scores by 0.6 sd, psi 0.33", indicator: "drift", kind: Kind { score: 0.6, ..USUAL } },
        Self { name: "scores by 1 sd, psi 0.9", indicator: "drift", kind: Kind { score: 1.0, ..USUAL } },
        Self { name: "latency x3", indicator: "latency_p99", kind: Kind { slower: 3.0, ..USUAL } },
    ];
}

/// One run.
pub(super) struct World {
    chance: Chance,
    policy: PolicyRef,
    references: Arc<References>,
    baseline: Baseline,
    settings: MonitorSettings,
    state: State,
    drawn: i64,
}

impl World {
    /// The run of this number for the row of that one: a baseline is taken.
    pub(super) fn new(seed: u64, row: u64, run: u32) -> Self {
        let mut chance =
            Chance::new(seed ^ (row << 40) ^ (u64::from(run) << 8).wrapping_mul(0x2545_F491_4F6C_DD1D));
        let policy = PolicyRef { id: "simulated".into(), version: "1.0.0".into(), digest: "0".repeat(64) };
        let samples: Vec<Vec<f32>> =
            HEADS.iter().map(|_| (0..BASELINE).map(|_| score(&mut chance, 0.0)).collect()).collect();
        let spreads =
            HEADS.iter().zip(&samples).filter_map(|(head, sample)| Reference::of_sample(head, sample));
        let spreads: Vec<Reference> = spreads.collect();
        let references = Arc::new(References::new(spreads.clone()));
        let mut world = Self {
            chance,
            policy,
            references,
            baseline: Baseline::new(taken(), &Counts::default(), &[]),
            settings: MonitorSettings::default(),
            state: State::default(),
            drawn: 0,
        };
        // The totals are the counts of what was drawn so far.
        for _ in 0..BASELINE {
            let observation = world.draw(USUAL);
            world.state.record(&observation, &world.settings);
        }
        world.baseline = Baseline::new(taken(), &world.state.totals.counts, &spreads);
        world.state = State::default();
        world
    }

    /// Alerts raised while nothing changes.
    pub(super) fn false_alarms(mut self) -> u64 {
        let changes: Vec<Change> = (0..QUIET).flat_map(|_| self.step(USUAL)).collect();
        changes.iter().filter(|change| matches!(change, Change::Raised(_))).count() as u64
    }

    /// Verdicts after a shift until its alert.
    pub(super) fn wait(mut self, shift: Shift) -> Option<u64> {
        for _ in 0..BEFORE {
            self.step(USUAL);
        }
        let is_it =
            |change: &Change| matches!(change, Change::Raised(alert) if alert.indicator == shift.indicator);
        (1..=AFTER).find(|_| self.step(shift.kind).iter().any(is_it))
    }

    fn step(&mut self, kind: Kind) -> Vec<Change> {
        let observation = self.draw(kind);
        let (watch, due) = self.state.record(&observation, &self.settings);
        if !due {
            return Vec::new();
        }
        watch.evaluate(&Bounds {
            settings: &self.settings,
            rollback: None,
            baseline: Some(&self.baseline),
            references: &self.references,
        })
    }

    fn draw(&mut self, kind: Kind) -> Observation {
        let time = 1_900_000_000 + self.drawn / A_SECOND;
        self.drawn += 1;
        let chance = &mut self.chance;
        let mut observation = Observation::new(time, &self.policy, MODEL, &self.references);
        let slice = chance.below(SLICES.len());
        observation.slice = SLICES.get(slice).map(|&slice| slice.to_owned());
        let veto = if slice == 0 { kind.veto * kind.slice } else { kind.veto };
        observation.fault = chance.share() < kind.fault;
        let roll = chance.share();
        observation.decision = match roll {
            _ if observation.fault => Decision::Veto,
            roll if roll < veto => Decision::Veto,
            roll if roll < veto + 0.01 => Decision::Escalate,
            roll if roll < veto + 0.06 => Decision::Rewrite,
            _ => Decision::Allow,
        };
        if observation.fault {
            observation.coverage = Coverage::Partial;
        }
        observation.rules = match observation.decision {
            Decision::Allow => Vec::new(),
            Decision::Rewrite => vec![format!("rewrite.{}", chance.below(2))],
            Decision::Escalate => vec!["escalate".to_owned()],
            Decision::Veto => vec![format!("veto.{}", chance.below(3))],
        };
        observation.latency_us = (700.0 * kind.slower * (0.5 * chance.normal()).exp()) as u64;
        let scores: Vec<f32> = HEADS
            .iter()
            .enumerate()
            .map(|(head, _)| score(chance, if head == 0 { kind.score } else { 0.0 }))
            .collect();
        observation.measure(|signal| {
            let head = HEADS.iter().position(|head| *head == signal)?;
            scores.get(head).copied()
        });
        observation
    }
}

const MODEL: &str = "model/calibration";

/// A score whose logit is normal, as that of a head on innocent texts.
fn score(chance: &mut Chance, moved: f64) -> f32 {
    let logit = -4.0 + 1.5 * (chance.normal() + moved);
    (1.0 / (1.0 + (-logit).exp())) as f32
}

fn taken() -> Taken<'static> {
    let at = String::from("2030-03-17T17:46:40Z");
    Taken {
        by: "simulate",
        taken: at.clone(),
        from: at.clone(),
        to: at,
        policy: "0".repeat(64),
        model: MODEL.into(),
    }
}
