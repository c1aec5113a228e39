//! `bench stream`: what a live stream is held back, and what judging it costs beside judging the whole text once.

use super::latency::Summary;
use super::report::{Machine, processors};
use crate::cli::guard_options::GuardOptions;
use crate::cli::terminal::{self, FAINT, HEADING, Table};
use anyhow::{Context as _, ensure};
use clap::Args;
use portcullis::{Guard, Request, Role};
use serde::Serialize;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Measure a live stream: how far it is held back, and what judging it costs.
#[derive(Args)]
#[command(after_help = "\
The text arrives in tokens of four bytes, at a steady rate. A character's hold-back is how many characters have arrived when
it is released, and how long after its own arrival that is; the time to judge is measured, the time between tokens is
computed. The cost of the stream is the median over the rounds, beside that of one check of the whole text.

Examples:
  portcullis bench stream
  portcullis bench stream --text answer.txt --rate 100 --json")]
pub(super) struct Arguments {
    /// The text to stream; without it, one of the program's own.
    #[arg(long, value_name = "FILE")]
    text: Option<PathBuf>,

    /// Tokens a second.
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,

    /// How often the stream is measured.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,

    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Bytes of a token: what English text comes to by the vocabularies of language models.
const TOKEN_BYTES: usize = 4;

/// An everyday answer with some personal data.
const ANSWER: &str = include_str!("answer.txt");

/// What was measured.
#[derive(Serialize)]
struct Record {
    machine: Machine,
    bytes: usize,
    characters: usize,
    tokens_per_second: u32,
    segments: usize,
    hold_back_characters: Percentiles,
    hold_back_ms: Percentiles,
    /// From the push that settles a segment to its piece.
    judge_us: Summary,
    stream_us_per_byte: f64,
    whole_us_per_byte: f64,
}

#[derive(Clone, Copy, Serialize)]
struct Percentiles {
    p50: f64,
    p99: f64,
    most: f64,
}

impl Percentiles {
    /// By the nearest rank; nothing for no values.
    fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_unstable_by(f64::total_cmp);
        let rank =
            |percent: usize| values.get((values.len() * percent).div_ceil(100).checked_sub(1)?).copied();
        Some(Self { p50: rank(50)?, p99: rank(99)?, most: rank(100)? })
    }
}

/// One stream of the text.
#[derive(Default)]
struct Round {
    characters: Vec<f64>,
    milliseconds: Vec<f64>,
    judging: Vec<Duration>,
    busy: Duration,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let text = match &arguments.text {
        Some(path) => {
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?
        }
        None => ANSWER.to_owned(),
    };
    let options = options.unrecorded();
    let threads = options.threads().unwrap_or(1).min(processors());
    let guard = options.with_threads(threads).guard()?;
    let request = Request::new(text, Role::Assistant)?;
    let (mut rounds, mut whole) = (Vec::new(), Vec::new());
    let progress = terminal::progress("measuring", u64::from(arguments.rounds));
    for _ in 0..arguments.rounds {
        rounds.push(stream(&guard, &request.text, arguments.rate)?);
        let start = Instant::now();
        let _ = guard.check(&request);
        whole.push(start.elapsed());
        progress.inc(1);
    }
    progress.finish_and_clear();

    let bytes = request.text.len();
    let per_byte = |times: Vec<Duration>| {
        Summary::of(&times).map(|summary| summary.p50_us / bytes as f64).context("nothing was measured")
    };
    let segments = rounds.first().map_or(0, |round| round.judging.len());
    let all = |part: fn(&Round) -> &Vec<f64>| {
        Percentiles::of(rounds.iter().flat_map(|round| part(round).iter().copied()).collect())
            .context("nothing was released")
    };
    let judging: Vec<Duration> = rounds.iter().flat_map(|round| round.judging.iter().copied()).collect();
    let record = Record {
        machine: Machine::of(&guard, threads),
        bytes,
        characters: request.text.chars().count(),
        tokens_per_second: arguments.rate,
        segments,
        hold_back_characters: all(|round| &round.characters)?,
        hold_back_ms: all(|round| &round.milliseconds)?,
        judge_us: Summary::of(&judging).context("nothing was judged")?,
        stream_us_per_byte: per_byte(rounds.iter().map(|round| round.busy).collect())?,
        whole_us_per_byte: per_byte(whole)?,
    };
    terminal::emit(&if arguments.json { serde_json::to_string(&record)? + "\n" } else { tables(&record) })?;
    Ok(ExitCode::SUCCESS)
}

