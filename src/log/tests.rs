//! Logs on disk: what is appended is read and verified, what is changed is found, and what dies half way is mended.

mod attacks;
mod faults;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::*;
use crate::installation::Fsync;
use crate::record::{Evidence, timestamp};
use crate::request::Role;
use crate::verdict::{Coverage, Decision, PolicyRef, Timing};

fn settings() -> LogSettings {
    LogSettings { fsync: Fsync::None, fsync_interval_ms: 3_600_000, ..LogSettings::default() }
}

/// Segments of a few entries.
fn small() -> LogSettings {
    LogSettings { segment_bytes: 4000, ..settings() }
}

fn decision(n: u64) -> Body {
    Body::Decision(Box::new(DecisionRecord {
        decision_id: format!("{n:032x}"),
        time: timestamp(UNIX_EPOCH + std::time::Duration::from_secs(n)).unwrap(),
        role: Role::Tool,
        text_digest: "00".repeat(32),
        text_bytes: 3,
        tool_call_digest: None,
        decision: if n.is_multiple_of(3) { Decision::Veto } else { Decision::Allow },
        findings: Vec::new(),
        exceptions: Vec::new(),
        scores: BTreeMap::from([("toxicity".to_owned(), 0.1), ("odd".to_owned(), 1.0 / 3.0)]),
        thresholds: BTreeMap::new(),
        coverage: Coverage::Full,
        coverage_reasons: Vec::new(),
        exit: None,
        device: None,
        policy: PolicyRef { id: "p".to_owned(), version: "1.0.0".to_owned(), digest: "00".to_owned() },
        model: None,
        calibration: None,
        slice: None,
        locale: None,
        fault: None,
        timing_us: Timing::default(),
        evidence: Some(Evidence::default()),
    }))
}

/// A state directory with a log of `count` decisions, closed.
fn written(count: u64, settings: &LogSettings) -> tempfile::TempDir {
    let state = tempfile::tempdir().unwrap();
    let log = Log::open(state.path(), settings).unwrap();
    (0..count).for_each(|n| log.append(&decision(n)).unwrap());
    state
}

fn report(state: &Path) -> Report {
    Verifier::new(state).unwrap().verify().unwrap()
}

fn holds(state: &Path) -> Report {
    let report = report(state);
    assert!(report.holds(), "{:#?}", report.problems);
    report
}

fn segment_path(state: &Path, number: u64) -> PathBuf {
    segment::path(&state.join(FOLDER), number)
}

fn bodies(state: &Path) -> Vec<Body> {
    read(state).unwrap().map(|entry| entry.unwrap().body).collect()
}

fn events(state: &Path) -> Vec<Event> {
    let event = |body| match body {
        Body::Event { event, .. } => Some(event),
        Body::Decision(_) => None,
    };
    bodies(state).into_iter().filter_map(event).collect()
}

#[test]
fn what_is_appended_is_read_back_and_holds() {
    let state = written(50, &small());
    assert_eq!(bodies(state.path()), (0..50).map(decision).collect::<Vec<_>>());
    let report = holds(state.path());
    assert_eq!((report.decisions, report.first), (50, Some(0)));
    assert!(report.segments > 3, "{report:?}");
    assert_eq!(report.signed, report.last);
    let log = Log::open(state.path(), &small()).unwrap();
    let event = Event::ExceptionRevoked { id: "e".to_owned(), by: "x".to_owned(), reason: "y".to_owned() };
    log.append_event(event.clone()).unwrap();
    drop(log);
    assert_eq!(events(state.path()), [event]);
    assert_eq!(holds(state.path()).events, 1);
}

#[test]
fn numbers_rise_over_segments() {
    let state = written(50, &small());
    let numbers: Vec<u64> = read(state.path()).unwrap().map(|entry| entry.unwrap().seq).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b));
    assert_eq!(numbers.first(), Some(&1));
}

#[test]
fn no_log_is_an_empty_log() {
    let state = tempfile::tempdir().unwrap();
    assert!(bodies(state.path()).is_empty());
    assert_eq!(holds(state.path()), Report::default());
}

