//! `policy keygen`, `sign`, `verify`, `activate`, `rollback`, `history`, `active`, and the guard that uses what is in force.

use crate::program::{Run, finish, program, run};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// A policy that does this to texts with this word.
pub(crate) fn policy(revision: u64, word: &str, action: &str) -> String {
    format!(
        r#"schema = 2
id = "birds"
version = "1.{revision}.0"
revision = {revision}
on_unsupported = "allow"

[governance]
objective = "To try things."
owner = "Tests"

[[list]]
id = "birds"
file = "birds.txt"
words = ["{word}"]

[[rule]]
id = "birds"
detector = "list.birds"
threshold = 1.0
action = "{action}"
"#
    )
}

/// A folder with bundles and a state directory.
pub(crate) struct Place(tempfile::TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Writes a bundle and answers its path.
    pub(crate) fn bundle(&self, revision: u64, word: &str, action: &str) -> String {
        let name = format!("birds-{revision}-{word}-{action}");
        fs::create_dir_all(self.path(&name)).unwrap();
        fs::write(self.path(&name).join("policy.toml"), policy(revision, word, action)).unwrap();
        fs::write(self.path(&name).join("birds.txt"), "wren\n").unwrap();
        self.text(&name)
    }

    /// Runs the program with this state directory.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        let state = self.text("state");
        run(&[arguments, &["--state", &state]].concat())
    }

    pub(crate) fn activate(&self, bundle: &str) -> Run {
        self.run(&["policy", "activate", bundle, "--by", "jo"])
    }

    /// Makes the installation trust the key `release`, and ask for it.
    fn requires_signatures(&self) {
        let keys = self.text("keys");
        let made = run(&["policy", "keygen", "release", "--out", &keys]);
        assert_eq!(made.status, Some(0), "{}", made.stderr);
        fs::create_dir_all(self.path("state/keys")).unwrap();
        fs::copy(self.path("keys/release.pub"), self.path("state/keys/release.pub")).unwrap();
        fs::write(self.path("state/portcullis.toml"), "[trust]\nrequire_signed_policy = true\n").unwrap();
    }

    fn sign(&self, bundle: &str, more: &[&str]) -> Run {
        let key = self.text("keys/release.key");
        run(&[&["policy", "sign", bundle, "--key", &key], more].concat())
    }

    fn decision(&self, text: &str) -> String {
        let run = self.run(&["check", "--json", text]);
        run.json().get("decision").and_then(|decision| decision.as_str()).unwrap().to_owned()
    }
}

