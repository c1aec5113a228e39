//! The bounded queue between the thread that reads and the one that judges.

use crate::cli::lines::TooLong;
use std::collections::VecDeque;
use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The most bytes of lines held at once, unless a single line has more.
const MOST_BYTES: usize = 32 << 20;

/// The bytes from which a batch takes no further line: a long text would hold up the answers to all the others.
const BATCH_BYTES: usize = 1 << 20;

/// One line of input.
pub(super) struct Line {
    /// Its number, from 1.
    pub(super) number: u64,
    /// Its bytes without the `\n`, or the limit that it is over.
    pub(super) content: Result<Vec<u8>, TooLong>,
}

/// Lines in order, bounded in number and in bytes.
pub(super) struct Queue {
    most_lines: usize,
    state: Mutex<State>,
    /// Signalled when a line comes or the queue closes.
    filled: Condvar,
    /// Signalled when lines leave or the queue closes.
    drained: Condvar,
}

#[derive(Default)]
struct State {
    lines: VecDeque<Line>,
    bytes: usize,
    closed: bool,
    failure: Option<io::Error>,
}

impl Queue {
    /// An empty queue for at most `most_lines` lines.
    pub(super) fn new(most_lines: usize) -> Self {
        Self { most_lines, state: Mutex::default(), filled: Condvar::new(), drained: Condvar::new() }
    }

    /// Adds a line, waiting while the queue is full; false when the queue is closed.
    pub(super) fn push(&self, line: Line) -> bool {
        let size = line.size();
        let mut state = self.lock();
        while !state.closed
            && !state.lines.is_empty()
            && (state.lines.len() >= self.most_lines || state.bytes + size > MOST_BYTES)
        {
            state = self.drained.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.closed {
            return false;
        }
        state.bytes += size;
        state.lines.push_back(line);
        self.filled.notify_one();
        true
    }

    /// Takes up to `most` lines (at least 1), waiting for the first one. An empty answer means that no more will come.
    ///
    /// One line alone goes at once. When several wait but fewer than `most`, more are on their way: they have until
    /// `window` has passed.
    pub(super) fn take(&self, most: usize, window: Duration) -> Vec<Line> {
        let mut state = self.lock();
        while state.lines.is_empty() && !state.closed {
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let until = Instant::now() + window;
        while (2..most).contains(&state.lines.len()) && state.bytes < BATCH_BYTES && !state.closed {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.filled.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        let mut lines = Vec::new();
        let mut bytes = 0;
        while lines.len() < most && bytes < BATCH_BYTES {
            let Some(line) = state.lines.pop_front() else { break };
            bytes += line.size();
            lines.push(line);
        }
        state.bytes -= bytes;
        self.drained.notify_one();
        lines
    }

    /// Lets no more lines in, and keeps the failure that ended them; false when it was closed before.
    pub(super) fn close(&self, failure: Option<io::Error>) -> bool {
        let mut state = self.lock();
        let first = !state.closed;
        state.closed = true;
        if first {
            state.failure = failure;
        }
        self.filled.notify_one();
        self.drained.notify_one();
        first
    }

    /// The failure that ended the lines, once.
    pub(super) fn failure(&self) -> Option<io::Error> {
        self.lock().failure.take()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    fn size(&self) -> usize {
        self.content.as_ref().map_or(0, Vec::len)
    }
}

#[cfg(test)]
mod tests;
