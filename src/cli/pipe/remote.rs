//! `pipe --socket`: the lines go to a server, and its answers come back in their order.

use super::format::holds;
use crate::cli::interrupt;
use anyhow::{Context as _, ensure};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Sends standard input and prints the answers; where `watch`, tells whether one of them holds a text back.
///
/// # Errors
/// When the server cannot be reached, or leaves a line without an answer.
pub(super) fn run(path: &Path, watch: bool) -> anyhow::Result<bool> {
    let server = UnixStream::connect(path)
        .with_context(|| format!("cannot reach a server at the socket {}", path.display()))?;
    let sender = Arc::new(Sender {
        server: server.try_clone().context("cannot use the socket")?,
        turn: Mutex::new(()),
        interrupted: AtomicBool::new(false),
        lines: AtomicU64::new(0),
    });
    let interrupted = Arc::clone(&sender);
    interrupt::watch(move || interrupted.interrupt())?;
    let (sending, failure) = (Arc::clone(&sender), Arc::new(Mutex::new(None)));
    let failed = Arc::clone(&failure);
    // Not joined: it may wait for a line that never comes.
    std::thread::Builder::new()
        .name("sender".to_owned())
        .spawn(move || {
            if let Err(error) = sending.send()
                && let Ok(mut failed) = failed.lock()
            {
                *failed = Some(error);
            }
            let _ = sending.server.shutdown(Shutdown::Write);
        })
        .context("cannot start the sending thread")?;

    let mut output = io::stdout().lock();
    let mut input = BufReader::new(server);
    let (mut answers, mut held, mut line) = (0, false, Vec::new());
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line).context("cannot read from the server")? == 0 {
            break;
        }
        ensure!(line.ends_with(b"\n"), "the server's answer to line {} breaks off", answers + 1);
        answers += 1;
        held |= watch && holds(&line);
        let written = output.write_all(&line);
        match if input.buffer().is_empty() { written.and_then(|()| output.flush()) } else { written } {
            Ok(()) => {}
            // The reader of the answers has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(held),
            Err(error) => return Err(error).context("cannot write to standard output"),
        }
    }
    if let Some(error) = failure.lock().ok().and_then(|mut failure| failure.take()) {
        return Err(error).context("cannot read standard input");
    }
    let lines = sender.lines.load(Ordering::SeqCst);
    ensure!(answers == lines, "the server gave {answers} answers to {lines} lines");
    Ok(held)
}

/// What sends the lines, until the input ends or an interrupt comes.
struct Sender {
    server: UnixStream,
    /// Held while a line is sent.
    turn: Mutex<()>,
    interrupted: AtomicBool,
    /// How many were sent.
    lines: AtomicU64,
}

impl Sender {
    /// Sends whole lines.
    ///
    /// # Errors
    /// When standard input cannot be read. A server that has gone away shows in its answers.
    fn send(&self) -> io::Result<()> {
        let mut input = io::stdin().lock();
        let mut line = Vec::new();
        while !self.interrupted.load(Ordering::SeqCst) {
            line.clear();
            if input.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            let Ok(_turn) = self.turn.lock() else { break };
            if self.interrupted.load(Ordering::SeqCst) {
                break;
            }
            self.lines.fetch_add(1, Ordering::SeqCst);
            if (&self.server).write_all(&line).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Ends the sending after the line that is under way; tells whether it had not been ended before.
    fn interrupt(&self) -> bool {
        let first = !self.interrupted.swap(true, Ordering::SeqCst);
        // A sender at work looks at the flag itself; one that waits for input cannot.
        if let Ok(_turn) = self.turn.try_lock() {
            let _ = self.server.shutdown(Shutdown::Write);
        }
        first
    }
}
