//! The queue on disk: what goes in, what people decide, and files that are none.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rusqlite::Connection;

use super::{FILE, Filter, Outcome, Queue, ReviewError, Ruling, Status};
use crate::record::DecisionRecord;
use crate::request::Role;
use crate::verdict::{Coverage, Decision, Finding, PolicyRef, Source, Timing};

fn record(number: u64, rule: &str) -> DecisionRecord {
    let finding = Finding {
        rule: rule.to_owned(),
        category: rule.to_owned(),
        score: 0.9,
        threshold: 0.5,
        spans: Vec::new(),
        source: Source::Classifier,
        action: Decision::Escalate,
        via: Vec::new(),
        place: None,
    };
    let json = serde_json::json!({
        "decision_id": format!("{number:032x}"),
        "time": format!("2031-05-09T14:03:{number:02}.000000Z"),
        "role": Role::User,
        "text_digest": "00".repeat(32),
        "text_bytes": 3,
        "decision": Decision::Escalate,
        "findings": [finding],
        "scores": {"toxicity": 0.9},
        "thresholds": {},
        "coverage": Coverage::Full,
        "policy": PolicyRef { id: "p".to_owned(), version: "1.0.0".to_owned(), digest: "00".to_owned() },
        "slice": if number.is_multiple_of(2) { "even" } else { "odd" },
        "timing_us": Timing::default(),
    });
    serde_json::from_value(json).unwrap()
}

fn ruling(outcome: Outcome, by: &str) -> Ruling {
    Ruling {
        outcome,
        by: by.to_owned(),
        reason: "a quotation".to_owned(),
        labels: BTreeMap::from([("toxicity".to_owned(), 0.0)]),
        note: None,
        time: "2031-05-09T15:00:00.000000Z".to_owned(),
    }
}

fn queue() -> (tempfile::TempDir, Queue) {
    let state = tempfile::tempdir().unwrap();
    let queue = Queue::open(state.path()).unwrap();
    (state, queue)
}

#[test]
fn a_case_goes_in_once_and_is_read_back() {
    let (state, queue) = queue();
    assert!(Queue::open_existing(&state.path().join("none")).unwrap().is_none());
    let first = record(1, "toxicity");
    assert!(queue.enqueue(&first).unwrap());
    assert!(!queue.enqueue(&first).unwrap());
    let case = queue.case(&first.decision_id).unwrap();
    assert_eq!((case.status, case.rulings.len()), (Status::Pending, 0));
    assert_eq!(case.record, first);
    drop(queue);
    assert_eq!(Queue::open(state.path()).unwrap().list(&Filter::default()).unwrap().len(), 1);
}

#[test]
#[cfg(unix)]
fn its_files_are_their_owners() {
    use std::os::unix::fs::PermissionsExt as _;
    let (state, queue) = queue();
    queue.enqueue(&record(1, "toxicity")).unwrap();
    for entry in fs::read_dir(state.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", entry.path().display());
    }
}

#[test]
fn cases_are_found_by_status_rule_slice_and_number() {
    let (_state, queue) = queue();
    for number in (0..6).rev() {
        queue.enqueue(&record(number, if number < 2 { "hate" } else { "toxicity" })).unwrap();
    }
    let ids = |filter: Filter| -> Vec<u64> {
        let cases = queue.list(&filter).unwrap();
        cases.iter().map(|case| u64::from_str_radix(&case.record.decision_id, 16).unwrap()).collect()
    };
    assert_eq!(ids(Filter::default()), [0, 1, 2, 3, 4, 5]);
    assert_eq!(ids(Filter { rule: Some("hate".into()), ..Filter::default() }), [0, 1]);
    assert_eq!(ids(Filter { slice: Some("even".into()), limit: Some(2), ..Filter::default() }), [0, 2]);
    queue.decide(&record(2, "").decision_id, &ruling(Outcome::Reject, "ana"), false).unwrap();
    assert_eq!(ids(Filter { status: Some(Status::Rejected), ..Filter::default() }), [2]);
    assert_eq!(ids(Filter { status: Some(Status::Pending), ..Filter::default() }), [0, 1, 3, 4, 5]);
    assert_eq!(ids(Filter { rule: Some("none".into()), ..Filter::default() }), [0; 0]);
}

#[test]
fn a_case_is_decided_once_unless_overruled() {
    let (_state, queue) = queue();
    let id = record(7, "toxicity").decision_id;
    queue.enqueue(&record(7, "toxicity")).unwrap();
    let case = queue.decide(&id, &ruling(Outcome::Approve, "ana"), false).unwrap();
    assert_eq!((case.status, case.ruling().unwrap().by.as_str()), (Status::Approved, "ana"));
    let error = queue.decide(&id, &ruling(Outcome::Reject, "bo"), false).unwrap_err().to_string();
    assert!(error.contains("decided already: approved by ana"), "{error}");
    let case = queue.decide(&id, &ruling(Outcome::Reject, "bo"), true).unwrap();
    assert_eq!((case.status, case.rulings.len()), (Status::Rejected, 2));
    assert_eq!(case.ruling().unwrap().labels["toxicity"], 0.0);
    let stats = queue.stats().unwrap();
    assert_eq!(
        (stats.all.rejected, stats.rules["toxicity"].rejected, stats.reviewers["ana"].approved),
        (1, 1, 1)
    );
    assert_eq!((stats.all.released(), stats.oldest_pending), (Some(0.0), None));
}