/// Streams the text once, on a clock that stands still between tokens but not while they are judged.
fn stream(guard: &Guard, text: &str, rate: u32) -> anyhow::Result<Round> {
    let arrival = |token: usize| (token + 1) as f64 / f64::from(rate);
    let mut round = Round::default();
    let mut stream = guard.stream(Role::Assistant);
    let mut clock = 0.0_f64;
    let tokens = text.as_bytes().chunks(TOKEN_BYTES).map(Some).chain([None]);
    for (number, token) in tokens.enumerate() {
        let start = Instant::now();
        let pieces = match token {
            Some(token) => stream.push(token),
            None => stream.finish(),
        };
        let busy = start.elapsed();
        round.busy += busy;
        clock = clock.max(token.map_or(0.0, |_| arrival(number))) + busy.as_secs_f64();
        let arrived = text.len().min((number + 1) * TOKEN_BYTES);
        for piece in &pieces {
            ensure!(piece.decision.releases(), "the text is not released whole: byte {}", piece.start);
            let stretch = text.get(piece.start..piece.end).unwrap_or_default();
            // What has arrived may end inside a character, which is not counted.
            let seen = text.get(piece.start..text.floor_char_boundary(arrived)).unwrap_or_default();
            let seen = seen.chars().count();
            for (place, (at, _)) in stretch.char_indices().enumerate() {
                round.characters.push((seen - place - 1) as f64);
                let came = arrival((piece.start + at) / TOKEN_BYTES);
                round.milliseconds.push((clock - came) * 1e3);
            }
        }
        let share = u32::try_from(pieces.len()).unwrap_or(u32::MAX).max(1);
        round.judging.extend(pieces.iter().map(|_| busy / share));
    }
    Ok(round)
}

fn tables(record: &Record) -> String {
    let mut text = record.machine.lines();
    let _ = write!(
        text,
        "\n{HEADING}hold-back{HEADING:#} {FAINT}{} characters in {} segments, at {} tokens/s{FAINT:#}\n",
        record.characters, record.segments, record.tokens_per_second
    );
    let mut table = Table::new(&["in", "p50", "p99", "most"], &["p50", "p99", "most"]);
    for (unit, figures) in
        [("characters", &record.hold_back_characters), ("milliseconds", &record.hold_back_ms)]
    {
        let figure = |value: f64| format!("{value:.0}");
        table.row([unit.to_owned(), figure(figures.p50), figure(figures.p99), figure(figures.most)]);
    }
    text.push_str(&table.render());
    let _ = write!(text, "\n{HEADING}work{HEADING:#} {FAINT}microseconds{FAINT:#}\n");
    let mut table = Table::new(&["", "p50", "p99", "mean"], &["p50", "p99", "mean"]);
    let judge = &record.judge_us;
    let figures = [judge.p50_us, judge.p99_us, judge.mean_us].map(|value| format!("{value:.0}"));
    table.row(std::iter::once("to judge a segment".to_owned()).chain(figures));
    text.push_str(&table.render());
    let _ = writeln!(
        text,
        "a byte of the stream {:.2}, of the whole text judged once {:.2}: {:.1} times as much",
        record.stream_us_per_byte,
        record.whole_us_per_byte,
        record.stream_us_per_byte / record.whole_us_per_byte
    );
    text
}
