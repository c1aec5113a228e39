//! Files: state, baseline, alerts and commands; two monitors, damaged files.

use std::fs;
use std::time::Duration;

use super::*;
use crate::installation::{AlertSettings, Installation};
use crate::record::timestamp;
use crate::request::Role;
use crate::verdict::{ModelRef, Timing};

fn installation() -> Installation {
    Installation { monitor: settings(), ..Installation::default() }
}

fn record(number: u64, every: u64) -> DecisionRecord {
    let time = std::time::UNIX_EPOCH + Duration::from_secs(BEGIN as u64 + number);
    DecisionRecord {
        decision_id: format!("{number:032x}"),
        time: timestamp(time).unwrap(),
        role: Role::User,
        text_digest: "0".repeat(64),
        text_bytes: 10,
        tool_call_digest: None,
        decision: if number.is_multiple_of(every) { Decision::Veto } else { Decision::Allow },
        findings: Vec::new(),
        exceptions: Vec::new(),
        scores: [("toxicity".to_owned(), 0.25)].into(),
        thresholds: Default::default(),
        coverage: Coverage::Full,
        coverage_reasons: Vec::new(),
        exit: None,
        device: None,
        policy: policy(),
        model: Some(ModelRef { id: "m".into(), digest: "m".into() }),
        calibration: Some("c".into()),
        slice: None,
        locale: None,
        fault: None,
        evidence: None,
        timing_us: Timing { total: 900, ..Timing::default() },
    }
}

fn open(root: &Path, installation: &Installation) -> Monitor {
    Monitor::open(root, installation, "m/c", references().list()).unwrap()
}

fn raised(notices: &[Notice]) -> usize {
    notices.iter().filter(|notice| matches!(notice, Notice::Alert(Change::Raised(_)))).count()
}

#[test]
fn what_was_seen_survives_the_process() {
    let root = tempfile::tempdir().unwrap();
    assert!(read(root.path()).unwrap().is_none());
    for part in 0..3 {
        let monitor = open(root.path(), &installation());
        for number in 0..100 {
            monitor.observe(&record(part * 100 + number, 1), None, None);
        }
        monitor.settle();
        assert_eq!(raised(&monitor.notices()), usize::from(part == 0), "{part}");
    }
    let state = read(root.path()).unwrap().unwrap();
    assert_eq!((state.totals.counts.all.verdicts, state.newest().unwrap().verdicts()), (300, 300));
    assert_eq!(state.totals.alerts["veto_rate"], 1);
    assert_eq!(state.newest().unwrap().alerts().len(), 1);
    #[cfg(unix)]
    for (path, expected) in [("", 0o700), (STATE_FILE, 0o600), ("lock", 0o600)] {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(root.path().join(FOLDER).join(path)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, expected, "{path}");
    }
}

#[test]
fn two_monitors_count_together() {
    let root = tempfile::tempdir().unwrap();
    let installation = installation();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (root, installation) = (root.path(), &installation);
            scope.spawn(move || {
                let monitor = open(root, installation);
                for number in 0..500 {
                    monitor.observe(&record(thread * 500 + number, 10), None, None);
                    if number % 100 == 50 {
                        monitor.settle();
                    }
                }
            });
        }
    });
    let state = read(root.path()).unwrap().unwrap();
    assert_eq!((state.totals.counts.all.verdicts, state.totals.counts.all.vetoes), (2000, 200));
}

