//! The queue's file: how it is made, and brought to the schema in use.

use std::io::ErrorKind;
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::{PATIENCE, ReviewError};
use crate::disk;

/// Marks the file as a queue: `PCRQ`.
const APPLICATION: i64 = 0x5043_5251;

/// Each step brings a file from the schema of its place to the next.
const STEPS: [&str; 1] = ["
CREATE TABLE cases (
    decision_id TEXT PRIMARY KEY,
    time TEXT NOT NULL,
    slice TEXT,
    record TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'approved', 'rejected'))
) STRICT;
CREATE INDEX cases_by_status ON cases (status, time);
CREATE TABLE rules (
    decision_id TEXT NOT NULL REFERENCES cases (decision_id) ON DELETE CASCADE,
    rule TEXT NOT NULL,
    PRIMARY KEY (decision_id, rule)
) STRICT, WITHOUT ROWID;
CREATE TABLE rulings (
    number INTEGER PRIMARY KEY,
    decision_id TEXT NOT NULL REFERENCES cases (decision_id) ON DELETE CASCADE,
    outcome TEXT NOT NULL CHECK (outcome IN ('approve', 'reject')),
    reviewer TEXT NOT NULL,
    reason TEXT NOT NULL,
    note TEXT,
    labels TEXT NOT NULL,
    time TEXT NOT NULL
) STRICT;
CREATE INDEX rulings_by_case ON rulings (decision_id);
"];

/// Makes the file where there is none, for its owner only; what SQLite puts beside it has the same mode.
pub(super) fn create(path: &Path) -> Result<(), ReviewError> {
    match disk::private().write(true).create_new(true).open(path) {
        Err(source) if source.kind() != ErrorKind::AlreadyExists => {
            Err(ReviewError::Create { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// Opens the file and brings it to the schema in use.
pub(super) fn open(path: &Path) -> Result<Connection, ReviewError> {
    let failed = |source| ReviewError::Sqlite { action: "open", path: path.to_owned(), source };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    prepare(&connection).map_err(failed)?;
    let (application, tables) = (pragma(&connection, "application_id"), is_empty(&connection));
    let (application, tables) = (application.map_err(failed)?, tables.map_err(failed)?);
    if application != APPLICATION && !(application == 0 && tables) {
        return Err(ReviewError::Foreign { path: path.to_owned() });
    }
    let newer = |found| ReviewError::Newer { path: path.to_owned(), found, known: STEPS.len() };
    let mut version = pragma(&connection, "user_version").map_err(failed)?;
    if usize::try_from(version) == Ok(STEPS.len()) {
        return Ok(connection);
    }
    // Another process may be doing the same: what it has done is seen once the lock is had.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    version = pragma(&transaction, "user_version").map_err(failed)?;
    let steps =
        usize::try_from(version).ok().and_then(|done| STEPS.get(done..)).ok_or_else(|| newer(version))?;
    for step in steps {
        transaction.execute_batch(step).map_err(failed)?;
    }
    transaction
        .pragma_update(None, "application_id", APPLICATION)
        .and_then(|()| transaction.pragma_update(None, "user_version", STEPS.len() as i64))
        .and_then(|()| transaction.commit())
        .map_err(failed)?;
    Ok(connection)
}

/// Settings of a connection. The file may be hostile: nothing in its schema runs unasked.
fn prepare(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.busy_timeout(PATIENCE)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "cell_size_check", true)
}

fn pragma(connection: &Connection, name: &str) -> Result<i64, rusqlite::Error> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

fn is_empty(connection: &Connection) -> Result<bool, rusqlite::Error> {
    connection.query_row("SELECT COUNT(*) = 0 FROM sqlite_schema", [], |row| row.get(0))
}
