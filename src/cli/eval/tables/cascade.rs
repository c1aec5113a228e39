//! Tables of a cascade beside the whole model.

use super::figure;
use crate::cli::eval::measure::Cascade;
use crate::cli::terminal::{HEADING, Table};

/// Where rows leave, what that saves, what is decided otherwise, and each head's recall.
pub(super) fn cascade(cascade: &Cascade) -> String {
    let columns = ["leaves at", "benign", "other"];
    let mut exits = Table::new(&columns, &columns[1..]);
    for share in &cascade.exits {
        exits.row([share.exit.clone(), share.benign.to_string(), share.other.to_string()]);
    }
    let columns = ["head", "R@1%FPR", "by the cascade"];
    let mut heads = Table::new(&columns, &columns[1..]);
    for head in &cascade.heads {
        heads.row([head.head.clone(), figure(Some(head.model)), figure(Some(head.cascade))]);
    }
    format!(
        "{HEADING}cascade{HEADING:#}: {} of {} rows held by one and released by the other ({:.2}%, at most {:.2}% at 95% \
         confidence), {} of them released by the cascade\n\
         layers computed: {} of all for benign rows, {} for others, {} at 95% benign; time {} of the whole model's\n{}\n{}",
        cascade.differ,
        cascade.rows,
        100.0 * cascade.differ_share,
        100.0 * cascade.differ_upper_95,
        cascade.lost,
        figure(cascade.work_benign),
        figure(cascade.work_other),
        figure(cascade.work_traffic),
        figure(Some(cascade.time_ratio)),
        exits.render(),
        heads.render()
    )
}
