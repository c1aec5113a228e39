//! The rows with their logits.

use crate::cli::data::Data;
use anyhow::{Context as _, anyhow, bail, ensure};
use portcullis::language::Foreign;
use portcullis::normalize::Normalized;
use portcullis::{Guard, Request, Role};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Rows scored together.
const BATCH: usize = 256;

/// What is known of the rows, with no text kept.
#[derive(Default)]
pub(super) struct Rows {
    /// The labels of each row by the number of the head, none for innocent traffic.
    pub(super) labels: Vec<Labels>,
    /// A logit for each head, in the order of `labels`.
    pub(super) logits: Vec<Vec<f32>>,
    /// BLAKE3 of the data, in hex.
    pub(super) digest: String,
    /// Rows in use.
    pub(super) judged: usize,
    /// Rows in another language, left out.
    pub(super) unjudged: usize,
}

/// The labels of one row.
pub(super) enum Labels {
    /// Innocent on every head.
    Innocent,
    /// By the number of the head, in `0..=1`; unknown where absent.
    Known(BTreeMap<usize, f32>),
}

impl Rows {
    /// Adds a row that was judged already.
    pub(super) fn push(&mut self, labels: Labels, logits: Vec<f32>) {
        self.labels.push(labels);
        self.logits.push(logits);
        self.judged += 1;
    }
}

impl Labels {
    /// The label of the head number `column`.
    pub(super) fn of(&self, column: usize) -> Option<f32> {
        match self {
            Self::Innocent => Some(0.0),
            Self::Known(labels) => labels.get(&column).copied(),
        }
    }
}

#[derive(Deserialize)]
struct Wire {
    text: String,
    labels: Option<BTreeMap<String, f32>>,
}

/// Reads and scores the rows of a file, or of standard input for `-`.
///
/// # Errors
/// When the data cannot be read or holds no row in use, or a row is bad; the message tells its line and no text.
pub(super) fn read(guard: &Guard, data: &Path, benign: bool) -> anyhow::Result<Rows> {
    let mut data = Data::open(data, "scoring")?;
    let heads: BTreeMap<&str, usize> =
        guard.heads().iter().enumerate().map(|(number, head)| (head.name.as_str(), number)).collect();
    let mut hasher = blake3::Hasher::new();
    let mut rows = Rows::default();
    let mut texts = Vec::with_capacity(BATCH);
    while let Some(line) = data.next_row()? {
        hasher.update(&line).update(b"\n");
        let (text, labels) = parse(&line, &heads, benign).with_context(|| data.place())?;
        if guard.foreign(&Normalized::new(&text)) != Foreign::No {
            rows.unjudged += 1;
            continue;
        }
        texts.push(text);
        rows.labels.push(labels);
        if texts.len() == BATCH {
            score(guard, &mut texts, &mut rows.logits)?;
        }
    }
    score(guard, &mut texts, &mut rows.logits)?;
    ensure!(
        !rows.labels.is_empty(),
        "{} holds no row that the guard can judge: expected at least one",
        data.name
    );
    rows.judged = rows.labels.len();
    rows.digest = hasher.finalize().to_hex().to_string();
    Ok(rows)
}

fn parse(line: &[u8], heads: &BTreeMap<&str, usize>, benign: bool) -> anyhow::Result<(String, Labels)> {
    const EXPECTED: &str = "expected an object with a string `text`, and `labels` in 0..=1";
    ensure!(line.trim_ascii_start().first() == Some(&b'{'), "at column 1: {EXPECTED}");
    // The message of the JSON library may quote the row.
    let wire: Wire =
        serde_json::from_slice(line).map_err(|error| anyhow!("at column {}: {EXPECTED}", error.column()))?;
    let text = Request::new(wire.text, Role::User)?.text;
    let Some(labels) = wire.labels.filter(|labels| !labels.is_empty()) else {
        ensure!(benign, "no labels: expected some, or --benign to take such rows for innocent traffic");
        return Ok((text, Labels::Innocent));
    };
    let mut known = BTreeMap::new();
    for (head, label) in labels {
        ensure!((0.0..=1.0).contains(&label), "a label out of range: expected a number in 0..=1");
        let Some(&column) = heads.get(head.as_str()) else {
            let known = heads.keys().copied().collect::<Vec<_>>().join(", ");
            bail!("unknown head {head:?}: expected one of {known}");
        };
        known.insert(column, label);
    }
    Ok((text, Labels::Known(known)))
}

fn score(guard: &Guard, texts: &mut Vec<String>, logits: &mut Vec<Vec<f32>>) -> anyhow::Result<()> {
    let borrowed: Vec<&str> = texts.iter().map(String::as_str).collect();
    logits.extend(guard.scores(&borrowed)?.into_iter().map(|scores| scores.logits));
    texts.clear();
    Ok(())
}
