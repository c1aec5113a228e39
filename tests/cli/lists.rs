//! Word lists in files beside the policy.

use crate::program::run;
use std::fs;
use std::path::Path;

const POLICY: &str = r#"schema = 1
id = "p"
version = "1.0.0"
on_unsupported = "allow"

[[list]]
id = "birds"
file = "birds.txt"

[[rule]]
id = "birds"
detector = "list.birds"
threshold = 1.0
action = "rewrite"
"#;

/// A folder with this policy and this list.
fn folder(policy: &str, list: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("p.toml"), policy).unwrap();
    fs::write(folder.path().join("birds.txt"), list).unwrap();
    folder
}

fn check(folder: &Path, text: &str) -> crate::program::Run {
    run(&["check", "--json", "--policy", folder.join("p.toml").to_str().unwrap(), text])
}

#[test]
fn a_list_is_read_from_the_policys_folder() {
    let folder = folder(POLICY, b"# birds\r\nkestrel\r\n\r\nred kite\r\n");
    let verdict = check(folder.path(), "A Kestrel and a RED KITE, no kestrels.").json();
    assert_eq!(verdict["text"], "A [REDACTED] and a [REDACTED], no kestrels.");
    assert_eq!(verdict["findings"][0]["spans"], serde_json::json!([[2, 9], [16, 24]]));
}

#[test]
fn the_digest_covers_the_list() {
    let one = folder(POLICY, b"kestrel\n");
    let two = folder(POLICY, b"kestrel\nrook\n");
    let digest = |folder: &Path| check(folder, "hello there").json()["policy"]["digest"].clone();
    assert_eq!(digest(one.path()), digest(one.path()));
    assert_ne!(digest(one.path()), digest(two.path()));
}

#[test]
fn what_is_wrong_with_a_list_is_said_with_its_line() {
    let long = "x".repeat(300);
    for (list, expected) in [
        (&b"kestrel\nr\xffk\n"[..], "line 2 is not UTF-8 from byte 2 on, expected UTF-8 text"),
        (b"# none\n\n", "it holds no word, expected one a line"),
        (b"kestrel\nro\x07k\n", "line 2 holds 4 bytes that are no word"),
        (long.as_bytes(), "line 1 holds 300 bytes that are no word"),
    ] {
        let folder = folder(POLICY, list);
        let run = check(folder.path(), "hello");
        assert_eq!(run.status, Some(2));
        assert!(
            run.stderr.contains("p.toml:8:8: the word list `birds.txt` cannot be used"),
            "{}",
            run.stderr
        );
        assert!(run.stderr.contains(expected), "{expected}: {}", run.stderr);
    }
}

#[test]
fn only_files_below_the_policy_are_read() {
    for file in ["../birds.txt", "/etc/passwd", "", "a/../../birds.txt"] {
        let folder = folder(&POLICY.replace("birds.txt", file), b"kestrel\n");
        let run = check(folder.path(), "hello");
        assert_eq!(run.status, Some(2));
        assert!(run.stderr.contains("expected a path below the policy's folder"), "{file}: {}", run.stderr);
    }
    let folder = folder(&POLICY.replace("birds.txt", "fish.txt"), b"kestrel\n");
    let run = check(folder.path(), "hello");
    assert!(run.stderr.contains("the word list `fish.txt` cannot be used: No such file"), "{}", run.stderr);
}

#[test]
fn a_list_without_a_rule_is_a_warning() {
    let policy = POLICY.replace("list.birds", "pii.email");
    let run = check(folder(&policy, b"kestrel\n").path(), "hello");
    assert_eq!(run.status, Some(0));
    assert!(run.stderr.contains("the list `birds` is not used by any rule"), "{}", run.stderr);
}
