//! `review show`: all that is known of one case.

use super::texts;
use crate::cli::guard_options::GuardOptions;
use crate::cli::terminal::{self, FAINT, HEADING, Table};
use anstyle::{AnsiColor, Style};
use clap::Args;
use portcullis::review::{Case, Ruling};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

const FOUND: Style = AnsiColor::Red.on_default().bold();

/// Show a case, with its text where you have it.
#[derive(Args)]
#[command(after_help = "\
The queue holds no text. One that is given is shown, with what was found in it, only where it is the text of the case byte for
byte: the record names it by a keyed digest. Where the installation keeps samples, --identity shows the text from there.

Examples:
  portcullis review show 019a4b --state state
  portcullis review show 019a4b --state state --text-file letter.txt
  portcullis review show 019a4b --state state --identity review.key
  portcullis review show 019a4b --state state --json | jq .record.scores

Exit status: 0, or 2 for an error.")]
pub(super) struct Arguments {
    /// The case: its decision's id, or the first digits of it.
    #[arg(value_name = "ID")]
    id: String,

    /// The text of the case; `-` reads standard input.
    #[arg(long, value_name = "FILE")]
    text_file: Option<PathBuf>,

    /// The identity to which kept texts are encrypted: shows the text from the samples.
    #[arg(long, value_name = "FILE", conflicts_with = "text_file")]
    identity: Option<PathBuf>,

    /// Print one JSON object; it holds the text where one is given.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let (state, queue) = super::queue(options)?;
    let case = queue.case(&arguments.id)?;
    let text = match (&arguments.text_file, &arguments.identity) {
        (Some(file), _) => Some(texts::from_file(&state, &case, file)?),
        (None, Some(identity)) => Some(texts::Kept::open(&state, identity)?.text(&state, &case)?),
        (None, None) => None,
    };
    if arguments.json {
        let mut object = serde_json::to_value(&case)?;
        if let (Some(object), Some(text)) = (object.as_object_mut(), text) {
            object.insert("text".to_owned(), text.into());
        }
        terminal::emit(&format!("{object}\n"))?;
    } else {
        terminal::emit(&readable(&case, text.as_deref()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn readable(case: &Case, text: Option<&str>) -> String {
    let record = &case.record;
    let mut out = format!("{HEADING}case {}{HEADING:#} {}\n", record.decision_id, case.status);
    for line in facts(case) {
        let _ = writeln!(out, "{}", terminal::printable(&line));
    }
    if !record.findings.is_empty() {
        let mut table =
            Table::new(&["rule", "score", "threshold", "action", "bytes"], &["score", "threshold"]);
        for finding in &record.findings {
            let spans: Vec<String> =
                finding.spans.iter().map(|span| format!("{}..{}", span.start, span.end)).collect();
            table.row([
                terminal::printable(&finding.rule),
                format!("{:.3}", finding.score),
                format!("{:.3}", finding.threshold),
                finding.action.to_string(),
                if spans.is_empty() { "whole text".to_owned() } else { spans.join(", ") },
            ]);
        }
        let _ = write!(out, "\n{}", table.render());
    }
    if !record.scores.is_empty() {
        let mut table = Table::new(&["head", "score"], &["score"]);
        let mut scores: Vec<_> = record.scores.iter().collect();
        scores.sort_by(|a, b| b.1.total_cmp(a.1).then(a.0.cmp(b.0)));
        for (head, score) in scores {
            table.row([terminal::printable(head), format!("{score:.3}")]);
        }
        let _ = write!(out, "\n{}", table.render());
    }
    for ruling in &case.rulings {
        let _ = writeln!(out, "\n{}", terminal::printable(&told(ruling)));
    }
    match text {
        Some(text) => {
            out.push_str("\ntext:\n");
            for (part, found) in texts::marked(text, case) {
                let part = terminal::printable(part);
                let _ = if found { write!(out, "{FOUND}{part}{FOUND:#}") } else { write!(out, "{part}") };
            }
            out.push('\n');
        }
        None => {
            let _ = writeln!(
                out,
                "\n{FAINT}{} bytes of text, which the queue does not hold{FAINT:#}",
                record.text_bytes
            );
        }
    }
    out
}

/// What a record says beside findings and scores, line by line.
pub(super) fn facts(case: &Case) -> Vec<String> {
    let record = &case.record;
    let slice = record.slice.as_ref().map(|slice| format!(", slice {slice}")).unwrap_or_default();
    let mut lines = vec![
        format!("{}, role {}{slice}", record.time, record.role),
        format!("policy {} {}", record.policy.id, record.policy.version),
    ];
    if !record.coverage_reasons.is_empty() {
        let reasons: Vec<String> = record
            .coverage_reasons
            .iter()
            .filter_map(|reason| Some(serde_json::to_value(reason).ok()?.as_str()?.to_owned()))
            .collect();
        lines.push(format!("not all of it was judged: {}", reasons.join(", ")));
    }
    let uses = record.exceptions.iter();
    lines.extend(
        uses.map(|used| format!("excepted: {} by {}, approved by {}", used.rule, used.id, used.approved_by)),
    );
    lines
}

/// A decision in words.
pub(super) fn told(ruling: &Ruling) -> String {
    let mut text =
        format!("{} by {} at {}: {}", ruling.outcome.as_str(), ruling.by, ruling.time, ruling.reason);
    if !ruling.labels.is_empty() {
        let labels: Vec<String> =
            ruling.labels.iter().map(|(head, label)| format!("{head}={label}")).collect();
        let _ = write!(text, "\n  labels: {}", labels.join(", "));
    }
    if let Some(note) = &ruling.note {
        let _ = write!(text, "\n  note: {note}");
    }
    text
}
