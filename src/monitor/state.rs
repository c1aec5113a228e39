//! The monitor's state on the disk: one file, with its digest, read and written by one process at a time.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::counts::{Counts, Names};
use super::observation::Observation;
use super::watch::Watch;
use super::{MonitorError, disk};
use crate::installation::MonitorSettings;

/// The file's name in the monitor's folder.
pub const FILE: &str = "state.json";
/// Where a damaged file is put.
const DAMAGED: &str = "state.damaged";
const LOCK: &str = "lock";
const SCHEMA: u64 = 1;
/// Most bytes of the file, and of its first line.
const LIMIT: u64 = 32 << 20;
const LINE_LIMIT: u64 = 512;
/// Policies whose windows are kept.
const MOST_WATCHES: usize = 4;
/// How long a lock that another process holds is waited for, and how often it is tried.
const TRIES: u32 = 400;
const PAUSE: Duration = Duration::from_millis(5);

/// What was counted since the state was begun; nothing is ever taken from it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Totals {
    /// When it was begun, in seconds since 1970.
    pub since: i64,
    /// Of all verdicts. Signals are not counted here.
    pub counts: Counts,
    /// The microseconds that all verdicts took together.
    pub latency_us: u64,
    /// Alerts raised, by indicator.
    #[serde(default)]
    pub alerts: BTreeMap<String, u64>,
    /// Automatic rollbacks.
    #[serde(default)]
    pub rollbacks: u64,
    /// The names that are counted one by one; those of the counts where it is not known.
    #[serde(skip)]
    names: Option<Names>,
}

/// Everything that the monitor knows.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct State {
    /// The watches, the one that was fed last at the end.
    pub(super) watches: Vec<Watch>,
    /// Counters for ever.
    pub totals: Totals,
    /// When a policy was last rolled back by the monitor, in seconds since 1970.
    #[serde(default)]
    pub last_rollback: Option<i64>,
    /// The digest of the policy that was rolled back then: what guards that have not taken up the other one still say by it is
    /// counted in the totals only.
    #[serde(default)]
    pub(super) undone: Option<String>,
}

/// The first line of the file.
#[derive(Serialize, Deserialize)]
struct Head {
    schema: u64,
    /// Counts the writings, so that a process sees whether another has written.
    generation: u64,
    bytes: u64,
    blake3: String,
}

impl State {
    /// The watch over a policy, by its digest.
    #[must_use]
    pub fn watch(&self, policy: &str) -> Option<&Watch> {
        self.watches.iter().find(|watch| watch.policy().digest == policy)
    }

    /// The watch that was fed last.
    #[must_use]
    pub fn newest(&self) -> Option<&Watch> {
        self.watches.last()
    }

    /// The watches, the one that was fed last at the end.
    #[must_use]
    pub fn watches(&self) -> &[Watch] {
        &self.watches
    }

    /// Counts a verdict in the totals only.
    pub(super) fn pass_over(&mut self, observation: &Observation) {
        self.totals.record(observation);
    }

    /// Counts a verdict and answers its watch, and whether the limits are to be looked at now.
    pub fn record(&mut self, observation: &Observation, settings: &MonitorSettings) -> (&mut Watch, bool) {
        let found = self.watches.iter().position(|watch| watch.policy().digest == observation.policy.digest);
        let last = self.watches.len().wrapping_sub(1);
        let watch = match found {
            Some(place) if place == last => self.watches.pop(),
            Some(place) => Some(self.watches.remove(place)),
            None => None,
        };
        let watch = watch.filter(|watch| watch.takes(observation, settings));
        self.watches.push(watch.unwrap_or_else(|| Watch::new(observation, settings)));
        while self.watches.len() > MOST_WATCHES {
            self.watches.remove(0);
        }
        self.totals.record(observation);
        let place = self.watches.len() - 1;
        #[expect(clippy::indexing_slicing, reason = "a watch was pushed above, and at least one is kept")]
        let watch = &mut self.watches[place];
        let due = watch.record(observation);
        (watch, due)
    }

    /// Forgets what was seen under a policy.
    pub fn forget(&mut self, policy: &str) {
        self.watches.retain(|watch| watch.policy().digest != policy);
    }
}

impl Totals {
    fn record(&mut self, observation: &Observation) {
        let counts = &mut self.counts;
        if counts.all.verdicts == 0 {
            self.since = observation.time;
        }
        let names = self.names.get_or_insert_with(|| Names::of(std::iter::once(&*counts)));
        let signals = std::mem::take(&mut counts.signals);
        counts.record(observation, names);
        // Parts of signals are of references, which change.
        counts.signals = signals;
        self.latency_us = self.latency_us.saturating_add(observation.latency_us);
    }
}

/// The folder, locked for this process until it is dropped.
#[derive(Debug)]
pub(super) struct Locked<'a> {
    folder: &'a Path,
    /// Unlocked when it is closed.
    _lock: File,
}

