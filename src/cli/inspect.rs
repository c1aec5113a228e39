//! `inspect`: what judges here, and whether it is what it says it is.

mod devices;
mod self_test;
mod sockets;

use super::guard_options::GuardOptions;
use super::memory::Memory;
use super::pack;
use super::terminal::{self, FAINT};
use anyhow::ensure;
use clap::Args;
use devices::{Devices, accelerator};
use portcullis::{HeadReport, Inspection, Request, Role, WarningReport};
use self_test::Finding;
use serde::Serialize;
use sockets::Sockets;
use std::fmt::Write as _;
use std::process::ExitCode;

/// Show the level, devices, model, policy, digests and memory of the guard.
#[derive(Args)]
#[command(after_help = "\
Memory is counted after one verdict. Sizes are bytes in JSON, and unknown where the system does not tell.

Examples:
  portcullis inspect
  portcullis inspect --json --models ./bundle | jq .memory
  portcullis inspect --self-test
  unshare --map-root-user --net portcullis inspect --self-test

Exit status: 0, or 2 for an error or a self-test that failed.")]
pub(super) struct Arguments {
    /// Check every digest, compare the levels bit by bit, and look for sockets.
    #[arg(long)]
    self_test: bool,

    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let before = Sockets::open_now();
    let options = options.unrecorded();
    let guard = options.guard()?;
    // For the memory that a verdict leaves behind.
    let _ = guard.check(&Request::new("a quiet morning in the garden", Role::User)?);
    let memory = Memory::now();
    let findings =
        if arguments.self_test { self_test::run(&guard, &options, before.as_ref())? } else { Vec::new() };
    let devices = Devices::look(options.devices());
    let report = Report { guard: guard.inspect(), devices, memory, self_test: &findings };
    terminal::emit(&if arguments.json {
        serde_json::to_string(&report)? + "\n"
    } else {
        describe(&report.guard, &report.devices, memory, &findings)
    })?;
    let failed: Vec<&str> =
        findings.iter().filter(|finding| finding.passed == Some(false)).map(|finding| finding.name).collect();
    ensure!(failed.is_empty(), "the self-test failed: {}", failed.join(", "));
    Ok(ExitCode::SUCCESS)
}

#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    guard: Inspection,
    devices: Devices,
    memory: Option<Memory>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    self_test: &'a [Finding],
}

fn describe(guard: &Inspection, devices: &Devices, memory: Option<Memory>, findings: &[Finding]) -> String {
    let mut facts = terminal::Table::new(&["guard", ""], &[]);
    facts.row(["version", &guard.version]);
    facts.row(["level", &guard.level]);
    facts.row(["levels of this processor", &guard.levels.join(", ")]);
    facts.row(["device", &guard.device]);
    facts.row(["accelerator", &accelerator(guard, devices)]);
    facts.row(["threads", &guard.threads.to_string()]);
    facts.row(["model", &format!("{} {}", guard.model.id, guard.model_version)]);
    facts.row(["", &guard.model_description]);
    facts.row(["model licence", &guard.model_licence]);
    facts.row(["model digest", &guard.model.digest]);
    facts.row(["calibration digest", &guard.calibration_digest]);
    facts.row(["heads", &heads(&guard.heads)]);
    let corrected = guard.heads.iter().filter(|head| !head.length_correction.is_empty());
    let corrected: Vec<&str> = corrected.map(|head| head.name.as_str()).collect();
    if !corrected.is_empty() {
        facts.row(["corrected by length", &corrected.join(", ")]);
    }
    if !guard.taught.is_empty() {
        let taught: Vec<&str> = guard.taught.iter().map(|head| head.detector.as_str()).collect();
        facts.row(["heads of the policy", &taught.join(", ")]);
    }
    facts.row(["policy", &format!("{} {}, {} rules", guard.policy.id, guard.policy.version, guard.rules)]);
    facts.row(["policy digest", &guard.policy.digest]);
    facts.row(["policy warnings", &warnings(&guard.warnings)]);
    facts.row(["files against their digests", &guard.digests]);
    if let Some(packed) = &guard.packed {
        facts.row(["packed program", &pack::program(packed)]);
        facts.row(["packed files", &pack::signature(packed)]);
    }
    let mut files = terminal::Table::new(&["file", "bytes", "origin", "BLAKE3"], &["bytes"]);
    for file in &guard.files {
        files.row([&file.path, &file.bytes.to_string(), &file.origin, &file.blake3]);
    }
    let packed = guard.packed.as_ref().map(|packed| format!("{}\n", pack::table(packed))).unwrap_or_default();
    let memory = memory_table(memory);
    let mut text = format!("{}\n{}\n{packed}{memory}", facts.render(), files.render());
    if !findings.is_empty() {
        let mut table = terminal::Table::new(&["self-test", "result", "seen"], &[]);
        for finding in findings {
            let result = match finding.passed {
                Some(true) => "passed",
                Some(false) => "FAILED",
                None => "unknown",
            };
            table.row([finding.name, result, &finding.seen]);
        }
        let _ = write!(text, "\n{}{FAINT}{}{FAINT:#}\n", table.render(), self_test::LIMITS);
    }
    text
}

fn heads(heads: &[HeadReport]) -> String {
    let name = |head: &HeadReport| {
        if head.experimental { format!("{} (experimental)", head.name) } else { head.name.clone() }
    };
    heads.iter().map(name).collect::<Vec<_>>().join(", ")
}

fn warnings(warnings: &[WarningReport]) -> String {
    if warnings.is_empty() {
        return "none".to_owned();
    }
    let line = |warning: &WarningReport| {
        format!("{}:{}: {}", warning.line, warning.column, terminal::printable(&warning.message))
    };
    warnings.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn memory_table(memory: Option<Memory>) -> String {
    let mut table = terminal::Table::new(&["memory", "size"], &["size"]);
    let mut row = |name: &str, figure: fn(&Memory) -> u64| {
        let size =
            memory.as_ref().map_or_else(|| "unknown".to_owned(), |all| terminal::megabytes(figure(all)));
        table.row([name.to_owned(), size]);
    };
    row("files mapped", |memory| memory.files_mapped);
    row("files resident", |memory| memory.files_resident);
    row("resident", |memory| memory.resident);
    row("proportional", |memory| memory.proportional);
    row("private", |memory| memory.private);
    row("of no file", |memory| memory.anonymous);
    table.render()
}
