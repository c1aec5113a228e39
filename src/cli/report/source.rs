//! Where the entries come from: the log of a state directory, or a file of records.

use super::super::data::Data;
use super::super::guard_options::GuardOptions;
use super::super::monitor::View;
use anyhow::Context as _;
use portcullis::exception::{Exceptions, Sources};
use portcullis::log::{self, Body, Entry, Verifier};
use portcullis::monitor::Status;
use portcullis::record::DecisionRecord;
use portcullis::report::{Aggregate, MonitorDrift, Verification};
use std::path::Path;
use std::time::SystemTime;

/// Reads and verifies the log of the state directory, and reads the exceptions there and in the policy's bundle.
///
/// # Errors
/// When it cannot be read at all; what does not hold in it is noted and passed over.
pub(super) fn log(
    state: &Path,
    bundle: Option<&Path>,
    aggregate: &mut Aggregate,
) -> anyhow::Result<Option<Verification>> {
    let exceptions = Exceptions::read(&Sources::new(Some(state), bundle), SystemTime::now());
    exceptions.list().iter().for_each(|exception| aggregate.exception(exception));
    for entry in log::read(state)? {
        match entry {
            Ok(entry) => aggregate.add(&entry),
            Err(error) => aggregate.unreadable(error.to_string()),
        }
    }
    Ok(Some(Verification::from(&Verifier::new(state)?.verify()?)))
}

/// What the monitor of the state directory knows of drift; nothing where nothing was watched.
///
/// # Errors
/// When the monitor's state, or what it is compared with, cannot be read.
pub(super) fn monitor(options: &GuardOptions) -> anyhow::Result<Option<MonitorDrift>> {
    let known = options.state().map(portcullis::monitor::read).transpose()?.flatten();
    if known.is_none() {
        return Ok(None);
    }
    let view = View::open(options)?;
    let watch = view.state.as_ref().and_then(|state| state.newest());
    let sigmas = view.settings.monitor.sigmas;
    let status =
        watch.map(|watch| Status::new(watch, &view.references, view.baseline.is_some(), None, sigmas));
    Ok(status.as_ref().and_then(MonitorDrift::of))
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
