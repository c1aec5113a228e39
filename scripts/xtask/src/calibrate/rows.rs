//! The labelled rows of a JSON Lines file, and the benign mix among them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// One labelled text. A head absent from `labels` is unknown there.
#[derive(Deserialize)]
pub(super) struct Row {
    pub(super) text: String,
    pub(super) labels: BTreeMap<String, f32>,
    #[serde(default)]
    pub(super) source: String,
    #[serde(default)]
    pub(super) kind: String,
}

/// Every row of a file.
pub(super) struct Rows {
    pub(super) rows: Vec<Row>,
    /// BLAKE3 of the uncompressed file, in hex.
    pub(super) digest: String,
}

/// The rows that are innocent on every head that any row labels, from sources that no head was trained on.
pub(super) struct Mix {
    /// Their numbers, ascending.
    pub(super) rows: Vec<usize>,
    /// The kind of each; kinds too small to bound are one.
    pub(super) kinds: Vec<String>,
}

/// Where kinds of few rows go.
const SMALL_KINDS: &str = "other";

/// Reads a file of rows, gzipped when its name ends in `.gz`.
pub(super) fn read(path: &Path) -> Result<Rows> {
    let bytes = content(path)?;
    let rows: Vec<Row> = parse(&bytes, path)?;
    for (number, row) in rows.iter().enumerate() {
        ensure!(
            row.labels.values().all(|label| (0.0..=1.0).contains(label)),
            "{}, row {}: expected labels in 0 to 1",
            path.display(),
            number + 1
        );
    }
    Ok(Rows { rows, digest: blake3::hash(&bytes).to_hex().to_string() })
}

/// The names of the sources in a file of rows.
pub(super) fn sources(path: &Path) -> Result<BTreeSet<String>> {
    #[derive(Deserialize)]
    struct Sourced {
        source: String,
    }
    let rows: Vec<Sourced> = parse(&content(path)?, path)?;
    Ok(rows.into_iter().map(|row| row.source).collect())
}

fn content(path: &Path) -> Result<Vec<u8>> {
    let raw = crate::bundle::read(path)?;
    if path.extension().is_none_or(|extension| extension != "gz") {
        return Ok(raw);
    }
    let mut bytes = Vec::new();
    GzDecoder::new(raw.as_slice())
        .read_to_end(&mut bytes)
        .with_context(|| format!("{} is no gzip file", path.display()))?;
    Ok(bytes)
}

/// One value a line; empty lines are passed over.
fn parse<T: DeserializeOwned>(bytes: &[u8], path: &Path) -> Result<Vec<T>> {
    bytes
        .split(|&byte| byte == b'\n')
        .enumerate()
        .filter(|(_, line)| !line.iter().all(u8::is_ascii_whitespace))
        .map(|(number, line)| {
            serde_json::from_slice(line).with_context(|| format!("{}, line {}", path.display(), number + 1))
        })
        .collect()
}

impl Mix {
    /// For each row, in order, whether it is in the mix.
    pub(super) fn marks(&self) -> impl Iterator<Item = bool> {
        let mut members = self.rows.iter().copied().peekable();
        (0..).map(move |number| members.next_if_eq(&number).is_some())
    }
}

impl Rows {
    /// The benign mix, without any row of the sources `trained`; kinds with fewer than two rows' worth of `kind_slack`
    /// are merged.
    pub(super) fn benign_mix(&self, trained: &BTreeSet<String>, kind_slack: f64) -> Mix {
        let heads: Vec<&str> = {
            let mut names: Vec<&str> =
                self.rows.iter().flat_map(|row| row.labels.keys()).map(String::as_str).collect();
            names.sort_unstable();
            names.dedup();
            names
        };
        let innocent = |row: &Row| {
            !trained.contains(&row.source) && heads.iter().all(|head| row.labels.get(*head) == Some(&0.0))
        };
        let members: Vec<(usize, &Row)> =
            self.rows.iter().enumerate().filter(|(_, row)| innocent(row)).collect();
        let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, row) in &members {
            *sizes.entry(&row.kind).or_default() += 1;
        }
        let smallest = (2.0 / kind_slack).ceil() as usize;
        let kind = |row: &Row| match sizes.get(row.kind.as_str()) {
            Some(&size) if size >= smallest => row.kind.clone(),
            _ => SMALL_KINDS.to_owned(),
        };
        Mix {
            kinds: members.iter().map(|(_, row)| kind(row)).collect(),
            rows: members.into_iter().map(|(number, _)| number).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mix_is_what_is_innocent_on_every_head() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rows.jsonl");
        let lines = r#"{"text": "a", "labels": {"hate": 0, "threat": 0}, "kind": "chat", "source": "x"}
{"text": "b", "labels": {"hate": 0}, "kind": "chat"}

{"text": "c", "labels": {"hate": 0.5, "threat": 0}, "kind": "chat", "id": "x:1"}
"#;
        std::fs::write(&path, lines).unwrap();
        let rows = read(&path).unwrap();
        assert_eq!(rows.rows.len(), 3);
        let mix = rows.benign_mix(&BTreeSet::new(), 0.02);
        assert_eq!(mix.rows, [0]);
        assert_eq!(mix.kinds, [SMALL_KINDS]);
        let train = dir.path().join("train.jsonl");
        std::fs::write(&train, "{\"text\": \"d\", \"labels\": {}, \"source\": \"x\"}\n").unwrap();
        assert!(rows.benign_mix(&sources(&train).unwrap(), 0.02).rows.is_empty());
    }

    #[test]
    fn a_bad_line_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rows.jsonl");
        std::fs::write(&path, "{\"text\": \"a\", \"labels\": {}}\n{\"text\": 1}\n").unwrap();
        let error = read(&path).err().unwrap();
        assert!(format!("{error:#}").contains("line 2"), "{error:#}");
    }
}
