//! `serve`: the same lines as `pipe`, for many clients of a Unix socket.
//!
//! One thread waits for clients; each client has one that reads its lines and one that writes its answers; this one
//! takes what has arrived from all of them as a batch. A client may have a bounded number of lines without an answer: then
//! nothing more is read from it, so that one that does not read its answers holds up nobody else.

mod client;
mod listener;
mod peer;

use super::alerts;
use super::failure;
use super::guard_options::GuardOptions;
use super::interrupt;
use super::pipe::answer;
use super::pipe::judge::Judge;
use super::pipe::options::LineOptions;
use super::pipe::queue::Queue;
use anyhow::Context as _;
use clap::Args;
use client::{Bounds, Clients};
use listener::Socket;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// Judge NDJSON lines from the clients of a Unix socket.
#[derive(Args)]
#[command(after_help = "\
A client connects, writes lines as for `pipe` and reads one answer for each, in its order. It may end its writing and still
read. Lines of all clients are judged together, and a client that does not read its answers holds up nobody else.
The socket is for the user who starts the server: its mode is 0600, and on Linux other users than that one and root are turned
away. A socket that nobody answers at is replaced; anything else at the path stays, and is an error.
SIGTERM or SIGINT ends the reading: the lines read so far are still answered, and the socket is removed. A second one ends it at once.

Examples:
  portcullis serve --socket /run/user/1000/portcullis.sock &
  portcullis pipe --socket /run/user/1000/portcullis.sock < requests.ndjson
  portcullis serve --socket guard.sock --state state --format openai-moderation

Exit status: 0 after a signal, 2 an error.")]
pub(super) struct Arguments {
    /// Where clients find the server: the path of the socket, which is made.
    #[arg(long, value_name = "PATH")]
    socket: PathBuf,

    /// The most clients at a time; a further one gets an error record and is turned away.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4096))]
    max_clients: u16,

    /// The most lines of one client that wait for an answer or for being read; no more is read from it until then.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4096))]
    max_in_flight: u16,

    /// Close the connection to a client that for so many seconds sends nothing, or does not read its answers; 0 never does.
    #[arg(long, value_name = "N", default_value_t = 0)]
    idle_s: u32,

    #[command(flatten)]
    lines: LineOptions,
}

/// The longest wait for clients to take their last answers.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let lines = &arguments.lines;
    // Whoever can connect is answered: the guard comes first.
    let mut judge = Judge::open(lines, options)?;
    let socket = Socket::bind(&arguments.socket)?;
    let bounds = Bounds {
        clients: usize::from(arguments.max_clients),
        in_flight: usize::from(arguments.max_in_flight),
        idle: (arguments.idle_s > 0).then(|| Duration::from_secs(arguments.idle_s.into())),
        line: lines.longest(),
        format: lines.format,
    };
    let queue = Arc::new(Queue::new(bounds.clients * bounds.in_flight));
    let clients = Clients::new(bounds, Arc::clone(&queue));
    let waker = clients.accept(socket.listener()?)?;
    let interrupted = Arc::clone(&queue);
    interrupt::watch(move || {
        let first = interrupted.close(None);
        waker.wake();
        first
    })?;
    failure::note(&format!("serving at {}", arguments.socket.display()));
    loop {
        let taken = queue.take(lines.batch(), lines.window());
        if taken.is_empty() {
            break;
        }
        let answers = answer::batch(&mut judge, &taken, lines.format, lines.ignore_unknown_keys)?;
        for (line, answer) in taken.into_iter().zip(answers) {
            line.origin.send(answer.line);
        }
        alerts::tell(&judge.guard(), false);
    }
    drop(socket);
    if !clients.finish(LAST_ANSWERS) {
        failure::note("some clients did not take their last answers");
    }
    judge.finish();
    alerts::tell(&judge.guard(), true);
    if let Some(error) = queue.failure() {
        return Err(error).context("cannot take clients");
    }
    Ok(ExitCode::SUCCESS)
}
