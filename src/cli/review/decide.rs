//! `review decide`: what a person decides of one case.

use super::{Said, short};
use crate::cli::guard_options::GuardOptions;
use crate::cli::terminal;
use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use portcullis::review::{Case, Outcome};
use std::collections::BTreeMap;
use std::process::ExitCode;

/// Decide a case.
#[derive(Args)]
#[command(after_help = "\
To approve is to say that the text may be released; the guard releases nothing by itself. Labels say what the text is, by head:
1 for what the head is meant to find, 0 for what it is not; `review export` writes them as rows for `eval` and `calibrate`.

Examples:
  portcullis review decide 019a4b approve --state state --by ana --reason \"a quotation\" --label toxicity=0
  portcullis review decide 019a4b reject --state state --by ana --reason \"a threat\" --label threat=1 --label insult=1
  portcullis review decide 019a4b reject --state state --by bo --reason \"on second thoughts\" --overrule

Exit status: 0, or 2 for an error; a case that was decided already is one, without --overrule.")]
pub(super) struct Arguments {
    /// The case: its decision's id, or the first digits of it.
    #[arg(value_name = "ID")]
    id: String,

    /// What is decided.
    outcome: Word,

    /// Who decides.
    #[arg(long, value_name = "NAME")]
    by: String,

    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: String,

    /// What the text is: a head and a number in 0..=1. May be given more than once.
    #[arg(long = "label", value_name = "HEAD=LABEL", value_parser = parse_label)]
    labels: Vec<(String, f32)>,

    /// The text is nothing that any head is meant to find: the label 0 for every head that scored it.
    #[arg(long)]
    innocent: bool,

    /// Anything else.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,

    /// Decide a case anew that was decided before.
    #[arg(long)]
    overrule: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Word {
    /// The text may be released.
    Approve,
    /// The text was rightly held.
    Reject,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let (state, queue) = super::queue(options)?;
    let case = queue.case(&arguments.id)?;
    let mut labels = if arguments.innocent { innocent(&case) } else { BTreeMap::new() };
    for (head, label) in &arguments.labels {
        check_head(&case, head)?;
        labels.insert(head.clone(), *label);
    }
    let outcome = match arguments.outcome {
        Word::Approve => Outcome::Approve,
        Word::Reject => Outcome::Reject,
    };
    let said = Said {
        outcome,
        by: arguments.by.clone(),
        reason: arguments.reason.clone(),
        labels,
        note: arguments.note.clone(),
    };
    let case = super::settle(&state, &queue, &case.record.decision_id, said, arguments.overrule)?;
    terminal::emit(&format!("case {} {}\n", short(&case.record.decision_id), case.status))?;
    Ok(ExitCode::SUCCESS)
}

/// The label 0 for every head that scored the text.
pub(super) fn innocent(case: &Case) -> BTreeMap<String, f32> {
    case.record.scores.keys().map(|head| (head.clone(), 0.0)).collect()
}

/// Checks that a head has scored the text; where none has, any may be named.
pub(super) fn check_head(case: &Case, head: &str) -> anyhow::Result<()> {
    let scores = &case.record.scores;
    if !scores.is_empty() && !scores.contains_key(head) {
        let known: Vec<&str> = scores.keys().map(String::as_str).collect();
        bail!("unknown head {:?}: expected one of {}", terminal::printable(head), known.join(", "));
    }
    Ok(())
}

/// A head and its label.
pub(super) fn parse_label(word: &str) -> Result<(String, f32), String> {
    const EXPECTED: &str = "expected HEAD=LABEL with a label in 0..=1, such as toxicity=0";
    let parsed = word
        .split_once('=')
        .context(EXPECTED)
        .and_then(|(head, label)| Ok((head.trim().to_owned(), label.trim().parse::<f32>()?)));
    match parsed {
        Ok((head, label)) if !head.is_empty() && (0.0..=1.0).contains(&label) => Ok((head, label)),
        _ => Err(EXPECTED.to_owned()),
    }
}
