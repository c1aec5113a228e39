//! How much of a client is under way: lines that were read and whose answers it has not taken.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The most bytes of lines under way, unless a single line has more.
const MOST_BYTES: usize = 8 << 20;

/// What a client may still send.
pub(super) struct Credit {
    most: usize,
    state: Mutex<State>,
    /// Signalled when some comes back or it closes.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    lines: usize,
    bytes: usize,
    closed: bool,
}

impl Credit {
    /// For at most so many lines.
    pub(super) fn new(most: usize) -> Self {
        Self { most, state: Mutex::default(), changed: Condvar::new() }
    }

    /// Takes the place of one line, waiting for it; false when no more is to be read.
    pub(super) fn take(&self) -> bool {
        let full = |state: &mut State| {
            !state.closed && state.lines > 0 && (state.lines >= self.most || state.bytes >= MOST_BYTES)
        };
        let mut state = self.changed.wait_while(self.lock(), full).unwrap_or_else(PoisonError::into_inner);
        state.lines += 1;
        !state.closed
    }

    /// Counts the bytes of the line whose place was taken.
    pub(super) fn add(&self, bytes: usize) {
        self.lock().bytes += bytes;
    }

    /// Gives back what lines have taken that are answered.
    pub(super) fn give(&self, lines: usize, bytes: usize) {
        let mut state = self.lock();
        state.lines = state.lines.saturating_sub(lines);
        state.bytes = state.bytes.saturating_sub(bytes);
        self.changed.notify_all();
    }

    /// Whether answers are due, beside the line whose place was taken last.
    pub(super) fn is_waited_for(&self) -> bool {
        self.lock().lines > 1
    }

    /// Lets nothing more be read.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
