//! `eval`: how well, how fairly and how steadily the guard judges labelled rows.

mod disguise;
mod identity;
mod judge;
mod measure;
mod plot;
pub(super) mod rows;
mod spans;
mod tables;
mod words;

use super::guard_options::GuardOptions;
use super::terminal;
use anyhow::{Context as _, ensure};
use clap::{Args, ValueEnum};
use judge::Probes;
use measure::{Evaluation, Settings};
use portcullis::{Guard, Request, Role};
use std::path::PathBuf;
use std::process::ExitCode;

/// Measure the guard on labelled rows.
#[derive(Args)]
#[command(after_help = "\
A row is an object on a line of its own. Keys other than these are passed over:
  {\"text\": \"…\", \"labels\": {\"toxicity\": 1, \"hate\": 0}, \"source\": \"…\", \"slice\": \"…\", \"kind\": \"…\", \"role\": \"user\"}
  {\"text\": \"…\", \"label\": 1, \"head\": \"toxicity\"}
  {\"text\": \"…\", \"label\": 1, \"head\": \"hate\", \"function\": \"negated_slur\", \"identities\": [\"muslim\"], \"pair\": \"p17\"}
Labels are numbers in 0..=1, positive from 0.5 on; a head without a label is unknown and left out of its figures.
A row is benign when it has labels and all are 0; a benign row is flagged when it is vetoed or escalated.
ECE uses fifteen bins of equal mass. Intervals are 95% stratified percentile bootstrap. FPR, recall and accuracy are at
the policy's threshold. Rows with the same `pair` are compared with each other: are they decided the same, and how far
apart are their scores? With --patterns a row is {\"text\": \"…\", \"spans\": [{\"start\": 3, \"end\": 20, \"label\": \"pii.email\"}]},
in bytes. docs/eval.md tells each figure, each key of --json, the identity terms and the disguises.

Examples:
  portcullis eval validation.jsonl
  portcullis eval validation.jsonl --head toxicity --slice-by kind --bootstrap 1000
  portcullis eval functional-tests.jsonl --head hate --slice-by function
  portcullis eval validation.jsonl --bias --bias-head hate --swap
  portcullis eval validation.jsonl --disguise --by-length
  portcullis eval validation.jsonl --compare-cascade
  portcullis eval spans.jsonl --patterns
  portcullis eval validation.jsonl --json --plot validation.svg > validation.json

Exit status: 0, or 2 for an error.")]
pub(super) struct Arguments {
    /// The rows; `-` reads standard input.
    #[arg(value_name = "DATA.jsonl")]
    data: PathBuf,

    /// Measure this head only; may be given more than once.
    #[arg(long, value_name = "HEAD")]
    head: Vec<String>,

    /// The key that names a row's slice.
    #[arg(long, value_name = "KEY", default_value = "source")]
    slice_by: SliceBy,

    /// Add the AUC for each group of people, within its rows and against the others (subgroup, BPSN and BNSP AUC).
    ///
    /// A row's groups are its `identities`, or else those that its text names.
    #[arg(long)]
    bias: bool,

    /// The head that --bias measures.
    #[arg(long, value_name = "HEAD", default_value = "toxicity", requires = "bias")]
    bias_head: String,

    /// Swap the group that a text names for others, and add how far the scores move.
    #[arg(long)]
    swap: bool,

    /// Disguise the positive rows in twenty-three ways, and add the recall before and after.
    #[arg(long)]
    disguise: bool,

    /// Add false positives, scores of negative rows and recall by length in tokens.
    #[arg(long)]
    by_length: bool,

    /// Judge every row by a cascade too, and add how often it decides otherwise and how much work it saves.
    #[arg(long, conflicts_with = "cascade")]
    compare_cascade: bool,

    /// Measure the detectors that need no model instead of the heads: rows have `spans`.
    ///
    /// A detector counts from the policy's threshold on; one that no rule looks at is not measured.
    #[arg(long, conflicts_with_all = ["head", "slice_by", "bias", "swap", "disguise", "by_length", "compare_cascade", "plot", "bootstrap"])]
    patterns: bool,

    /// With --patterns, count every detection from this score on, whatever the policy says.
    #[arg(long, value_name = "SCORE", requires = "patterns", value_parser = score)]
    at: Option<f32>,

    /// Print one JSON object.
    #[arg(long)]
    json: bool,

    /// Write the ROC, the precision–recall and each head's reliability plot, as panels of one SVG.
    ///
    /// With --by-length a panel of false positives by length is added.
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,

    /// Add intervals from this many bootstrap replicates to the figures over all rows.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    bootstrap: Option<u32>,

    /// The seed of the bootstrap.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

/// A key of a row that can name its slice.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SliceBy {
    /// The data set that the row is from.
    Source,
    /// The row's own `slice`.
    Slice,
    /// The kind of text.
    Kind,
    /// What a functional test is about.
    Function,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let guard = options.unrecorded().unattributed().guard()?;
    if arguments.patterns {
        let evaluation = spans::measure(&guard, &arguments.data, arguments.at)?;
        terminal::emit(&if arguments.json {
            serde_json::to_string(&evaluation)? + "\n"
        } else {
            spans::render(&evaluation)
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    let cascade = arguments
        .compare_cascade
        .then(|| options.unrecorded().unattributed().with_cascade(true).guard())
        .transpose()?;
    let heads = chosen_heads(&guard, &arguments.head)?;
    let probes = Probes {
        bias_head: arguments.bias.then_some(arguments.bias_head.as_str()),
        swap: arguments.swap,
        disguise: arguments.disguise,
        by_length: arguments.by_length,
        cascade: cascade.as_ref(),
    };
    if let Some(head) = probes.bias_head {
        chosen_heads(&guard, &[head.to_owned()])?;
    }
    let judged = judge::judge(&guard, &arguments.data, arguments.slice_by, &heads, probes)?;
    let settings = Settings {
        probes,
        thresholds: thresholds(&guard)?,
        bootstrap: arguments.bootstrap,
        seed: arguments.seed,
    };
    let evaluation = Evaluation::new(&heads, &judged, &settings)?;
    if let Some(path) = &arguments.plot {
        let svg = plot::sheet(&heads, &judged, evaluation.by_length.as_deref())?;
        std::fs::write(path, svg).with_context(|| format!("cannot write {}", path.display()))?;
    }
    terminal::emit(&if arguments.json {
        serde_json::to_string(&evaluation)? + "\n"
    } else {
        tables::render(&evaluation)
    })?;
    Ok(ExitCode::SUCCESS)
}

fn score(text: &str) -> Result<f32, String> {
    let score = text.parse::<f32>().ok().filter(|score| (0.0..=1.0).contains(score));
    score.ok_or_else(|| "expected a score from 0 to 1".to_owned())
}

/// The heads asked for, in the model's order; all of them when none is named.
fn chosen_heads(guard: &Guard, asked: &[String]) -> anyhow::Result<Vec<String>> {
    let known = guard.score_names();
    for name in asked {
        ensure!(known.contains(name), "unknown head {name:?}: expected one of {}", known.join(", "));
    }
    Ok(known.into_iter().filter(|name| asked.is_empty() || asked.contains(name)).collect())
}

/// Each head's threshold in the policy, for a user's text.
fn thresholds(guard: &Guard) -> anyhow::Result<Vec<(String, Option<f32>)>> {
    let explanation = guard.explain(&Request::new("a", Role::User)?)?;
    Ok(explanation.heads.into_iter().map(|head| (head.name, head.threshold)).collect())
}
