//! `policy diff`: what changes from one policy to another, in words and on rows of data.

use super::flips::{self, Flips};
use super::{counted, status};
use crate::cli::guard_options::GuardOptions;
use crate::cli::{log, terminal};
use anyhow::Context as _;
use clap::Args;
use portcullis::PolicyRef;
use portcullis::policy::{Change, Policy};
use serde::Serialize;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Tell what changes from one policy to another.
#[derive(Args)]
#[command(after_help = "\
With --data both judge every row, a JSON object a line as for `pipe` or `eval`, and what they decide differently is counted. With
--log the same is done with past verdicts: a log holds no texts, so what only a policy's own lists, schemas, tools and heads would find
in them is not known, and what would be rewritten is taken to pass the second look.

Examples:
  portcullis policy diff old.toml new.toml
  portcullis policy diff old-bundle new-bundle --data traffic.jsonl --ids 20
  portcullis policy diff old-bundle new-bundle --log --state state
  portcullis policy diff old-bundle new-bundle --json | jq -r '.changes[].subject'

Exit status: 0 when the policies are the same, 1 when they differ, 2 an error.")]
pub(super) struct Arguments {
    /// The policy before: a file, or a bundle.
    from: PathBuf,

    /// The policy after.
    to: PathBuf,

    /// Rows that both are to judge; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,

    /// Also decide every verdict in the log of the state directory again under both, from its record.
    #[arg(long)]
    log: bool,

    /// Of the rows or verdicts that are decided otherwise, how many are named for each kind.
    #[arg(long, value_name = "N", default_value_t = 5)]
    ids: usize,

    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let open = |path: &Path| Policy::open(path).with_context(|| format!("in {}", path.display()));
    let (from, to) = (open(&arguments.from)?, open(&arguments.to)?);
    let mut difference = Difference {
        from: from.reference(),
        to: to.reference(),
        changes: from.changes(&to),
        flips: None,
        log: None,
    };
    if arguments.data.is_some() || arguments.log {
        let guards = (options.guard_of(from)?, options.guard_of(to)?);
        let guards = (&guards.0, &guards.1);
        let data = arguments.data.as_deref();
        difference.flips = data.map(|data| flips::measure(guards, data, arguments.ids)).transpose()?;
        if arguments.log {
            difference.log = Some(flips::replay(guards, log::state(options)?, arguments.ids)?);
        }
    }
    terminal::emit(&if arguments.json {
        serde_json::to_string(&difference)? + "\n"
    } else {
        difference.readable()
    })?;
    Ok(status(difference.changes.is_empty()))
}

#[derive(Serialize)]
struct Difference {
    from: PolicyRef,
    to: PolicyRef,
    changes: Vec<Change>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flips: Option<Flips>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<Flips>,
}

impl Difference {
    fn readable(&self) -> String {
        let mut text = String::new();
        for change in &self.changes {
            let _ = writeln!(text, "{}", terminal::printable(&change.to_string()));
        }
        let _ = match self.changes.len() {
            0 => writeln!(text, "no difference"),
            number => writeln!(text, "{}", counted(number, "difference")),
        };
        for flips in self.flips.iter().chain(&self.log) {
            let _ = write!(text, "\n{}", flips.readable());
        }
        text
    }
}
