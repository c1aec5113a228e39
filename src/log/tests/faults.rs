//! Writers that die, disks that are full, and files that go away under a writer.

use std::fs::{self, OpenOptions};
use std::io::Write as _;

use super::*;

#[test]
fn a_torn_last_line_is_cut_and_noted() {
    for torn in ["{", "{\"seq\":7,\"prev\":\"", &"x".repeat(100_000)] {
        let state = written(5, &settings());
        let path = segment_path(state.path(), 1);
        OpenOptions::new().append(true).open(&path).unwrap().write_all(torn.as_bytes()).unwrap();
        let problems = report(state.path()).problems;
        assert_eq!(problems.iter().map(|problem| problem.kind).collect::<Vec<_>>(), [FindingKind::Torn]);
        assert_eq!(bodies(state.path()).len(), 5);
        let log = Log::open(state.path(), &settings()).unwrap();
        log.append(&decision(6)).unwrap();
        drop(log);
        assert_eq!(events(state.path()), [Event::LogTailCut { bytes: torn.len() as u64 }]);
        assert_eq!(holds(state.path()).decisions, 6);
    }
}

#[test]
fn a_segment_without_its_first_line_is_begun_again() {
    let state = written(1, &settings());
    fs::write(segment_path(state.path(), 1), "").unwrap();
    fs::remove_file(state.path().join(FOLDER).join("head.json")).unwrap();
    drop(Log::open(state.path(), &settings()).unwrap());
    holds(state.path());
    // The writer died after it had closed a segment, while it began the next.
    for begun in [None, Some(""), Some("{\"seq\":")] {
        let state = written(30, &small());
        let newest = holds(state.path()).segments;
        let folder = state.path().join(FOLDER);
        fs::remove_file(segment_path(state.path(), newest)).unwrap();
        let lines = fs::read_to_string(segment_path(state.path(), newest - 1)).unwrap();
        let last = envelope::open(lines.lines().last().unwrap().as_bytes()).unwrap();
        let key = crate::trust::SigningKey::read(&state.path().join(KEY_FILE)).unwrap();
        let head = Head::sign(&key, (newest - 1, 0, last.seq), &last.hash, true, now().unwrap());
        head::write(&folder.join("head.json"), &head, false).unwrap();
        if let Some(begun) = begun {
            fs::write(segment_path(state.path(), newest), begun).unwrap();
        }
        let log = Log::open(state.path(), &small()).unwrap();
        log.append(&decision(1)).unwrap();
        drop(log);
        assert_eq!(holds(state.path()).segments, newest);
    }
}

#[test]
fn a_log_that_shrinks_under_its_writer_is_a_fault() {
    let state = written(5, &settings());
    let log = Log::open(state.path(), &settings()).unwrap();
    let path = segment_path(state.path(), 1);
    let length = fs::metadata(&path).unwrap().len();
    OpenOptions::new().write(true).open(&path).unwrap().set_len(length / 2).unwrap();
    let error = log.append(&decision(9)).unwrap_err();
    assert!(matches!(error, LogError::Tampered { what: "was made shorter", .. }), "{error}");
    let log = Log::open(written(5, &settings()).path(), &settings()).unwrap();
    // The folder is gone with the last line.
    let error = log.append(&decision(9)).unwrap_err();
    assert!(matches!(error, LogError::Tampered { what: "was removed", .. }), "{error}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_an_error_and_what_was_lost_is_counted() {
    let state = written(5, &settings());
    let mut writer = open::open(state.path(), &settings()).unwrap();
    let body = serde_json::to_vec(&decision(7)).unwrap();
    let full = OpenOptions::new().read(true).write(true).open("/dev/full").unwrap();
    let file = std::mem::replace(&mut writer.file, full);
    // The device has no length to check.
    let end = std::mem::replace(&mut writer.tail.end, 0);
    for _ in 0..3 {
        let error = writer.append(&body).unwrap_err();
        assert!(matches!(error, LogError::Io { action: "append to", .. }), "{error}");
        writer.uncertain = false;
    }
    (writer.file, writer.tail.end) = (file, end);
    writer.append(&body).unwrap();
    writer.locked(|writer| writer.write_head(false)).unwrap();
    drop(writer);
    assert!(matches!(events(state.path()).as_slice(), [Event::RecordsLost { count: 3, .. }]));
    assert_eq!(holds(state.path()).decisions, 6);
}

#[test]
fn an_entry_that_is_too_large_is_an_error() {
    let state = written(1, &settings());
    let log = Log::open(state.path(), &settings()).unwrap();
    let Body::Decision(mut record) = decision(2) else { panic!("a decision") };
    record.slice = Some("x".repeat(65 << 20));
    let error = log.append(&Body::Decision(record)).unwrap_err();
    assert!(matches!(error, LogError::TooLarge { .. }), "{error}");
    log.append(&decision(3)).unwrap();
    drop(log);
    assert_eq!(holds(state.path()).decisions, 2);
}

#[test]
fn a_clock_that_goes_back_is_noted_and_holds() {
    let state = tempfile::tempdir().unwrap();
    let log = Log::open(state.path(), &settings()).unwrap();
    for n in [100, 200, 50, 51] {
        log.append(&decision(n)).unwrap();
    }
    drop(log);
    let notes = holds(state.path()).notes;
    assert_eq!(
        notes.iter().map(|note| (note.kind, note.seq)).collect::<Vec<_>>(),
        [(FindingKind::Clock, Some(3))]
    );
}

#[test]
fn the_interval_signs_without_a_close() {
    let state = tempfile::tempdir().unwrap();
    let quick = LogSettings { fsync: Fsync::Interval, fsync_interval_ms: 1, ..settings() };
    let log = Log::open(state.path(), &quick).unwrap();
    log.append(&decision(1)).unwrap();
    let signed = || report(state.path()).signed;
    let start = std::time::Instant::now();
    while signed() != Some(1) && start.elapsed().as_secs() < 60 {
        std::thread::yield_now();
    }
    assert_eq!(signed(), Some(1));
    drop(log);
}
