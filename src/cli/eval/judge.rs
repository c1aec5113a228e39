//! Every row of the data judged by the guard, as it is and changed, with no text kept.

use super::disguise::DISGUISES;
use super::rows::{Known, Row};
use super::{SliceBy, identity};
use crate::cli::data::Data;
use crate::cli::failure;
use anyhow::{Context as _, ensure};
use portcullis::normalize::Normalized;
use portcullis::{Decision, Guard, Request, Verdict};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

/// Rows judged together: enough to keep every thread busy.
const BATCH: usize = 256;
/// The bytes of text from which a batch is judged before it is full.
const BATCH_BYTES: usize = 4 << 20;

/// What is asked of the rows besides the verdicts.
#[derive(Clone, Copy)]
pub(super) struct Probes<'a> {
    /// The head whose bias is measured.
    pub(super) bias_head: Option<&'a str>,
    /// Whether the groups that a text names are swapped.
    pub(super) swap: bool,
    /// Whether positive rows are disguised.
    pub(super) disguise: bool,
    /// Whether tokens are counted.
    pub(super) by_length: bool,
    /// The same guard as a cascade.
    pub(super) cascade: Option<&'a Guard>,
}

/// A head's label of a row, where it has one, and score, where the classifier ran.
pub(super) type LabelAndScore = (Option<f32>, Option<f32>);

/// A row's labels, scores and decision.
pub(super) struct Judged {
    pub(super) slice: String,
    /// For each chosen head.
    pub(super) heads: Vec<LabelAndScore>,
    pub(super) decision: Decision,
    /// Whether the text was read in another form beside its own.
    pub(super) is_read: bool,
    /// Whether the row has labels and all of them are 0.
    pub(super) benign: bool,
    pub(super) pair: Option<String>,
    /// Of the head whose bias is measured.
    pub(super) bias: LabelAndScore,
    /// The groups of people that the row concerns, where bias is measured.
    pub(super) groups: BTreeSet<String>,
    /// The length, special tokens not counted, where it is measured.
    pub(super) tokens: Option<usize>,
    /// The text about other groups.
    pub(super) swapped: Vec<Answer>,
    /// What the cascade says of the row.
    pub(super) cascade: Option<Cascaded>,
    /// The text in each of the [`DISGUISES`]; empty for a row that is not disguised.
    pub(super) disguised: Vec<Answer>,
}

impl Judged {
    /// Whether the row is positive for a chosen head.
    fn is_positive(&self) -> bool {
        self.heads.iter().any(|(label, _)| label.is_some_and(is_positive))
    }

    /// Whether the row is positive for the head at `at`, and its score; nothing without both label and score.
    pub(super) fn scored(&self, at: usize) -> Option<(bool, f32)> {
        let (label, score) = self.heads.get(at)?;
        Some((is_positive((*label)?), (*score)?))
    }
}

/// The guard's answer to a changed text.
pub(super) struct Answer {
    /// For each chosen head, where the classifier ran.
    pub(super) scores: Vec<Option<f32>>,
    pub(super) decision: Decision,
}

/// A cascade's answer to a row.
pub(super) struct Cascaded {
    pub(super) answer: Answer,
    /// The exit it left at, if it did.
    pub(super) exit: Option<String>,
    /// Layers computed, as a share of all of them.
    pub(super) work: f32,
    /// The row's share of the time for its batch, and the same for the whole model.
    pub(super) times: (Duration, Duration),
}

pub(super) fn is_positive(label: f32) -> bool {
    label >= 0.5
}

/// Judges the rows of a file, or of standard input for `-`.
///
/// # Errors
/// When the data cannot be read, or a row is bad; the message tells its line.
pub(super) fn judge(
    guard: &Guard,
    data: &Path,
    slice_by: SliceBy,
    heads: &[String],
    probes: Probes<'_>,
) -> anyhow::Result<Vec<Judged>> {
    let mut data = Data::open(data, "judging")?;
    let known: BTreeSet<String> = guard.score_names().into_iter().collect();
    let only_head = match heads {
        [head] => Some(head.as_str()),
        _ => None,
    };
    let judge = Judge { guard, heads, probes };
    let mut judged = Vec::new();
    let mut unknown: BTreeMap<String, u64> = BTreeMap::new();
    let mut batch = Vec::with_capacity(BATCH);
    let mut bytes_waiting = 0;
    while let Some(line) = data.next_row()? {
        let row = Row::parse(&line, slice_by, only_head).with_context(|| data.place())?;
        for head in row.known.labels.keys().filter(|head| !known.contains(*head)) {
            *unknown.entry(head.clone()).or_default() += 1;
        }
        bytes_waiting += row.request.text.len();
        batch.push(row);
        if batch.len() == BATCH || bytes_waiting > BATCH_BYTES {
            judge.add(&mut batch, &mut judged)?;
            bytes_waiting = 0;
        }
    }
    judge.add(&mut batch, &mut judged)?;
    ensure!(!judged.is_empty(), "{} holds no rows: expected at least one", data.name);
    for (head, rows) in unknown {
        failure::note(&format!("{rows} rows have a label for {head:?}, which the model has no head for"));
    }
    Ok(judged)
}

