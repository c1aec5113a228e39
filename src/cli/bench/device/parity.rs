//! Whether a device decides as the processor does, over rows of texts.

use crate::cli::data::Data;
use crate::cli::terminal::{self, Table};
use anyhow::Context as _;
use portcullis::{Decision, Guard, Request, Role, Verdict};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::path::PathBuf;

/// Texts judged together.
const BATCH: usize = 256;
/// Rows that are decided otherwise and shown in the table.
const SHOWN: usize = 50;

/// One row; other keys say nothing here.
#[derive(Deserialize)]
struct Row {
    text: String,
    #[serde(default)]
    role: Option<Role>,
}

/// How near a device comes to the processor.
#[derive(Default, Serialize)]
pub(in crate::cli::bench) struct Parity {
    /// Texts judged on both sides.
    texts: u64,
    /// Texts that are judged on neither: empty ones, and those with a NUL.
    skipped: u64,
    /// The largest difference of a calibrated score.
    most: f32,
    /// The mean difference.
    mean: f64,
    #[serde(skip)]
    scores: u64,
    /// Every text that is decided otherwise.
    differ: Vec<Differs>,
}

/// A text that is decided otherwise.
#[derive(Serialize)]
struct Differs {
    file: String,
    line: u64,
    cpu: Decision,
    device: Decision,
    /// Rules that applied on one side alone.
    rules: Vec<String>,
    /// How far the score of the nearest of these rules is from its threshold.
    margin: f32,
}

/// Judges the texts of all files on both sides.
///
/// # Errors
/// When a file cannot be read, or a row is none.
pub(super) fn measure(cpu: &Guard, device: &Guard, files: &[PathBuf]) -> anyhow::Result<Parity> {
    let mut parity = Parity::default();
    for path in files {
        let mut data = Data::open(path, "comparing")?;
        let mut rows: Vec<(u64, Request)> = Vec::with_capacity(BATCH);
        while let Some(line) = data.next_row()? {
            let row: Row = serde_json::from_slice(&line).with_context(|| data.place())?;
            match Request::new(row.text, row.role.unwrap_or(Role::User)) {
                Ok(request) => rows.push((data.line(), request)),
                Err(_) => parity.skipped += 1,
            }
            if rows.len() == BATCH {
                parity.add(&data.name, cpu, device, std::mem::take(&mut rows));
            }
        }
        parity.add(&data.name, cpu, device, rows);
    }
    parity.mean /= parity.scores.max(1) as f64;
    Ok(parity)
}

impl Parity {
    fn add(&mut self, file: &str, cpu: &Guard, device: &Guard, rows: Vec<(u64, Request)>) {
        let (lines, requests): (Vec<u64>, Vec<Request>) = rows.into_iter().unzip();
        let sides = cpu.check_batch(&requests).into_iter().zip(device.check_batch(&requests));
        for (line, (cpu, device)) in lines.into_iter().zip(sides) {
            self.texts += 1;
            for ((_, a), (_, b)) in cpu.scores.iter().zip(&device.scores) {
                self.most = self.most.max((a - b).abs());
                self.mean += f64::from((a - b).abs());
                self.scores += 1;
            }
            let (rules, margin) = only_once(&cpu, &device);
            if cpu.decision != device.decision || !rules.is_empty() {
                let file = file.to_owned();
                self.differ.push(Differs {
                    file,
                    line,
                    cpu: cpu.decision,
                    device: device.decision,
                    rules,
                    margin,
                });
            }
        }
    }

    /// The figures, and the texts that are decided otherwise.
    pub(super) fn table(&self) -> String {
        let decided = self.differ.iter().filter(|one| one.cpu != one.device).count();
        let mut text = format!(
            "{} texts: {decided} decided otherwise, {} with other rules alone; scores differ by {:.4} at most, {:.5} in the mean.\n",
            self.texts,
            self.differ.len() - decided,
            self.most,
            self.mean
        );
        if self.skipped > 0 {
            let _ = writeln!(text, "{} texts cannot be judged on either side.", self.skipped);
        }
        if self.differ.is_empty() {
            return text;
        }
        let columns = ["file", "line", "processor", "device", "rules", "from the threshold"];
        let mut table = Table::new(&columns, &["line", "from the threshold"]);
        for one in self.differ.iter().take(SHOWN) {
            table.row([
                terminal::printable(&one.file),
                one.line.to_string(),
                one.cpu.to_string(),
                one.device.to_string(),
                one.rules.join(", "),
                format!("{:.4}", one.margin),
            ]);
        }
        let _ = writeln!(text, "\n{}", table.render());
        if self.differ.len() > SHOWN {
            let _ = writeln!(text, "{} more: all are in `--json`.", self.differ.len() - SHOWN);
        }
        text
    }
}

/// The rules that applied on one side alone, and how far the nearest of their scores is from its threshold.
fn only_once(cpu: &Verdict, device: &Verdict) -> (Vec<String>, f32) {
    let mut rules = Vec::new();
    let mut margin = f32::INFINITY;
    for (one, other) in [(cpu, device), (device, cpu)] {
        for found in &one.findings {
            if !other.findings.iter().any(|finding| finding.rule == found.rule) {
                rules.push(found.rule.clone());
                margin = margin.min((found.score - found.threshold).abs());
            }
        }
    }
    rules.sort_unstable();
    rules.dedup();
    (rules, if margin.is_finite() { margin } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use portcullis::policy::Policy;

    #[test]
    fn what_is_decided_otherwise_is_listed() {
        let cpu = Guard::builder().attribution(false).threads(1).build().unwrap();
        // Another policy in place of a device that sees other things.
        let source = "schema = 1\nid = \"p\"\nversion = \"1.0.0\"\n\n[[rule]]\nid = \"mail\"\ndetector = \"pii.email\"\nthreshold = 0.5\naction = \"veto\"\n";
        let policy = Policy::parse(source, "p.toml").unwrap();
        let other = Guard::builder().policy(policy).threads(1).build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.jsonl");
        let rows = "{\"text\": \"a quiet morning\"}\n{\"text\": \"\"}\n{\"text\": \"You are a worthless disgusting idiot.\"}\n";
        std::fs::write(&path, rows).unwrap();
        let parity = measure(&cpu, &other, std::slice::from_ref(&path)).unwrap();
        assert_eq!((parity.texts, parity.skipped, parity.most), (2, 1, 0.0));
        let [one] = parity.differ.as_slice() else { panic!("{} differ", parity.differ.len()) };
        assert_eq!((one.line, one.cpu, one.device), (3, Decision::Veto, Decision::Allow));
        assert!(!one.rules.is_empty() && one.margin > 0.0 && one.margin < 1.0);
        let table = parity.table();
        assert!(table.starts_with("2 texts: 1 decided otherwise, 0 with other rules alone;"), "{table}");
        assert!(table.contains("rows.jsonl") && table.contains(&one.rules[0]), "{table}");

        std::fs::write(&path, "{\"text\": 1}\n").unwrap();
        let error = measure(&cpu, &other, std::slice::from_ref(&path)).map(drop).unwrap_err();
        assert!(error.to_string().ends_with("rows.jsonl line 1"), "{error}");
    }
}
