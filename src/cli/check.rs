//! `check`: one text, one verdict.

use super::guard_options::GuardOptions;
use super::input::{self, TextInput};
use super::shadow::ShadowOptions;
use super::status_options::StatusOptions;
use super::{alerts, failure, terminal};
use anyhow::Context as _;
use clap::Args;
use portcullis::{
    Coverage, CoverageReason, Decision, Disguise, Finding, Part, Place, Request, Source, Verdict,
};
use std::fmt::Write as _;
use std::process::ExitCode;

/// Judge one text.
#[derive(Args)]
#[command(after_help = "\
Examples:
  portcullis check \"how do I bake bread?\"
  portcullis check --json -- \"--help me\"
  some-model | portcullis check --role assistant && echo released
  portcullis check --policy strict.toml --exit-code 7 - < letter.txt
  portcullis check --shadow stricter.toml \"how do I bake bread?\"

Exit status: 0 allowed or rewritten, 1 vetoed or escalated, 2 an error.")]
pub(super) struct Arguments {
    #[command(flatten)]
    input: TextInput,

    /// Print the verdict as one line of JSON.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    shadow: ShadowOptions,

    #[command(flatten)]
    status: StatusOptions,
}

/// The most places told for one finding.
const MOST_PLACES: usize = 8;

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let request = arguments.input.request()?;
    let guard = options.guard()?;
    let verdict = match arguments.shadow.open(options)? {
        None => guard.check(&request),
        Some(mut beside) => {
            let verdicts = beside.check_batch(&guard, std::slice::from_ref(&request))?;
            beside.finish();
            verdicts.into_iter().next().context("the guard gave no verdict")?
        }
    };
    if verdict.coverage_reason == Some(CoverageReason::SizeLimit) {
        failure::note(&format!(
            "the text has {} bytes, more than the policy's max_bytes: it was not judged",
            request.text.len()
        ));
    }
    if arguments.json {
        terminal::emit(&json_line(&verdict)?)?;
    } else {
        terminal::emit(&readable(&request, &verdict))?;
    }
    alerts::tell(&guard, true);
    // The status is the verdict's even when nobody reads the output: a closed pipe must not release a text.
    Ok(arguments.status.status(verdict.decision))
}

/// The verdict as one NDJSON line.
pub(super) fn json_line(verdict: &Verdict) -> anyhow::Result<String> {
    let mut line = serde_json::to_string(verdict)?;
    line.push('\n');
    Ok(line)
}

/// The verdict as a person reads it.
pub(super) fn readable(request: &Request, verdict: &Verdict) -> String {
    let style = terminal::decision_style(verdict.decision);
    let mut text = format!("{style}{}{style:#}\n", verdict.decision);
    if !verdict.findings.is_empty() {
        let mut table = terminal::Table::new(
            &["rule", "score", "threshold", "action", "rail", "where"],
            &["score", "threshold"],
        );
        for finding in &verdict.findings {
            table.row([
                finding.rule.clone(),
                format!("{:.3}", finding.score),
                format!("{:.3}", finding.threshold),
                finding.action.to_string(),
                rail(finding),
                places(&request.text, finding),
            ]);
        }
        text.push_str(&table.render());
    }
    for used in &verdict.exceptions {
        let places: Vec<String> = used.spans.iter().map(|span| input::place(&request.text, *span)).collect();
        let places = if places.is_empty() { String::new() } else { format!(" at {}", places.join(", ")) };
        let _ = writeln!(
            text,
            "excepted: {}{places} by {}, approved by {}",
            used.rule, used.id, used.approved_by
        );
    }
    if let Some(line) = coverage(verdict) {
        let _ = writeln!(text, "{line}");
    }
    if let Some(fault) = &verdict.fault {
        let _ = writeln!(text, "fault: {}", terminal::printable(fault));
    }
    if verdict.decision == Decision::Rewrite
        && let Some(rewritten) = &verdict.text
    {
        let _ = writeln!(text, "text: {}", terminal::printable(rewritten.trim_end()));
    }
    text
}

/// The kind of rail, in a word, and what it saw through.
fn rail(finding: &Finding) -> String {
    let rail = match finding.source {
        Source::Classifier => "classifier",
        Source::Pattern => "pattern",
        Source::Schema => "schema",
        Source::Tool => "tool",
        Source::Grounding => "grounding",
        Source::Host => "host",
        _ => "other",
    };
    if finding.via.is_empty() { rail.to_owned() } else { format!("{rail} via {}", names(&finding.via)) }
}

/// The names of disguises, in a row.
pub(super) fn names(via: &[Disguise]) -> String {
    via.iter().map(|via| via.as_str()).collect::<Vec<_>>().join(", ")
}

fn places(text: &str, finding: &Finding) -> String {
    if let Some(place) = &finding.place {
        return placed(text, finding, place);
    }
    if finding.spans.is_empty() {
        return "whole text".to_owned();
    }
    let mut places: Vec<String> =
        finding.spans.iter().take(MOST_PLACES).map(|span| input::place(text, *span)).collect();
    if finding.spans.len() > MOST_PLACES {
        places.push(format!("{} more", finding.spans.len() - MOST_PLACES));
    }
    places.join(", ")
}

/// A place outside the text, or in its JSON: the bytes, the value and what it fails.
fn placed(text: &str, finding: &Finding, place: &Place) -> String {
    let mut words: Vec<String> = finding.spans.iter().map(|span| input::place(text, *span)).collect();
    if words.is_empty() && place.part == Part::Text {
        words.push("whole text".to_owned());
    }
    if place.part != Part::Text {
        words.push(place.part.as_str().to_owned());
    }
    words
        .extend(place.pointer.as_ref().filter(|pointer| !pointer.is_empty()).map(|p| terminal::printable(p)));
    words.extend(place.keyword.as_ref().map(|keyword| format!("({})", terminal::printable(keyword))));
    words.join(" ")
}

/// What was not judged, and why; nothing when all of it was.
pub(super) fn coverage(verdict: &Verdict) -> Option<String> {
    let judged = match verdict.coverage {
        Coverage::Full => return None,
        Coverage::Partial => "judged in part",
        Coverage::None => "not judged",
    };
    let reason = match verdict.coverage_reason {
        Some(CoverageReason::SizeLimit) => ": the text is over the policy's max_bytes",
        Some(CoverageReason::DecodeDepth) => {
            ": the text is encoded deeper than the policy's max_decode_depth"
        }
        Some(CoverageReason::Deadline) => ": the deadline passed",
        Some(CoverageReason::Fault) => ": a rail failed",
        Some(CoverageReason::Unreadable) => ": the classifiers can read no words in it",
        Some(CoverageReason::UnsupportedLanguage) => ": a language or script the classifiers do not know",
        _ => "",
    };
    Some(format!("{judged}{reason}"))
}
