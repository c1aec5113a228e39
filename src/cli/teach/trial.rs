//! A dry run on texts: which of them a head would catch.

use super::rows::{judged_whole, parse_row};
use crate::cli::data::Data;
use crate::cli::terminal::{self, Table};
use anyhow::Context as _;
use portcullis::Guard;
use portcullis_calibration::TaughtHead;
use std::path::Path;

/// Texts encoded together.
const BATCH: usize = 256;
/// Characters of a text that are shown.
const SHOWN: usize = 72;

/// The texts of a file that the head would catch, by line and score; the texts themselves only to `show` them.
///
/// # Errors
/// When the file cannot be read, a row is bad, or the encoder fails; no message holds text.
pub(super) fn run(guard: &Guard, head: &TaughtHead, path: &Path, show: bool) -> anyhow::Result<String> {
    let mut data = Data::open(path, "trying")?;
    let mut columns = vec!["line", "score", "target_fpr"];
    if show {
        columns.push("text");
    }
    let mut trial = Trial {
        guard,
        head,
        table: Table::new(&columns, &["line", "score", "target_fpr"]),
        show,
        rows: 0,
        caught: 0,
    };
    let (mut batch, mut unjudged) = (Vec::with_capacity(BATCH), 0_usize);
    while let Some(line) = data.next_row()? {
        let (text, _) = parse_row(&line).with_context(|| data.place())?;
        match judged_whole(guard, &text) {
            Some(_) => batch.push((data.line(), text)),
            None => unjudged += 1,
        }
        if batch.len() == BATCH {
            trial.score(&mut batch)?;
        }
    }
    trial.score(&mut batch)?;
    let (threshold, _) = head.suggested();
    let Trial { caught, rows, table, .. } = trial;
    let mut text = format!("\n{}: {caught} of {rows} rows reach {threshold:.4}", data.name);
    if unjudged > 0 {
        text += &format!("; {unjudged} more would not be judged whole");
    }
    text.push('\n');
    if caught > 0 {
        text += &table.render();
    }
    Ok(text)
}

struct Trial<'a> {
    guard: &'a Guard,
    head: &'a TaughtHead,
    table: Table,
    show: bool,
    rows: usize,
    caught: usize,
}

impl Trial<'_> {
    /// Scores the texts and adds those that are caught to the table.
    fn score(&mut self, batch: &mut Vec<(u64, String)>) -> anyhow::Result<()> {
        let texts: Vec<&str> = batch.iter().map(|(_, text)| text.as_str()).collect();
        let states = self.guard.states(&texts)?;
        let Self { head, .. } = self;
        let (threshold, _) = head.suggested();
        for ((line, text), windows) in batch.drain(..).zip(states) {
            self.rows += 1;
            let logit = windows.iter().map(|window| head.logit(window)).fold(f32::NEG_INFINITY, f32::max);
            let score = head.head().curve.apply(logit);
            if score < threshold {
                continue;
            }
            self.caught += 1;
            let reached = head.head().thresholds.iter().filter(|row| score >= row.threshold);
            let strictest = reached.map(|row| row.target_fpr).reduce(f64::min);
            let mut cells = vec![
                line.to_string(),
                format!("{score:.4}"),
                strictest.map_or_else(|| "-".to_owned(), |target| target.to_string()),
            ];
            if self.show {
                let shown: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
                cells.push(terminal::printable(&shown.chars().take(SHOWN).collect::<String>()));
            }
            self.table.row(cells);
        }
        Ok(())
    }
}
