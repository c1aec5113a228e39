//! The review queue: what is held goes into it, people decide, and labels come out.

use crate::program::{Run, program, run, run_with};
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

const POLICY: &str = "schema = 1\nid = \"desk\"\nversion = \"1.0.0\"\n[[rule]]\nid = \"insult\"\ndetector = \"classifier.insult\"\n\
                      threshold = 0.7\naction = \"escalate\"\n[[rule]]\nid = \"mail\"\ndetector = \"pii.email\"\nthreshold = 0.5\n\
                      action = \"escalate\"\n";
const INSULT: &str = "You are a complete idiot.";

/// A policy that holds, and a state directory.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("desk.toml"), POLICY).unwrap();
        fs::create_dir(folder.path().join("state")).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run_with(&self, arguments: &[&str], input: &str) -> Run {
        let (policy, state) = (self.path("desk.toml"), self.path("state"));
        let options = ["--policy", policy.to_str().unwrap(), "--state", state.to_str().unwrap()];
        run_with(&[arguments, &options].concat(), input.as_bytes())
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let run = self.run_with(arguments, "");
        assert_ne!(run.status, Some(2), "{arguments:?}: {}", run.stderr);
        run
    }

    /// The id of the verdict on a text that is held.
    fn hold(&self, text: &str) -> String {
        let verdict = self.run(&["check", "--json", text]).json();
        assert_eq!(verdict.get("decision"), Some(&"escalate".into()), "{verdict}");
        verdict.get("decision_id").unwrap().as_str().unwrap().to_owned()
    }
}

#[test]
fn what_is_held_is_queued_by_every_command_that_judges_and_nothing_else_is() {
    let desk = Desk::new();
    let checked = desk.hold(INSULT);
    let lines = "{\"text\": \"good morning\"}\n{\"text\": \"Write to jo@example.org\", \"slice\": \"shop\"}\n{\"bad\n";
    let piped = desk.run_with(&["pipe"], lines).json_lines();
    assert_eq!(piped[1]["decision"], "escalate");
    desk.run_with(&["filter"], "The garden is open. You are a complete idiot.");
    let cases = desk.run(&["review", "list", "--json"]).json_lines();
    assert_eq!(cases.len(), 3);
    assert_eq!(cases[0]["record"]["decision_id"], checked.as_str());
    assert_eq!(cases[1]["record"]["decision_id"], piped[1]["decision_id"]);
    let queue = fs::read(desk.path("state/review.sqlite")).unwrap();
    let text = String::from_utf8_lossy(&queue);
    assert!(!text.contains("idiot") && !text.contains("example.org"));
    let shop = desk.run(&["review", "list", "--json", "--slice", "shop", "--rule", "mail"]).json();
    assert_eq!(shop["record"]["role"], "user");
    // Measuring holds nothing.
    let rows = desk.path("rows.jsonl");
    fs::write(&rows, format!("{{\"text\": \"{INSULT}\", \"labels\": {{\"insult\": 1}}}}\n")).unwrap();
    desk.run_with(&["eval", rows.to_str().unwrap()], "");
    assert_eq!(desk.run(&["review", "list", "--json"]).json_lines().len(), 3);
}

#[test]
fn the_queue_can_be_turned_off() {
    let desk = Desk::new();
    fs::write(desk.path("state/portcullis.toml"), "[review]\nenabled = false\n").unwrap();
    desk.hold(INSULT);
    assert!(!desk.path("state/review.sqlite").exists());
}

#[test]
fn a_queue_that_cannot_be_written_is_a_fault() {
    let desk = Desk::new();
    fs::write(
        desk.path("state/review.sqlite"),
        "no database, but long enough to be looked at as one".repeat(20),
    )
    .unwrap();
    let run = desk.run_with(&["check", "--json", INSULT], "");
    let verdict = run.json();
    assert_eq!((run.status, verdict["decision"].as_str()), (Some(1), Some("veto")));
    let fault = verdict["fault"].as_str().unwrap();
    assert!(fault.starts_with("the held text cannot be put into the review queue"), "{fault}");
    assert!(!fault.contains("idiot"));
    // What is not held needs no queue.
    assert_eq!(desk.run_with(&["check", "good morning"], "").status, Some(0));
}

