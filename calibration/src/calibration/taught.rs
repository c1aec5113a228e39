//! The content of a `.head.toml`: a head taught on a model's states, with its curve and thresholds.

use std::fmt::Write as _;

use toml::de::DeValue;

use super::read::{Fields, Reader, finite};
use super::{CalibrationError, Head, Problem, Threshold, check, write};
use crate::teach::{self, Lesson};

/// The most states that a head weighs.
const MAX_WIDTH: usize = 1 << 14;
/// The greatest magnitude of a weight and of the bias.
const MAX_WEIGHT: f32 = 1e6;

/// A head that was taught: a linear function of a model's states, and what its values mean.
///
/// # Example
///
/// ```
/// use portcullis_calibration::{TaughtHead, teach};
///
/// let window = |row: u8| vec![vec![f32::from(row % 7), f32::from(row) / 20.0 - 1.0]];
/// let windows: Vec<_> = (0..40).map(window).collect();
/// let examples: Vec<_> = windows
///     .iter()
///     .enumerate()
///     .map(|(row, windows)| teach::Example { windows, positive: row >= 20 })
///     .collect();
/// let lesson = teach::teach("gambling", &examples)?;
/// assert!(lesson.auc > 0.99);
/// let head = TaughtHead::new(&"1f".repeat(32), &"2e".repeat(32), "an example", lesson)?;
/// let read = TaughtHead::parse(head.to_toml().as_bytes())?;
/// assert_eq!(head, read);
/// assert!(read.logit(&[3.0, 0.9]) > read.logit(&[3.0, -0.9]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TaughtHead {
    model_digest: String,
    data_digest: String,
    created_by: String,
    penalty: f64,
    auc: f64,
    threshold: f32,
    recall: f64,
    bias: f32,
    weights: Vec<f32>,
    head: Head,
}

impl TaughtHead {
    /// The version of the file format that this crate reads and writes.
    pub const SCHEMA: u64 = 1;
    /// The greatest size of a file, in bytes.
    pub const MAX_BYTES: usize = 1 << 20;

    /// The head of a lesson on states of the weights, and from the data, with these BLAKE3 digests (64 lower-case hex
    /// digits). `created_by` says what made it, in at most 256 characters.
    ///
    /// # Errors
    ///
    /// [`CalibrationError::Invalid`] with every rule that the parts break, the name of the lesson's head among them.
    pub fn new(
        model_digest: &str,
        data_digest: &str,
        created_by: &str,
        lesson: Lesson,
    ) -> Result<Self, CalibrationError> {
        let taught = Self {
            model_digest: model_digest.to_owned(),
            data_digest: data_digest.to_owned(),
            created_by: created_by.to_owned(),
            penalty: lesson.penalty,
            auc: lesson.auc,
            threshold: lesson.threshold,
            recall: lesson.recall,
            bias: lesson.bias,
            weights: lesson.weights,
            head: lesson.head,
        };
        check::finish(problems(&taught))?;
        Ok(taught)
    }

    /// Reads a `.head.toml`, which may be hostile.
    ///
    /// # Errors
    ///
    /// When the file is over [`TaughtHead::MAX_BYTES`], not UTF-8, not TOML, or breaks any rule; all broken rules are
    /// reported at once.
    pub fn parse(bytes: &[u8]) -> Result<Self, CalibrationError> {
        let mut reader = Reader::default();
        super::read::document(bytes, Self::MAX_BYTES, &mut reader, read)
    }

    /// The file's text. The same head gives the same bytes, and [`TaughtHead::parse`] gives it back exactly.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut out = String::new();
        self.write_to(&mut out).unwrap_or_default(); // a String takes any text
        out
    }

    fn write_to(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "schema = {}", Self::SCHEMA)?;
        write::origin(out, &self.model_digest, &self.data_digest, &self.created_by)?;
        writeln!(out, "\n# In {} parts of the examples, each held out once.", teach::FOLDS)?;
        writeln!(out, "penalty = {:?}", self.penalty)?;
        writeln!(out, "auc = {:?}", self.auc)?;
        writeln!(out, "threshold = {:?}", self.threshold)?;
        writeln!(out, "recall = {:?}", self.recall)?;
        writeln!(out, "\nbias = {:?}", self.bias)?;
        writeln!(out, "weights = [")?;
        for row in self.weights.chunks(8) {
            let row: Vec<String> = row.iter().map(|weight| format!("{weight:?}")).collect();
            writeln!(out, "    {},", row.join(", "))?;
        }
        writeln!(out, "]\n\n[head]")?;
        write::head(out, &self.head)
    }

    /// The BLAKE3 digest of the weights file on whose states it was taught, 64 lower-case hex digits.
    #[must_use]
    pub fn model_digest(&self) -> &str {
        &self.model_digest
    }

    /// The BLAKE3 digest of the examples, 64 lower-case hex digits.
    #[must_use]
    pub fn data_digest(&self) -> &str {
        &self.data_digest
    }

    /// What made it.
    #[must_use]
    pub fn created_by(&self) -> &str {
        &self.created_by
    }

    /// The area under the ROC curve over the held-out examples, in `0..=1`.
    #[must_use]
    pub const fn auc(&self) -> f64 {
        self.auc
    }

    /// The threshold that the lesson suggests, in `0..=1`, and the share of the held-out positive examples that reaches it.
    #[must_use]
    pub const fn suggested(&self) -> (f32, f64) {
        (self.threshold, self.recall)
    }

    /// Name, curve, thresholds and their evidence.
    #[must_use]
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// How many states it weighs: 1 to 16,384.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.weights.len()
    }

    /// The logit of a window with these states; NaN where their number differs from [`TaughtHead::width`]. Bit-identical on
    /// every CPU.
    #[must_use]
    pub fn logit(&self, states: &[f32]) -> f32 {
        if states.len() != self.weights.len() {
            return f32::NAN;
        }
        (teach::dot(states, &self.weights) + f64::from(self.bias)) as f32
    }

    /// The threshold that was chosen for exactly this false positive rate.
    ///
    /// # Errors
    ///
    /// What there is instead, and how many negative examples such a threshold would need.
    pub fn threshold(&self, target_fpr: f64) -> Result<&Threshold, CalibrationError> {
        let thresholds = &self.head.thresholds;
        thresholds.iter().find(|threshold| threshold.target_fpr == target_fpr).ok_or_else(|| {
            CalibrationError::Unshown {
                head: self.head.name.clone(),
                target_fpr,
                negatives: self.head.negatives,
                needed: teach::least_negatives(target_fpr),
                listed: thresholds.iter().map(|threshold| threshold.target_fpr).collect(),
            }
        })
    }
}

