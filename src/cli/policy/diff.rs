//! `policy diff`: what changes from one policy to another, in words and on rows of data.

use super::flips::{self, Flips};
use super::{counted, status};
use crate::cli::guard_options::GuardOptions;
use crate::cli::terminal;
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
With --data both judge every row, a JSON object a line as for `pipe` or `eval`, and what they decide differently is counted.

Examples:
  portcullis policy diff old.toml new.toml
  portcullis policy diff old-bundle new-bundle --data traffic.jsonl --ids 20
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

    /// Of the rows that are decided otherwise, how many are named for each kind.
    #[arg(long, value_name = "N", default_value_t = 5, requires = "data")]
    ids: usize,

    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let open = |path: &Path| Policy::open(path).with_context(|| format!("in {}", path.display()));
    let (from, to) = (open(&arguments.from)?, open(&arguments.to)?);
    let difference = Difference {
        from: from.reference(),
        to: to.reference(),
        changes: from.changes(&to),
        flips: match &arguments.data {
            Some(data) => {
                let guards = (options.guard_of(from)?, options.guard_of(to)?);
                Some(flips::measure((&guards.0, &guards.1), data, arguments.ids)?)
            }
            None => None,
        },
    };
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
        if let Some(flips) = &self.flips {
            let _ = write!(text, "\n{}", flips.readable());
        }
        text
    }
}
