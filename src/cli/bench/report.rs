//! What was measured, as JSON, tables and a plot, with the machine that it was measured on.

use super::cold_start::ColdStart;
use super::latency::{Length, Summary};
use crate::cli::memory::Memory;
use crate::cli::terminal::{self, FAINT, HEADING, Table};
use portcullis::{Guard, ModelRef};
use portcullis_calibration::plot::{self, LatencyLine};
use serde::Serialize;
use std::fmt::Write as _;

/// Everything measured.
#[derive(Serialize)]
pub(super) struct Record {
    pub(super) machine: Machine,
    pub(super) lengths: Vec<Length>,
    pub(super) cold_start: Option<ColdStart>,
    /// After one verdict with one thread.
    pub(super) memory: Option<Memory>,
}

/// What the figures hold for.
#[derive(Serialize)]
pub(super) struct Machine {
    /// The processor's name for itself; nothing where the system does not tell.
    pub(super) cpu: Option<String>,
    pub(super) processors: usize,
    pub(super) level: String,
    pub(super) threads: usize,
    pub(super) model: ModelRef,
    pub(super) version: &'static str,
    /// Whether the program was built without optimisation, and its figures mean little.
    pub(super) unoptimised: bool,
}

impl Machine {
    /// This machine under this guard.
    pub(super) fn of(guard: &Guard, threads: usize) -> Self {
        let inspection = guard.inspect();
        Self {
            cpu: cpu_name(),
            processors: processors(),
            level: inspection.level,
            threads,
            model: inspection.model,
            version: env!("CARGO_PKG_VERSION"),
            unoptimised: cfg!(debug_assertions),
        }
    }
}

impl Machine {
    /// The machine, as the first lines of a report.
    pub(super) fn lines(&self) -> String {
        let mut text = format!(
            "portcullis {}, {}, {} processors, level {}, model {} {}\n",
            self.version,
            self.cpu.as_deref().unwrap_or("unknown processor"),
            self.processors,
            self.level,
            self.model.id,
            self.model.digest.get(..12).unwrap_or(&self.model.digest),
        );
        if self.unoptimised {
            text.push_str("built without optimisation: these figures mean little\n");
        }
        text
    }
}

/// The processors that this process may use.
pub(super) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn cpu_name() -> Option<String> {
    let table = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = table.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(':').map(|(_, name)| name.trim().to_owned())
}

/// The record as tables.
pub(super) fn tables(record: &Record, stages: bool) -> String {
    let mut text = record.machine.lines();
    let _ = write!(text, "\n{HEADING}latency of a check{HEADING:#} {FAINT}microseconds{FAINT:#}\n");
    text.push_str(&latency(record));
    if stages {
        let _ =
            write!(text, "\n{HEADING}stages, one thread{HEADING:#} {FAINT}median microseconds{FAINT:#}\n");
        text.push_str(&stage_table(&record.lengths));
    }
    if let Some(start) = &record.cold_start {
        let _ = write!(
            text,
            "\n{HEADING}cold start, one thread, {} processes{HEADING:#} {FAINT}milliseconds{FAINT:#}\n{}",
            start.processes,
            start_table(start)
        );
    }
    let _ = write!(text, "\n{HEADING}memory after one verdict{HEADING:#}\n{}", memory_line(record.memory));
    text
}

fn latency(record: &Record) -> String {
    let columns = ["tokens", "threads", "p50", "p95", "p99", "mean", "texts/s"];
    let mut table = Table::new(&columns, &columns);
    for length in &record.lengths {
        let mut row = |threads: usize, summary: &Summary, rate: String| {
            table.row([
                length.tokens.to_string(),
                threads.to_string(),
                format!("{:.0}", summary.p50_us),
                format!("{:.0}", summary.p95_us),
                format!("{:.0}", summary.p99_us),
                format!("{:.0}", summary.mean_us),
                rate,
            ]);
        };
        let rate = format!("{:.0}", length.texts_per_second);
        match &length.all_threads {
            Some(all) => {
                row(1, &length.one_thread, "-".to_owned());
                row(record.machine.threads, all, rate);
            }
            None => row(1, &length.one_thread, rate),
        }
    }
    table.render()
}

fn stage_table(lengths: &[Length]) -> String {
    let columns = ["tokens", "normalize", "patterns", "tokenize", "encode", "decide", "total"];
    let mut table = Table::new(&columns, &columns);
    for length in lengths {
        let stages = &length.stages_us;
        let times =
            [stages.normalize, stages.patterns, stages.tokenize, stages.encode, stages.decide, stages.total];
        table.row(std::iter::once(length.tokens.to_string()).chain(times.iter().map(u64::to_string)));
    }
    table.render()
}

fn start_table(start: &ColdStart) -> String {
    let mut table =
        Table::new(&["from start to", "p50", "p95", "p99", "mean"], &["p50", "p95", "p99", "mean"]);
    for (name, summary) in [("end of process", &start.process), ("(the verdict alone)", &start.first_verdict)]
    {
        let milliseconds = |microseconds: f64| format!("{:.2}", microseconds / 1e3);
        table.row([
            name.to_owned(),
            milliseconds(summary.p50_us),
            milliseconds(summary.p95_us),
            milliseconds(summary.p99_us),
            milliseconds(summary.mean_us),
        ]);
    }
    table.render()
}

fn memory_line(memory: Option<Memory>) -> String {
    memory.map_or_else(
        || "unknown on this system\n".to_owned(),
        |memory| {
            format!(
                "private {}, of no file {}, proportional {}, resident {}\n",
                terminal::megabytes(memory.private),
                terminal::megabytes(memory.anonymous),
                terminal::megabytes(memory.proportional),
                terminal::megabytes(memory.resident)
            )
        },
    )
}

/// The plot of latency by length.
///
/// # Errors
/// When it cannot be drawn.
pub(super) fn plot(record: &Record) -> anyhow::Result<String> {
    let points = |figure: fn(&Length) -> Option<f64>| -> Vec<(f64, f64)> {
        let mut points: Vec<(f64, f64)> = record
            .lengths
            .iter()
            .filter_map(|length| Some((length.tokens as f64, figure(length)? / 1e3)))
            .collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        points
    };
    let all_name = format!("p50, {} threads", record.machine.threads);
    let lines = [
        ("p50, one thread", points(|length| Some(length.one_thread.p50_us))),
        ("p95, one thread", points(|length| Some(length.one_thread.p95_us))),
        ("p99, one thread", points(|length| Some(length.one_thread.p99_us))),
        (all_name.as_str(), points(|length| length.all_threads.map(|summary| summary.p50_us))),
    ];
    let lines: Vec<LatencyLine<'_>> = lines
        .iter()
        .filter(|(_, points)| !points.is_empty())
        .map(|(name, points)| LatencyLine { name, points })
        .collect();
    let machine = &record.machine;
    let title = format!("{}, level {}", machine.cpu.as_deref().unwrap_or("Unknown processor"), machine.level);
    Ok(plot::latency(&title, &lines)?)
}
