//! A stretch of rows, judged: texts to columns of verdicts, on one of the scan's threads.

use anyhow::Context as _;
use arrow_array::builder::{Float32Builder, Int64Builder, ListBuilder, StringBuilder};
use arrow_array::cast::AsArray as _;
use arrow_array::{ArrayRef, RecordBatch};
use portcullis::{Guard, Request, RequestError, Verdict};
use std::sync::Arc;

use super::input::Stretch;
use super::output::{Shape, rule_field};
use super::tally::Tally;
use crate::cli::scan::Arguments;
use crate::cli::scan::judge::verdicts;

/// What is known of a row before it is judged.
enum Row {
    /// There is nothing to judge: no text, or an empty one.
    Nothing,
    Request,
    /// It cannot be judged.
    Fault(String),
}

/// Judges the rows and counts what became of them.
///
/// # Errors
/// When the columns do not fit each other.
pub(super) fn judge(
    guard: &Guard,
    shape: &Shape,
    stretch: Stretch,
    arguments: &Arguments,
    each_alone: bool,
) -> anyhow::Result<(Vec<RecordBatch>, Tally)> {
    let (mut rows, mut requests) = (Vec::new(), Vec::new());
    for batch in &stretch.batches {
        let texts = batch.columns().get(stretch.column).and_then(|column| column.as_string_opt::<i32>());
        for text in texts.context("the texts are no strings")? {
            rows.push(match text.map(|text| Request::new(text, arguments.role)) {
                None | Some(Err(RequestError::EmptyText)) => Row::Nothing,
                Some(Ok(request)) => {
                    requests.push(Request { slice: arguments.slice.clone(), ..request });
                    Row::Request
                }
                Some(Err(error)) => Row::Fault(error.to_string()),
            });
        }
    }
    let mut verdicts = verdicts(guard, &requests, each_alone).into_iter();
    drop(requests);
    let mut rows = rows.into_iter();
    let (mut number, mut tally) = (stretch.first, Tally::default());
    let mut batches = Vec::with_capacity(stretch.batches.len());
    for batch in &stretch.batches {
        let mut columns = Columns::new(shape);
        for row in rows.by_ref().take(batch.num_rows()) {
            columns.number(number)?;
            number += 1;
            match row {
                Row::Nothing => {
                    tally.nothing();
                    columns.nothing();
                }
                Row::Fault(what) => {
                    let decision = guard.policy().policy().on_fault();
                    tally.fault(decision);
                    columns.fault(decision.as_str(), &what);
                }
                Row::Request => {
                    let verdict = verdicts.next().context("the guard gave fewer verdicts than texts")?;
                    tally.verdict(&verdict);
                    columns.verdict(shape, &verdict)?;
                }
            }
        }
        let ids = stretch.ids.iter().filter_map(|id| batch.columns().get(*id).cloned()).collect();
        batches.push(columns.finish(shape, ids)?);
    }
    Ok((batches, tally))
}

/// The columns of the verdicts, as far as they are known.
struct Columns {
    row: Int64Builder,
    decision: StringBuilder,
    text: Option<StringBuilder>,
    coverage: StringBuilder,
    coverage_reason: StringBuilder,
    rules: ListBuilder<StringBuilder>,
    fault: StringBuilder,
    scores: Vec<Float32Builder>,
}

impl Columns {
    fn new(shape: &Shape) -> Self {
        Self {
            row: Int64Builder::new(),
            decision: StringBuilder::new(),
            text: shape.has_text.then(StringBuilder::new),
            coverage: StringBuilder::new(),
            coverage_reason: StringBuilder::new(),
            rules: ListBuilder::new(StringBuilder::new()).with_field(rule_field()),
            fault: StringBuilder::new(),
            scores: shape.scores.iter().map(|_| Float32Builder::new()).collect(),
        }
    }

    fn number(&mut self, number: u64) -> anyhow::Result<()> {
        self.row.append_value(i64::try_from(number).context("more rows than can be numbered")?);
        Ok(())
    }

    fn nothing(&mut self) {
        self.decision.append_null();
        self.without_text();
        self.coverage.append_null();
        self.rules.append_null();
        self.fault.append_null();
    }

    fn fault(&mut self, decision: &str, what: &str) {
        self.decision.append_value(decision);
        self.without_text();
        self.coverage.append_value("none");
        self.rules.append(true);
        self.fault.append_value(what);
    }

    fn without_text(&mut self) {
        if let Some(text) = &mut self.text {
            text.append_null();
        }
        self.coverage_reason.append_null();
        self.scores.iter_mut().for_each(Float32Builder::append_null);
    }

    fn verdict(&mut self, shape: &Shape, verdict: &Verdict) -> anyhow::Result<()> {
        self.decision.append_value(verdict.decision.as_str());
        if let Some(text) = &mut self.text {
            text.append_option(verdict.text.as_ref().filter(|_| verdict.decision.releases()));
        }
        self.coverage.append_value(word(&verdict.coverage)?);
        self.coverage_reason.append_option(verdict.coverage_reason.as_ref().map(word).transpose()?);
        for finding in &verdict.findings {
            self.rules.values().append_value(&finding.rule);
        }
        self.rules.append(true);
        self.fault.append_option(verdict.fault.as_ref());
        for (column, name) in self.scores.iter_mut().zip(&shape.scores) {
            let score = verdict.scores.iter().find(|(head, _)| head == name);
            column.append_option(score.map(|(_, score)| *score));
        }
        Ok(())
    }

    fn finish(mut self, shape: &Shape, ids: Vec<ArrayRef>) -> anyhow::Result<RecordBatch> {
        let mut columns: Vec<ArrayRef> = vec![Arc::new(self.row.finish())];
        columns.extend(ids);
        columns.push(Arc::new(self.decision.finish()));
        if let Some(mut text) = self.text {
            columns.push(Arc::new(text.finish()));
        }
        columns.push(Arc::new(self.coverage.finish()));
        columns.push(Arc::new(self.coverage_reason.finish()));
        columns.push(Arc::new(self.rules.finish()));
        columns.push(Arc::new(self.fault.finish()));
        for mut score in self.scores {
            columns.push(Arc::new(score.finish()));
        }
        RecordBatch::try_new(Arc::clone(&shape.schema), columns).context("the columns do not fit each other")
    }
}

/// The word that JSON has for it.
fn word(value: &impl serde::Serialize) -> anyhow::Result<String> {
    let value = serde_json::to_value(value)?;
    value.as_str().map(str::to_owned).context("a word was expected")
}