/// What a file held.
#[derive(Debug)]
pub(super) enum Loaded {
    /// Nothing: there is no file.
    Absent,
    /// A state.
    Sound(Box<State>, u64),
    /// Something else, for this reason. The file has been put aside.
    Damaged(String),
}

impl<'a> Locked<'a> {
    /// Waits for the folder's lock, for at most two seconds.
    ///
    /// # Errors
    /// [`MonitorError::Busy`] and [`MonitorError::Io`].
    pub(super) fn new(folder: &'a Path) -> Result<Self, MonitorError> {
        disk::create_dir(folder)?;
        let path = folder.join(LOCK);
        let failed = |source| MonitorError::Io { action: "lock", path: path.clone(), source };
        let lock = crate::disk::lock_file(&path).map_err(failed)?;
        for _ in 0..TRIES {
            match lock.try_lock() {
                Ok(()) => return Ok(Self { folder, _lock: lock }),
                Err(std::fs::TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
                Err(std::fs::TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
        Err(MonitorError::Busy { path })
    }

    /// The number of the last writing; `None` where there is no file or it does not say.
    pub(super) fn generation(&self) -> Option<u64> {
        let mut reader = BufReader::new(File::open(self.folder.join(FILE)).ok()?);
        head(&mut reader).ok().map(|head| head.generation)
    }

    /// The state, when there is one. A file that is none is put aside.
    ///
    /// # Errors
    /// [`MonitorError::Io`].
    pub(super) fn load(&self) -> Result<Loaded, MonitorError> {
        let loaded = load(self.folder)?;
        if let Loaded::Damaged(_) = loaded {
            let path = self.folder.join(FILE);
            std::fs::rename(&path, self.folder.join(DAMAGED)).map_err(|source| MonitorError::Io {
                action: "put aside",
                path,
                source,
            })?;
        }
        Ok(loaded)
    }

    /// Writes the state as this generation.
    ///
    /// # Errors
    /// [`MonitorError`].
    pub(super) fn store(&self, state: &State, generation: u64) -> Result<(), MonitorError> {
        let failed = |source| MonitorError::Json { source };
        let body = serde_json::to_vec(state).map_err(failed)?;
        let blake3 = blake3::hash(&body).to_hex().to_string();
        let head = Head { schema: SCHEMA, generation, bytes: body.len() as u64, blake3 };
        let mut file = serde_json::to_vec(&head).map_err(failed)?;
        file.push(b'\n');
        file.extend(body);
        disk::replace(&self.folder.join(FILE), &file)
    }
}

/// The state of the folder as it is: for those who only look.
///
/// # Errors
/// [`MonitorError::Io`].
pub(super) fn load(folder: &Path) -> Result<Loaded, MonitorError> {
    let path = folder.join(FILE);
    let failed = |source| MonitorError::Io { action: "read", path: path.clone(), source };
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Loaded::Absent),
        Err(error) => return Err(failed(error)),
    };
    let mut reader = BufReader::new(file);
    let head = match head(&mut reader) {
        Ok(head) => head,
        Err(what) => return Ok(Loaded::Damaged(what)),
    };
    let mut body = Vec::new();
    reader.take(LIMIT + 1).read_to_end(&mut body).map_err(failed)?;
    Ok(match sound(&head, &body) {
        Ok(state) => Loaded::Sound(Box::new(state), head.generation),
        Err(what) => Loaded::Damaged(what),
    })
}

fn head(reader: &mut impl std::io::BufRead) -> Result<Head, String> {
    let mut line = Vec::new();
    reader.take(LINE_LIMIT).read_until(b'\n', &mut line).map_err(|error| error.to_string())?;
    serde_json::from_slice(&line).map_err(|_| "its first line is not that of a monitor's state".to_owned())
}

fn sound(head: &Head, body: &[u8]) -> Result<State, String> {
    if head.schema != SCHEMA {
        return Err(format!("its schema is {}, expected {SCHEMA}", head.schema));
    }
    if body.len() as u64 != head.bytes {
        return Err(format!("it has {} bytes after its first line, expected {}", body.len(), head.bytes));
    }
    if blake3::hash(body).to_hex().as_str() != head.blake3 {
        return Err("its bytes are not those of its digest".to_owned());
    }
    let state: State = serde_json::from_slice(body)
        .map_err(|error| format!("it is not a state: {} at column {}", kind(&error), error.column()))?;
    if state.watches.len() > MOST_WATCHES || !state.watches.iter().all(Watch::is_sound) {
        return Err("it holds more than a state may".to_owned());
    }
    Ok(state)
}

/// The kind of a JSON error, without what it quotes.
fn kind(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Io => "it cannot be read",
        serde_json::error::Category::Syntax => "it is not JSON",
        serde_json::error::Category::Data => "it holds other data",
        serde_json::error::Category::Eof => "it is cut short",
    }
}