#[test]
fn the_hash_is_that_of_the_documented_bytes() {
    let state = written(1, &settings());
    let text = fs::read_to_string(segment_path(state.path(), 1)).unwrap();
    let line = text.lines().nth(1).unwrap();
    let value: serde_json::Value = serde_json::from_str(line).unwrap();
    let body = line.split_once("\"body\":").unwrap().1.rsplit_once(",\"hash\":").unwrap().0;
    let message = format!("portcullis log 1\n{}\n{}\n{body}", value["seq"], value["prev"].as_str().unwrap());
    assert_eq!(value["hash"], blake3::hash(message.as_bytes()).to_hex().as_str());
}

#[test]
fn several_writers_share_a_log() {
    let state = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let state = state.path();
            scope.spawn(move || {
                let log = Log::open(state, &small()).unwrap();
                (0..40).for_each(|n| log.append(&decision(writer * 1000 + n)).unwrap());
            });
        }
    });
    let report = holds(state.path());
    assert_eq!((report.decisions, report.events), (160, 0));
    for writer in 0..4 {
        let own = bodies(state.path()).into_iter().filter(|body| {
            let Body::Decision(record) = body else { return false };
            u64::from_str_radix(&record.decision_id, 16).unwrap() / 1000 == writer
        });
        assert_eq!(own.collect::<Vec<_>>(), (0..40).map(|n| decision(writer * 1000 + n)).collect::<Vec<_>>());
    }
}

#[test]
#[cfg(unix)]
fn files_are_their_owners_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let state = written(30, &small());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&state.path().join(FOLDER)), 0o700);
    assert_eq!(mode(&state.path().join(KEY_FILE)), 0o600);
    for entry in fs::read_dir(state.path().join(FOLDER)).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[test]
fn old_segments_are_removed_and_that_is_signed_for() {
    let state = written(60, &small());
    let before = holds(state.path()).segments;
    // Times of the closing heads cannot be moved; the settings say nothing is old, then everything.
    assert!(before > 3);
    let log = Log::open(state.path(), &small()).unwrap();
    drop(log);
    assert_eq!(holds(state.path()).segments, before);
    let mut writer = open::open(state.path(), &small()).unwrap();
    writer.locked(|writer| retain::remove_before(writer, "9999")).unwrap();
    drop(writer);
    let after = holds(state.path());
    assert_eq!(after.segments, 1);
    assert!(after.first > Some(0));
    assert_eq!(after.notes.first().map(|note| note.kind), Some(FindingKind::Removed));
    let log = Log::open(state.path(), &small()).unwrap();
    (0..30).for_each(|n| log.append(&decision(n)).unwrap());
    drop(log);
    holds(state.path());
    // One segment more is missing than was signed for.
    let oldest = segment::list(&state.path().join(FOLDER)).unwrap()[0];
    fs::remove_file(segment_path(state.path(), oldest)).unwrap();
    let problems = report(state.path()).problems;
    assert!(problems.iter().any(|problem| problem.kind == FindingKind::Segment), "{problems:#?}");
}

#[test]
fn queries_and_counts() {
    let state = written(30, &settings());
    let count = |query: &Query| {
        read(state.path()).unwrap().filter(|entry| query.matches(entry.as_ref().unwrap())).count()
    };
    assert_eq!(count(&Query::default()), 30);
    assert_eq!(count(&Query { decisions: vec![Decision::Veto], ..Query::default() }), 10);
    assert_eq!(count(&Query { role: Some(Role::User), ..Query::default() }), 0);
    assert_eq!(count(&Query { id: Some(format!("{:031x}", 1)), ..Query::default() }), 14);
    assert_eq!(count(&Query { events: vec!["any".to_owned()], ..Query::default() }), 0);
    let since = Some("1970-01-01T00:00:10.000000Z".to_owned());
    assert_eq!(count(&Query { since: since.clone(), ..Query::default() }), 20);
    assert_eq!(count(&Query { until: since, ..Query::default() }), 10);
    let mut stats = Stats::new(Grouping::Role);
    for entry in read(state.path()).unwrap() {
        if let Body::Decision(record) = entry.unwrap().body {
            stats.add(&record);
        }
    }
    let summaries = stats.summaries();
    let all = &summaries[0];
    assert_eq!((all.group.as_str(), all.verdicts, all.veto, all.allow), ("tool", 30, 10, 20));
    assert_eq!((all.full_coverage, all.p99_us), (1.0, 0));
}
