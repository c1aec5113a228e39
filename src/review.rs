//! The queue of held texts, in which people decide them: one SQLite file in the state directory, without any text.

mod case;
mod error;
mod schema;
#[cfg(test)]
mod tests;

pub use case::{Case, Filter, Outcome, RuleStats, Ruling, Stats, Status, UnknownStatus};
pub use error::ReviewError;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior, params};

use crate::record::DecisionRecord;

/// The file in the state directory.
pub const FILE: &str = "review.sqlite";
/// Most bytes of a record, as JSON, that is put into the queue or read from it.
const MAX_RECORD: usize = 4 << 20;
/// Most bytes of a reason and of a note.
const MAX_WORDS: usize = 4000;
/// Most labels of one decision.
const MAX_LABELS: usize = 200;
/// How long another process is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// A queue. It may be shared between threads, and its file between processes.
#[derive(Debug)]
pub struct Queue {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl Queue {
    /// Opens the queue of the state directory, or makes one, for its owner only.
    ///
    /// # Errors
    /// [`ReviewError::Create`], [`ReviewError::Sqlite`], [`ReviewError::Foreign`] and [`ReviewError::Newer`].
    pub fn open(state: &Path) -> Result<Self, ReviewError> {
        let path = state.join(FILE);
        schema::create(&path)?;
        let connection = schema::open(&path)?;
        Ok(Self { path, connection: Mutex::new(connection) })
    }

    /// Opens the queue of the state directory if it has one.
    ///
    /// # Errors
    /// As for [`Queue::open`].
    pub fn open_existing(state: &Path) -> Result<Option<Self>, ReviewError> {
        if state.join(FILE).exists() { Self::open(state).map(Some) } else { Ok(None) }
    }

    /// Puts a held text into the queue, by its record; answers false where it is there already.
    ///
    /// # Errors
    /// [`ReviewError::Record`] and [`ReviewError::Sqlite`]. The case is then not in the queue.
    pub fn enqueue(&self, record: &DecisionRecord) -> Result<bool, ReviewError> {
        let refused = |what: String| ReviewError::Record { decision_id: record.decision_id.clone(), what };
        let json = serde_json::to_string(record).map_err(|error| refused(error.to_string()))?;
        if json.len() > MAX_RECORD {
            return Err(refused(format!("it has {} bytes, more than {MAX_RECORD}", json.len())));
        }
        let failed = self.failed("write to");
        let mut connection = self.lock();
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&failed)?;
        let new = transaction
            .prepare("INSERT OR IGNORE INTO cases (decision_id, time, slice, record) VALUES (?1, ?2, ?3, ?4)")
            .and_then(|mut insert| {
                insert.execute(params![record.decision_id, record.time, record.slice, json])
            })
            .map_err(&failed)?;
        if new > 0 {
            let mut insert = transaction
                .prepare("INSERT OR IGNORE INTO rules (decision_id, rule) VALUES (?1, ?2)")
                .map_err(&failed)?;
            for finding in &record.findings {
                insert.execute(params![record.decision_id, finding.rule]).map_err(&failed)?;
            }
        }
        transaction.commit().map_err(&failed)?;
        Ok(new > 0)
    }

    /// The cases that fit, the oldest first.
    ///
    /// # Errors
    /// [`ReviewError::Sqlite`] and [`ReviewError::Corrupt`].
    pub fn list(&self, filter: &Filter) -> Result<Vec<Case>, ReviewError> {
        let failed = self.failed("read");
        let connection = self.lock();
        let mut select = connection
            .prepare(
                "SELECT decision_id, status, record FROM cases AS c
                 WHERE (?1 IS NULL OR status = ?1) AND (?2 IS NULL OR slice = ?2)
                   AND (?3 IS NULL OR EXISTS (SELECT 1 FROM rules AS r WHERE r.decision_id = c.decision_id AND r.rule = ?3))
                 ORDER BY time, decision_id LIMIT ?4",
            )
            .map_err(&failed)?;
        let limit = filter.limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
        let status = filter.status.map(Status::as_str);
        let rows = select
            .query_map(params![status, filter.slice, filter.rule, limit], raw)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(&failed)?;
        let mut rulings = self.rulings(&connection, None)?;
        rows.into_iter()
            .map(|raw| {
                let rulings = rulings.remove(&raw.decision_id).unwrap_or_default();
                raw.case(rulings)
            })
            .collect()
    }

