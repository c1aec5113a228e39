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

pub use alert::{Alert, Bounds, Change, Side};
pub use baseline::{Baseline, FILE as BASELINE_FILE, Taken};
pub use counts::{Counts, Decisions, Latency, OTHER, Rate};
pub use disk::replace;
pub use drift::Drift;
pub use observation::{Observation, References, SKETCH, model_key};
pub use prometheus::exposition;
pub use rollback::{Condition, NAME, Plan, Standing};
pub use state::{FILE as STATE_FILE, State, Totals};
pub use status::{Status, SubjectRate, WindowStatus};
pub use taking::take;
pub use watch::{EVERY, Watch};

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use portcullis_calibration::Reference;
use thiserror::Error;

use crate::installation::{AlertSettings, Installation};
use crate::log::{Event, Log};
use crate::policy::Rollback;
use crate::record::DecisionRecord;
use hook::Hooks;
use rollback::Outcome;
use state::{Loaded, Locked};

/// The folder of the state directory that holds the monitor's files.
pub const FOLDER: &str = "monitor";

/// How long verdicts gather at most before they are counted.
const INTERVAL: Duration = Duration::from_secs(1);
/// Verdicts that are counted at once when so many have gathered, and most that gather while the disk is slow.
const BATCH: usize = 1024;
const MOST_PENDING: usize = 1 << 16;
/// The least time between two writings of the exposition.
const EXPOSITION: Duration = Duration::from_secs(5);
/// Most notices that wait to be told.
const MOST_NOTICES: usize = 256;

/// Why the monitor's files cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MonitorError {
    /// A file or folder that cannot be opened, created, read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A lock that another process holds.
    #[error("{} is held by another process, expected it to be free within two seconds", path.display())]
    Busy {
        /// The lock.
        path: PathBuf,
    },
    /// A file that is no baseline.
    #[error("{} is not a baseline: {what}", path.display())]
    Baseline {
        /// The file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// A file that is no state.
    #[error("{} is not a monitor's state: {what}", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// Too little to compare with.
    #[error(
        "the log has {found} verdicts by the present policy and model since then, expected at least {expected}"
    )]
    TooFew {
        /// Verdicts found.
        found: u64,
        /// The fewest.
        expected: u64,
    },
    /// A state that cannot be written as JSON.
    #[error("cannot write the monitor's state as JSON: {source}")]
    Json {
        /// Why it failed.
        source: serde_json::Error,
    },
    /// The policies in force cannot be told.
    #[error("cannot tell which policies were in force: {source}")]
    Store {
        /// Why not.
        source: Box<crate::store::StoreError>,
    },
    /// A log that cannot be read, or that events cannot be added to.
    #[error("cannot use the log: {source}")]
    Log {
        /// Why it failed.
        source: crate::log::LogError,
    },
}

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

impl Inner {
    fn work(&self) {
        loop {
            let mut pending = lock(&self.pending);
            if pending.stop {
                return;
            }
            if pending.observations.len() < BATCH {
                let waited = self.wake.wait_timeout(pending, INTERVAL);
                pending = waited.unwrap_or_else(PoisonError::into_inner).0;
                if pending.stop {
                    return;
                }
            }
            drop(pending);
            self.step(false);
        }
    }

    /// Counts what has gathered. What goes wrong is told by a notice; what could not be counted is tried again.
    fn step(&self, last: bool) {
        let mut known = lock(&self.known);
        let (observations, missed) = {
            let mut pending = lock(&self.pending);
            (std::mem::take(&mut pending.observations), std::mem::take(&mut pending.missed))
        };
        if missed > 0 {
            self.trouble(format!("{missed} verdicts were not watched: the disk was too slow for them"));
        }
        if observations.is_empty() {
            return;
        }
        match self.count(&mut known, &observations, last) {
            Ok(changes) => {
                drop(known);
                self.deliver(&changes);
            }
            Err(error) => {
                known.generation = None;
                drop(known);
                self.trouble(error.to_string());
                let mut pending = lock(&self.pending);
                let newer = std::mem::replace(&mut pending.observations, observations);
                let room = MOST_PENDING.saturating_sub(pending.observations.len());
                pending.missed += newer.len().saturating_sub(room) as u64;
                pending.observations.extend(newer.into_iter().take(room));
            }
        }
    }

    /// Counts verdicts under the lock that processes share.
    fn count(
        &self,
        known: &mut Known,
        observations: &[Observed],
        last: bool,
    ) -> Result<Vec<Change>, MonitorError> {
        let locked = Locked::new(&self.folder)?;
        let there = locked.generation();
        if known.generation.is_none() || there != known.generation {
            match locked.load()? {
                Loaded::Absent => *known.state = State::default(),
                Loaded::Sound(state, generation) => {
                    known.state = state;
                    known.generation = Some(generation);
                }
                Loaded::Damaged(what) => {
                    *known.state = State::default();
                    let path = self.folder.join(STATE_FILE);
                    let error = MonitorError::State { path, what };
                    self.trouble(format!("{error}; it was put aside and the watch begins anew"));
                }
            }
        }
        let state = &mut *known.state;
        if let Some(undone) = &state.undone
            && rollback::in_force(&self.root).is_some_and(|digest| digest == *undone)
        {
            state.undone = None;
        }
        let mut changes = Vec::new();
        for (observation, rollback) in observations {
            if state.undone.as_ref() == Some(&observation.policy.digest) {
                state.pass_over(observation);
                continue;
            }
            let (watch, due) = state.record(observation, &self.settings.monitor);
            if !due {
                continue;
            }
            let found = watch.evaluate(&self.bounds(rollback.as_ref()));
            let raised = found.iter().filter(|change| matches!(change, Change::Raised(_)));
            for change in raised {
                *state.totals.alerts.entry(change.alert().indicator.clone()).or_default() += 1;
            }
            changes.extend(found);
            if let Some(rollback) = rollback {
                changes.extend(self.roll_back(state, observation, rollback));
            }
        }
        let generation = known.generation.unwrap_or(0).wrapping_add(1);
        locked.store(&known.state, generation)?;
        known.generation = Some(generation);
        self.expose(known, last);
        Ok(changes)
    }

