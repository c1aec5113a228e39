//! The rows of a lesson with the model's states of their texts.

use crate::cli::data::Data;
use crate::cli::terminal;
use anyhow::{Context as _, anyhow, bail, ensure};
use portcullis::language::Foreign;
use portcullis::normalize::Normalized;
use portcullis::{Guard, Request, Role};
use serde::Deserialize;
use std::collections::HashMap;
use std::path::Path;

/// Texts encoded together.
const BATCH: usize = 256;
/// The most rows of a lesson, and the most windows of all their texts: their states take half a gigabyte.
const MOST_ROWS: usize = 50_000;
const MOST_WINDOWS: usize = 100_000;

/// What is known of the rows, with no text kept.
pub(super) struct Rows {
    /// In the order of their texts' digests, whatever their order in the files.
    pub(super) list: Vec<Row>,
    /// BLAKE3 of the texts and labels, in hex.
    pub(super) digest: String,
    /// Rows that the guard does not judge whole, left out.
    pub(super) unjudged: usize,
    /// Rows with a text that another row has, left out.
    pub(super) repeated: usize,
    /// Rows of the traffic with a text that is an example of the category, left out.
    pub(super) contradicted: usize,
}

/// One row.
pub(super) struct Row {
    /// The model's states, a row for each window.
    pub(super) windows: Vec<Vec<f32>>,
    pub(super) positive: bool,
    /// Whether it is from the traffic.
    pub(super) benign: bool,
    /// Its line in its file, from 1.
    pub(super) line: u64,
}

/// A row before its text is encoded.
struct Read {
    digest: blake3::Hash,
    text: String,
    positive: bool,
    benign: bool,
    line: u64,
}

#[derive(Deserialize)]
struct Wire {
    text: String,
    label: Option<f32>,
}

impl Rows {
    /// Reads and encodes the rows of the files; `-` for standard input.
    ///
    /// # Errors
    /// When a file cannot be read, a row is bad, or two examples contradict each other; the message tells the line and no
    /// text.
    pub(super) fn read(guard: &Guard, examples: &Path, benign: Option<&Path>) -> anyhow::Result<Self> {
        let mut rows =
            Self { list: Vec::new(), digest: String::new(), unjudged: 0, repeated: 0, contradicted: 0 };
        let mut read: Vec<Read> = Vec::new();
        let mut seen: HashMap<blake3::Hash, (bool, u64)> = HashMap::new();
        for (path, benign) in [(Some(examples), false), (benign, true)] {
            let Some(path) = path else { continue };
            let mut data = Data::open(path, "reading")?;
            while let Some(line) = data.next_row()? {
                let (text, positive) = parse(&line, benign).with_context(|| data.place())?;
                let Some(text) = judged_whole(guard, &text) else {
                    rows.unjudged += 1;
                    continue;
                };
                let digest = blake3::hash(text.as_bytes());
                match seen.get(&digest) {
                    Some((label, _)) if *label == positive => rows.repeated += 1,
                    Some(_) if benign => rows.contradicted += 1,
                    Some((_, first)) => bail!(
                        "{}: the text of line {first} with the other label, expected one label a text",
                        data.place()
                    ),
                    None => {
                        seen.insert(digest, (positive, data.line()));
                        read.push(Read { digest, text, positive, benign, line: data.line() });
                        ensure!(
                            read.len() <= MOST_ROWS,
                            "{}: one row too many, expected at most {MOST_ROWS}",
                            data.place()
                        );
                    }
                }
            }
        }
        read.sort_by_key(|row| *row.digest.as_bytes());
        let mut hasher = blake3::Hasher::new();
        for row in &read {
            hasher.update(row.digest.as_bytes()).update(&[u8::from(row.positive)]);
        }
        rows.digest = hasher.finalize().to_hex().to_string();
        let progress = terminal::progress("encoding", read.len() as u64);
        let mut total = 0;
        for batch in read.chunks(BATCH) {
            let texts: Vec<&str> = batch.iter().map(|row| row.text.as_str()).collect();
            let states = guard.states(&texts)?;
            total += states.iter().map(Vec::len).sum::<usize>();
            ensure!(
                total <= MOST_WINDOWS,
                "the rows' texts fill more than {MOST_WINDOWS} windows of the model, expected fewer or shorter texts"
            );
            rows.list.extend(batch.iter().zip(states).map(|(row, windows)| Row {
                windows,
                positive: row.positive,
                benign: row.benign,
                line: row.line,
            }));
            progress.inc(batch.len() as u64);
        }
        progress.finish_and_clear();
        Ok(rows)
    }

    /// The number of rows of a class.
    pub(super) fn count(&self, positive: bool) -> usize {
        self.list.iter().filter(|row| row.positive == positive).count()
    }
}

/// The text, normalized; none where the guard would not judge all of it.
pub(super) fn judged_whole(guard: &Guard, text: &str) -> Option<String> {
    let short = text.len() <= guard.policy().policy().max_bytes();
    let normalized = Normalized::new(text);
    (short && guard.foreign(&normalized) == Foreign::No).then(|| normalized.text().to_owned())
}

/// A row's text and whether it is of the category.
fn parse(line: &[u8], benign: bool) -> anyhow::Result<(String, bool)> {
    let (text, label) = parse_row(line)?;
    let positive = match label {
        Some(1.0) if benign => {
            bail!("a label of 1 in the traffic: expected rows that are not of the category")
        }
        Some(1.0) => true,
        Some(0.0) => false,
        Some(_) => bail!("a label that is neither 0 nor 1: expected one of them"),
        None if benign => false,
        None => bail!("no label: expected 1 for a text of the category, 0 for another"),
    };
    Ok((text, positive))
}

/// A row's text and label.
pub(super) fn parse_row(line: &[u8]) -> anyhow::Result<(String, Option<f32>)> {
    const EXPECTED: &str = "expected an object with a string `text` and a `label` of 1 or 0";
    ensure!(line.trim_ascii_start().first() == Some(&b'{'), "at column 1: {EXPECTED}");
    // The message of the JSON library may quote the row.
    let wire: Wire =
        serde_json::from_slice(line).map_err(|error| anyhow!("at column {}: {EXPECTED}", error.column()))?;
    Ok((Request::new(wire.text, Role::User)?.text, wire.label))
}