#[test]
fn a_case_is_shown_decided_and_counted() {
    let desk = Desk::new();
    let id = desk.hold("Write to jo@example.org, please.");
    let text = desk.path("text.txt");
    fs::write(&text, "Write to jo@example.org, please.").unwrap();
    let shown =
        desk.run(&["--color", "always", "review", "show", &id, "--text-file", text.to_str().unwrap()]).stdout;
    assert!(shown.contains("Write to \u{1b}[1m\u{1b}[31mjo@example.org\u{1b}[0m, please."), "{shown:?}");
    let json = desk.run(&["review", "show", &id, "--json", "--text-file", text.to_str().unwrap()]).json();
    assert_eq!(
        (&json["status"], &json["text"]),
        (&"pending".into(), &"Write to jo@example.org, please.".into())
    );
    fs::write(&text, "Write to bo@example.org, please.").unwrap();
    let other = desk.run_with(&["review", "show", &id, "--text-file", text.to_str().unwrap()], "");
    assert_eq!(other.status, Some(2));
    assert!(
        other.stderr.contains("not the text of the case") && !other.stderr.contains("bo@"),
        "{}",
        other.stderr
    );

    for (arguments, message) in [
        (vec!["approve", "--by", "ana", "--reason", "x", "--label", "spite=1"], "unknown head \"spite\""),
        (vec!["approve", "--by", "ana", "--reason", "x", "--label", "insult=2"], "expected HEAD=LABEL"),
        (vec!["approve", "--by", " ", "--reason", "x"], "`by`"),
        (vec!["approve", "--by", "ana"], "--reason"),
        (vec!["perhaps", "--by", "ana", "--reason", "x"], "perhaps"),
    ] {
        let refused = desk.run_with(&[&["review", "decide", &id], arguments.as_slice()].concat(), "");
        assert_eq!(refused.status, Some(2), "{arguments:?}");
        assert!(refused.stderr.contains(message), "{arguments:?}: {}", refused.stderr);
    }
    let said = ["--by", "ana", "--reason", "our own address"];
    let decided =
        desk.run(&[&["review", "decide", &id, "approve"], said.as_slice(), &["--innocent"]].concat());
    assert_eq!(decided.stdout, format!("case {} approved\n", id.get(..16).unwrap()));
    let twice = desk.run_with(&[&["review", "decide", &id, "reject"], said.as_slice()].concat(), "");
    assert_eq!(twice.status, Some(2));
    assert!(twice.stderr.contains("decided already: approved by ana"), "{}", twice.stderr);
    desk.run(&[&["review", "decide", &id, "reject", "--overrule"], said.as_slice()].concat());
    let stats = desk.run(&["review", "stats", "--json"]).json();
    assert_eq!((&stats["all"]["rejected"], &stats["reviewers"]["ana"]["approved"]), (&1.into(), &1.into()));
    assert_eq!(desk.run(&["review", "list", "--status", "pending"]).stdout, "no cases\n");
}