    fn bounds<'a>(&'a self, rollback: Option<&'a Rollback>) -> Bounds<'a> {
        Bounds {
            settings: &self.settings.monitor,
            rollback,
            baseline: self.comparison.baseline.as_ref(),
            references: &self.comparison.references,
        }
    }

    /// Writes the exposition, when there is one and it is time.
    fn expose(&self, known: &mut Known, last: bool) {
        let Some(path) = &self.settings.monitor.prometheus else { return };
        if !last && known.exposed.is_some_and(|at| at.elapsed() < EXPOSITION) {
            return;
        }
        let text = exposition(&known.state, &self.comparison.references, self.settings.monitor.sigmas);
        if let Err(error) = disk::replace(path, text.as_bytes()) {
            self.trouble(error.to_string());
        }
        known.exposed = Some(Instant::now());
    }

    /// Tells the alerts to everybody who is to know.
    fn deliver(&self, changes: &[Change]) {
        if changes.is_empty() {
            return;
        }
        if let Err(error) = self.log(changes) {
            self.trouble(error.to_string());
        }
        let AlertSettings { file, command, .. } = &self.settings.alerts;
        for change in changes {
            let Ok(mut line) = serde_json::to_vec(change) else { continue };
            if !command.is_empty()
                && let Err(what) = self.hooks.start(command, line.clone(), self.timeout())
            {
                self.trouble(what);
            }
            line.push(b'\n');
            if let Some(path) = file {
                let written =
                    disk::append(path).and_then(|mut file| std::io::Write::write_all(&mut file, &line));
                if let Err(source) = written {
                    self.trouble(
                        MonitorError::Io { action: "append to", path: path.clone(), source }.to_string(),
                    );
                }
            }
            self.notice(Notice::Alert(change.clone()));
        }
        for what in self.hooks.failures() {
            self.trouble(what);
        }
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(u64::try_from(self.settings.alerts.timeout).unwrap_or(1))
    }

    fn log(&self, changes: &[Change]) -> Result<(), MonitorError> {
        if !self.settings.log.enabled {
            return Ok(());
        }
        let failed = |source| MonitorError::Log { source };
        let log = Log::open(&self.root, &self.settings.log).map_err(failed)?;
        for change in changes {
            log.append_event(event(change)).map_err(failed)?;
        }
        Ok(())
    }

    /// Puts the policy before in force where a condition of the present one holds; the alerts that are over by that.
    fn roll_back(&self, state: &mut State, observation: &Observation, rollback: &Rollback) -> Vec<Change> {
        let digest = &observation.policy.digest;
        let Some(watch) = state.watch(digest) else { return Vec::new() };
        let (sigmas, began) = (self.settings.monitor.sigmas, watch.began());
        let conditions = watch.conditions(rollback, &self.comparison.references, sigmas);
        let holding = conditions.into_iter().find(|condition| condition.holds);
        let cold =
            |last: i64| observation.time.saturating_sub(last) >= rollback.cooldown || last > observation.time;
        let Some(condition) = holding.filter(|_| state.last_rollback.is_none_or(cold)) else {
            return Vec::new();
        };
        let over: Vec<Change> = watch.alerts().iter().cloned().map(Change::Cleared).collect();
        match rollback::perform(&self.root, rollback, &observation.policy, &condition, began) {
            Ok(Outcome::Done(what)) => {
                state.forget(digest);
                state.undone = Some(digest.clone());
                state.last_rollback = Some(observation.time);
                state.totals.rollbacks += 1;
                self.notice(Notice::RolledBack(what));
                over
            }
            Ok(Outcome::Stale) => {
                state.forget(digest);
                over
            }
            Ok(Outcome::Nothing) => Vec::new(),
            Err(what) => {
                self.trouble(format!("cannot roll the policy back: {what}"));
                Vec::new()
            }
        }
    }

    fn trouble(&self, what: String) {
        self.notice(Notice::Trouble(what));
    }

    fn notice(&self, notice: Notice) {
        let mut notices = lock(&self.notices);
        // The same trouble at every turn is told once.
        if notices.len() < MOST_NOTICES && !notices.contains(&notice) {
            notices.push(notice);
        }
    }
}

/// The change as the log has it.
fn event(change: &Change) -> Event {
    let alert = change.alert();
    let indicator = alert.indicator.clone();
    let subject = alert.subject.clone();
    match change {
        Change::Raised(alert) => Event::AlertRaised {
            indicator,
            subject,
            value: alert.value,
            limit: alert.limit,
            policy: alert.policy.clone(),
            message: alert.message.clone(),
        },
        Change::Cleared(alert) => Event::AlertCleared { indicator, subject, value: alert.value },
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