#[test]
fn a_damaged_state_is_told_and_put_aside() {
    let root = tempfile::tempdir().unwrap();
    let monitor = open(root.path(), &installation());
    monitor.observe(&record(0, 10), None, None);
    drop(monitor);
    let path = root.path().join(FOLDER).join(STATE_FILE);
    let good = fs::read(&path).unwrap();
    let changed = {
        let mut bytes = good.clone();
        let last = bytes.len() - 2;
        bytes[last] ^= 1;
        bytes
    };
    let other_schema = String::from_utf8(good.clone()).unwrap().replacen("\"schema\":1", "\"schema\":9", 1);
    let attacks: [(&[u8], &str); 6] = [
        (b"", "first line"),
        (b"{}\n{}", "first line"),
        (&good[..good.len() - 1], "bytes after its first line"),
        (&changed, "digest"),
        (other_schema.as_bytes(), "schema is 9"),
        (&[0xff; 1000], "first line"),
    ];
    for (bytes, expected) in attacks {
        fs::write(&path, bytes).unwrap();
        let error = read(root.path()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        let monitor = open(root.path(), &installation());
        monitor.observe(&record(1, 10), None, None);
        monitor.settle();
        let notices = monitor.notices();
        let [Notice::Trouble(told)] = &notices[..] else { panic!("{notices:?}") };
        assert!(told.contains(expected) && told.contains("begins anew"), "{told}");
        drop(monitor);
        assert_eq!(read(root.path()).unwrap().unwrap().totals.counts.all.verdicts, 1);
        assert_eq!(fs::read(path.with_file_name("state.damaged")).unwrap(), bytes);
    }
}

#[test]
fn a_state_with_a_good_digest_and_bad_content_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join(FOLDER);
    fs::create_dir_all(&folder).unwrap();
    for (body, expected) in [
        (r#"{"watches":3}"#.to_owned(), "other data"),
        ("[".repeat(100_000), "it is"),
        (r#"{"watches":[],"totals":{"since":"x"}}"#.to_owned(), "other data"),
    ] {
        let digest = blake3::hash(body.as_bytes()).to_hex();
        let head =
            format!("{{\"schema\":1,\"generation\":3,\"bytes\":{},\"blake3\":\"{digest}\"}}\n", body.len());
        fs::write(folder.join(STATE_FILE), head + &body).unwrap();
        let error = read(root.path()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_baseline_is_written_and_read_and_a_bad_one_is_told() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join(FOLDER);
    fs::create_dir_all(&folder).unwrap();
    let made = usual(50);
    made.write(&folder).unwrap();
    assert_eq!(Baseline::read(&folder).unwrap().as_ref(), Some(&made));
    let good = fs::read_to_string(folder.join(BASELINE_FILE)).unwrap();
    for (from, to) in [
        ("schema = 1", "schema = 2"),
        ("verdicts = 5000", "verdicts = 0"),
        ("verdicts = 5000", "verdicts = 50"),
        ("schema = 1", "schema = 1\nextra = 1"),
        ("edges = [", "edges = [9.0, "),
        ("p50_us = ", "p50_us = -"),
        ("verdicts = 5000", "verdicts = -1"),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good, "{from}");
        fs::write(folder.join(BASELINE_FILE), bad).unwrap();
        let error = Baseline::read(&folder).unwrap_err().to_string();
        assert!(error.contains("is not a baseline"), "{error}");
        // The guard works on, without it.
        let monitor = open(root.path(), &installation());
        assert!(matches!(&monitor.notices()[..], [Notice::Trouble(_)]));
    }
    fs::write(folder.join(BASELINE_FILE), vec![b'#'; (1 << 20) + 1]).unwrap();
    assert!(Baseline::read(&folder).unwrap_err().to_string().contains("more than"));
}

#[cfg(unix)]
#[test]
fn alerts_go_to_a_file_and_to_a_command() {
    let root = tempfile::tempdir().unwrap();
    let (file, got) = (root.path().join("alerts.jsonl"), root.path().join("got"));
    let script = format!("cat > '{}'", got.display());
    let mut installation = installation();
    installation.alerts = AlertSettings {
        file: Some(file.clone()),
        command: ["sh", "-c", &script].map(str::to_owned).to_vec(),
        timeout: 60,
    };
    let monitor = open(root.path(), &installation);
    for number in 0..100 {
        monitor.observe(&record(number, 1), None, None);
    }
    drop(monitor);
    let line = fs::read_to_string(file).unwrap();
    let told: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&told["state"], &told["indicator"]), (&"raised".into(), &"veto_rate".into()));
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&fs::read(got).unwrap()).unwrap(), told);
}

#[cfg(unix)]
#[test]
fn a_command_that_fails_or_hangs_is_told() {
    let hooks = Hooks::default();
    let command = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let second = Duration::from_secs(1);
    hooks.start(&command(&["false"]), b"{}".to_vec(), 60 * second).unwrap();
    hooks.start(&command(&["/no/such/program"]), b"{}".to_vec(), 60 * second).unwrap();
    hooks.start(&command(&["sleep", "600"]), vec![b'x'; 1000], second).unwrap();
    hooks.start(&command(&["sleep", "600"]), Vec::new(), second).unwrap();
    hooks.finish();
    let mut failures = hooks.failures();
    failures.sort();
    let [no_such, failed, hung, other] = &failures[..] else { panic!("{failures:?}") };
    assert!(no_such.contains("cannot be started"), "{no_such}");
    assert!(failed.contains("false failed"), "{failed}");
    assert!(hung.contains("was ended") && other.contains("was ended"), "{hung}");
}

#[cfg(unix)]
#[test]
fn no_more_than_a_few_commands_run() {
    let hooks = Hooks::default();
    let command = ["sleep".to_owned(), "600".to_owned()];
    let started =
        (0..9).filter(|_| hooks.start(&command, Vec::new(), Duration::from_millis(500)).is_ok()).count();
    assert_eq!(started, 4);
    hooks.finish();
}

#[test]
fn what_cannot_be_written_is_told_once_and_tried_again() {
    let root = tempfile::tempdir().unwrap();
    let monitor = open(root.path(), &installation());
    // A folder is in the place of the lock.
    let path = root.path().join(FOLDER).join("lock");
    fs::create_dir(&path).unwrap();
    for number in 0..10 {
        monitor.observe(&record(number, 10), None, None);
        monitor.settle();
    }
    let notices = monitor.notices();
    assert!(
        notices.iter().all(|notice| matches!(notice, Notice::Trouble(_))) && notices.len() <= 2,
        "{notices:?}"
    );
    assert!(!notices.is_empty());
    fs::remove_dir(&path).unwrap();
    monitor.settle();
    assert_eq!(read(root.path()).unwrap().unwrap().totals.counts.all.verdicts, 10);
}
