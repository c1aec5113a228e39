//! The command that an alert starts: without a shell, a few at a time, each for a limited time.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Most commands at a time.
const MOST: usize = 4;
/// How often a command that runs is looked at.
const PAUSE: Duration = Duration::from_millis(10);
/// Most failures that wait to be told.
const MOST_FAILURES: usize = 32;

/// Commands that were started.
#[derive(Debug, Default)]
pub(super) struct Hooks {
    running: Mutex<Vec<JoinHandle<()>>>,
    failures: Arc<Mutex<Vec<String>>>,
}

impl Hooks {
    /// Starts `command` with `input` on its standard input, and answers at once. What it prints is not kept.
    ///
    /// # Errors
    /// When the most commands there may be are running.
    pub(super) fn start(&self, command: &[String], input: Vec<u8>, timeout: Duration) -> Result<(), String> {
        let Some((program, arguments)) = command.split_first() else { return Ok(()) };
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|thread| !thread.is_finished());
        if running.len() >= MOST {
            return Err(format!(
                "{MOST} alert commands are running: {program} was not started for another alert"
            ));
        }
        let mut prepared = Command::new(program);
        prepared.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let (program, failures) = (program.clone(), Arc::clone(&self.failures));
        let run = move || {
            if let Err(what) = run(prepared, input, timeout) {
                let mut failures = failures.lock().unwrap_or_else(PoisonError::into_inner);
                if failures.len() < MOST_FAILURES {
                    failures.push(format!("the alert command {program} {what}"));
                }
            }
        };
        let thread = std::thread::Builder::new().name("alert".to_owned()).spawn(run);
        running.push(thread.map_err(|error| format!("cannot start a thread for an alert command: {error}"))?);
        Ok(())
    }

    /// What went wrong since the last call.
    pub(super) fn failures(&self) -> Vec<String> {
        std::mem::take(&mut *self.failures.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits for the commands that run; their time is limited.
    pub(super) fn finish(&self) {
        let running = std::mem::take(&mut *self.running.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in running {
            // A thread that ended otherwise has told so.
            _ = thread.join();
        }
    }
}

fn run(mut command: Command, input: Vec<u8>, timeout: Duration) -> Result<(), String> {
    let begin = Instant::now();
    let mut child = command.spawn().map_err(|error| format!("cannot be started: {error}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // An alert is smaller than a pipe's buffer: this does not wait for a command that reads nothing. One that has ended
        // without reading is judged by its status.
        _ = stdin.write_all(&input);
    }
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if begin.elapsed() >= timeout => return Err(ended(&mut child, timeout)),
            Ok(None) => std::thread::sleep(PAUSE),
            Err(error) => return Err(format!("cannot be waited for: {error}")),
        }
    };
    if status.success() { Ok(()) } else { Err(format!("failed: {status}")) }
}

fn ended(child: &mut Child, timeout: Duration) -> String {
    // It may have ended by itself meanwhile.
    _ = child.kill();
    _ = child.wait();
    format!("ran for more than {} s and was ended", timeout.as_secs())
}
