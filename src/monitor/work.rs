//! What the monitor does with verdicts that have gathered: counts them under the lock, looks at the limits, tells what it found.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use super::alert::{Bounds, Change};
use super::observation::Observation;
use super::rollback::{self, Outcome};
use super::state::{FILE as STATE_FILE, Loaded, Locked, State};
use super::{BATCH, Inner, Known, MOST_PENDING, MonitorError, Notice, Observed, disk, exposition, lock};
use crate::installation::AlertSettings;
use crate::log::{Event, Log};
use crate::policy::Rollback;

/// How long verdicts gather at most before they are counted.
const INTERVAL: Duration = Duration::from_secs(1);
/// The least time between two writings of the exposition.
const EXPOSITION: Duration = Duration::from_secs(5);
/// Most notices that wait to be told.
const MOST_NOTICES: usize = 256;

impl Inner {
    pub(super) fn work(&self) {
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
    pub(super) fn step(&self, last: bool) {
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
        if let Err(error) = disk::publish(path, text.as_bytes()) {
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
                let written = crate::disk::private()
                    .append(true)
                    .create(true)
                    .open(path)
                    .and_then(|mut file| std::io::Write::write_all(&mut file, &line));
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

    pub(super) fn trouble(&self, what: String) {
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
