//! The thread that flushes a log to the disk at intervals, and signs for what is there.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::LogError;
use super::writer::Writer;
use crate::installation::{Fsync, LogSettings};

/// Wakes the thread, which is started with the first entry, and ends it with the log.
#[derive(Debug)]
pub(super) struct Flusher {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared {
    writer: Arc<Mutex<Writer>>,
    interval: Duration,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    started: bool,
    waiting: bool,
    ended: bool,
}

impl Flusher {
    pub(super) fn new(writer: Arc<Mutex<Writer>>, settings: &LogSettings) -> Self {
        // An interval of nothing would keep the thread busy.
        let interval = settings.fsync_interval().max(Duration::from_millis(1));
        let shared =
            Shared { writer, interval, state: Mutex::new(State::default()), changed: Condvar::new() };
        Self { shared: Arc::new(shared), thread: Mutex::new(None) }
    }

    /// Says that something was appended.
    pub(super) fn wake(&self) -> Result<(), LogError> {
        let mut state = lock(&self.shared.state);
        if !state.started {
            let shared = Arc::clone(&self.shared);
            let thread = std::thread::Builder::new().name("log".to_owned()).spawn(move || shared.run());
            let thread =
                thread.map_err(|source| LogError::io("flush", &lock(&self.shared.writer).folder, source))?;
            *lock(&self.thread) = Some(thread);
            state.started = true;
        }
        if !state.waiting {
            state.waiting = true;
            self.shared.changed.notify_one();
        }
        Ok(())
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        lock(&self.shared.state).ended = true;
        self.shared.changed.notify_one();
        if let Some(thread) = lock(&self.thread).take() {
            // A thread that died has left nothing to do but this.
            let _ = thread.join();
        }
        // Nobody is left to be told; what was not signed for is on record as such.
        let _ = lock(&self.shared.writer).settle();
        let _ = flush(&self.shared.writer);
    }
}

impl Shared {
    fn run(&self) {
        loop {
            let state = lock(&self.state);
            let state = self.changed.wait_while(state, |state| !state.waiting && !state.ended);
            let state = state.unwrap_or_else(PoisonError::into_inner);
            let waited = self.changed.wait_timeout_while(state, self.interval, |state| !state.ended);
            let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            if state.ended {
                return;
            }
            state.waiting = false;
            drop(state);
            if let Err(LogError::Io { source, .. }) = flush(&self.writer) {
                lock(&self.writer).unflushed = Some(source);
            }
        }
    }
}

/// Flushes where the settings ask for it, and signs for what has come since the last time.
pub(super) fn flush(writer: &Mutex<Writer>) -> Result<(), LogError> {
    let (file, path) = {
        let writer = lock(writer);
        if writer.signed == Some(writer.tail.last) {
            return Ok(());
        }
        let file = match writer.settings.fsync {
            Fsync::Interval => Some(writer.file.try_clone()),
            Fsync::None | Fsync::Each => None,
        };
        (file, writer.path.clone())
    };
    // Appends go on while the disk works.
    if let Some(file) = file {
        let flushed = file.and_then(|file| file.sync_data());
        flushed.map_err(|source| LogError::io("flush", &path, source))?;
    }
    lock(writer).locked(|writer| writer.write_head(false))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
