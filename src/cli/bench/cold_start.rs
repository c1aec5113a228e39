//! From the start of a process to its verdict, measured on processes of this same program.

use super::latency::Summary;
use super::texts;
use crate::cli::guard_options::GuardOptions;
use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Processes started first and not counted: they bring the program into the page cache.
const WARM_UP: u32 = 2;

/// The times of new processes.
#[derive(Serialize)]
pub(super) struct ColdStart {
    pub(super) processes: usize,
    /// From the start of the process to its end.
    pub(super) process: Summary,
    /// The part from the request to the verdict, the first one of the process.
    pub(super) first_verdict: Summary,
}

/// Starts this program `processes` times; nothing for none.
///
/// # Errors
/// When the program cannot be started again, or gives no verdict.
pub(super) fn measure(options: &GuardOptions, processes: u32) -> anyhow::Result<Option<ColdStart>> {
    let program = std::env::current_exe().context("cannot find this program to start it again")?;
    let text = texts::thirty_words();
    let mut command = Command::new(program);
    command.arg("check").arg("--json").args(options.with_threads(1).to_arguments()).arg("--").arg(&text);
    // These add work that is not the start.
    command.env_remove("PORTCULLIS_RECORD").env_remove("PORTCULLIS_DEADLINE_MS");
    command.stdin(Stdio::null());
    let mut whole = Vec::new();
    let mut verdicts = Vec::new();
    if processes == 0 {
        return Ok(None);
    }
    for process in 0..processes + WARM_UP {
        let start = Instant::now();
        let output = command.output().context("cannot start this program again")?;
        let time = start.elapsed();
        let Ok(verdict) = serde_json::from_slice::<Timed>(&output.stdout) else {
            bail!("a new process gave no verdict: {}", String::from_utf8_lossy(&output.stderr).trim());
        };
        if process >= WARM_UP {
            whole.push(time);
            verdicts.push(Duration::from_micros(verdict.timing_us.total));
        }
    }
    Ok(Summary::of(&whole).zip(Summary::of(&verdicts)).map(|(process, first_verdict)| ColdStart {
        processes: whole.len(),
        process,
        first_verdict,
    }))
}

#[derive(Deserialize)]
struct Timed {
    timing_us: portcullis::Timing,
}