/// The guard at work on the rows.
struct Judge<'a> {
    guard: &'a Guard,
    heads: &'a [String],
    probes: Probes<'a>,
}

impl Judge<'_> {
    fn add(&self, batch: &mut Vec<Row>, judged: &mut Vec<Judged>) -> anyhow::Result<()> {
        let (requests, known): (Vec<_>, Vec<_>) = batch.drain(..).map(|row| (row.request, row.known)).unzip();
        let start = Instant::now();
        let verdicts = self.guard.check_batch(&requests);
        let whole = start.elapsed();
        let mut rows = Vec::with_capacity(requests.len());
        for ((request, known), verdict) in requests.iter().zip(known).zip(verdicts) {
            rows.push(self.row(request, known, &verdict)?);
        }
        if let Some(cascade) = self.probes.cascade {
            self.cascade(cascade, &requests, &mut rows, whole);
        }
        if self.probes.swap {
            self.swap(&requests, &mut rows);
        }
        if self.probes.disguise {
            self.disguise(&requests, &mut rows, judged.len());
        }
        judged.append(&mut rows);
        Ok(())
    }

    fn cascade(&self, cascade: &Guard, requests: &[Request], rows: &mut [Judged], whole: Duration) {
        let start = Instant::now();
        let verdicts = cascade.check_batch(requests);
        let count = u32::try_from(requests.len()).unwrap_or(u32::MAX).max(1);
        let times = (start.elapsed() / count, whole / count);
        for (row, verdict) in rows.iter_mut().zip(verdicts) {
            let answer = self.answer(&verdict);
            row.cascade = Some(Cascaded { answer, exit: verdict.exit, work: verdict.work, times });
        }
    }

    fn swap(&self, requests: &[Request], rows: &mut [Judged]) {
        let texts = requests.iter().enumerate().flat_map(|(at, request)| {
            identity::swaps(&request.text).into_iter().map(move |text| (at, changed(request, text)))
        });
        for (at, answer) in self.answers(texts) {
            if let Some(row) = rows.get_mut(at) {
                row.swapped.push(answer);
            }
        }
    }

    /// Disguises the positive rows; the number of the first row and those that follow are the seeds.
    fn disguise(&self, requests: &[Request], rows: &mut [Judged], first: usize) {
        let positive = requests.iter().enumerate().zip(&*rows).filter(|(_, row)| row.is_positive());
        let texts = positive.flat_map(|((at, request), _)| {
            let seed = (first + at) as u64;
            DISGUISES
                .iter()
                .map(move |disguise| (at, changed(request, (disguise.apply)(&request.text, seed))))
        });
        for (at, answer) in self.answers(texts) {
            if let Some(row) = rows.get_mut(at) {
                row.disguised.push(answer);
            }
        }
    }

    fn row(&self, request: &Request, known: Known, verdict: &Verdict) -> anyhow::Result<Judged> {
        let Known { labels, slice, identities, pair } = known;
        let of = |head: &str| (labels.get(head).copied(), score(verdict, head));
        let groups = || match identities {
            Some(listed) => listed.into_iter().collect(),
            None => identity::groups(&request.text).into_iter().map(str::to_owned).collect(),
        };
        Ok(Judged {
            slice,
            heads: self.heads.iter().map(|head| of(head)).collect(),
            decision: verdict.decision,
            is_read: !verdict.readings.is_empty(),
            benign: !labels.is_empty() && labels.values().all(|label| *label == 0.0),
            pair,
            bias: self.probes.bias_head.map_or((None, None), of),
            groups: if self.probes.bias_head.is_some() { groups() } else { BTreeSet::new() },
            tokens: self.probes.by_length.then(|| self.tokens(&request.text)).transpose()?,
            swapped: Vec::new(),
            cascade: None,
            disguised: Vec::new(),
        })
    }

    fn tokens(&self, text: &str) -> anyhow::Result<usize> {
        Ok(self.guard.bundle().length(Normalized::new(text).text())?)
    }

    /// Answers to texts, each with the place of the row that it was made from, in batches.
    fn answers(&self, texts: impl Iterator<Item = (usize, Request)>) -> Vec<(usize, Answer)> {
        let mut answers = Vec::new();
        let (mut places, mut batch, mut bytes) = (Vec::new(), Vec::new(), 0);
        let mut texts = texts.peekable();
        while let Some((place, request)) = texts.next() {
            bytes += request.text.len();
            places.push(place);
            batch.push(request);
            if batch.len() == BATCH || bytes > BATCH_BYTES || texts.peek().is_none() {
                let verdicts = self.guard.check_batch(&batch);
                answers.extend(places.drain(..).zip(verdicts.iter().map(|verdict| self.answer(verdict))));
                batch.clear();
                bytes = 0;
            }
        }
        answers
    }

    fn answer(&self, verdict: &Verdict) -> Answer {
        Answer {
            scores: self.heads.iter().map(|head| score(verdict, head)).collect(),
            decision: verdict.decision,
        }
    }
}

fn score(verdict: &Verdict, head: &str) -> Option<f32> {
    verdict.scores.iter().find(|(name, _)| name == head).map(|(_, score)| *score)
}

/// The request with another text.
fn changed(request: &Request, text: String) -> Request {
    Request { text, role: request.role, ..Request::default() }
}
