//! The monitor: rates, drift and latency of an installation's verdicts, alerts about them, and the way back from a bad policy.
//!
//! [`Monitor::observe`] takes a record and keeps what is counted of it, in a microsecond or so. A thread of its own takes what
//! has gathered, at least every second: under a lock that processes share it reads the state, counts verdict after verdict,
//! looks at the limits after every [`EVERY`] of them, and writes the state. So several processes watch one installation
//! together, and what the watch says follows from the verdicts, their order and their times alone.

mod alert;
mod baseline;
mod counts;
mod disk;
mod drift;
mod error;
mod hook;
mod observation;
mod prometheus;
mod rollback;
mod state;
mod status;
mod taking;
#[cfg(test)]
mod tests;
mod watch;
mod window;
mod work;

pub use crate::rails::classifier::SKETCH;
pub use alert::{Alert, Bounds, Change, Side};
pub use baseline::{Baseline, FILE as BASELINE_FILE, Taken};
pub use counts::{Counts, Decisions, Latency, OTHER, Rate};
pub use disk::publish;
pub use drift::Drift;
pub use error::MonitorError;
pub use observation::{Observation, References, model_key};
pub use prometheus::exposition;
pub use rollback::{Condition, NAME, Plan, Standing};
pub use state::{FILE as STATE_FILE, State, Totals};
pub use status::{Status, SubjectRate, WindowStatus};
pub use taking::take;
pub use watch::{EVERY, Watch};

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use crate::installation::Installation;
use crate::policy::Rollback;
use crate::record::DecisionRecord;
use hook::Hooks;
use portcullis_calibration::Reference;
use state::Loaded;

/// The folder of the state directory that holds the monitor's files.
pub const FOLDER: &str = "monitor";

/// Verdicts that are counted at once when so many have gathered, and most that gather while the disk is slow.
const BATCH: usize = 1024;
const MOST_PENDING: usize = 1 << 16;

/// Something that a person should be told.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Notice {
    /// An alert has come or gone.
    Alert(Change),
    /// A policy has given way to one before it.
    RolledBack(String),
    /// The monitor, or where its alerts go, does not work as it should.
    Trouble(String),
}

/// A monitor, open; it may be used from many threads. When it is dropped it counts what has gathered, and waits for the
/// commands that alerts have started.
#[derive(Debug)]
pub struct Monitor {
    inner: Arc<Inner>,
    worker: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    root: PathBuf,
    settings: Installation,
    comparison: Comparison,
    pending: Mutex<Pending>,
    wake: Condvar,
    known: Mutex<Known>,
    hooks: Hooks,
    notices: Mutex<Vec<Notice>>,
}

/// What verdicts are compared with.
#[derive(Debug)]
struct Comparison {
    baseline: Option<Baseline>,
    references: Arc<References>,
}

/// A verdict, and the conditions of the policy that gave it.
type Observed = (Observation, Option<Rollback>);

#[derive(Debug, Default)]
struct Pending {
    observations: Vec<Observed>,
    seen: u64,
    missed: u64,
    stop: bool,
}

/// The state as this process last wrote or read it.
#[derive(Debug, Default)]
struct Known {
    state: Box<State>,
    generation: Option<u64>,
    exposed: Option<Instant>,
}

impl Monitor {
    /// Opens the monitor of the state directory. `references` are the calibration's, and give way to those of a baseline that was
    /// taken with the same `model`: see [`model_key`].
    ///
    /// Nothing is read but the baseline. One that cannot be used is told by a notice, and nothing is compared with it.
    ///
    /// # Errors
    /// [`MonitorError::Io`] when the folder cannot be made.
    pub fn open(
        root: &Path,
        settings: &Installation,
        model: &str,
        references: &[Reference],
    ) -> Result<Self, MonitorError> {
        let folder = root.join(FOLDER);
        disk::create_dir(&folder)?;
        let mut notices = Vec::new();
        let baseline = Baseline::read(&folder).unwrap_or_else(|error| {
            notices.push(Notice::Trouble(error.to_string()));
            None
        });
        let comparison = Comparison::new(baseline, model, references);
        let inner = Inner {
            folder,
            root: root.to_owned(),
            settings: settings.clone(),
            comparison,
            pending: Mutex::default(),
            wake: Condvar::new(),
            known: Mutex::default(),
            hooks: Hooks::default(),
            notices: Mutex::new(notices),
        };
        Ok(Self { inner: Arc::new(inner), worker: Mutex::new(None) })
    }

