//! What is done with the kernels before they answer anything: they are tried against candle's graph on the same device, and measured.

use std::time::{Duration, Instant};

use portcullis::bundle::Weights;
use portcullis::encode::{Answers, Batch};
use portcullis_kernels::device::{Failure, FailureKind};

use super::choice::{batch, disagreement, fastest, told};
use super::driver::Driver;
use super::launch::{Encoder, Kernels};
use super::plan::PLANS;
use super::runner::{Runner, Way};
use super::uploaded::Uploaded;

/// For how long a batch is waited for: ten thousand times what it takes.
const PATIENCE: Duration = Duration::from_secs(5);
/// Batches by which small plans and large ones are measured: sequences and their length.
const SMALL: [(usize, usize); 4] = [(1, 16), (1, 64), (1, 256), (8, 128)];
const LARGE: [(usize, usize); 2] = [(32, 128), (256, 128)];
/// How often.
const SMALL_ROUNDS: usize = 12;
const LARGE_ROUNDS: usize = 3;

/// What was found out.
pub(super) struct Trial<'a> {
    pub(super) weights: &'a Weights,
    pub(super) after: &'a [usize],
    pub(super) ordinal: usize,
    /// The batches that are tried, and what candle's graph says of them.
    pub(super) expected: &'a [(Batch, Answers)],
}

impl Trial<'_> {
    /// The encoder with the plans that agreed, and which they are in words.
    ///
    /// # Errors
    /// Why the kernels are not used.
    pub(super) fn run(&self) -> Result<(Runner, String), Failure> {
        let mut refused: Vec<(Way, String)> = Vec::new();
        loop {
            let mut runner = self.open(&mut refused)?;
            match self.compare(&mut runner, &mut refused) {
                End::Well => {
                    let said = self.choose(&mut runner, &refused)?;
                    return Ok((runner, said));
                }
                // What broke it is among the refused, so this ends.
                End::Broken => {}
                End::Busy(failure) => {
                    runner.driver.abandon();
                    return Err(failure);
                }
            }
        }
    }

    /// A context with the model in it, and the plans whose kernels it has.
    fn open(&self, refused: &mut Vec<(Way, String)>) -> Result<Runner, Failure> {
        let driver = Driver::open(self.ordinal)?;
        let mut kernels = Vec::new();
        for (place, plan) in PLANS.iter().enumerate().filter(|(_, plan)| plan.fits(&driver.gpu)) {
            let way = Way::Plain { plan: place };
            match Kernels::of(&driver, *plan) {
                Ok(of) => kernels.push((place, of)),
                Err(failure) if refused.iter().all(|(other, _)| *other != way) => {
                    refused.push((way, failure.to_string()))
                }
                Err(_) => {}
            }
        }
        let model = Uploaded::new(&driver, self.weights, driver.gpu.is_hopper())?;
        let mut runner = Runner::new(driver, Encoder { model, after: self.after.to_vec() }, kernels)?;
        runner.patience = Some(PATIENCE);
        Ok(runner)
    }

    /// Tries every way that is not refused yet, and adds those that do not agree.
    fn compare(&self, runner: &mut Runner, refused: &mut Vec<(Way, String)>) -> End {
        for way in ways(runner) {
            if is_refused(refused, way) {
                continue;
            }
            let objection =
                self.expected.iter().find_map(|(batch, expected)| match tried(runner, way, batch) {
                    Ok((logits, means)) => disagreement(&logits, &means, expected),
                    Err(failure) => Some(failure.to_string()),
                });
            let Some(said) = objection else { continue };
            refused.push((way, said.clone()));
            match runner.driver.settled(PATIENCE) {
                Some(Ok(())) => {}
                Some(Err(_)) => return End::Broken,
                None => return End::Busy(Failure::new(FailureKind::Lost, format!("{}: {said}", name(&way)))),
            }
        }
        End::Well
    }

    /// Measures what agreed, and has the fastest used.
    fn choose(&self, runner: &mut Runner, refused: &[(Way, String)]) -> Result<String, Failure> {
        let agreed: Vec<Way> = ways(runner).into_iter().filter(|way| !is_refused(refused, *way)).collect();
        let (graphs, plain): (Vec<Way>, Vec<Way>) =
            agreed.into_iter().partition(|way| matches!(way, Way::Graph { .. }));
        // A plan for large batches that is for small ones alone is better than none.
        let large = |way: &&Way| matches!(way, Way::Plain { plan } if PLANS.get(*plan).is_some_and(|plan| plan.large));
        let large: Vec<Way> = plain.iter().filter(large).copied().collect();
        let large = if large.is_empty() { &plain } else { &large };
        let graphs_chosen = self.measured(runner, &graphs, &SMALL, SMALL_ROUNDS)?;
        let parts_chosen = self.measured(runner, large, &LARGE, LARGE_ROUNDS)?;
        (runner.graphs_chosen, runner.parts_chosen) = (graphs_chosen, parts_chosen);
        runner.forget();
        runner.patience = None;
        let objections =
            refused.iter().map(|(way, said)| format!("{}: {said}", name(way))).collect::<Vec<_>>().join("; ");
        if runner.parts_chosen.is_empty() {
            return Err(Failure::new(FailureKind::Other, objections));
        }
        let graphs = match runner.graphs_chosen.is_empty() {
            true => "none".to_owned(),
            false => told(&runner.graphs_chosen, name),
        };
        let parts = told(&runner.parts_chosen, name);
        let objections = if objections.is_empty() { objections } else { format!("; not used: {objections}") };
        Ok(format!("own kernels, by tokens: graphs {graphs}; parts {parts}{objections}"))
    }

    fn measured(
        &self,
        runner: &mut Runner,
        ways: &[Way],
        sizes: &[(usize, usize)],
        rounds: usize,
    ) -> Result<Vec<(usize, Way)>, Failure> {
        let mut measured = Vec::new();
        for (sequences, length) in sizes {
            let batch = batch(&vec![*length; *sequences], self.weights.shape().vocabulary);
            let mut times = Vec::new();
            for way in ways {
                // The first is left out: it may record or make room.
                answered(runner, *way, &batch)?;
                let mut rounds = (0..rounds).map(|_| {
                    let start = Instant::now();
                    answered(runner, *way, &batch).map(|_| start.elapsed())
                });
                let mut took = rounds.by_ref().collect::<Result<Vec<Duration>, Failure>>()?;
                took.sort_unstable();
                times.extend(took.get(took.len() / 2).map(|time| (*way, *time)));
            }
            measured.push((sequences * length, times));
        }
        Ok(fastest(&measured))
    }
}

