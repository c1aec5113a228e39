//! `pipe`: NDJSON in, NDJSON out, in the same order, one line out for each line in.
//!
//! A thread reads lines into a bounded [`queue`]; this one takes what has arrived as a batch, judges it over the
//! guard's threads, writes the answers and flushes. A full queue stops the reader, so memory stays bounded whatever
//! the producer's speed.

mod answer;
mod judge;
mod queue;

use super::guard_options::{GuardOptions, StatusOptions};
use super::lines;
use super::shadow::ShadowOptions;
use anyhow::Context as _;
use clap::Args;
use judge::Judge;
use queue::{Line, Queue};
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

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

Examples:
  portcullis pipe < requests.ndjson > verdicts.ndjson
  tail -f chat.ndjson | portcullis pipe --ignore-unknown-keys | jq -r .decision
  portcullis pipe --fail-on-veto < requests.ndjson > /dev/null || echo \"something was held back\"
  portcullis pipe --state state --shadow policies/next < requests.ndjson > verdicts.ndjson

Exit status: 0; with --fail-on-veto 1 when a line was vetoed, escalated or could not be judged; 2 an error.")]
pub(super) struct Arguments {
    /// The most lines judged together.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4096))]
    batch: u16,

    /// The longest wait for a batch to fill, in microseconds.
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u64).range(..=10_000_000))]
    batch_window_us: u64,

    /// The longest line read, in bytes; a longer one is passed over and gets an error record.
    #[arg(long, value_name = "N", default_value_t = 16 << 20, value_parser = clap::value_parser!(u32).range(2..=1 << 30))]
    max_line_bytes: u32,

    /// Pass over keys that are not known, instead of answering with an error record.
    #[arg(long)]
    ignore_unknown_keys: bool,

    /// Exit with 1 when a line was vetoed or escalated, or could not be judged.
    #[arg(long)]
    fail_on_veto: bool,

    /// The shortest time between two looks for a change of the policy, in milliseconds.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    reload_ms: u64,

    #[command(flatten)]
    shadow: ShadowOptions,

    #[command(flatten)]
    status: StatusOptions,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let mut judge = Judge::open(arguments, options)?;
    let batch = usize::from(arguments.batch);
    let window = Duration::from_micros(arguments.batch_window_us);
    let queue = Arc::new(Queue::new(4 * batch));
    finish_on_interrupt(&queue)?;
    let reader = Arc::clone(&queue);
    let limit = usize::try_from(arguments.max_line_bytes).unwrap_or(usize::MAX);
    // Not joined: after an interrupt it may wait for a line that never comes.
    std::thread::Builder::new()
        .name("reader".to_owned())
        .spawn(move || read_into(&reader, limit))
        .context("cannot start the reading thread")?;

    let mut output = io::stdout().lock();
    let mut answers = Vec::new();
    let mut held = false;
    loop {
        let lines = queue.take(batch, window);
        if lines.is_empty() {
            break;
        }
        answers.clear();
        held |= answer::batch(&mut judge, &lines, arguments.ignore_unknown_keys, &mut answers)?;
        match output.write_all(&answers).and_then(|()| output.flush()) {
            Ok(()) => {}
            // The reader of the answers has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
            Err(error) => return Err(error).context("cannot write to standard output"),
        }
    }
    judge.finish();
    if let Some(error) = queue.failure() {
        return Err(error).context("cannot read standard input");
    }
    Ok(if held && arguments.fail_on_veto { arguments.status.held() } else { ExitCode::SUCCESS })
}

/// Reads standard input into the queue until its end, a failure, or the closing of the queue.
fn read_into(queue: &Queue, limit: usize) {
    let mut input = io::stdin().lock();
    let mut number = 0;
    let failure = loop {
        match lines::read_line(&mut input, limit) {
            Ok(Some(content)) => {
                number += 1;
                if !queue.push(Line { number, content }) {
                    return;
                }
            }
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    queue.close(failure);
}

/// Ends the reading at the first interrupt and the program at the second.
fn finish_on_interrupt(queue: &Arc<Queue>) -> anyhow::Result<()> {
    const INTERRUPTED: i32 = 130;
    let queue = Arc::clone(queue);
    ctrlc::set_handler(move || {
        if !queue.close(None) {
            std::process::exit(INTERRUPTED);
        }
    })
    .context("cannot watch for interrupts")
}