#[test]
fn an_id_may_be_short_but_must_be_one() {
    let (_state, queue) = queue();
    let mut other = record(1, "hate");
    other.decision_id = format!("ab{}", "0".repeat(30));
    for record in [record(1, "hate"), record(2, "hate"), other] {
        queue.enqueue(&record).unwrap();
    }
    assert!(queue.case("AB").unwrap().record.decision_id.starts_with("ab"));
    let told = |id: &str| queue.case(id).unwrap_err().to_string();
    assert_eq!(told("00"), "2 cases have an id that begins with 00, expected one");
    for none in ["", "%", "zz", "a_", "c", &"0".repeat(33)] {
        assert!(told(none).starts_with("0 cases have"), "{none}");
    }
}

#[test]
fn what_cannot_be_said_is_refused() {
    let (_state, queue) = queue();
    let id = record(1, "hate").decision_id;
    queue.enqueue(&record(1, "hate")).unwrap();
    let good = ruling(Outcome::Approve, "ana");
    let labelled =
        |head: &str, label: f32| Ruling { labels: [(head.to_owned(), label)].into(), ..good.clone() };
    for (bad, field) in [
        (Ruling { by: " ".to_owned(), ..good.clone() }, "`by`"),
        (Ruling { by: "a\nb".to_owned(), ..good.clone() }, "`by`"),
        (Ruling { reason: String::new(), ..good.clone() }, "`reason`"),
        (Ruling { note: Some("n".repeat(5000)), ..good.clone() }, "`note`"),
        (labelled("toxicity", 2.0), "`labels`"),
        (labelled("toxicity", f32::NAN), "`labels`"),
        (labelled("a b", 1.0), "`labels`"),
    ] {
        let error = queue.decide(&id, &bad, false).unwrap_err().to_string();
        assert!(error.starts_with(field), "{error}");
    }
    assert_eq!(queue.case(&id).unwrap().status, Status::Pending);
}

#[test]
fn writers_at_once_lose_nothing() {
    let state = tempfile::tempdir().unwrap();
    let open = || Queue::open(state.path()).unwrap();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            scope.spawn(move || {
                let queue = open();
                (0..10).for_each(|number| {
                    assert!(queue.enqueue(&record(writer * 100 + number, "hate")).unwrap())
                });
            });
        }
    });
    assert_eq!(open().list(&Filter::default()).unwrap().len(), 40);
}

/// Changes the file as another program would.
fn tampered(state: &Path, sql: &str) -> Result<Vec<super::Case>, ReviewError> {
    Connection::open(state.join(FILE))
        .unwrap()
        .execute_batch(&format!("PRAGMA foreign_keys = 0; {sql}"))
        .unwrap();
    Queue::open(state)?.list(&Filter::default())
}

#[test]
fn hostile_files_are_errors() {
    let made = || {
        let (state, queue) = queue();
        queue.enqueue(&record(1, "hate")).unwrap();
        state
    };
    for (sql, expected) in [
        ("PRAGMA user_version = 99", "has the schema 99, expected at most 1"),
        ("PRAGMA user_version = -1", "has the schema -1"),
        ("PRAGMA application_id = 7", "is not a review queue"),
        ("UPDATE cases SET record = '{'", "is corrupt in the review queue: no record at column"),
        ("UPDATE cases SET decision_id = 'ff'", "the record of another decision"),
        ("UPDATE cases SET record = printf('%.*c', 5000000, '1')", "a record of 5000000 bytes"),
        ("PRAGMA ignore_check_constraints = 1; UPDATE cases SET status = 'lost'", "an unknown status"),
        ("DROP TABLE rulings", "cannot read the review queue"),
        ("INSERT INTO rulings VALUES (1, '01', 'approve', 'a', 'r', NULL, '[', 't')", "labels as JSON"),
    ] {
        let state = made();
        let error = tampered(state.path(), sql).expect_err(sql).to_string();
        assert!(error.contains(expected), "{sql}: {error}");
    }
    let state = tempfile::tempdir().unwrap();
    fs::write(state.path().join(FILE), "no database at all, but long enough to look at".repeat(50)).unwrap();
    let error = Queue::open(state.path()).unwrap_err().to_string();
    assert!(error.contains("cannot open the review queue"), "{error}");
    let state = made();
    fs::remove_file(state.path().join(format!("{FILE}-wal"))).ok();
    fs::write(state.path().join(FILE), b"SQLite format 3\0").unwrap();
    assert!(Queue::open(state.path()).and_then(|queue| queue.enqueue(&record(2, "hate"))).is_err());
}
