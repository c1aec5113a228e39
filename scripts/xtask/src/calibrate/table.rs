//! The outcome as Markdown: a line for each head, for each rule, and for each kind of the benign mix.

use std::fmt::Write as _;

use portcullis_calibration::measure;

use super::budget::Spent;
use super::heads::HeadFit;
use super::policy::HeadRule;

/// All three tables.
pub(super) fn render(fits: &[HeadFit], rules: &[HeadRule], spent: &Spent) -> String {
    let mut out = String::new();
    tables(&mut out, fits, rules, spent).unwrap_or_default(); // a String takes any text
    out
}

fn tables(out: &mut String, fits: &[HeadFit], rules: &[HeadRule], spent: &Spent) -> std::fmt::Result {
    writeln!(out, "| head | positives | negatives | AUC | ECE | Brier |\n|---|---|---|---|---|---|")?;
    for fit in fits {
        let head = &fit.calibrated;
        let auc = fit.ranking.as_ref().and_then(|ranking| measure::auc(ranking).ok());
        let auc = auc.map_or_else(|| "–".to_owned(), |auc| format!("{auc:.4}"));
        let (positives, negatives) = (head.positives, head.negatives);
        writeln!(
            out,
            "| {} | {positives} | {negatives} | {auc} | {:.4} | {:.4} |",
            head.name, head.ece, head.brier
        )?;
    }
    writeln!(
        out,
        "\n| rule | target FPR | threshold | flagged of the mix | of its own negatives | of its positives |"
    )?;
    writeln!(out, "|---|---|---|---|---|---|")?;
    for rule in rules {
        let target = spent.targets.get(&rule.id).copied().unwrap_or_default();
        let Some(fit) = fits.iter().find(|fit| fit.calibrated.name == rule.head) else { continue };
        let Some(chosen) = fit.calibrated.thresholds.iter().find(|chosen| chosen.target_fpr == target) else {
            continue;
        };
        let share = |scores: &[f32]| {
            percent(scores.iter().filter(|&&score| score >= chosen.threshold).count(), scores.len())
        };
        let (mix, own, positives) = (share(&fit.mix), share(&fit.own_negatives), share(&fit.positives));
        writeln!(out, "| {} | {target} | {:.4} | {mix} | {own} | {positives} |", rule.id, chosen.threshold)?;
    }
    writeln!(
        out,
        "\n| role | kind of the benign mix, held out | rows | flagged by any rule | share |\n|---|---|---|---|---|"
    )?;
    for (role, kinds) in &spent.roles {
        for (kind, &(flagged, rows)) in kinds {
            writeln!(out, "| {role} | {kind} | {rows} | {flagged} | {} |", percent(flagged, rows))?;
        }
        let (flagged, rows) = kinds.values().fold((0, 0), |(f, r), (flagged, rows)| (f + flagged, r + rows));
        writeln!(out, "| {role} | all | {rows} | {flagged} | {} |", percent(flagged, rows))?;
    }
    Ok(())
}

fn percent(part: usize, whole: usize) -> String {
    if whole == 0 { "–".to_owned() } else { format!("{:.2}%", 100.0 * part as f64 / whole as f64) }
}
