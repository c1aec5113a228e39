//! Tables of disguises, lengths and pairs.

use super::figure;
use crate::cli::eval::measure::{Disguised, Lengths, Pairs, Recall};
use crate::cli::terminal::{HEADING, Table};

/// Each head's recall before and after each disguise.
pub(super) fn disguise(heads: &[Disguised]) -> String {
    let columns = [
        "head", "disguise", "positive", "recall", "after", "points", "R@1%FPR", "after", "points", "flagged",
        "after", "points",
    ];
    let mut table = Table::new(&columns, columns.get(2..).unwrap_or_default());
    for head in heads {
        let mut row = vec![head.head.clone(), head.disguise.to_owned(), head.positives.to_string()];
        row.extend([head.at_threshold, head.at_1_fpr, Some(head.flagged)].into_iter().flat_map(recall));
        table.row(row);
    }
    format!("{HEADING}positive rows in disguise{HEADING:#}\n{}", table.render())
}

fn recall(recall: Option<Recall>) -> [String; 3] {
    let points = recall.map_or_else(|| "-".to_owned(), |recall| format!("{:+.1}", recall.points));
    [figure(recall.map(|recall| recall.before)), figure(recall.map(|recall| recall.after)), points]
}

/// Each head's figures by length in tokens.
pub(super) fn by_length(heads: &[Lengths]) -> String {
    let columns = ["head", "tokens", "positive", "negative", "FPR", "mean of negatives", "recall"];
    let mut table = Table::new(&columns, columns.get(1..).unwrap_or_default());
    for head in heads {
        for bucket in &head.buckets {
            let tokens = match bucket.last {
                Some(last) => format!("{}-{last}", bucket.first),
                None => format!("{}+", bucket.first),
            };
            table.row([
                head.head.clone(),
                tokens,
                bucket.positives.to_string(),
                bucket.negatives.to_string(),
                figure(bucket.fpr),
                figure(bucket.mean_negative_score),
                figure(bucket.recall),
            ]);
        }
    }
    format!("{HEADING}by length{HEADING:#}\n{}", table.render())
}

/// The pairs' agreement, and how far apart each head's scores are.
pub(super) fn pairs(pairs: &Pairs) -> String {
    let mut table = Table::new(&["head", "pairs", "mean difference"], &["pairs", "mean difference"]);
    for head in &pairs.heads {
        table.row([head.head.clone(), head.pairs.to_string(), figure(Some(head.mean_difference))]);
    }
    let agreement = pairs.agreement.map_or_else(|| "-".to_owned(), |share| format!("{:.2}%", 100.0 * share));
    format!(
        "{HEADING}pairs{HEADING:#}: {} of {} decided the same ({agreement}); {} rows alone\n{}",
        pairs.agreeing,
        pairs.pairs,
        pairs.alone,
        table.render()
    )
}