fn fails(run: &Run, status: i32, expected: &str) {
    assert_eq!(run.status, Some(status), "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains(expected), "expected {expected:?} in {}", run.stderr);
}

#[test]
fn the_policy_in_force_judges_after_those_that_are_asked_for() {
    let place = Place::new();
    let text = "What does a kestrel eat?";
    assert_eq!(place.decision(text), "allow");
    fails(&place.run(&["policy", "active"]), 1, "no policy was put in force");
    let first = place.bundle(1, "kestrel", "veto");
    assert_eq!(place.activate(&first).status, Some(0));
    assert_eq!(place.decision(text), "veto");
    let second = place.bundle(2, "kestrel", "rewrite");
    let asked = place.run(&["check", "--json", "--policy", &second, text]).json();
    assert_eq!(asked["decision"], "rewrite");
    let state = place.text("state");
    let set = finish(
        program().env("PORTCULLIS_POLICY", &second).args(["check", "--json", "--state", &state, text]),
        b"",
    );
    assert_eq!(set.json()["decision"], "rewrite");
    let active = place.run(&["policy", "active", "--json"]).json();
    assert_eq!(
        (&active["revision"], &active["by"], &active["change"]),
        (&1.into(), &"jo".into(), &"activated".into())
    );
    assert_eq!(place.run(&["check", "--json", text]).json()["policy"]["digest"], active["policy"]["digest"]);
    // What is taught starts from no policy of the installation's.
    let inspected = place.run(&["inspect", "--json"]).json();
    assert_eq!(inspected["policy"]["id"], "birds");
}

#[test]
fn history_tells_who_did_what_and_why() {
    let place = Place::new();
    for (revision, action) in [(1, "rewrite"), (2, "veto")] {
        assert_eq!(place.activate(&place.bundle(revision, "kestrel", action)).status, Some(0));
    }
    let back =
        place.run(&["policy", "rollback", "--by", "kim", "--reason", "too many vetoes", "--json"]).json();
    assert_eq!((&back["revision"], &back["reason"]), (&1.into(), &"too many vetoes".into()));
    let lines = place.run(&["policy", "history", "--json"]).json_lines();
    let told: Vec<_> =
        lines.iter().map(|line| (line["revision"].as_u64().unwrap(), line["by"].as_str().unwrap())).collect();
    assert_eq!(told, [(1, "jo"), (2, "jo"), (1, "kim")]);
    let table = place.run(&["policy", "history"]).stdout;
    assert!(
        table.lines().last().unwrap().ends_with("rollback    kim             too many vetoes"),
        "{table}"
    );
    let events: Vec<_> =
        portcullis::log::read(&place.path("state")).unwrap().map(|entry| entry.unwrap().body).collect();
    let events = serde_json::to_value(&events).unwrap();
    let events = events.as_array().unwrap();
    let kinds: Vec<_> = events.iter().filter_map(|event| event["event"]["event"].as_str()).collect();
    assert_eq!(kinds, ["policy_activated", "policy_activated", "policy_rolled_back"], "{events:?}");
}

#[test]
fn what_may_not_follow_is_refused_and_changes_nothing() {
    let place = Place::new();
    place.activate(&place.bundle(2, "kestrel", "veto"));
    fails(
        &place.activate(&place.bundle(1, "kestrel", "rewrite")),
        2,
        "the bundle has revision 1, the policy in force has 2",
    );
    fails(
        &place.activate(&place.bundle(2, "rook", "veto")),
        2,
        "revision 2 of birds was put in force with other content",
    );
    let unfit = place.bundle(3, "rook", "veto");
    let broken = fs::read_to_string(place.path("birds-3-rook-veto/policy.toml")).unwrap();
    fs::write(
        place.path("birds-3-rook-veto/policy.toml"),
        broken.replace("list.birds", "classifier.sarcasm"),
    )
    .unwrap();
    fails(&place.activate(&unfit), 2, "no detector is named `classifier.sarcasm`");
    fs::write(
        place.path("birds-3-rook-veto/policy.toml"),
        broken.replace("id = \"birds\"\nv", "id = \"bees\"\nv"),
    )
    .unwrap();
    fails(&place.activate(&unfit), 2, "the bundle is of the policy bees, the policy in force is birds");
    assert_eq!(place.decision("What does a kestrel eat?"), "veto");
    let replaced = place.run(&["policy", "activate", &unfit, "--by", "jo", "--replace"]);
    assert_eq!(replaced.status, Some(0), "{}", replaced.stderr);
    let nowhere = run(&["policy", "history"]);
    fails(&nowhere, 2, "no state directory: expected --state DIR");
}

#[test]
fn keys_are_made_once_and_kept_from_others() {
    let place = Place::new();
    let keys = place.text("keys");
    assert_eq!(run(&["policy", "keygen", "release", "--out", &keys]).status, Some(0));
    let secret = fs::read(place.path("keys/release.key")).unwrap();
    fails(&run(&["policy", "keygen", "release", "--out", &keys]), 2, "is there already");
    assert_eq!(fs::read(place.path("keys/release.key")).unwrap(), secret);
    fails(&run(&["policy", "keygen", "a b", "--out", &keys]), 2, "a key's name has 1 to 64 ASCII letters");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode =
            |mode| fs::set_permissions(place.path("keys/release.key"), fs::Permissions::from_mode(mode));
        assert_eq!(fs::metadata(place.path("keys/release.key")).unwrap().permissions().mode() & 0o777, 0o600);
        mode(0o644).unwrap();
        fails(&place.sign(&place.bundle(1, "kestrel", "veto"), &[]), 2, "has mode 644, expected 600");
    }
}

