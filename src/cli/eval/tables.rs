//! The figures as tables.

mod cascade;
mod fairness;
mod robustness;

use super::measure::{Decisions, Evaluation, HeadFigures};
use crate::cli::terminal::{HEADING, Table};
use portcullis_calibration::measure::{Interval, Report};
use std::fmt::Write as _;

/// The tables of an evaluation.
pub(super) fn render(evaluation: &Evaluation) -> String {
    let mut text = format!("{} rows\n\n{HEADING}heads{HEADING:#}\n", evaluation.rows);
    text.push_str(&heads(&evaluation.heads));
    let intervals: Vec<(&HeadFigures, &Report)> =
        evaluation.heads.iter().filter_map(|head| Some((head, head.intervals.as_ref()?))).collect();
    if !intervals.is_empty() {
        let _ =
            write!(text, "\n{HEADING}95% intervals over all rows{HEADING:#}\n{}", interval_table(&intervals));
    }
    let _ = write!(text, "\n{HEADING}decisions{HEADING:#}\n{}", decisions(&evaluation.decisions));
    for report in [
        evaluation.bias.as_ref().map(fairness::bias),
        evaluation.swap.as_ref().map(fairness::swap),
        evaluation.disguise.as_deref().map(robustness::disguise),
        evaluation.by_length.as_deref().map(robustness::by_length),
        evaluation.cascade.as_ref().map(cascade::cascade),
        evaluation.pairs.as_ref().map(robustness::pairs),
    ]
    .into_iter()
    .flatten()
    {
        let _ = write!(text, "\n{report}");
    }
    text
}

fn heads(heads: &[HeadFigures]) -> String {
    let columns = [
        "head",
        "slice",
        "positive",
        "negative",
        "AUC",
        "AUPRC",
        "R@1%FPR",
        "R@5%FPR",
        "threshold",
        "F1",
        "FPR",
        "recall",
        "accuracy",
        "best F1",
        "ECE",
        "Brier",
        "unscored",
    ];
    let mut table = Table::new(&columns, columns.get(2..).unwrap_or_default());
    for head in heads {
        table.row([
            head.head.clone(),
            head.slice.clone(),
            head.positives.to_string(),
            head.negatives.to_string(),
            figure(head.auc),
            figure(head.average_precision),
            figure(head.recall_at_1_fpr),
            figure(head.recall_at_5_fpr),
            figure(head.threshold.map(f64::from)),
            figure(head.f1_at_threshold),
            figure(head.fpr_at_threshold),
            figure(head.recall_at_threshold),
            figure(head.accuracy_at_threshold),
            figure(head.best_f1),
            figure(Some(head.ece)),
            figure(Some(head.brier)),
            head.unscored.to_string(),
        ]);
    }
    table.render()
}

fn interval_table(heads: &[(&HeadFigures, &Report)]) -> String {
    let mut table = Table::new(&["head", "figure", "estimate", "low", "high"], &["estimate", "low", "high"]);
    for (head, report) in heads {
        let mut row = |name: &str, interval: Interval| {
            table.row([
                head.head.clone(),
                name.to_owned(),
                figure(Some(interval.estimate)),
                figure(Some(interval.low)),
                figure(Some(interval.high)),
            ]);
        };
        for (name, interval) in
            [("AUC", report.auc), ("AUPRC", report.average_precision), ("best F1", report.best_f1)]
        {
            if let Some(interval) = interval {
                row(name, interval);
            }
        }
        for recall in &report.recall_at_fpr {
            row(&format!("recall at {:.0}% FPR", 100.0 * recall.max_fpr), recall.recall);
        }
        row("ECE", report.ece);
        row("Brier", report.brier);
    }
    table.render()
}

fn decisions(slices: &[Decisions]) -> String {
    let columns =
        ["slice", "rows", "allow", "rewrite", "escalate", "veto", "benign", "flagged", "share", "read"];
    let mut table = Table::new(&columns, columns.get(1..).unwrap_or_default());
    for slice in slices {
        table.row([
            slice.slice.clone(),
            slice.rows.to_string(),
            slice.allow.to_string(),
            slice.rewrite.to_string(),
            slice.escalate.to_string(),
            slice.veto.to_string(),
            slice.benign.to_string(),
            slice.benign_flagged.to_string(),
            slice.flagged_share().map_or_else(|| "-".to_owned(), |share| format!("{:.2}%", 100.0 * share)),
            slice.benign_read.to_string(),
        ]);
    }
    table.render()
}

fn figure(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"))
}
