//! How a signal is spread where all is well, and how far a later sample has drifted from that.

use crate::distribution::chi_square_upper;

/// Parts into which a reference divides its sample, before equal values are put together.
const PARTS: usize = 10;

/// The spread of one signal, such as a head's calibrated score, as counts between edges.
///
/// The edges are the deciles of a sample, so that each part holds about a tenth of it; fewer parts where values are equal.
/// A value belongs to the first part whose edge is greater than it.
///
/// # Example
///
/// ```
/// use portcullis_calibration::Reference;
///
/// let scores: Vec<f32> = (0..1000u16).map(|row| f32::from(row) / 1000.0).collect();
/// let reference = Reference::of_sample("toxicity", &scores).expect("the scores are finite");
/// assert_eq!(reference.parts(), 10);
/// let same = vec![100; 10];
/// assert!(reference.psi(&same).expect("as many parts") < 0.001);
/// let mut moved = vec![0; 10];
/// moved[9] = 1000;
/// assert!(reference.psi(&moved).expect("as many parts") > 1.0);
/// assert!(reference.p_value(&moved).expect("as many parts") < 1e-9);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    signal: String,
    edges: Vec<f32>,
    counts: Vec<u64>,
}

/// A reference that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReferenceError {
    /// A name that names nothing.
    #[error("found a signal of {found} characters, expected 1 to 64 of a-z, 0-9, `_` and `.`")]
    Signal {
        /// The length found.
        found: usize,
    },
    /// Edges that divide nothing.
    #[error("found {found} edges, expected 1 to 63 finite numbers that rise")]
    Edges {
        /// The number found.
        found: usize,
    },
    /// Counts that fit no edges.
    #[error("found {found} counts, expected {expected}, one more than the edges, whose sum is above 0")]
    Counts {
        /// The number found.
        found: usize,
        /// The number expected.
        expected: usize,
    },
}

impl Reference {
    /// The greatest number of edges.
    pub const MAX_EDGES: usize = 63;
    /// The greatest count of a part: 2^48.
    pub const MAX_COUNT: u64 = 1 << 48;

    /// A reference of parts.
    ///
    /// # Errors
    /// [`ReferenceError`].
    pub fn new(signal: &str, edges: Vec<f32>, counts: Vec<u64>) -> Result<Self, ReferenceError> {
        let word = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.');
        if !(1..=64).contains(&signal.len()) || !signal.bytes().all(word) {
            return Err(ReferenceError::Signal { found: signal.chars().count() });
        }
        let rising = edges.windows(2).all(|pair| matches!(pair, [low, high] if low < high));
        let finite = edges.iter().all(|edge| edge.is_finite());
        if !rising || !finite || !(1..=Self::MAX_EDGES).contains(&edges.len()) {
            return Err(ReferenceError::Edges { found: edges.len() });
        }
        let sound = counts.iter().all(|count| *count <= Self::MAX_COUNT);
        if counts.len() != edges.len() + 1 || !sound || counts.iter().sum::<u64>() == 0 {
            return Err(ReferenceError::Counts { found: counts.len(), expected: edges.len() + 1 });
        }
        Ok(Self { signal: signal.to_owned(), edges, counts })
    }

    /// The reference of a sample by its deciles; `None` where the sample has fewer than two different values, a value is not
    /// finite or the name is none.
    #[must_use]
    pub fn of_sample(signal: &str, values: &[f32]) -> Option<Self> {
        if values.iter().any(|value| !value.is_finite()) {
            return None;
        }
        let mut sorted: Vec<f32> = values.iter().map(|value| value + 0.0).collect();
        sorted.sort_unstable_by(f32::total_cmp);
        let decile = |part: usize| sorted.get(part * sorted.len() / PARTS).copied();
        let mut edges: Vec<f32> = (1..PARTS).filter_map(decile).collect();
        edges.dedup();
        // Nothing lies below the least value.
        let least = sorted.first().copied()?;
        edges.retain(|edge| *edge > least);
        if edges.is_empty() {
            edges.extend(sorted.iter().copied().find(|value| *value > least));
        }
        let mut counts = vec![0; edges.len() + 1];
        for value in &sorted {
            if let Some(count) = counts.get_mut(part(&edges, *value)) {
                *count += 1;
            }
        }
        Self::new(signal, edges, counts).ok()
    }