#[test]
fn a_signature_is_verified_with_its_reason() {
    let place = Place::new();
    place.requires_signatures();
    let bundle = place.bundle(1, "kestrel", "veto");
    let dates = ["--not-before", "2021-05-09T06:00:00Z", "--expires", "2121-05-09T00:00:00Z"];
    let signed = place.sign(&bundle, &dates);
    assert_eq!(signed.stdout.trim_end(), Path::new(&bundle).join("SIGNATURE.json").to_str().unwrap());
    let keys = place.text("keys");
    let verify = |more: &[&str]| run(&[&["policy", "verify", &bundle, "--keys", &keys], more].concat());
    let found = verify(&["--json"]).json();
    assert_eq!((&found["holds"], &found["signed_by"]), (&true.into(), &"release".into()));
    assert_eq!(found["manifest"]["files"].as_array().unwrap().len(), 2);
    // The clock before the date, as one that goes backwards is.
    fails(
        &verify(&["--at", "1999-12-31T23:59:59Z"]),
        1,
        "not to be used before 2021-05-09T06:00:00Z, and it is 1999-12-31T23:59:59Z",
    );
    fails(&verify(&["--at", "2121-05-09T00:00:00Z"]), 1, "the bundle expired at 2121-05-09T00:00:00Z");
    fails(&verify(&["--at", "tomorrow"]), 2, "expected a time such as");
    fs::write(place.path("birds-1-kestrel-veto/birds.txt"), "rook\n").unwrap();
    fails(&verify(&[]), 1, "the file birds.txt has been changed since it was signed");
    let found = verify(&["--json"]);
    assert_eq!((found.status, found.json()["holds"].clone()), (Some(1), false.into()));
    fails(&place.run(&["check", "--policy", &bundle, "hello"]), 2, "the file birds.txt has been changed");
    // Nobody has asked for a signature here; one that is there must hold all the same.
    fails(&run(&["check", "--policy", &bundle, "hello"]), 2, "the file birds.txt has been changed");
    fails(&run(&["policy", "verify", &bundle]), 2, "no keys: expected --keys DIR or --state DIR");
}

#[test]
fn a_stripped_signature_is_refused_everywhere() {
    let place = Place::new();
    place.requires_signatures();
    let bundle = place.bundle(1, "kestrel", "veto");
    place.sign(&bundle, &[]);
    assert_eq!(place.activate(&bundle).status, Some(0));
    assert_eq!(place.decision("What does a kestrel eat?"), "veto");
    fs::remove_file(place.path("birds-1-kestrel-veto/SIGNATURE.json")).unwrap();
    let missing = "SIGNATURE.json is not there, expected a signature by a trusted key";
    fails(&place.run(&["check", "--policy", &bundle, "hello"]), 2, missing);
    fails(&place.activate(&bundle), 2, missing);
    let keys = place.text("keys");
    fails(&run(&["policy", "verify", &bundle, "--keys", &keys]), 1, missing);
    fails(&run(&["check", "--require-signed", "--policy", &bundle, "hello"]), 2, missing);
    assert_eq!(run(&["check", "--policy", &bundle, "hello"]).status, Some(0));
    // The stored bundle without its own.
    let active = place.run(&["policy", "active", "--json"]).json();
    let stored = PathBuf::from(active["path"].as_str().unwrap());
    fs::remove_file(stored.join("SIGNATURE.json")).unwrap();
    fails(&place.run(&["check", "hello"]), 2, "has been changed since it was stored");
}