#[test]
fn labels_are_exported_as_rows_and_calibrate_shows_before_it_writes() {
    let desk = Desk::new();
    let texts = ["You are a complete idiot.", "Shut up, you stupid fool.", "What a silly idiot you are."];
    for text in texts {
        let id = desk.hold(text);
        desk.run(&[
            "review", "decide", &id, "approve", "--by", "ana", "--reason", "banter", "--label", "insult=0",
        ]);
    }
    desk.hold("You stupid, stupid man.");
    let (out, traffic) = (desk.path("labels.jsonl"), desk.path("traffic.jsonl"));
    let (out, traffic) = (out.to_str().unwrap(), traffic.to_str().unwrap());
    let mut rows = format!("{{\"text\": \"{INSULT}\"}}\n");
    rows.extend(
        (0..60).map(|number| format!("{{\"text\": \"The garden opens at {number} past nine today.\"}}\n")),
    );
    fs::write(traffic, rows.split_once('\n').unwrap().1).unwrap();
    let all = desk.path("all.jsonl");
    fs::write(&all, &rows).unwrap();

    let export = desk.run(&["review", "export", "--texts", all.to_str().unwrap(), "--out", out]);
    assert!(export.stderr.contains("1 rows of 4 cases: 1 have no labels, 2 no text"), "{}", export.stderr);
    let row: serde_json::Value = serde_json::from_str(&fs::read_to_string(out).unwrap()).unwrap();
    assert_eq!(
        (&row["text"], &row["labels"]["insult"], row.get("scores")),
        (&INSULT.into(), &0.0.into(), None)
    );
    assert_eq!(desk.run(&["eval", out]).status, Some(0));

    desk.run(&["review", "export", "--with-scores", "--out", out]);
    assert_eq!(fs::read_to_string(out).unwrap().lines().count(), 3);
    let state = desk.path("state");
    let calibration = desk.path("ours.toml");
    let (state, calibration) = (state.to_str().unwrap(), calibration.to_str().unwrap());
    let alone = desk.run_with(&["calibrate", "--reviews", state], "");
    assert_eq!(alone.status, Some(2));
    assert!(alone.stderr.contains("reviewed cases only"), "{}", alone.stderr);
    let by_file =
        desk.run(&["calibrate", traffic, "--benign", "--review-labels", out, "--out", calibration]).stdout;
    let by_queue =
        desk.run(&["calibrate", traffic, "--benign", "--reviews", state, "--out", calibration]).stdout;
    assert_eq!(by_file, by_queue);
    assert!(by_file.contains("of 3 reviewed cases, "), "{by_file}");
    assert!(by_file.ends_with("nothing is written: --out FILE --write does\n"), "{by_file}");
    assert!(!PathBuf::from(calibration).exists());
    desk.run(&["calibrate", traffic, "--benign", "--reviews", state, "--out", calibration, "--write"]);
    assert_eq!(desk.run(&["check", "--calibration", calibration, "good morning"]).status, Some(0));
    // The cases were scored by another calibration now.
    let stale = ["calibrate", traffic, "--benign", "--reviews", state, "--calibration", calibration];
    let stale = desk.run(&stale).stdout;
    assert!(stale.contains("3 more of another calibration are left out"), "{stale}");
}

#[test]
fn without_a_terminal_the_interface_says_what_to_use() {
    let desk = Desk::new();
    let refused = desk.run_with(&["review"], "");
    assert_eq!(refused.status, Some(2));
    assert!(
        refused.stderr.contains("standard output is no terminal: expected one, or `review list`"),
        "{}",
        refused.stderr
    );
    let none = run(&["review", "list"]);
    assert!(none.stderr.contains("no state directory"), "{}", none.stderr);
}

#[test]
fn what_people_do_is_in_the_log() {
    use portcullis::log::{self, Body, Event};
    let desk = Desk::new();
    let id = desk.hold(INSULT);
    let said = ["--by", "ana", "--reason", "banter", "--label", "insult=0", "--label", "hate=0"];
    desk.run(&[&["review", "decide", &id, "approve"], said.as_slice()].concat());
    let entries = log::read(&desk.path("state")).unwrap();
    let events = entries.filter_map(|entry| match entry.unwrap().body {
        Body::Event { event, .. } => Some(event),
        _ => None,
    });
    let decided = Event::ReviewDecided {
        decision_id: id,
        outcome: "approve".to_owned(),
        by: "ana".to_owned(),
        reason: "banter".to_owned(),
        labels: vec!["hate=0".to_owned(), "insult=0".to_owned()],
    };
    assert!(events.collect::<Vec<_>>().contains(&decided));
}

#[test]
#[cfg(feature = "samples")]
fn kept_texts_are_shown_to_whom_they_are_for() {
    let desk = Desk::new();
    // The key pair of the age crate's own tests.
    let recipient = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";
    let identity = "AGE-SECRET-KEY-1GQ9778VQXMMJVE8SK7J6VT8UJ4HDQAJUVSFCWCM02D8GEWQ72PVQ2Y5J33";
    fs::write(desk.path("state/portcullis.toml"), format!("[samples]\nrecipient = \"{recipient}\"\n"))
        .unwrap();
    fs::write(desk.path("id.key"), identity).unwrap();
    let key = desk.path("id.key").display().to_string();
    let id = desk.hold(INSULT);
    let shown = desk.run(&["review", "show", &id, "--json", "--identity", &key]).json();
    assert_eq!(shown["text"], INSULT);
    desk.run(&["review", "decide", &id, "reject", "--by", "ana", "--reason", "rude", "--label", "insult=1"]);
    let rows = desk.run(&["review", "export", "--identity", &key, "--out", "-"]).json();
    assert_eq!((&rows["text"], &rows["labels"]["insult"]), (&INSULT.into(), &1.0.into()));
    // What was kept of another text is not taken for this one's.
    let other = desk.hold("Shut up, you stupid fool.");
    let sample = |id: &str| {
        let mut files = fs::read_dir(desk.path("state/samples")).unwrap().map(|entry| entry.unwrap().path());
        files.find(|path| path.to_string_lossy().contains(id)).unwrap()
    };
    fs::copy(sample(&other), sample(&id)).unwrap();
    let refused = desk.run_with(&["review", "show", &id, "--identity", &key], "");
    assert_eq!(refused.status, Some(2));
    assert!(refused.stderr.contains("it is not the text of the case"), "{}", refused.stderr);
}

