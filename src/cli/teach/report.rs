//! What a lesson came to: figures on held-out rows, warnings, and how to use the head.

use super::missing_rate;
use super::rows::{Row, Rows};
use crate::cli::terminal::{HEADING, Table};
use portcullis::trust::SigningKey;
use portcullis_calibration::teach::{self, FOLDS};
use portcullis_calibration::{TaughtHead, binomial};
use std::fmt::Write as _;
use std::path::Path;

/// The most lines that are named.
const MOST_LINES: usize = 10;
/// Positive rows under which a warning says how little is known.
const FEW: usize = 50;
/// An area under the curve below which a warning is given.
const GOOD_AUC: f64 = 0.95;
const CONFIDENCE: f64 = 0.95;

/// The figures. `scores` are those of the rows when held out.
pub(super) fn describe(head: &TaughtHead, rows: &Rows, scores: &[f32]) -> anyhow::Result<String> {
    let (positives, negatives) = (rows.count(true), rows.count(false));
    let mut text = format!(
        "custom.{}: {positives} rows of the category, {negatives} others, each scored by a function taught without it \
         ({FOLDS} parts)\nAUC {:.4}\n\n",
        head.head().name,
        head.auc()
    );
    const COLUMNS: [&str; 6] =
        ["threshold", "target_fpr", "caught", "of 100", "false alarms", "of 100 at most"];
    let mut table = Table::new(&COLUMNS, &COLUMNS);
    let (suggested, _) = head.suggested();
    let named = head.head().thresholds.iter().rev().map(|row| (row.threshold, row.target_fpr.to_string()));
    for (threshold, target) in std::iter::once((suggested, "-".to_owned())).chain(named) {
        let flagged = |positive: bool| {
            let of_class = rows.list.iter().zip(scores).filter(|(row, _)| row.positive == positive);
            of_class.filter(|(_, score)| **score >= threshold).count()
        };
        let (caught, alarms) = (flagged(true), flagged(false));
        let (low, high) = binomial::interval(caught as u64, positives as u64, CONFIDENCE)?;
        let most = binomial::upper_bound(alarms as u64, negatives as u64, CONFIDENCE)?;
        table.row([
            format!("{threshold:.4}"),
            target,
            format!("{caught} of {positives}"),
            format!("{:.0} to {:.0}", 100.0 * low, 100.0 * high),
            format!("{alarms} of {negatives}"),
            format!("{:.2}", 100.0 * most),
        ]);
    }
    let _ = writeln!(
        text,
        "{}(ranges and bounds at 95% confidence, for further rows of the same kind)",
        table.render()
    );
    let pairs = || rows.list.iter().zip(scores);
    let missed = pairs().filter(|(row, score)| row.positive && **score < suggested);
    let alarmed = pairs().filter(|(row, score)| !row.positive && **score >= suggested);
    for (what, list) in [
        ("missed at the first threshold", lines(missed.map(|(row, _)| row), false)),
        ("false alarms there, among the examples", lines(alarmed.clone().map(|(row, _)| row), false)),
        ("false alarms there, in the traffic", lines(alarmed.map(|(row, _)| row), true)),
    ] {
        if let Some(list) = list {
            let _ = writeln!(text, "{what}: {list}");
        }
    }
    Ok(text)
}

/// The lines of those rows that are from the traffic, or that are not; none where there is none.
fn lines<'a>(rows: impl Iterator<Item = &'a Row>, benign: bool) -> Option<String> {
    let mut lines: Vec<u64> = rows.filter(|row| row.benign == benign).map(|row| row.line).collect();
    lines.sort_unstable();
    let more = lines.len().saturating_sub(MOST_LINES);
    lines.truncate(MOST_LINES);
    let named: Vec<String> = lines.iter().map(u64::to_string).collect();
    let word = if lines.len() == 1 { "line" } else { "lines" };
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!lines.is_empty()).then(|| format!("{word} {}{more}", named.join(", ")))
}

/// What of the figures not to trust.
pub(super) fn warnings(head: &TaughtHead, rows: &Rows) -> Vec<String> {
    let mut warnings = Vec::new();
    let (positives, negatives) = (rows.count(true), rows.count(false));
    let count = |found: usize, what: &str| (found > 0).then(|| format!("rows left out, {what}: {found}"));
    warnings.extend(count(rows.unjudged, "too long or in a language that the model does not know"));
    warnings.extend(count(rows.repeated, "with the text of another row"));
    warnings.extend(count(rows.contradicted, "of the traffic, with the text of an example of the category"));
    if positives < FEW {
        warnings.push(format!(
            "{positives} rows of the category tell little of what else it holds: what is caught of other texts may be far \
             from the share caught here"
        ));
    }
    if head.auc() < GOOD_AUC {
        warnings.push(format!(
            "the rows of the category are hard to tell from the others: AUC {:.4}, where 1 tells all apart",
            head.auc()
        ));
    }
    if let Some((rate, needed)) = missing_rate(head) {
        let found = match needed > negatives as u64 {
            true => format!("{negatives} rows are not of the category, {needed} or more would be needed"),
            false => format!("too many of the {negatives} other rows score high"),
        };
        let at_most = teach::TARGET_FPRS.first().is_some_and(|first| *first < rate);
        let rates = if at_most { format!("of {rate} and less") } else { format!("of {rate}") };
        warnings.push(format!("there is no threshold for a target_fpr {rates}: {found}"));
    }
    warnings
}

/// What was written, and a policy's part that uses it.
pub(super) fn usage(head: &TaughtHead, path: &Path, file: &str, key: Option<&SigningKey>) -> String {
    let name = &head.head().name;
    let signed =
        key.map(|key| format!(", signed by {} ({})", key.name(), key.public().id())).unwrap_or_default();
    let (threshold, _) = head.suggested();
    format!(
        "\nwrote {}{signed}\n\n{HEADING}in a policy beside it{HEADING:#}\n[[head]]\nfile = \"{file}\"\n\n[[rule]]\nid = \"{name}\"\n\
         detector = \"custom.{name}\"\nthreshold = {threshold:?}\naction = \"escalate\"\n",
        path.display()
    )
}
