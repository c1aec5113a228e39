//! The bounded queue between those who read lines and the one who judges.

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
pub(in crate::cli) struct Line<O = ()> {
    /// Its number, from 1.
    pub(in crate::cli) number: u64,
    /// Its bytes without the `\n`, or the limit that it is over.
    pub(in crate::cli) content: Result<Vec<u8>, TooLong>,
    /// Where its answer goes.
    pub(in crate::cli) origin: O,
}

/// Lines in order, bounded in number and in bytes.
pub(in crate::cli) struct Queue<O = ()> {
    most_lines: usize,
    state: Mutex<State<O>>,
    /// Signalled when a line comes or the queue closes.
    filled: Condvar,
    /// Signalled when lines leave or the queue closes.
    drained: Condvar,
}

struct State<O> {
    lines: VecDeque<Line<O>>,
    bytes: usize,
    closed: bool,
    failure: Option<io::Error>,
}

impl<O> Queue<O> {
    /// An empty queue for at most `most_lines` lines.
    pub(in crate::cli) fn new(most_lines: usize) -> Self {
        Self {
            most_lines,
            state: Mutex::new(State { lines: VecDeque::new(), bytes: 0, closed: false, failure: None }),
            filled: Condvar::new(),
            drained: Condvar::new(),
        }
    }

    /// Adds a line, waiting while the queue is full; false when the queue is closed.
    pub(in crate::cli) fn push(&self, line: Line<O>) -> bool {
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
    pub(in crate::cli) fn take(&self, most: usize, window: Duration) -> Vec<Line<O>> {
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
        self.drained.notify_all();
        lines
    }

    /// Lets no more lines in, and keeps the failure that ended them; false when it was closed before.
    pub(in crate::cli) fn close(&self, failure: Option<io::Error>) -> bool {
        let mut state = self.lock();
        let first = !state.closed;
        state.closed = true;
        if first {
            state.failure = failure;
        }
        self.filled.notify_one();
        self.drained.notify_all();
        first
    }

    /// The failure that ended the lines, once.
    pub(in crate::cli) fn failure(&self) -> Option<io::Error> {
        self.lock().failure.take()
    }

    fn lock(&self) -> MutexGuard<'_, State<O>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<O> Line<O> {
    /// The bytes that it holds.
    pub(in crate::cli) fn size(&self) -> usize {
        self.content.as_ref().map_or(0, Vec::len)
    }
}

#[cfg(test)]
mod tests;
