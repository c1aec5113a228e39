//! `pipe`: NDJSON in, NDJSON out, in the same order, one line out for each line in.
//!
//! A thread reads lines into a bounded [`queue`]; this one takes what has arrived as a batch, judges it over the
//! guard's threads, writes the answers and flushes. A full queue stops the reader, so memory stays bounded whatever
//! the producer's speed.

pub(super) mod answer;
pub(super) mod format;
pub(super) mod judge;
pub(super) mod options;
pub(super) mod queue;
#[cfg(unix)]
mod remote;

use super::guard_options::GuardOptions;
use super::status_options::StatusOptions;
use super::{alerts, interrupt, lines};
use anyhow::Context as _;
use clap::Args;
use judge::Judge;
use options::LineOptions;
use queue::{Line, Queue};
use std::io::{self, Write as _};
#[cfg(unix)]
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Judge NDJSON lines from standard input, in order.
#[derive(Args)]
#[command(after_help = "\
Each line is an object: {\"text\": \"…\"} and, when wanted, id, role, messages, sources, tool_call, slice,
locale, deadline_ms.
Every line gets one line back. One that cannot be judged, a blank one too, gets an error record in its place:
  {\"id\":null,\"error\":{\"kind\":\"invalid_json\",\"message\":\"…\",\"line\":7}}
A line that arrives alone is answered at once; the batch window only gathers lines that arrive together.
An interrupt ends the reading: the lines read so far are still answered.
A policy that is put in force in the state directory, or changed where --policy points, judges from the next batch on; one that
cannot be used is told, and the one before it goes on.
With --format openai-moderation a line is {\"input\": \"…\"} or {\"input\": [\"…\", …]}, with fms {\"contents\": [\"…\", …]};
answers and errors have the shapes of those interfaces. A line of our own form is taken too.

Examples:
  portcullis pipe < requests.ndjson > verdicts.ndjson
  tail -f chat.ndjson | portcullis pipe --ignore-unknown-keys | jq -r .decision
  portcullis pipe --fail-on-veto < requests.ndjson > /dev/null || echo \"something was held back\"
  portcullis pipe --state state --shadow policies/next < requests.ndjson > verdicts.ndjson
  echo '{\"input\": \"hello\"}' | portcullis pipe --format openai-moderation | jq .results[0].flagged
  portcullis pipe --socket /run/portcullis/socket < requests.ndjson > verdicts.ndjson

Exit status: 0; with --fail-on-veto 1 when a line was vetoed, escalated or could not be judged; 2 an error.")]
pub(super) struct Arguments {
    #[command(flatten)]
    lines: LineOptions,

    /// Exit with 1 when a line was vetoed or escalated, or could not be judged.
    #[arg(long)]
    fail_on_veto: bool,

    #[command(flatten)]
    status: StatusOptions,

    /// Send the lines to the server at this socket and print its answers: its guard judges, by its flags.
    #[cfg(unix)]
    #[arg(long, value_name = "PATH", conflicts_with_all = [
        "format", "batch", "batch_window_us", "max_line_bytes", "ignore_unknown_keys", "reload_ms", "shadow", "shadow_out",
    ])]
    socket: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    #[cfg(unix)]
    if let Some(path) = &arguments.socket {
        return Ok(arguments.outcome(remote::run(path, arguments.fail_on_veto)?));
    }
    let lines = &arguments.lines;
    let mut judge = Judge::open(lines, options)?;
    let queue = Arc::new(Queue::new(4 * lines.batch()));
    let interrupted = Arc::clone(&queue);
    interrupt::watch(move || interrupted.close(None))?;
    let reader = Arc::clone(&queue);
    let limit = lines.longest();
    // Not joined: after an interrupt it may wait for a line that never comes.
    std::thread::Builder::new()
        .name("reader".to_owned())
        .spawn(move || read_into(&reader, limit))
        .context("cannot start the reading thread")?;

    let mut output = io::stdout().lock();
    let mut bytes = Vec::new();
    let mut held = false;
    loop {
        let taken = queue.take(lines.batch(), lines.window());
        if taken.is_empty() {
            break;
        }
        let answers = answer::batch(&mut judge, &taken, lines.format, lines.ignore_unknown_keys)?;
        held |= answers.iter().any(|answer| answer.held);
        bytes.clear();
        answers.iter().for_each(|answer| bytes.extend_from_slice(&answer.line));
        match output.write_all(&bytes).and_then(|()| output.flush()) {
            Ok(()) => {}
            // The reader of the answers has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
            Err(error) => return Err(error).context("cannot write to standard output"),
        }
        alerts::tell(&judge.guard(), false);
    }
    judge.finish();
    alerts::tell(&judge.guard(), true);
    if let Some(error) = queue.failure() {
        return Err(error).context("cannot read standard input");
    }
    Ok(arguments.outcome(held))
}

impl Arguments {
    /// The exit status, where a line was held back or not.
    fn outcome(&self, held: bool) -> ExitCode {
        if held && self.fail_on_veto { self.status.held() } else { ExitCode::SUCCESS }
    }
}

/// Reads standard input into the queue until its end, a failure, or the closing of the queue.
fn read_into(queue: &Queue, limit: usize) {
    let mut input = io::stdin().lock();
    let mut number = 0;
    let failure = loop {
        match lines::read_line(&mut input, limit) {
            Ok(Some(content)) => {
                number += 1;
                if !queue.push(Line { number, content, origin: () }) {
                    return;
                }
            }
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    queue.close(failure);
}