    /// Takes up a decision: the record as it was logged, projections of the text's states where the model has some, and the
    /// conditions of the policy that decided.
    ///
    /// It waits for nothing: what comes of it is a matter for [`Monitor::notices`].
    pub fn observe(
        &self,
        record: &DecisionRecord,
        sketch: Option<&[f32; SKETCH]>,
        rollback: Option<&Rollback>,
    ) {
        let inner = &*self.inner;
        let observation = Observation::of(record, sketch, &inner.comparison.references);
        let mut pending = lock(&inner.pending);
        pending.seen += 1;
        if pending.observations.len() >= MOST_PENDING {
            pending.missed += 1;
            return;
        }
        pending.observations.push((observation, rollback.copied()));
        let due = pending.observations.len().is_multiple_of(BATCH);
        // A process that judges one text needs no thread.
        let begin = pending.seen == 2;
        drop(pending);
        if due {
            inner.wake.notify_one();
        }
        if begin {
            self.start();
        }
    }

    fn start(&self) {
        let inner = Arc::clone(&self.inner);
        let worker = std::thread::Builder::new().name("monitor".to_owned()).spawn(move || inner.work());
        match worker {
            Ok(worker) => *lock(&self.worker) = Some(worker),
            Err(error) => self.inner.trouble(format!("cannot start the monitor's thread: {error}")),
        }
    }

    /// Counts what has gathered, now.
    pub fn settle(&self) {
        self.inner.step(true);
    }

    /// What people should be told since the last call.
    #[must_use]
    pub fn notices(&self) -> Vec<Notice> {
        std::mem::take(&mut *lock(&self.inner.notices))
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        lock(&self.inner.pending).stop = true;
        self.inner.wake.notify_one();
        if let Some(worker) = lock(&self.worker).take() {
            // It ends by itself; a panic there has nothing to say here.
            _ = worker.join();
        }
        self.inner.step(true);
        self.inner.hooks.finish();
    }
}

impl Comparison {
    fn new(baseline: Option<Baseline>, model: &str, references: &[Reference]) -> Self {
        let baseline = baseline.filter(|baseline| baseline.model == model);
        let mut list = baseline.as_ref().map(Baseline::references).unwrap_or_default();
        for reference in references {
            if !list.iter().any(|own| own.signal() == reference.signal()) {
                list.push(reference.clone());
            }
        }
        Self { baseline, references: Arc::new(References::new(list)) }
    }
}

/// What a state directory's monitor knows, for those who only look; nothing where it has not watched yet.
///
/// # Errors
/// [`MonitorError`].
pub fn read(root: &Path) -> Result<Option<State>, MonitorError> {
    let folder = root.join(FOLDER);
    match state::load(&folder)? {
        Loaded::Absent => Ok(None),
        Loaded::Sound(state, _) => Ok(Some(*state)),
        Loaded::Damaged(what) => Err(MonitorError::State { path: folder.join(STATE_FILE), what }),
    }
}

/// The references that verdicts of `model` are compared with, and the baseline they come from where there is one.
///
/// # Errors
/// [`MonitorError`] for a baseline that cannot be used.
pub fn comparison(
    root: &Path,
    model: &str,
    references: &[Reference],
) -> Result<(Option<Baseline>, Arc<References>), MonitorError> {
    let Comparison { baseline, references } =
        Comparison::new(Baseline::read(&root.join(FOLDER))?, model, references);
    Ok((baseline, references))
}

/// Panics cannot leave what is behind these locks half changed in a way that matters to a watch.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
