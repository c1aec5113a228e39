//! `pack`: the real program with a model and a policy behind it.

use crate::program::{Run, finish, program, run};
use portcullis::image::Image;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const POLICY: &str = r#"
schema = 1
id = "shop"
version = "1.0.0"

[[list]]
id = "codenames"
file = "codenames.txt"

[[rule]]
id = "codenames"
detector = "list.codenames"
threshold = 1.0
action = "veto"
"#;

fn models() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models").display().to_string()
}

/// A folder with a policy, a key, and this program packed with the smallest model.
fn packed() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let shop = folder.path().join("shop");
    fs::create_dir(&shop).unwrap();
    fs::write(shop.join("policy.toml"), POLICY).unwrap();
    fs::write(shop.join("codenames.txt"), "kestrel\n").unwrap();
    for name in ["release", "other"] {
        let made = run(&["policy", "keygen", name, "--out", &folder.path().display().to_string()]);
        assert_eq!(made.status, Some(0), "{}", made.stderr);
    }
    let guard = folder.path().join("guard");
    let made = finish(
        program()
            .args(["--models", &models(), "--model", "portcullis-tiny", "pack", "--policy"])
            .arg(&shop)
            .arg("--sign")
            .arg(folder.path().join("release.key"))
            .arg("-o")
            .arg(&guard),
        b"",
    );
    assert_eq!(made.status, Some(0), "{}", made.stderr);
    assert!(made.stdout.contains("model portcullis-tiny, policy shop 1.0.0, 6 files"), "{}", made.stdout);
    (folder, guard)
}

fn start(guard: &Path, arguments: &[&str]) -> Run {
    let mut command = Command::new(guard);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PORTCULLIS_"))
    {
        command.env_remove(name);
    }
    finish(command.args(arguments), b"")
}

