//! The outcome of a gate, for people and for continuous integration.

use super::measure::{Gate, Measure};
use crate::cli::policy::told;
use crate::cli::terminal::{self, printable};
use anyhow::Context as _;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use std::path::Path;

/// The figures as tables.
pub(super) fn table(gate: &Gate) -> String {
    let mut text = format!(
        "{} against {} on {} rows, {} of them benign\n\n",
        told::policy(&gate.candidate),
        told::policy(&gate.policy),
        gate.rows,
        gate.benign_rows
    );
    let mut measures = terminal::Table::new(
        &["measure", "before", "now", "budget", "outcome"],
        &["before", "now", "budget"],
    );
    for measure in &gate.measures {
        measures.row([
            measure.name.to_owned(),
            shown(measure.before),
            shown(measure.value),
            shown(measure.budget),
            outcome(measure).to_owned(),
        ]);
    }
    text.push_str(&measures.render());
    if !gate.flips.is_empty() {
        let mut flips = terminal::Table::new(&["from", "to", "rows"], &["rows"]);
        for flip in &gate.flips {
            flips.row([flip.from.to_string(), flip.to.to_string(), flip.rows.to_string()]);
        }
        text.push('\n');
        text.push_str(&flips.render());
    }
    if gate.slices.len() > 1 {
        let columns = ["slice", "benign rows", "held before", "held now"];
        let mut slices = terminal::Table::new(&columns, &["benign rows", "held before", "held now"]);
        for slice in &gate.slices {
            slices.row([
                printable(&slice.slice),
                slice.benign_rows.to_string(),
                shown(Some(slice.before)),
                shown(Some(slice.after)),
            ]);
        }
        text.push('\n');
        text.push_str(&slices.render());
    }
    text
}

/// Writes one test case for each figure.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn junit(gate: &Gate, path: &Path) -> anyhow::Result<()> {
    let mut suite = TestSuite::new("policy gate");
    for measure in &gate.measures {
        let mut status = TestCaseStatus::success();
        if !measure.passed {
            status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(format!(
                "{} is {}, the budget is {}",
                measure.name,
                shown(measure.value),
                shown(measure.budget)
            ));
        } else if measure.budget.is_none() {
            status = TestCaseStatus::skipped();
        }
        let mut case = TestCase::new(measure.name, status);
        case.set_classname(gate.candidate.id.as_str());
        suite.add_test_case(case);
    }
    let mut report = Report::new("portcullis");
    report.add_test_suite(suite);
    let text = report.to_string().context("cannot write the outcome as JUnit XML")?;
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn outcome(measure: &Measure) -> &'static str {
    match (measure.passed, measure.budget) {
        (false, _) => "past the budget",
        (true, Some(_)) => "within",
        (true, None) => "no budget",
    }
}

fn shown(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{share:.4}"))
}
