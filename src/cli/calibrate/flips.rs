//! What a new calibration would change: thresholds, and the cases that would be decided otherwise.

use super::heads::Fitted;
use super::reviews::{Case, Outcome, Reviewed};
use crate::cli::terminal::Table;
use portcullis::Guard;
use portcullis::policy::Limit;
use portcullis_calibration::Calibration;
use std::fmt::Write as _;

/// The thresholds that move, and the cases that flip.
pub(super) fn describe(guard: &Guard, new: &Calibration, fitted: &[Fitted], reviewed: &Reviewed) -> String {
    let old = guard.bundle().calibration();
    let mut table = Table::new(&["head", "target", "from", "to"], &["target", "from", "to"]);
    let mut moved = 0_usize;
    for (before, after) in old.heads().iter().zip(fitted) {
        for (from, to) in before.thresholds.iter().zip(&after.head.thresholds) {
            if from.threshold.to_bits() == to.threshold.to_bits() {
                continue;
            }
            moved += 1;
            table.row([
                before.name.clone(),
                from.target_fpr.to_string(),
                format!("{:.4}", from.threshold),
                format!("{:.4}", to.threshold),
            ]);
        }
    }
    let mut text = String::new();
    if moved == 0 {
        text.push_str("no threshold moves\n");
    } else {
        text.push_str(&table.render());
    }
    let held = |case: &Case| (is_held(guard, old, old, case), is_held(guard, old, new, case));
    let count = |outcome: Outcome, wanted: (bool, bool)| {
        let cases = reviewed.cases.iter().filter(|case| case.outcome() == Some(outcome));
        cases.filter(|case| held(case) == wanted).count()
    };
    let _ = writeln!(
        text,
        "of {} reviewed cases, {} that were approved would no longer be held, and {} that were rejected",
        reviewed.cases.len(),
        count(Outcome::Approve, (true, false)),
        count(Outcome::Reject, (true, false)),
    );
    let newly = count(Outcome::Approve, (false, true)) + count(Outcome::Reject, (false, true));
    if newly > 0 {
        let _ = writeln!(text, "{newly} that no classifier's rule holds now would be held by one");
    }
    text
}

/// Whether a rule on a head of the bundle applies to a case by the curves and thresholds of `new`.
fn is_held(guard: &Guard, old: &Calibration, new: &Calibration, case: &Case) -> bool {
    guard.policy().rules().iter().any(|bound| {
        let rule = bound.rule();
        if !rule.roles.contains(&case.role) {
            return false;
        }
        old.heads().iter().zip(&case.logits).any(|(head, logit)| {
            let Ok(after) = new.head(&head.name) else { return false };
            if !rule.detector.covers(&format!("classifier.{}", head.name)) {
                return false;
            }
            let threshold = match rule.limit {
                Limit::Threshold(threshold) => threshold,
                Limit::TargetFpr(target) => match new.threshold(&head.name, target) {
                    Ok(found) => found.threshold,
                    Err(_) => bound.threshold(),
                },
            };
            after.curve.apply(*logit) >= threshold
        })
    })
}
