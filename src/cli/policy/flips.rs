//! Rows that two policies decide differently: how many, from what to what, and by which rule.

use crate::cli::data::Data;
use crate::cli::terminal;
use anyhow::{Context as _, ensure};
use portcullis::{Decision, Guard, Request, Verdict};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Most rows judged together, and most bytes of them.
const BATCH: usize = 64;
const BATCH_BYTES: usize = 1 << 20;

/// What two policies decide differently.
#[derive(Default, Serialize)]
pub(super) struct Flips {
    rows: u64,
    /// Rows with another decision, or released with another text.
    changed: u64,
    /// By decision before, decision after, and rule.
    kinds: Vec<Kind>,
}

/// Rows that change in one way.
#[derive(Serialize)]
struct Kind {
    from: Decision,
    /// The same as `from` where only the text is another.
    to: Decision,
    /// The rule that makes the difference; none where a fault or the text's language does.
    rule: Option<String>,
    rows: u64,
    /// The first of them: the row's `id`, or its line.
    ids: Vec<String>,
}

/// Judges each row of the file under both guards; `most` rows of a kind are named.
///
/// # Errors
/// When the data cannot be read or a row cannot be judged; the message tells its line and never holds its text.
pub(super) fn measure(guards: (&Guard, &Guard), data: &Path, most: usize) -> anyhow::Result<Flips> {
    let mut data = Data::open(data, "judging")?;
    let mut counted: BTreeMap<(Decision, Decision, Option<String>), (u64, Vec<String>)> = BTreeMap::new();
    let mut flips = Flips::default();
    let (mut batch, mut names, mut bytes) = (Vec::new(), Vec::new(), 0);
    loop {
        let line = data.next_row()?;
        let ended = line.is_none();
        if let Some(line) = line {
            let request = Request::from_json_line_lenient(&line).with_context(|| data.place())?;
            names.push(name(&request, data.line()));
            bytes += request.text.len();
            batch.push(request);
        }
        if batch.len() >= BATCH || bytes > BATCH_BYTES || ended {
            let verdicts = (guards.0.check_batch(&batch), guards.1.check_batch(&batch));
            flips.rows += batch.len() as u64;
            for ((from, to), name) in verdicts.0.iter().zip(&verdicts.1).zip(names.drain(..)) {
                if (from.decision, &from.text) == (to.decision, &to.text) {
                    continue;
                }
                flips.changed += 1;
                let kind = counted.entry((from.decision, to.decision, deciding(from, to))).or_default();
                kind.0 += 1;
                if kind.1.len() < most {
                    kind.1.push(name);
                }
            }
            batch.clear();
            bytes = 0;
        }
        if ended {
            break;
        }
    }
    ensure!(flips.rows > 0, "{} holds no rows: expected at least one", data.name);
    flips.kinds = counted
        .into_iter()
        .map(|((from, to, rule), (rows, ids))| Kind { from, to, rule, rows, ids })
        .collect();
    Ok(flips)
}

/// What a row is called.
fn name(request: &Request, line: u64) -> String {
    match &request.id {
        Some(serde_json::Value::String(id)) => terminal::printable(&id.chars().take(64).collect::<String>()),
        Some(serde_json::Value::Number(id)) => id.to_string(),
        _ => format!("line {line}"),
    }
}

/// The rule that makes the difference: of the stricter verdict, the first with its action that the other has not found, or
/// that asked for less there.
fn deciding(from: &Verdict, to: &Verdict) -> Option<String> {
    let (strict, mild) = if to.decision >= from.decision { (to, from) } else { (from, to) };
    let is_new = |rule: &str, action: Decision| {
        !mild.findings.iter().any(|other| other.rule == rule && other.action >= action)
    };
    let of = |strict: &Verdict| {
        let mut findings = strict.findings.iter().filter(|finding| finding.action == strict.decision);
        findings.find(|finding| is_new(&finding.rule, finding.action)).map(|finding| finding.rule.clone())
    };
    of(strict).or_else(|| {
        // Where only the text is another, the rule may have been found in the milder one alone.
        let lost = |rule: &str| !strict.findings.iter().any(|other| other.rule == rule);
        mild.findings.iter().find(|finding| lost(&finding.rule)).map(|finding| finding.rule.clone())
    })
}

impl Flips {
    /// As a person reads it.
    pub(super) fn readable(&self) -> String {
        let summary = format!("{} of {} rows change\n", self.changed, self.rows);
        if self.kinds.is_empty() {
            return summary;
        }
        let mut table = terminal::Table::new(&["from", "to", "rule", "rows", "which"], &["rows"]);
        for kind in &self.kinds {
            let more = kind.rows - kind.ids.len() as u64;
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let to = if kind.from == kind.to { "other text" } else { kind.to.as_str() };
            table.row([
                kind.from.to_string(),
                to.to_owned(),
                kind.rule.clone().unwrap_or_default(),
                kind.rows.to_string(),
                format!("{}{more}", kind.ids.join(", ")),
            ]);
        }
        summary + &table.render()
    }
}
