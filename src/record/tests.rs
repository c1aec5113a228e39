//! Records on disk, keys, ids and times.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::Write;
use std::time::{Duration, UNIX_EPOCH};

use super::{DecisionIds, DecisionRecord, InstallationKey, KEY_FILE, RecordError, RecordFile, timestamp};
use crate::request::Role;
use crate::verdict::{Coverage, Decision, PolicyRef, Timing};

fn record(id: &str) -> DecisionRecord {
    DecisionRecord {
        decision_id: id.to_owned(),
        time: timestamp(UNIX_EPOCH).unwrap(),
        role: Role::Tool,
        text_digest: "00".repeat(32),
        tool_call_digest: None,
        text_bytes: 3,
        decision: Decision::Escalate,
        findings: Vec::new(),
        exceptions: Vec::new(),
        scores: BTreeMap::from([("toxicity".to_owned(), 0.1)]),
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
        evidence: None,
        timing_us: Timing::default(),
    }
}

#[test]
fn times_are_rfc_3339_with_microseconds() {
    assert_eq!(timestamp(UNIX_EPOCH).unwrap(), "1970-01-01T00:00:00.000000Z");
    let leap = UNIX_EPOCH + Duration::new(1_709_210_096, 5_000);
    assert_eq!(timestamp(leap).unwrap(), "2024-02-29T12:34:56.000005Z");
    assert!(matches!(timestamp(UNIX_EPOCH + Duration::from_secs(1 << 40)), Err(RecordError::Clock)));
}

#[test]
fn ids_are_ordered_by_time_and_never_repeat() {
    let ids = DecisionIds::new(&InstallationKey::ephemeral().unwrap()).unwrap();
    let digest = "00".repeat(32);
    let early: HashSet<String> =
        (0..1000).map(|_| ids.next(UNIX_EPOCH + Duration::from_secs(9), &digest)).collect();
    let late = ids.next(UNIX_EPOCH + Duration::from_millis(9001), &digest);
    assert_eq!(early.len(), 1000);
    assert!(early.iter().all(|id| id.len() == 32 && *id < late));
}

#[test]
fn a_key_is_made_once_and_digests_depend_on_it() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("a/b");
    let made = InstallationKey::load_or_create(&state).unwrap();
    let read = InstallationKey::load_or_create(&state).unwrap();
    assert_eq!(made.text_digest("text"), read.text_digest("text"));
    assert_ne!(made.text_digest("text"), made.text_digest("texts"));
    assert_ne!(made.text_digest("text"), InstallationKey::ephemeral().unwrap().text_digest("text"));
    assert_eq!(format!("{made:?}"), "InstallationKey");
}

#[test]
fn a_key_of_the_wrong_size_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(KEY_FILE);
    for size in [0, 31, 33] {
        drop(InstallationKey::load_or_create(folder.path()));
        fs::write(&path, vec![7; size]).unwrap();
        let error = InstallationKey::load_or_create(folder.path()).unwrap_err();
        assert!(matches!(error, RecordError::KeyLength { found, .. } if found == size), "{error}");
    }
}

#[test]
fn threads_that_make_the_key_at_once_agree() {
    let folder = tempfile::tempdir().unwrap();
    let digests: HashSet<String> = std::thread::scope(|scope| {
        let makers: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| InstallationKey::load_or_create(folder.path()).unwrap().text_digest("text"))
            })
            .collect();
        makers.into_iter().map(|maker| maker.join().unwrap()).collect()
    });
    assert_eq!(digests.len(), 1);
}

#[test]
#[cfg(unix)]
fn files_are_their_owners_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    InstallationKey::load_or_create(folder.path()).unwrap();
    let key = folder.path().join(KEY_FILE);
    assert_eq!(mode(&key), 0o600);
    let log = folder.path().join("decisions.jsonl");
    RecordFile::append(&log).unwrap();
    assert_eq!(mode(&log), 0o600);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    let error = InstallationKey::load_or_create(folder.path()).unwrap_err();
    assert!(matches!(error, RecordError::KeyMode { mode: 0o640, .. }), "{error}");
}

#[test]
fn records_are_lines_and_read_back_equal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("decisions.jsonl");
    RecordFile::append(&path).unwrap().write(&record("1")).unwrap();
    let file = RecordFile::append(&path).unwrap();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let file = &file;
            scope.spawn(move || (0..50).for_each(|n| file.write(&record(&format!("{writer}.{n}"))).unwrap()));
        }
    });
    let text = fs::read_to_string(&path).unwrap();
    let records: Vec<DecisionRecord> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(records.len(), 201);
    assert_eq!(records[0], record("1"));
}

#[test]
fn a_torn_last_line_does_not_spoil_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("decisions.jsonl");
    fs::File::create(&path).unwrap().write_all(b"{\"decision_id\":\"cut").unwrap();
    RecordFile::append(&path).unwrap().write(&record("2")).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let last: DecisionRecord = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
    assert_eq!(last.decision_id, "2");
}

#[test]
fn a_place_that_cannot_be_written_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let error = RecordFile::append(&folder.path().join("missing/decisions.jsonl")).unwrap_err();
    assert!(matches!(error, RecordError::Io { action: "open", .. }), "{error}");
    let occupied = folder.path().join("file");
    fs::write(&occupied, "").unwrap();
    assert!(InstallationKey::load_or_create(&occupied).is_err());
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_an_error() {
    let error =
        RecordFile::append(std::path::Path::new("/dev/full")).unwrap().write(&record("1")).unwrap_err();
    assert!(matches!(error, RecordError::Io { action: "append to", .. }), "{error}");
}
