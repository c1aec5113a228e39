//! Every row of the data judged by the guard, with no text kept.

use super::SliceBy;
use super::rows::Row;
use crate::cli::{failure, lines, terminal};
use anyhow::{Context as _, bail, ensure};
use indicatif::ProgressBar;
use portcullis::{Decision, Guard};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

/// Rows judged together: enough to keep every thread busy.
const BATCH: usize = 256;
/// The bytes of text from which a batch is judged before it is full.
const BATCH_BYTES: usize = 4 << 20;
const MOST_LINE_BYTES: usize = 16 << 20;

/// A row's labels, scores and decision.
pub(super) struct Judged {
    pub(super) slice: String,
    /// For each chosen head: its label, where the row has one, and its score, where the classifier ran.
    pub(super) heads: Vec<(Option<f32>, Option<f32>)>,
    pub(super) decision: Decision,
    /// Whether the row has labels and all of them are 0.
    pub(super) benign: bool,
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
) -> anyhow::Result<Vec<Judged>> {
    let name = if is_standard_input(data) { "standard input".to_owned() } else { data.display().to_string() };
    let (mut input, bytes) = open(data).with_context(|| format!("cannot open {name}"))?;
    let progress = bytes.map_or_else(ProgressBar::hidden, |bytes| terminal::progress("judging", bytes));
    let known: BTreeSet<String> = guard.heads().iter().map(|head| head.name.clone()).collect();
    let only_head = match heads {
        [head] => Some(head.as_str()),
        _ => None,
    };
    let mut judged = Vec::new();
    let mut unknown: BTreeMap<String, u64> = BTreeMap::new();
    let mut batch = Vec::with_capacity(BATCH);
    let mut bytes_waiting = 0;
    let mut number = 0_u64;
    while let Some(line) =
        lines::read_line(&mut input, MOST_LINE_BYTES).with_context(|| format!("cannot read {name}"))?
    {
        number += 1;
        let Ok(line) = line else {
            bail!("{name} line {number}: more than {MOST_LINE_BYTES} bytes, the most that a row may have");
        };
        progress.inc(line.len() as u64 + 1);
        let row = Row::parse(&line, slice_by, only_head).with_context(|| format!("{name} line {number}"))?;
        for head in row.labels.keys().filter(|head| !known.contains(*head)) {
            *unknown.entry(head.clone()).or_default() += 1;
        }
        bytes_waiting += row.request.text.len();
        batch.push(row);
        if batch.len() == BATCH || bytes_waiting > BATCH_BYTES {
            add(guard, &mut batch, heads, &mut judged);
            bytes_waiting = 0;
        }
    }
    add(guard, &mut batch, heads, &mut judged);
    progress.finish_and_clear();
    ensure!(!judged.is_empty(), "{name} holds no rows: expected at least one");
    for (head, rows) in unknown {
        failure::note(&format!("{rows} rows have a label for {head:?}, which the model has no head for"));
    }
    Ok(judged)
}

fn add(guard: &Guard, batch: &mut Vec<Row>, heads: &[String], judged: &mut Vec<Judged>) {
    let (requests, known): (Vec<_>, Vec<_>) =
        batch.drain(..).map(|row| (row.request, (row.labels, row.slice))).unzip();
    for (verdict, (labels, slice)) in guard.check_batch(&requests).into_iter().zip(known) {
        let score =
            |name: &String| verdict.scores.iter().find(|(head, _)| head == name).map(|(_, score)| *score);
        judged.push(Judged {
            slice,
            heads: heads.iter().map(|head| (labels.get(head).copied(), score(head))).collect(),
            decision: verdict.decision,
            benign: !labels.is_empty() && labels.values().all(|label| *label == 0.0),
        });
    }
}

fn is_standard_input(data: &Path) -> bool {
    data.as_os_str() == "-"
}

/// The rows and, for a file, its size.
fn open(data: &Path) -> io::Result<(Box<dyn BufRead>, Option<u64>)> {
    if is_standard_input(data) {
        return Ok((Box::new(io::stdin().lock()), None));
    }
    let file = File::open(data)?;
    let bytes = file.metadata()?.len();
    Ok((Box::new(BufReader::with_capacity(1 << 16, file)), Some(bytes)))
}