#[test]
fn a_bundle_out_of_its_time_is_not_put_in_force() {
    let place = Place::new();
    place.requires_signatures();
    let bundle = place.bundle(1, "kestrel", "veto");
    place.sign(&bundle, &["--not-before", "2121-05-09T06:00:00Z"]);
    fails(&place.activate(&bundle), 2, "not to be used before 2121-05-09T06:00:00Z");
    place.sign(&bundle, &["--expires", "2021-05-09T06:00:00Z"]);
    fails(&place.activate(&bundle), 2, "the bundle expired at 2021-05-09T06:00:00Z");
    fails(&place.run(&["check", "--policy", &bundle, "hello"]), 2, "the bundle expired at");
}

#[test]
fn a_changed_bundle_stops_the_guard() {
    let place = Place::new();
    let bundle = place.bundle(1, "kestrel", "veto");
    place.activate(&bundle);
    let active = place.run(&["policy", "active", "--json"]).json();
    let stored = PathBuf::from(active["path"].as_str().unwrap());
    let source = fs::read_to_string(stored.join("policy.toml")).unwrap();
    fs::write(stored.join("policy.toml"), source.replace("veto", "rewrite")).unwrap();
    for command in [&["check", "hello"] as &[&str], &["pipe"], &["filter"], &["policy", "active"]] {
        fails(&place.run(command), 2, "has been changed since it was stored: its digest is");
    }
    assert_eq!(place.activate(&bundle).status, Some(0));
    assert_eq!(place.decision("What does a kestrel eat?"), "veto");
}

#[cfg(unix)]
#[test]
fn a_killed_activation_leaves_a_whole_policy() {
    let place = Place::new();
    let state = place.text("state");
    assert_eq!(place.activate(&place.bundle(1, "kestrel", "veto")).status, Some(0));
    for revision in 2..12 {
        let bundle = place.bundle(revision, "kestrel", "veto");
        let mut child = program()
            .args(["policy", "activate", &bundle, "--by", "jo", "--state", &state])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Any moment will do; the store's own test kills within the writing.
        std::thread::sleep(std::time::Duration::from_millis(revision * 37 % 400));
        child.kill().unwrap();
        child.wait().unwrap();
        let active = place.run(&["policy", "active", "--json"]);
        assert_eq!(active.status, Some(0), "{}", active.stderr);
    }
    assert_eq!(place.decision("What does a kestrel eat?"), "veto");
}

#[test]
fn every_command_shows_examples() {
    for command in ["keygen", "sign", "verify", "activate", "rollback", "history", "active", "gate"] {
        let help = run(&["policy", command, "--help"]).stdout;
        assert!(help.contains("Examples:"), "{command}: {help}");
        let judges = ["activate", "gate"].contains(&command);
        assert_eq!(help.contains("--models"), judges, "{command}: {help}");
    }
    assert!(run(&["policy", "history", "--help"]).stdout.contains("--state"));
}

#[test]
fn two_activations_at_once_wait_for_each_other() {
    let place = Place::new();
    let state = place.text("state");
    let bundles: Vec<String> = (1..=4).map(|revision| place.bundle(revision, "kestrel", "veto")).collect();
    let start = |bundle: &String| {
        program()
            .args(["policy", "activate", bundle, "--by", "jo", "--state", &state])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    let mut children: Vec<_> = bundles.iter().map(start).collect();
    let statuses: Vec<_> = children.iter_mut().map(|child| child.wait().unwrap().code()).collect();
    // A lower one that came later was refused; the highest is in force whoever was first.
    assert!(statuses.iter().all(|status| matches!(status, Some(0 | 2))), "{statuses:?}");
    let lines = place.run(&["policy", "history", "--json"]).json_lines();
    let revisions: Vec<_> = lines.iter().map(|line| line["revision"].as_u64().unwrap()).collect();
    assert!(revisions.is_sorted() && revisions.last() == Some(&4), "{revisions:?}");
}
