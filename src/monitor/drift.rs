//! Drift of scores and of inputs: how far the spread of a signal is from its reference.

use portcullis_calibration::Reference;
use serde::Serialize;

use super::counts::Counts;
use super::observation::References;

/// A p-value below this is taken for sure. Windows overlap and there is a test for every signal, so it is small.
const SURE: f64 = 1e-6;

/// One signal beside its reference.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Drift {
    /// A head's name, or `embedding.` and a number.
    pub signal: String,
    /// The population stability index: see [`Reference::psi`].
    pub psi: f64,
    /// Of Pearson's chi-square test over the reference's parts: see [`Reference::p_value`].
    pub p_value: f64,
    /// Verdicts in which the signal was measured.
    pub verdicts: u64,
    /// The rows of the reference.
    pub reference_rows: u64,
}

impl Drift {
    fn new(reference: &Reference, counts: &[u64]) -> Option<Self> {
        // A part that nothing fell into yet may not be counted yet.
        let mut counts = counts.to_vec();
        counts.resize(reference.parts(), 0);
        Some(Self {
            signal: reference.signal().to_owned(),
            psi: reference.psi(&counts)?,
            p_value: reference.p_value(&counts)?,
            verdicts: counts.iter().sum(),
            reference_rows: reference.rows(),
        })
    }

    /// Whether the spreads differ beyond what chance does.
    #[must_use]
    pub fn is_sure(&self) -> bool {
        self.p_value < SURE
    }
}

/// The drift of every signal that was measured.
pub(super) fn all(references: &References, counts: &Counts) -> Vec<Drift> {
    let pairs = references.list().iter().zip(&counts.signals);
    pairs.filter_map(|(reference, counts)| Drift::new(reference, counts)).collect()
}

/// The signal that is furthest from its reference.
pub(super) fn largest(references: &References, counts: &Counts) -> Option<Drift> {
    all(references, counts).into_iter().max_by(|a, b| a.psi.total_cmp(&b.psi))
}
