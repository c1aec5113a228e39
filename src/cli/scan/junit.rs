//! The files of a scan as JUnit XML: one test for each, which fails where a finding holds it back.

use anyhow::Context as _;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::FailOn;
use super::found::Found;

/// Writes the results of these files.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn write(path: &Path, files: &[Arc<str>], found: &[Found], fail_on: FailOn) -> anyhow::Result<()> {
    let mut held: BTreeMap<&str, Vec<String>> = files.iter().map(|file| (&**file, Vec::new())).collect();
    for found in found.iter().filter(|found| !found.known && fail_on.holds(found.action)) {
        let place = found.place.map_or(String::new(), |place| format!("{}:{} ", place.line, place.column));
        let what = format!("{place}{} {}: {}", found.rule, found.action, found.reason());
        held.entry(&found.path).or_default().push(what);
    }
    let mut suite = TestSuite::new("scan");
    for (file, held) in held {
        let mut status = match held.is_empty() {
            true => TestCaseStatus::success(),
            false => TestCaseStatus::non_success(NonSuccessKind::Failure),
        };
        if !held.is_empty() {
            status.set_message(held.join("\n"));
        }
        let mut tested = TestCase::new(file, status);
        tested.set_classname("portcullis.scan");
        suite.add_test_case(tested);
    }
    let mut report = Report::new("portcullis");
    report.add_test_suite(suite);
    let xml = report.to_string().context("cannot write the results as XML")?;
    std::fs::write(path, xml).with_context(|| format!("cannot write {}", path.display()))
}