    /// The case whose decision id begins with `id`.
    ///
    /// # Errors
    /// [`ReviewError::NoCase`], [`ReviewError::Sqlite`] and [`ReviewError::Corrupt`].
    pub fn case(&self, id: &str) -> Result<Case, ReviewError> {
        let failed = self.failed("read");
        let connection = self.lock();
        let id = self.full_id(&connection, id)?;
        let raw = connection
            .query_row("SELECT decision_id, status, record FROM cases WHERE decision_id = ?1", [&id], raw)
            .map_err(&failed)?;
        let mut rulings = self.rulings(&connection, Some(&id))?;
        raw.case(rulings.remove(&id).unwrap_or_default())
    }

    /// Decides the case whose decision id begins with `id`, and answers it as it is then. A case that was decided is decided anew only
    /// to `overrule` that; what was decided before stays on file.
    ///
    /// # Errors
    /// [`ReviewError::Ruling`], [`ReviewError::NoCase`], [`ReviewError::Decided`], [`ReviewError::Sqlite`] and
    /// [`ReviewError::Corrupt`].
    pub fn decide(&self, id: &str, ruling: &Ruling, overrule: bool) -> Result<Case, ReviewError> {
        check(ruling)?;
        let failed = self.failed("write to");
        let id = {
            let mut connection = self.lock();
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&failed)?;
            let id = self.full_id(&transaction, id)?;
            let last = transaction
                .query_row(
                    "SELECT outcome, reviewer FROM rulings WHERE decision_id = ?1 ORDER BY number DESC LIMIT 1",
                    [&id],
                    |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)),
                )
                .optional()
                .map_err(&failed)?;
            if let Some((outcome, by)) = last.filter(|_| !overrule) {
                let status =
                    if outcome == Outcome::Approve.as_str() { Status::Approved } else { Status::Rejected };
                return Err(ReviewError::Decided { decision_id: id, status, by });
            }
            let labels = serde_json::to_string(&ruling.labels)
                .map_err(|error| ReviewError::Record { decision_id: id.clone(), what: error.to_string() })?;
            transaction
                .execute(
                    "INSERT INTO rulings (decision_id, outcome, reviewer, reason, note, labels, time)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                    params![
                        id,
                        ruling.outcome.as_str(),
                        ruling.by,
                        ruling.reason,
                        ruling.note,
                        labels,
                        ruling.time
                    ],
                )
                .map_err(&failed)?;
            transaction
                .execute(
                    "UPDATE cases SET status = ?2 WHERE decision_id = ?1",
                    params![id, Status::from(ruling.outcome).as_str()],
                )
                .map_err(&failed)?;
            transaction.commit().map_err(&failed)?;
            id
        };
        self.case(&id)
    }

    /// How many cases there are of each kind.
    ///
    /// # Errors
    /// [`ReviewError::Sqlite`].
    pub fn stats(&self) -> Result<Stats, ReviewError> {
        let failed = self.failed("read");
        let connection = self.lock();
        let grouped = |sql: &str| -> Result<Vec<(String, String, u64)>, rusqlite::Error> {
            let mut select = connection.prepare(sql)?;
            let count = |count: i64| u64::try_from(count).unwrap_or_default();
            let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, count(row.get(2)?))))?;
            rows.collect()
        };
        let mut stats = Stats::default();
        for (status, _, count) in
            grouped("SELECT status, '', COUNT(*) FROM cases GROUP BY status").map_err(&failed)?
        {
            stats.all.add(&status, count);
        }
        let rules = "SELECT r.rule, c.status, COUNT(*) FROM rules AS r JOIN cases AS c USING (decision_id)
                     GROUP BY r.rule, c.status";
        for (rule, status, count) in grouped(rules).map_err(&failed)? {
            stats.rules.entry(rule).or_default().add(&status, count);
        }
        let reviewers = "SELECT reviewer, outcome, COUNT(*) FROM rulings GROUP BY reviewer, outcome";
        for (reviewer, outcome, count) in grouped(reviewers).map_err(&failed)? {
            let status =
                if outcome == Outcome::Approve.as_str() { Status::Approved } else { Status::Rejected };
            stats.reviewers.entry(reviewer).or_default().add(status.as_str(), count);
        }
        stats.oldest_pending = connection
            .query_row("SELECT MIN(time) FROM cases WHERE status = 'pending'", [], |row| row.get(0))
            .map_err(&failed)?;
        Ok(stats)
    }

    /// The only id that begins so.
    fn full_id(&self, connection: &Connection, id: &str) -> Result<String, ReviewError> {
        let is_id = (1..=32).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let none = |found| ReviewError::NoCase { id: shown(id), found };
        if !is_id {
            return Err(none(0));
        }
        let mut select = connection
            .prepare("SELECT decision_id FROM cases WHERE substr(decision_id, 1, ?2) = ?1 LIMIT 100")
            .map_err(self.failed("read"))?;
        let length = i64::try_from(id.len()).unwrap_or(i64::MAX);
        let mut found: Vec<String> = select
            .query_map(params![id.to_ascii_lowercase(), length], |row| row.get(0))
            .and_then(Iterator::collect)
            .map_err(self.failed("read"))?;
        match (found.pop(), found.len()) {
            (Some(id), 0) => Ok(id),
            (None, _) => Err(none(0)),
            (Some(_), others) => Err(none(others + 1)),
        }
    }

    /// What was decided of one case, or of all, the oldest first.
    fn rulings(
        &self,
        connection: &Connection,
        id: Option<&str>,
    ) -> Result<BTreeMap<String, Vec<Ruling>>, ReviewError> {
        let failed = self.failed("read");
        let mut select = connection
            .prepare(
                "SELECT decision_id, outcome, reviewer, reason, note, labels, time FROM rulings
                 WHERE ?1 IS NULL OR decision_id = ?1 ORDER BY number",
            )
            .map_err(&failed)?;
        let read = |row: &Row<'_>| {
            let bad =
                |what: &str| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, what.to_owned().into());
            let outcome: String = row.get(1)?;
            let labels: String = row.get(5)?;
            let ruling = Ruling {
                outcome: Outcome::from_word(&outcome).ok_or_else(|| bad("expected approve or reject"))?,
                by: row.get(2)?,
                reason: row.get(3)?,
                note: row.get(4)?,
                labels: serde_json::from_str(&labels).map_err(|_| bad("expected labels as JSON"))?,
                time: row.get(6)?,
            };
            Ok((row.get::<_, String>(0)?, ruling))
        };
        let mut all: BTreeMap<String, Vec<Ruling>> = BTreeMap::new();
        for row in select.query_map([id], read).map_err(&failed)? {
            let (id, ruling) = row.map_err(&failed)?;
            all.entry(id).or_default().push(ruling);
        }
        Ok(all)
    }

    fn failed(&self, action: &'static str) -> impl Fn(rusqlite::Error) -> ReviewError + '_ {
        move |source| ReviewError::Sqlite { action, path: self.path.clone(), source }
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A transaction that a panic cuts short is rolled back.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A row of cases.
struct Raw {
    decision_id: String,
    status: String,
    record: String,
}

fn raw(row: &Row<'_>) -> Result<Raw, rusqlite::Error> {
    Ok(Raw { decision_id: row.get(0)?, status: row.get(1)?, record: row.get(2)? })
}

impl Raw {
    fn case(self, rulings: Vec<Ruling>) -> Result<Case, ReviewError> {
        let corrupt = |what: String| ReviewError::Corrupt { decision_id: shown(&self.decision_id), what };
        if self.record.len() > MAX_RECORD {
            return Err(corrupt(format!("a record of {} bytes", self.record.len())));
        }
        let record: DecisionRecord = serde_json::from_str(&self.record)
            .map_err(|error| corrupt(format!("no record at column {}", error.column())))?;
        if record.decision_id != self.decision_id {
            return Err(corrupt("the record of another decision".to_owned()));
        }
        let status = self.status.parse().map_err(|_| corrupt("an unknown status".to_owned()))?;
        Ok(Case { record, status, rulings })
    }
}

/// Checks what a person says before it is kept.
fn check(ruling: &Ruling) -> Result<(), ReviewError> {
    let refused = |field, what: String| Err(ReviewError::Ruling { field, what });
    let by = &ruling.by;
    if by.trim().is_empty() || by.len() > 128 || by.chars().any(char::is_control) {
        return refused("by", "expected a name of 1 to 128 bytes".to_owned());
    }
    if ruling.reason.trim().is_empty() || ruling.reason.len() > MAX_WORDS {
        return refused("reason", format!("expected 1 to {MAX_WORDS} bytes"));
    }
    if ruling.note.as_ref().is_some_and(|note| note.len() > MAX_WORDS) {
        return refused("note", format!("expected at most {MAX_WORDS} bytes"));
    }
    if ruling.labels.len() > MAX_LABELS {
        return refused("labels", format!("found {}, expected at most {MAX_LABELS}", ruling.labels.len()));
    }
    let is_head = |head: &str| {
        (1..=128).contains(&head.len())
            && head.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
    };
    match ruling.labels.iter().find(|(head, label)| !is_head(head) || !(0.0..=1.0).contains(*label)) {
        Some((head, label)) => refused(
            "labels",
            format!("found {} = {label}, expected a head and a number in 0..=1", shown(head)),
        ),
        None => Ok(()),
    }
}

/// Something from outside, as a message may show it.
fn shown(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_graphic()).take(64).collect()
}
