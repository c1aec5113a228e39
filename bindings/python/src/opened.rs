//! An open guard, and another in its place in a process that was forked from the one that opened it.
//!
//! Threads do not live on in a forked process: work that is handed to them there waits for ever. So the guard is opened again,
//! with threads of its own, and the old one is left as it is, since closing it would wait for threads as well.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use portcullis::{GuardError, LiveGuard};
use pyo3::prelude::*;
use rayon::ThreadPool;

use crate::arguments::Arguments;
use crate::error;

/// The process that this module was loaded in.
static LOADED_IN: OnceLock<u32> = OnceLock::new();

/// Remembers this process as the one that this module was loaded in.
pub(crate) fn remember_process() {
    LOADED_IN.get_or_init(std::process::id);
}

/// Whether this process was forked from the one that the module was loaded in, where threads may have been made already.
fn is_forked() -> bool {
    LOADED_IN.get().is_some_and(|process| *process != std::process::id())
}

/// A guard that any thread, and any forked process, may use.
pub(crate) struct Opened {
    arguments: Arguments,
    /// Taken while attached to the interpreter only, and never while detached: so nobody holds it when the process forks.
    current: Mutex<Current>,
}

/// A guard with what it runs in.
#[derive(Clone)]
pub(crate) struct AtWork {
    live: LiveGuard,
    /// Threads in place of the process's; in a forked process only.
    pool: Option<Arc<ThreadPool>>,
}

struct Current {
    process: u32,
    /// Always there, but while the guard is dropped.
    work: Option<AtWork>,
}

impl Opened {
    /// Opens the guard, detached from the interpreter.
    pub(crate) fn new(py: Python<'_>, arguments: Arguments) -> PyResult<Self> {
        let work = py.detach(|| AtWork::open(&arguments)).map_err(|error| error::open(&error))?;
        let current = Mutex::new(Current { process: std::process::id(), work: Some(work) });
        Ok(Self { arguments, current })
    }

    pub(crate) const fn arguments(&self) -> &Arguments {
        &self.arguments
    }

    /// The guard of this process.
    pub(crate) fn at_work(&self, _py: Python<'_>) -> PyResult<AtWork> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let process = std::process::id();
        if let Some(work) = current.work.as_ref().filter(|_| current.process == process) {
            return Ok(work.clone());
        }
        let work = AtWork::open(&self.arguments).map_err(|error| error::open(&error))?;
        *current = Current { process, work: Some(work.clone()) };
        Ok(work)
    }

    /// Does the work with the policy in force, detached from the interpreter.
    pub(crate) fn run<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&portcullis::Guard) -> T + Send,
    ) -> PyResult<T> {
        let at_work = self.at_work(py)?;
        Ok(py.detach(|| at_work.run(|live| work(&live.guard()))))
    }
}

impl AtWork {
    fn open(arguments: &Arguments) -> Result<Self, GuardError> {
        // What is not given to the guard's own threads is done by the process's, which a forked one has lost.
        let pool = is_forked().then(|| threads(arguments)).flatten().map(Arc::new);
        let open = || LiveGuard::open(arguments.builder());
        let live = match &pool {
            Some(pool) => pool.install(open),
            None => open(),
        }?;
        Ok(Self { live, pool })
    }

    /// Does the work.
    pub(crate) fn run<T: Send>(&self, work: impl FnOnce(&LiveGuard) -> T + Send) -> T {
        match &self.pool {
            Some(pool) => pool.install(|| work(&self.live)),
            None => work(&self.live),
        }
    }

    pub(crate) const fn live(&self) -> &LiveGuard {
        &self.live
    }
}

/// Threads for a forked process.
fn threads(arguments: &Arguments) -> Option<ThreadPool> {
    let processors = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let number = arguments.threads.unwrap_or_else(processors);
    rayon::ThreadPoolBuilder::new().num_threads(number).build().ok()
}

impl Drop for Current {
    fn drop(&mut self) {
        if self.process != std::process::id() {
            std::mem::forget(self.work.take());
        }
    }
}