/// How a context is after a comparison.
enum End {
    Well,
    /// Of no use any more.
    Broken,
    /// At work for longer than anything takes.
    Busy(Failure),
}

/// Whether a way was refused, or for a graph the plan as plain launches.
fn is_refused(refused: &[(Way, String)], way: Way) -> bool {
    let plain = match way {
        Way::Graph { plan, .. } | Way::Plain { plan } => Way::Plain { plan },
    };
    refused.iter().any(|(other, _)| *other == way || *other == plain)
}

/// Every way of every plan of the device, the surest first.
fn ways(runner: &Runner) -> Vec<Way> {
    let plans = || runner.plans();
    let mut ways: Vec<Way> =
        plans().filter(|(_, plan)| !plan.whole).map(|(plan, _)| Way::Plain { plan }).collect();
    for early in [false, true] {
        // Only code for Hopper waits by itself for what was before it.
        if !early || runner.driver.gpu.is_hopper() {
            ways.extend(plans().filter(|(_, plan)| plan.small).map(|(plan, _)| Way::Graph { plan, early }));
        }
    }
    ways.extend(plans().filter(|(_, plan)| plan.whole).map(|(plan, _)| Way::Plain { plan }));
    ways
}

/// What is said of a batch in this way, with nothing left of what was said before.
fn tried(runner: &mut Runner, way: Way, batch: &Batch) -> Result<(Vec<f32>, Vec<f32>), Failure> {
    // The first makes room where there is too little.
    answered(runner, way, batch)?;
    runner.poison()?;
    answered(runner, way, batch)
}

fn answered(runner: &mut Runner, way: Way, batch: &Batch) -> Result<(Vec<f32>, Vec<f32>), Failure> {
    let mut logits = vec![f32::NAN; batch.len() * runner.heads()];
    let mut means = vec![f32::NAN; batch.len() * runner.width()];
    runner.answer_by(way, batch.ids(), batch.bounds(), &mut logits, &mut means)?;
    Ok((logits, means))
}

fn name(way: &Way) -> String {
    let plan = |plan: usize| PLANS.get(plan).map_or("", |plan| plan.name);
    match *way {
        Way::Graph { plan: of, early: false } => format!("{} graph", plan(of)),
        Way::Graph { plan: of, early: true } => format!("{} early", plan(of)),
        Way::Plain { plan: of } => plan(of).to_owned(),
    }
}
