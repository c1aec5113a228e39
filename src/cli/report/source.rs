//! Where the entries come from: the log of a state directory, or a file of records.

use super::super::data::Data;
use anyhow::Context as _;
use portcullis::log::{self, Body, Entry};
use portcullis::record::DecisionRecord;
use portcullis::report::{Aggregate, Verification};
use std::path::Path;

/// Reads and verifies the log of the state directory.
///
/// # Errors
/// When it cannot be read at all; what does not hold in it is noted and passed over.
pub(super) fn log(state: &Path, aggregate: &mut Aggregate) -> anyhow::Result<Option<Verification>> {
    for entry in log::read(state)? {
        match entry {
            Ok(entry) => aggregate.add(&entry),
            Err(error) => aggregate.unreadable(error.to_string()),
        }
    }
    Ok(None)
}

/// Reads a file of records, one a line.
///
/// # Errors
/// When it cannot be read, or a line of it is no record.
pub(super) fn records(path: &Path, aggregate: &mut Aggregate) -> anyhow::Result<()> {
    let mut rows = Data::open(path, "Records")?;
    while let Some(row) = rows.next_row()? {
        let record: DecisionRecord =
            serde_json::from_slice(&row).with_context(|| format!("{}: not a record", rows.place()))?;
        aggregate.add(&Entry { seq: rows.line() - 1, body: Body::Decision(Box::new(record)) });
    }
    Ok(())
}
