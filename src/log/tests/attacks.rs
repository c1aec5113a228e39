//! What is changed in a log is found: every byte, every line, every file.

use std::fs;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

/// The files of a log of several segments, which is written once.
static FILES: LazyLock<Vec<(PathBuf, Vec<u8>)>> = LazyLock::new(|| {
    let state = written(20, &small());
    let folder = state.path().join(FOLDER);
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let paths = paths.chain([state.path().join(PUBLIC_KEY_FILE)]);
    paths
        .map(|path| (path.strip_prefix(state.path()).unwrap().to_owned(), fs::read(&path).unwrap()))
        .collect()
});

/// A copy of that log.
fn copied() -> tempfile::TempDir {
    let state = tempfile::tempdir().unwrap();
    fs::create_dir(state.path().join(FOLDER)).unwrap();
    FILES.iter().for_each(|(path, bytes)| fs::write(state.path().join(path), bytes).unwrap());
    state
}

/// Does something to the bytes of a segment, and checks that it is found.
fn attacked(number: u64, change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Vec<Finding> {
    let state = copied();
    let path = segment_path(state.path(), number);
    let before = fs::read(&path).unwrap();
    let after = change(before.clone());
    assert_ne!(before, after, "the attack changes something");
    fs::write(&path, after).unwrap();
    let report = report(state.path());
    assert!(!report.holds(), "not found");
    report.problems
}

fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

fn newest() -> u64 {
    static NEWEST: LazyLock<u64> = LazyLock::new(|| holds(copied().path()).segments);
    *NEWEST
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn any_changed_byte_is_found(at in 0.0..1.0f64, bit in 0..8u32, open in any::<bool>()) {
        let number = if open { newest() } else { 2 };
        attacked(number, |mut bytes| {
            let at = (at * bytes.len() as f64) as usize;
            bytes[at] ^= 1 << bit;
            bytes
        });
    }

    #[test]
    fn any_removed_line_is_found(at in 0.0..1.0f64, open in any::<bool>()) {
        let number = if open { newest() } else { 2 };
        attacked(number, |bytes| {
            let mut lines = lines(&bytes);
            lines.remove((at * lines.len() as f64) as usize);
            lines.concat()
        });
    }

    #[test]
    fn any_doubled_line_is_found(at in 0.0..1.0f64, to in 0.0..1.0f64, open in any::<bool>()) {
        let number = if open { newest() } else { 2 };
        attacked(number, |bytes| {
            let mut lines = lines(&bytes);
            let line = lines[(at * lines.len() as f64) as usize].clone();
            lines.insert((to * (lines.len() + 1) as f64) as usize, line);
            lines.concat()
        });
    }

    #[test]
    fn any_two_swapped_lines_are_found(a in 0.0..1.0f64, b in 0.0..1.0f64, open in any::<bool>()) {
        let number = if open { newest() } else { 2 };
        let count = lines(&fs::read(segment_path(copied().path(), number)).unwrap()).len() as f64;
        let (a, b) = ((a * count) as usize, (b * count) as usize);
        prop_assume!(a != b);
        attacked(number, |bytes| {
            let mut lines = lines(&bytes);
            lines.swap(a, b);
            lines.concat()
        });
    }

    #[test]
    fn any_cut_is_found(at in 0.0..1.0f64, open in any::<bool>()) {
        let number = if open { newest() } else { 2 };
        attacked(number, |mut bytes| {
            bytes.truncate((at * bytes.len() as f64) as usize);
            bytes
        });
    }
}

#[test]
fn the_place_of_a_change_is_told() {
    let problems = attacked(2, |bytes| {
        let mut lines = lines(&bytes);
        let at = lines[3].len() / 2;
        lines[3][at] ^= 1;
        lines.concat()
    });
    assert_eq!((problems[0].segment, problems[0].line), (Some(2), Some(4)), "{problems:#?}");
    let problems = attacked(2, |bytes| {
        let mut lines = lines(&bytes);
        lines.remove(4);
        lines.concat()
    });
    assert_eq!((problems[0].kind, problems[0].line), (FindingKind::Order, Some(5)), "{problems:#?}");
}

#[test]
fn a_missing_segment_is_found() {
    for number in [1, 2] {
        let state = written(30, &small());
        fs::remove_file(segment_path(state.path(), number)).unwrap();
        let problems = report(state.path()).problems;
        assert!(problems.iter().any(|problem| problem.kind == FindingKind::Segment), "{problems:#?}");
    }
    let state = written(30, &small());
    let newest = holds(state.path()).segments;
    fs::remove_file(segment_path(state.path(), newest)).unwrap();
    let problems = report(state.path()).problems;
    assert!(problems.iter().any(|problem| problem.kind == FindingKind::Truncated), "{problems:#?}");
}

/// Whoever has no key can rewrite every hash, but not the signatures.
#[test]
fn a_chain_made_anew_has_no_signature() {
    let state = written(5, &settings());
    let path = segment_path(state.path(), 1);
    let text = fs::read_to_string(&path).unwrap().replace("\"allow\"", "\"veto\"");
    let mut prev = envelope::NOTHING;
    let mut forged = Vec::new();
    for line in text.lines() {
        let sealed = envelope::open(line.as_bytes()).unwrap();
        let mut out = Vec::new();
        prev = envelope::seal(sealed.seq, &prev, sealed.body, &mut out);
        forged.extend(out);
    }
    fs::write(&path, forged).unwrap();
    let problems = report(state.path()).problems;
    assert_eq!(problems.iter().map(|problem| problem.kind).collect::<Vec<_>>(), [FindingKind::Head]);
    // Nor does a head signed by another key help.
    let other = written(5, &settings());
    for file in ["000001.jsonl", "head.json"] {
        fs::copy(other.path().join(FOLDER).join(file), state.path().join(FOLDER).join(file)).unwrap();
    }
    let problems = report(state.path()).problems;
    assert!(problems.iter().any(|problem| problem.kind == FindingKind::Signature), "{problems:#?}");
}

#[test]
fn a_head_that_is_missing_or_changed_is_found() {
    let state = written(5, &settings());
    let path = state.path().join(FOLDER).join("head.json");
    let head = fs::read_to_string(&path).unwrap();
    for (changed, kind) in [
        (head.replace("\"last\":5", "\"last\":4"), FindingKind::Signature),
        ("{}".to_owned(), FindingKind::Head),
        (String::new(), FindingKind::Head),
    ] {
        fs::write(&path, changed).unwrap();
        assert_eq!(report(state.path()).problems[0].kind, kind);
    }
    fs::remove_file(&path).unwrap();
    assert_eq!(report(state.path()).problems[0].kind, FindingKind::Head);
    // Opening such a log goes on, and leaves a mark that stays.
    drop(Log::open(state.path(), &settings()).unwrap());
    assert_eq!(events(state.path()), [Event::LogHeadLost {}]);
    assert_eq!(report(state.path()).problems[0].kind, FindingKind::Lost);
}

#[test]
fn a_head_kept_elsewhere_shows_a_log_that_was_put_back() {
    let state = written(5, &settings());
    let folder = state.path().join(FOLDER);
    let old: Vec<_> = ["000001.jsonl", "head.json"].map(|name| fs::read(folder.join(name)).unwrap()).into();
    let log = Log::open(state.path(), &settings()).unwrap();
    log.append(&decision(9)).unwrap();
    drop(log);
    let known: Head = serde_json::from_slice(&fs::read(folder.join("head.json")).unwrap()).unwrap();
    for (name, bytes) in ["000001.jsonl", "head.json"].iter().zip(old) {
        fs::write(folder.join(name), bytes).unwrap();
    }
    // Without it this cannot be seen: it is what the log was.
    holds(state.path());
    let report = Verifier::new(state.path()).unwrap().reaching(known).verify().unwrap();
    assert_eq!(report.problems[0].kind, FindingKind::Truncated);
}

#[test]
fn entries_that_are_gone_when_the_log_is_opened_stay_known() {
    let state = written(5, &settings());
    let path = segment_path(state.path(), 1);
    let lines = lines(&fs::read(&path).unwrap());
    fs::write(&path, lines[..3].concat()).unwrap();
    let log = Log::open(state.path(), &settings()).unwrap();
    log.append(&decision(9)).unwrap();
    drop(log);
    assert_eq!(events(state.path()), [Event::LogEntriesLost { last: Some(2), signed: 5 }]);
    let problems = report(state.path()).problems;
    assert_eq!(problems.iter().map(|problem| problem.kind).collect::<Vec<_>>(), [FindingKind::Lost]);
}

#[test]
fn numbers_without_a_next_are_errors() {
    for (segment, seq) in [(1, u64::MAX), (u64::MAX, 0)] {
        let state = tempfile::tempdir().unwrap();
        fs::create_dir(state.path().join(FOLDER)).unwrap();
        let mut line = Vec::new();
        envelope::seal(seq, &envelope::NOTHING, b"{\"head\":{}}", &mut line);
        fs::write(segment_path(state.path(), segment), line).unwrap();
        assert!(!report(state.path()).holds());
        let error = Log::open(state.path(), &settings()).unwrap_err();
        assert!(error.to_string().contains("larger than any"), "{error}");
    }
}

#[test]
fn hostile_files_are_errors() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/attacks/log");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let state = tempfile::tempdir().unwrap();
        fs::create_dir(state.path().join(FOLDER)).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let (expected, content) = text.split_once('\n').unwrap();
        let expected = expected.strip_prefix("# ").unwrap();
        fs::write(segment_path(state.path(), 1), content).unwrap();
        let error = Log::open(state.path(), &settings()).unwrap_err().to_string();
        assert!(error.contains(expected), "{}: expected {expected:?}, found {error:?}", path.display());
        assert!(!report(state.path()).holds(), "{}", path.display());
        assert!(read(state.path()).unwrap().all(|entry| entry.is_err()), "{}", path.display());
        count += 1;
    }
    assert!(count >= 8, "{count} files");
}