#[test]
fn it_judges_by_what_is_in_it_and_refuses_what_was_changed() {
    let (folder, guard) = packed();
    let path = |name: &str| folder.path().join(name).display().to_string();

    let verdict = start(&guard, &["check", "--json", "Is kestrel coming in spring?"]);
    assert_eq!(verdict.status, Some(1), "{}", verdict.stderr);
    let verdict = verdict.json();
    assert_eq!((&verdict["decision"], &verdict["policy"]["id"]), (&"veto".into(), &"shop".into()));
    assert_eq!(verdict["model"]["id"], "portcullis-tiny");
    assert_eq!(start(&guard, &["policy", "show", "--json"]).json()["policy"]["id"], "shop");

    // Flags go before what is packed.
    let policy = format!("{}/policies/default.toml", models());
    let base =
        ["check", "--json", "--models", &models(), "--policy", &policy, "Is kestrel coming in spring?"];
    let verdict = start(&guard, &base).json();
    assert_eq!((&verdict["decision"], &verdict["model"]["id"]), (&"allow".into(), &"portcullis-base".into()));

    // Signatures.
    let (key, other) = (path("release.pub"), path("other.pub"));
    assert_eq!(start(&guard, &["check", "--trust", &key, "Good morning."]).status, Some(0));
    let refused = start(&guard, &["check", "--trust", &other, "Good morning."]);
    assert_eq!((refused.status, refused.stdout.as_str()), (Some(2), ""));
    assert!(refused.stderr.contains("a key that is not trusted here"), "{}", refused.stderr);
    assert!(refused.stderr.contains("packed into"), "{}", refused.stderr);
    let plain = run(&["check", "--trust", &key, "Good morning."]);
    assert_eq!(plain.status, Some(2), "{}", plain.stdout);

    // What is in it.
    let report = start(&guard, &["inspect", "--self-test", "--json"]).json();
    assert_eq!(report["packed"]["signature"], "unknown", "{report}");
    assert_eq!(report["packed"]["signed_by"], "release", "{report}");
    assert_eq!(report["digests"], "ok", "{report}");
    assert!(
        report["self_test"].as_array().unwrap().iter().all(|finding| finding["passed"] != false),
        "{report}"
    );
    let listed = run(&["pack", "--list", &guard.display().to_string(), "--trust", &key, "--json"]).json();
    assert_eq!(listed["signature"], "signed");
    assert_eq!(listed["files"], report["packed"]["files"]);
    assert!(start(&guard, &["inspect"]).stdout.contains("policy/codenames.txt"));

    // A batch and a live text, by processes that start themselves again too.
    let bench = start(&guard, &["bench", "--lengths", "8", "--rounds", "1", "--starts", "1", "--json"]);
    assert_eq!(bench.status, Some(0), "{}", bench.stderr);

    // Packed again, by itself: what it holds is replaced.
    let again = path("again");
    let made = start(&guard, &["pack", "-o", &again]);
    assert_eq!(made.status, Some(0), "{}", made.stderr);
    let (first, second) = (Image::open(&guard).unwrap(), Image::open(Path::new(&again)).unwrap());
    assert_eq!((first.files(), first.program()), (second.files(), second.program()));

    // One bit of the policy, in place: files that run cannot be written to, so a copy.
    let file = first.files().iter().find(|file| file.path == "policy/codenames.txt").unwrap();
    let mut bytes = fs::read(&guard).unwrap();
    let at = usize::try_from(file.offset).unwrap();
    *bytes.get_mut(at).unwrap() ^= 1;
    let changed = path("changed");
    write_program(&changed, &bytes);
    for arguments in [&["check", "Good morning."][..], &["pipe"], &["filter"], &["explain", "Good morning."]]
    {
        let refused = start(Path::new(&changed), arguments);
        assert_eq!((refused.status, refused.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(refused.stderr.contains("policy/codenames.txt, at byte"), "{}", refused.stderr);
    }
    // Nor does it help to give another policy.
    let refused = start(Path::new(&changed), &["check", "--policy", &policy, "Good morning."]);
    assert_eq!(refused.status, Some(2), "{}", refused.stdout);
    assert_eq!(run(&["pack", "--list", &changed]).status, Some(2));

    // The program with nothing behind it any more.
    bytes.truncate(usize::try_from(first.program().bytes).unwrap());
    write_program(&changed, &bytes);
    let refused = start(Path::new(&changed), &["check", "Good morning."]);
    assert_eq!((refused.status, refused.stdout.as_str()), (Some(2), ""));
    assert!(refused.stderr.contains("has no packed files at its end"), "{}", refused.stderr);
}

fn write_program(path: &str, bytes: &[u8]) {
    // By another process: a test beside this one that starts a program while it is written here would hold it open for writing.
    let data = format!("{path}.data");
    fs::write(&data, bytes).unwrap();
    let installed = Command::new("install").args(["-m", "755", &data, path]).status().unwrap();
    assert!(installed.success());
}

#[test]
fn what_does_not_fit_is_told_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("bad.toml"), POLICY).unwrap();
    let bad = run(&["pack", "--policy", &path("bad.toml"), "-o", &path("guard")]);
    assert_eq!(bad.status, Some(2));
    assert!(bad.stderr.contains("codenames.txt"), "{}", bad.stderr);
    let usage = run(&["pack"]);
    assert_eq!(usage.status, Some(2));
    assert!(usage.stderr.contains("--output"), "{}", usage.stderr);
    fs::write(path("script"), "#!/bin/sh\n").unwrap();
    let bad = run(&["pack", "--program", &path("script"), "-o", &path("guard")]);
    assert_eq!(bad.status, Some(2));
    assert!(bad.stderr.contains("marks of a portcullis program"), "{}", bad.stderr);
    assert!(!folder.path().join("guard").exists());
    let plain = run(&["pack", "--list", &path("script")]);
    assert_eq!(plain.status, Some(2));
    assert!(plain.stderr.contains("no packed files at its end"), "{}", plain.stderr);
}
