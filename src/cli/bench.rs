//! `bench`: how fast the guard is on this machine, and what it costs in memory.

mod cold_start;
mod device;
mod encode_loop;
mod latency;
mod report;
mod stream;
mod texts;

use super::guard_options::GuardOptions;
use super::memory::Memory;
use super::terminal;
use anyhow::Context as _;
use clap::{Args, Subcommand};
use report::{Machine, Record};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Measure latency, throughput, start-up and memory on this machine.
#[derive(Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Latency is that of a whole check, from the request to the verdict, of benign texts with exactly that many tokens, the
two special ones included (two words fewer where the model is hashed). Lengths take turns within a round, so that a
slow moment falls on all of them. A cold start runs from the start of a new process to its end, with a verdict on thirty
words and one thread.

With --device, batches of texts are judged on the processor and on the device in turns, and the size is told from which the device
is faster; with --state it is written down there for `--device auto`.

Examples:
  portcullis bench
  portcullis bench --lengths 16,128 --rounds 500 --stages
  portcullis bench --json --plot latency.svg > latency.json
  portcullis bench stream
  portcullis bench --device cuda --state /var/lib/portcullis
  portcullis bench --device cuda --batches 256 --lengths 64 --data validation.jsonl --json

Exit status: 0, or 2 for an error."
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    mode: Option<Mode>,

    /// The lengths of text, in tokens; one that is too long for a window is judged in several.
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_values_t = [8, 16, 32, 64, 128, 256, 512],
        value_parser = clap::value_parser!(u16).range(3..=512))]
    lengths: Vec<u16>,

    /// How often each length is measured.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rounds: u32,

    /// How many processes are started to measure the cold start.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    starts: u32,

    /// Add where the time goes, stage by stage.
    #[arg(long)]
    stages: bool,

    /// With --device: how many texts are judged together.
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_values_t = [1, 8, 64, 256],
        value_parser = clap::value_parser!(u32).range(1..=65_536))]
    batches: Vec<u32>,

    /// With --device: how long each size is measured on either side.
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0, value_parser = parse_seconds)]
    seconds: f64,

    /// With --device: texts to be decided on both sides, one JSON object with `text` a line.
    #[arg(long, value_name = "FILE")]
    data: Vec<PathBuf>,

    /// Print one JSON object.
    #[arg(long)]
    json: bool,

    /// Write the plot of latency by length.
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Mode {
    /// Encode the token counts or token ids on standard input, one answer in nanoseconds a line.
    #[command(hide = true)]
    EncodeLoop,
    Stream(stream::Arguments),
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    match &arguments.mode {
        Some(Mode::EncodeLoop) => return encode_loop::run(options),
        Some(Mode::Stream(arguments)) => return stream::run(arguments, options),
        None => {}
    }
    let options = options.unrecorded();
    if options.devices().asks_for_device() {
        return compare(arguments, &options);
    }
    let cold_start = cold_start::measure(&options, arguments.starts)?;
    let guard = options.with_threads(1).guard()?;
    let _ = guard.check(&texts::benign(32)?);
    // Before the other guard and the measured texts add to it.
    let memory = Memory::now();
    let threads = options.threads().unwrap_or_else(report::processors);
    let parallel = if threads > 1 { Some(options.with_threads(threads).guard()?) } else { None };
    let measured = latency::measure(&guard, parallel.as_ref(), &arguments.lengths, arguments.rounds)?;
    let record = Record { machine: Machine::of(&guard, threads), lengths: measured, cold_start, memory };
    if let Some(path) = &arguments.plot {
        let svg = report::plot(&record)?;
        std::fs::write(path, svg).with_context(|| format!("cannot write {}", path.display()))?;
    }
    terminal::emit(&if arguments.json {
        serde_json::to_string(&record)? + "\n"
    } else {
        report::tables(&record, arguments.stages)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Measures a device beside the processor.
fn compare(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let batches: Vec<usize> =
        arguments.batches.iter().filter_map(|texts| usize::try_from(*texts).ok()).collect();
    let plan = device::Plan {
        batches: &batches,
        lengths: &arguments.lengths,
        time: Duration::from_secs_f64(arguments.seconds),
        data: &arguments.data,
    };
    let comparison = device::compare(&plan, options)?;
    terminal::emit(&match arguments.json {
        true => serde_json::to_string(&comparison)? + "\n",
        false => device::tables(&comparison),
    })?;
    Ok(ExitCode::SUCCESS)
}

fn parse_seconds(word: &str) -> Result<f64, String> {
    match word.parse() {
        Ok(seconds) if (0.0..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("expected a number from 0 to 3600".to_owned()),
    }
}