fn read(reader: &mut Reader, root: &Fields<'_>) -> Option<TaughtHead> {
    const KEYS: [&str; 11] = [
        "schema",
        "model_digest",
        "data_digest",
        "created_by",
        "penalty",
        "auc",
        "threshold",
        "recall",
        "bias",
        "weights",
        "head",
    ];
    reader.only(root, &KEYS);
    reader.schema(root, TaughtHead::SCHEMA);
    let model_digest = reader.text(root, "model_digest");
    let data_digest = reader.text(root, "data_digest");
    let created_by = reader.text(root, "created_by");
    let penalty = reader.number(root, "penalty");
    let auc = reader.number(root, "auc");
    let threshold = reader.number(root, "threshold");
    let recall = reader.number(root, "recall");
    let bias = reader.number(root, "bias");
    let weights = weights(reader, root);
    let head = match reader.value(root, "head") {
        Some(DeValue::Table(table)) => reader.head(&Fields { table, path: "head".to_owned() }),
        Some(_) => reader.wrong_type(root, "head", "a table"),
        None => None,
    };
    let taught = TaughtHead {
        model_digest: model_digest?,
        data_digest: data_digest?,
        created_by: created_by?,
        penalty: penalty?,
        auc: auc?,
        threshold: threshold?,
        recall: recall?,
        bias: bias?,
        weights: weights?,
        head: head?,
    };
    reader.problems.extend(problems(&taught));
    Some(taught)
}

fn weights(reader: &mut Reader, root: &Fields<'_>) -> Option<Vec<f32>> {
    let DeValue::Array(array) = reader.value(root, "weights")? else {
        return reader.wrong_type(root, "weights", "an array of finite numbers");
    };
    if !(1..=MAX_WIDTH).contains(&array.len()) {
        reader.problems.extend(width(array.len()));
        return None;
    }
    let mut weights = Vec::with_capacity(array.len());
    for (index, item) in array.iter().enumerate() {
        match finite(item.get_ref()) {
            Some(weight) => weights.push(weight),
            None => {
                let message = "found something else, expected a finite number".to_owned();
                reader.problem(format!("weights[{index}]"), message);
                return None;
            }
        }
    }
    Some(weights)
}

/// Every rule that a head breaks.
fn problems(taught: &TaughtHead) -> Vec<Problem> {
    let mut problems = check::header(&taught.model_digest, &taught.data_digest, &taught.created_by);
    let mut hold = |holds: bool, at: &str, message: String| {
        if !holds {
            problems.push(Problem { at: at.to_owned(), message });
        }
    };
    let shares = [
        ("auc", taught.auc),
        ("threshold", f64::from(taught.threshold)),
        ("recall", taught.recall),
        ("penalty", taught.penalty),
    ];
    for (at, share) in shares {
        hold((0.0..=1.0).contains(&share), at, format!("found {share:?}, expected a number in 0..=1"));
    }
    let fits = |weight: &f32| (-MAX_WEIGHT..=MAX_WEIGHT).contains(weight);
    hold(fits(&taught.bias), "bias", format!("found {:?}, expected a number in -1e6..=1e6", taught.bias));
    if let Some((index, weight)) = taught.weights.iter().enumerate().find(|(_, weight)| !fits(weight)) {
        hold(
            false,
            &format!("weights[{index}]"),
            format!("found {weight:?}, expected a number in -1e6..=1e6"),
        );
    }
    problems.extend(width(taught.weights.len()));
    problems.extend(check::head("head", &taught.head));
    problems
}

/// The rule of the number of weights.
fn width(found: usize) -> Option<Problem> {
    let message = format!("found {found} numbers, expected 1 to {MAX_WIDTH}");
    (!(1..=MAX_WIDTH).contains(&found)).then(|| Problem { at: "weights".to_owned(), message })
}
