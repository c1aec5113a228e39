//! Tables of bias and of swapped groups.

use super::figure;
use crate::cli::eval::measure::{Bias, Swap};
use crate::cli::terminal::{HEADING, Table, printable};

/// The AUCs of each group, then their generalized means.
pub(super) fn bias(bias: &Bias) -> String {
    let columns = ["group", "positive", "negative", "subgroup AUC", "BPSN AUC", "BNSP AUC"];
    let mut table = Table::new(&columns, columns.get(1..).unwrap_or_default());
    let auc = |value: Option<f64>| value.map_or_else(|| "n/a".to_owned(), |value| format!("{value:.4}"));
    for group in &bias.subgroups {
        table.row([
            printable(&group.subgroup),
            group.figures.positives.to_string(),
            group.figures.negatives.to_string(),
            auc(group.figures.subgroup_auc),
            auc(group.figures.bpsn_auc),
            auc(group.figures.bnsp_auc),
        ]);
    }
    table.row([
        format!("(mean, p = {})", bias.mean.power),
        String::new(),
        String::new(),
        auc(bias.mean.subgroup_auc),
        auc(bias.mean.bpsn_auc),
        auc(bias.mean.bnsp_auc),
    ]);
    format!(
        "{HEADING}bias of {}{HEADING:#}: {} rows, AUC {}; n/a: fewer than {} rows of a class\n{}",
        bias.head,
        bias.rows,
        figure(bias.auc),
        bias.least_rows,
        table.render()
    )
}

/// How far each head's score moves.
pub(super) fn swap(swap: &Swap) -> String {
    let columns = ["head", "texts", "median", "p95", "max"];
    let mut table = Table::new(&columns, columns.get(1..).unwrap_or_default());
    for head in &swap.heads {
        table.row([
            head.head.clone(),
            head.shift.count.to_string(),
            figure(Some(head.shift.median)),
            figure(Some(head.shift.p95)),
            figure(Some(head.shift.max)),
        ]);
    }
    format!(
        "{HEADING}change of score when the group is swapped{HEADING:#}: {} rows, {} texts, {} decided otherwise\n{}",
        swap.rows,
        swap.texts,
        swap.decisions_changed,
        table.render()
    )
}
