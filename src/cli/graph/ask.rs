//! `graph ask`: the ready questions.

use super::super::guard_options::GuardOptions;
use super::super::terminal;
use super::source::SourceOptions;
use super::told::AnswerOptions;
use anyhow::bail;
use clap::Args;
use portcullis::graph::Question;
use std::process::ExitCode;

/// Ask the graph a ready question.
#[derive(Args)]
#[command(after_help = "\
Questions:
  rules-without-owner      rules that have no owner, neither their own nor their policy's
  rules-without-test       rules that no test of their policy expects
  hazards-without-rule     hazards of the MLCommons taxonomy that no rule names
  references               rules and policies by the standards that they are held against
  exceptions-by NAME       exceptions that this person approved, and the decisions that used them
  depends-on DIGEST        what rests on the model, calibration, weights or policy with this digest, or its first digits
  decisions-of-rule RULE   decisions to which this rule applied
  acts-of NAME             what this person answers for or did
  history                  policies that were put in force, by whom and why

Examples:
  portcullis graph ask rules-without-test --policy my-bundle
  portcullis graph ask depends-on 3f9c2a --state state --csv
  portcullis graph ask hazards-without-rule --show-query")]
pub(super) struct Arguments {
    /// The question.
    #[arg(value_name = "QUESTION", value_parser = question)]
    question: Question,

    /// What it is about, where it needs that.
    #[arg(value_name = "ABOUT")]
    about: Option<String>,

    /// Print the query in place of asking it.
    #[arg(long)]
    show_query: bool,

    #[command(flatten)]
    answer: AnswerOptions,

    #[command(flatten)]
    source: SourceOptions,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let name = arguments.question.name();
    let about = match (arguments.question.argument(), &arguments.about) {
        (Some(what), None) => bail!("{name} is asked about something: expected {name} {what}"),
        (None, Some(_)) => bail!("{name} is not asked about anything: expected {name} alone"),
        (_, about) => about.as_deref().unwrap_or_default(),
    };
    let query = arguments.question.query(about);
    if arguments.show_query {
        terminal::emit(&(query + "\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let answer = arguments.source.graph(options)?.query(&query, arguments.answer.limits())?;
    arguments.answer.tell(&answer)?;
    Ok(ExitCode::SUCCESS)
}

fn question(text: &str) -> Result<Question, String> {
    Question::ALL
        .into_iter()
        .find(|question| question.name() == text)
        .ok_or_else(|| format!("expected one of {}", Question::ALL.map(Question::name).join(", ")))
}
