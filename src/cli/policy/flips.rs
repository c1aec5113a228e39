//! Rows, or past verdicts, that two policies decide differently: how many, from what to what, and by which rule.

use crate::cli::data::Data;
use crate::cli::{log, terminal};
use anyhow::{Context as _, ensure};
use portcullis::log::Body;
use portcullis::replay::Replayed;
use portcullis::{Decision, Finding, Guard, Request, Verdict};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Most rows judged together, and most bytes of them.
const BATCH: usize = 64;
const BATCH_BYTES: usize = 1 << 20;

/// What two policies decide differently.
#[derive(Serialize)]
pub(super) struct Flips {
    rows: u64,
    /// Rows with another decision, or released with another text.
    changed: u64,
    /// By decision before, decision after, and rule.
    kinds: Vec<Kind>,
    /// Records of a log that are of another model or calibration, or of a version that did not keep what was decided about.
    #[serde(skip_serializing_if = "Option::is_none")]
    passed_over: Option<u64>,
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
    /// The first of them: the row's `id`, or its line; the id of the decision in a log.
    ids: Vec<String>,
}

/// Judges each row of the file under both guards; `most` rows of a kind are named.
///
/// # Errors
/// When the data cannot be read or a row cannot be judged; the message tells its line and never holds its text.
pub(super) fn measure(guards: (&Guard, &Guard), data: &Path, most: usize) -> anyhow::Result<Flips> {
    let mut data = Data::open(data, "judging")?;
    let mut tally = Tally::new(most);
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
            for ((from, to), name) in verdicts.0.iter().zip(&verdicts.1).zip(names.drain(..)) {
                tally.add(name, &from.into(), &to.into());
            }
            batch.clear();
            bytes = 0;
        }
        if ended {
            break;
        }
    }
    ensure!(tally.rows > 0, "{} holds no rows: expected at least one", data.name);
    Ok(tally.flips())
}

/// Decides each verdict of the state directory's log again under both guards, from its record; `most` of a kind are named.
///
/// # Errors
/// When there is no log or it cannot be read.
pub(super) fn replay(guards: (&Guard, &Guard), state: &Path, most: usize) -> anyhow::Result<Flips> {
    let mut tally = Tally::new(most);
    let mut passed_over = 0;
    for entry in log::entries(state)? {
        let Body::Decision(record) = entry?.body else { continue };
        match (guards.0.replay(&record), guards.1.replay(&record)) {
            (Ok(from), Ok(to)) => tally.add(record.decision_id, &(&from).into(), &(&to).into()),
            _ => passed_over += 1,
        }
    }
    Ok(Flips { passed_over: Some(passed_over), ..tally.flips() })
}

/// What a row is called.
fn name(request: &Request, line: u64) -> String {
    match &request.id {
        Some(serde_json::Value::String(id)) => terminal::printable(&id.chars().take(64).collect::<String>()),
        Some(serde_json::Value::Number(id)) => id.to_string(),
        _ => format!("line {line}"),
    }
}

/// What a policy says of a row.
struct Said<'a> {
    decision: Decision,
    findings: &'a [Finding],
    /// The text that is released, where it is known.
    text: Option<&'a str>,
}

impl<'a> From<&'a Verdict> for Said<'a> {
    fn from(verdict: &'a Verdict) -> Self {
        Self { decision: verdict.decision, findings: &verdict.findings, text: verdict.text.as_deref() }
    }
}

/// What is released is not told: a log holds no texts.
impl<'a> From<&'a Replayed> for Said<'a> {
    fn from(replayed: &'a Replayed) -> Self {
        Self { decision: replayed.decision, findings: &replayed.findings, text: None }
    }
}

/// How a row changes: the decision before and after, and the rule that makes the difference.
type Way = (Decision, Decision, Option<String>);

/// Rows counted by how they change.
struct Tally {
    rows: u64,
    changed: u64,
    kinds: BTreeMap<Way, (u64, Vec<String>)>,
    most: usize,
}

impl Tally {
    fn new(most: usize) -> Self {
        Self { rows: 0, changed: 0, kinds: BTreeMap::new(), most }
    }

    fn add(&mut self, name: String, from: &Said<'_>, to: &Said<'_>) {
        self.rows += 1;
        if (from.decision, from.text) == (to.decision, to.text) {
            return;
        }
        self.changed += 1;
        let (rows, ids) = self.kinds.entry((from.decision, to.decision, deciding(from, to))).or_default();
        *rows += 1;
        if ids.len() < self.most {
            ids.push(name);
        }
    }

    fn flips(self) -> Flips {
        let kind = |((from, to, rule), (rows, ids))| Kind { from, to, rule, rows, ids };
        Flips {
            rows: self.rows,
            changed: self.changed,
            kinds: self.kinds.into_iter().map(kind).collect(),
            passed_over: None,
        }
    }
}

/// The rule that makes the difference: of the stricter answer, the first with its action that the other has not found, or
/// that asked for less there.
fn deciding(from: &Said<'_>, to: &Said<'_>) -> Option<String> {
    let (strict, mild) = if to.decision >= from.decision { (to, from) } else { (from, to) };
    let is_new = |finding: &&Finding| {
        let met = |other: &Finding| other.rule == finding.rule && other.action >= finding.action;
        finding.action == strict.decision && !mild.findings.iter().any(met)
    };
    // Where only the text is another, the rule may have been found in the milder one alone.
    let is_lost = |finding: &&Finding| !strict.findings.iter().any(|other| other.rule == finding.rule);
    let new = strict.findings.iter().find(is_new);
    new.or_else(|| mild.findings.iter().find(is_lost)).map(|finding| finding.rule.clone())
}

impl Flips {
    /// As a person reads it.
    pub(super) fn readable(&self) -> String {
        let summary = match self.passed_over {
            None => format!("{} of {} rows change\n", self.changed, self.rows),
            Some(0) => format!("{} of {} verdicts change\n", self.changed, self.rows),
            Some(passed_over) => format!(
                "{} of {} verdicts change; {passed_over} more are of another model or version\n",
                self.changed, self.rows
            ),
        };
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