/// A shell with the interface in it, on a terminal of its own.
#[cfg(target_os = "linux")]
struct OnTerminal {
    child: std::process::Child,
    screen: std::process::ChildStdout,
    /// What has been on the screen so far.
    shown: Vec<u8>,
}

#[cfg(target_os = "linux")]
impl Desk {
    /// Runs a shell line by `script` of util-linux until the interface is there: keys that come before are lost. Nothing on a system
    /// without util-linux.
    fn on_terminal(&self, command: &str) -> Option<OnTerminal> {
        let child = Command::new("script")
            .args(["-qec", command, "/dev/null"])
            .current_dir(self.0.path())
            .env("TERM", "xterm")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = child.ok()?;
        let mut screen = child.stdout.take().unwrap();
        let mut shown = Vec::new();
        let mut part = [0; 1024];
        while !String::from_utf8_lossy(&shown).contains("leave") {
            let read = screen.read(&mut part).unwrap();
            assert_ne!(read, 0, "{}", String::from_utf8_lossy(&shown));
            shown.extend_from_slice(part.get(..read).unwrap());
        }
        Some(OnTerminal { child, screen, shown })
    }
}

/// The interface does its work and leaves the terminal as it was.
#[test]
#[cfg(target_os = "linux")]
fn the_interface_works_on_a_terminal_and_leaves_it_as_it_was() {
    let desk = Desk::new();
    let id = desk.hold(INSULT);
    let command = format!(
        "stty cols 80 rows 24; stty -g > before; {} review --state state --by ana; echo status $?; stty -g > after",
        program().get_program().to_string_lossy()
    );
    let Some(OnTerminal { mut child, mut screen, mut shown }) = desk.on_terminal(&command) else { return };
    let mut keys = child.stdin.take().unwrap();
    let rest = std::thread::spawn(move || {
        let mut rest = Vec::new();
        screen.read_to_end(&mut rest).map(|_| rest)
    });
    // Open, approve with a reason, leave the list.
    keys.write_all(b"\rabanter\r").unwrap();
    keys.flush().unwrap();
    let case = || desk.run(&["review", "show", &id, "--json"]).json();
    let decided = (0..200).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        case()["status"] == "approved"
    });
    assert!(decided, "{}", case());
    keys.write_all(b"q").unwrap();
    keys.flush().unwrap();
    child.wait().unwrap();
    shown.extend(rest.join().unwrap().unwrap());
    let shown = String::from_utf8_lossy(&shown);
    assert!(shown.contains("\u{1b}[?1049h") && shown.contains("\u{1b}[?1049l"), "{shown}");
    assert!(shown.contains("status 0"), "{shown}");
    assert_eq!(case()["rulings"][0]["reason"], "banter");
    let settings = |name: &str| fs::read_to_string(desk.path(name)).unwrap();
    assert_eq!(settings("before"), settings("after"));
}

/// A terminal that is closed ends the interface, which would else read from it for ever.
#[test]
#[cfg(target_os = "linux")]
fn the_interface_ends_with_its_terminal() {
    let desk = Desk::new();
    desk.hold(INSULT);
    let command = format!(
        "stty cols 80 rows 24; echo $$ > pid; exec {} review --state state --by ana",
        program().get_program().to_string_lossy()
    );
    // The screen is kept: a terminal whose screen nobody reads is closed already.
    let Some(OnTerminal { mut child, screen: _screen, .. }) = desk.on_terminal(&command) else { return };
    let pid: u32 = fs::read_to_string(desk.path("pid")).unwrap().trim().parse().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let running = || {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        status.contains("portcullis") && !status.contains("Z (zombie)")
    };
    let ended = (0..600).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        !running()
    });
    assert!(ended, "process {pid} is still there");
}