    /// The same signal and edges with other counts.
    ///
    /// # Errors
    /// [`ReferenceError::Counts`].
    pub fn with_counts(&self, counts: Vec<u64>) -> Result<Self, ReferenceError> {
        Self::new(&self.signal, self.edges.clone(), counts)
    }

    /// What is spread: a head's name, or `embedding.` and the number of a projection.
    #[must_use]
    pub fn signal(&self) -> &str {
        &self.signal
    }

    /// The bounds between the parts, rising.
    #[must_use]
    pub fn edges(&self) -> &[f32] {
        &self.edges
    }

    /// How much of the sample is in each part.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The number of parts, at least 2.
    #[must_use]
    pub fn parts(&self) -> usize {
        self.counts.len()
    }

    /// The size of the sample.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The part that a value belongs to; NaN belongs to the last.
    #[must_use]
    pub fn part(&self, value: f32) -> usize {
        part(&self.edges, value)
    }

    /// The population stability index of a later sample, by its counts in the parts: see [`psi`].
    ///
    /// `None` where the counts are not as many as the parts, or all 0.
    #[must_use]
    pub fn psi(&self, counts: &[u64]) -> Option<f64> {
        psi(&self.counts, counts)
    }

    /// The p-value of Pearson's chi-square test that the later sample and the reference have one spread (a test of homogeneity
    /// of two samples over the parts; degrees of freedom: parts in which there is a row, less one).
    ///
    /// It takes the rows of either sample for independent, and both for so large that about five rows are expected in each
    /// part. Texts that come in bursts of one kind are not independent, and drift then seems surer than it is.
    ///
    /// `None` where the counts are not as many as the parts, or all 0.
    #[must_use]
    pub fn p_value(&self, counts: &[u64]) -> Option<f64> {
        let (own, other) = (self.rows() as f64, counts.iter().sum::<u64>() as f64);
        if counts.len() != self.counts.len() || other == 0.0 {
            return None;
        }
        let (mut statistic, mut parts) = (0.0, 0u32);
        for (own_count, count) in self.counts.iter().zip(counts) {
            let both = (own_count + count) as f64;
            if both > 0.0 {
                parts += 1;
                let off = |count: u64, rows: f64| {
                    let expected = both * rows / (own + other);
                    (count as f64 - expected) * (count as f64 - expected) / expected
                };
                statistic += off(*own_count, own) + off(*count, other);
            }
        }
        Some(chi_square_upper(statistic, parts.saturating_sub(1)))
    }
}

/// The population stability index of two samples, by their counts in the same parts: the sum of `(p - q) ln(p / q)` over the shares
/// of the two. 0 where they agree; 0.1 is commonly called a small shift, 0.25 a large one. Samples of m and n rows of one spread
/// have about `(parts - 1) (1/m + 1/n)`. Half a row is added to every part, so that an empty one has a logarithm.
///
/// `None` where the counts are not as many, or those of one sample all 0.
#[must_use]
pub fn psi(earlier: &[u64], later: &[u64]) -> Option<f64> {
    let (before, after) = (earlier.iter().sum::<u64>(), later.iter().sum::<u64>());
    if earlier.len() != later.len() || before == 0 || after == 0 {
        return None;
    }
    let parts = later.len() as f64;
    let share = |count: u64, rows: u64| (count as f64 + 0.5) / (rows as f64 + 0.5 * parts);
    let terms = earlier.iter().zip(later).map(|(earlier, later)| {
        let (p, q) = (share(*later, after), share(*earlier, before));
        (p - q) * crate::elementary::ln(p / q)
    });
    Some(terms.sum())
}

/// The place of the first edge that is greater than the value.
fn part(edges: &[f32], value: f32) -> usize {
    // `!(edge > value)` rather than `edge <= value`: NaN is above all.
    edges.partition_point(|edge| !matches!(edge.partial_cmp(&value), Some(std::cmp::Ordering::Greater)))
}
