//! The baseline: findings that are known by digests, so that a line may move and a text may not change.

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

use super::found::Found;

const FORMAT: u32 = 1;
const MOST_BYTES: u64 = 256 << 20;

/// Known findings and how many of each are left.
pub(super) struct Baseline {
    left: BTreeMap<String, usize>,
}

impl Baseline {
    /// Reads a file that `--write-baseline` wrote.
    ///
    /// # Errors
    /// When it cannot be read, or is none.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let read = || -> anyhow::Result<File> {
            let bytes = std::fs::metadata(path)?.len();
            ensure!(bytes <= MOST_BYTES, "it has {bytes} bytes, expected at most {MOST_BYTES}");
            let text = std::fs::read_to_string(path)?;
            let file: File =
                serde_json::from_str(&text).ok().context("expected the JSON that --write-baseline writes")?;
            ensure!(file.format == FORMAT, "it has the format {}, expected {FORMAT}", file.format);
            Ok(file)
        };
        let file = read().with_context(|| format!("cannot use the baseline {}", path.display()))?;
        let mut left: BTreeMap<String, usize> = BTreeMap::new();
        for known in file.findings {
            *left.entry(known.fingerprint).or_default() += known.count;
        }
        Ok(Self { left })
    }

    /// Marks a finding that is known. A line that stands there more often than it did is known as often as it was.
    pub(super) fn mark(&mut self, found: &mut Found) {
        let left = found.fingerprint.as_ref().and_then(|fingerprint| self.left.get_mut(fingerprint));
        if let Some(left @ 1..) = left {
            *left -= 1;
            found.known = true;
        }
    }

    /// How many known findings were not met again.
    pub(super) fn gone(&self) -> usize {
        self.left.values().sum()
    }
}

/// Writes the findings as known. One that nothing could be read of is never known.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn write(path: &Path, found: &[Found]) -> anyhow::Result<usize> {
    let mut known: BTreeMap<(&str, &str, &str), usize> = BTreeMap::new();
    for found in found {
        if let Some(fingerprint) = &found.fingerprint {
            *known.entry((&found.path, &found.rule, fingerprint)).or_default() += 1;
        }
    }
    let written = known.values().sum();
    let findings = known
        .into_iter()
        .map(|((path, rule, fingerprint), count)| Known {
            path: path.to_owned(),
            rule: rule.to_owned(),
            fingerprint: fingerprint.to_owned(),
            count,
        })
        .collect();
    let mut text = serde_json::to_string_pretty(&File { format: FORMAT, findings })?;
    text.push('\n');
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(written)
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u32,
    findings: Vec<Known>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    path: String,
    rule: String,
    fingerprint: String,
    count: usize,
}
