//! `teach`: a category from own sentences, its use in a policy, and rows and files that are none.

use crate::program::{run, run_with};
use std::fs;
use std::path::{Path, PathBuf};

/// Twenty-eight sentences about gambling and forty that look like them.
fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/teach/gambling.jsonl")
}

fn rows(label: u8) -> Vec<String> {
    let rows = fs::read_to_string(examples()).unwrap();
    let label = format!("\"label\": {label}}}");
    rows.lines().filter(|row| row.ends_with(&label)).map(|row| row.to_owned() + "\n").collect()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Teaches the examples into the folder; answers the name of the head's file.
fn taught(folder: &Path, flags: &[&str]) -> String {
    let examples = examples();
    let teach = ["teach", "gambling", "--examples", text(&examples), "--out", text(folder)];
    let made = run(&[&teach[..], flags].concat());
    assert_eq!(made.status, Some(0), "{}", made.stderr);
    let mut heads: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".head.toml"))
        .collect();
    let head = heads.pop().unwrap();
    assert!(heads.is_empty(), "{heads:?}");
    assert!(made.stdout.contains(&format!("file = \"{head}\"")), "{}", made.stdout);
    head
}

fn policy(head: &str, rule: &str) -> String {
    format!(
        "schema = 1\nid = \"p\"\nversion = \"1.0.0\"\non_unsupported = \"allow\"\n\n[[head]]\nfile = \"{head}\"\n\n\
         [[rule]]\nid = \"gambling\"\ndetector = \"custom.gambling\"\naction = \"escalate\"\n{rule}\n"
    )
}

/// A folder with a taught head and a policy with this rule on it; the policy's path.
fn guarded(rule: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let head = taught(folder.path(), &[]);
    let file = folder.path().join("p.toml");
    fs::write(&file, policy(&head, rule)).unwrap();
    let file = text(&file).to_owned();
    (folder, file)
}

#[test]
fn a_policy_catches_what_was_taught_and_passes_what_looks_like_it() {
    let (folder, policy) = guarded("threshold = 0.5");
    for (text, caught) in [
        ("Which bookie gives the best odds on tonight's fight?", true),
        ("Come and play the slot machines, the jackpot is waiting.", true),
        ("I bet my rent on black at the roulette wheel.", true),
        ("Which baker sells the best rolls on the high street?", false),
        ("Come and see the steam engines, the kettle is waiting.", false),
        ("I left my coat on the black chair in the hall.", false),
    ] {
        let run = run(&["check", "--json", "--policy", &policy, text]);
        let verdict = run.json();
        assert_eq!(run.status, Some(i32::from(caught)), "{text}: {verdict}");
        let score = verdict["scores"]["custom.gambling"].as_f64().unwrap();
        assert_eq!(score >= 0.5, caught, "{text}: {verdict}");
        assert_eq!(verdict["scores"].as_object().unwrap().len(), 11, "{verdict}");
        if caught {
            let finding = &verdict["findings"][0];
            assert_eq!((&finding["rule"], &finding["category"]), (&"gambling".into(), &"gambling".into()));
            assert_eq!(finding["source"], "classifier");
        }
    }
    let inspected = run(&["inspect", "--json", "--policy", &policy]).json();
    assert_eq!(inspected["taught"][0]["detector"], "custom.gambling");
    assert_eq!(inspected["taught"][0]["examples"], serde_json::json!([28, 40]));
    let explained = run(&["explain", "--json", "--policy", &policy, "I bet on horses at the casino."]).json();
    assert_eq!(explained["words"][0]["head"], "custom.gambling", "{explained}");
    drop(folder);
}

#[test]
fn eval_measures_a_taught_head() {
    let (_folder, policy) = guarded("threshold = 0.5");
    let rows = "{\"text\": \"The casino opens its poker room at nine.\", \"labels\": {\"custom.gambling\": 1}}\n\
                {\"text\": \"The bakery opens its back room at nine.\", \"labels\": {\"custom.gambling\": 0}}\n";
    let measured =
        run_with(&["eval", "-", "--json", "--head", "custom.gambling", "--policy", &policy], rows.as_bytes());
    assert_eq!((measured.status, measured.stderr.as_str()), (Some(0), ""));
    let heads = measured.json()["heads"].clone();
    assert_eq!((&heads[0]["head"], &heads[0]["auc"]), (&"custom.gambling".into(), &1.0.into()), "{heads}");
}

#[test]
fn the_own_heads_do_not_move_the_models_scores() {
    let (_folder, policy) = guarded("threshold = 0.5");
    let text = "you are a stupid worthless idiot, bet on it";
    let with = run(&["check", "--json", "--policy", &policy, text]).json();
    let without = run(&["check", "--json", text]).json();
    for (head, score) in without["scores"].as_object().unwrap() {
        assert_eq!(with["scores"][head], *score, "{head}");
    }
}

#[test]
fn disguise_and_long_texts_are_seen_through() {
    let (_folder, policy) = guarded("threshold = 0.5");
    let plain = "Spin the roulette wheel and bet your chips at our online casino tonight.";
    let encoded = {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(plain)
    };
    let read = run(&["check", "--json", "--policy", &policy, &encoded]).json();
    assert_eq!(read["decision"], "escalate", "{read}");
    assert_eq!(read["readings"][0][0], "base64", "{read}");
    let long = "The harbour was quiet and the boats lay still under a pale sky. ".repeat(20);
    let harmless = run_with(&["check", "--json", "--policy", &policy, "-"], long.as_bytes()).json();
    assert_eq!(harmless["decision"], "allow", "{harmless}");
    // Enough of it to fill most of a window: what is averaged over fewer words drowns.
    let hidden = format!("{long}{} {long}", [plain; 8].join(" "));
    let found = run_with(&["check", "--json", "--policy", &policy, "-"], hidden.as_bytes()).json();
    assert_eq!(found["decision"], "escalate", "{found}");
}

#[test]
fn no_text_leaves_early_where_a_rule_needs_the_head() {
    let folder = tempfile::tempdir().unwrap();
    let head = taught(folder.path(), &[]);
    let file = folder.path().join("p.toml");
    fs::write(&file, policy(&head, "threshold = 0.5\nroles = [\"user\"]")).unwrap();
    let check = |role: &str| {
        let arguments = ["check", "--json", "--cascade", "--role", role, "--policy", text(&file)];
        run(&[&arguments[..], &["What time does the library open on Sundays?"]].concat()).json()
    };
    let user = check("user");
    assert!(user["exit"].is_null() && user["scores"]["custom.gambling"].is_number(), "{user}");
    // No rule looks at an assistant's text: it goes no further than the words, which have no states.
    let assistant = check("assistant");
    assert_eq!(assistant["exit"], "words", "{assistant}");
    assert!(assistant["scores"]["custom.gambling"].is_null(), "{assistant}");
    assert_eq!(assistant["decision"], "allow");
}

#[test]
fn a_late_text_is_a_fault_where_a_rule_needs_the_head() {
    let folder = tempfile::tempdir().unwrap();
    let head = taught(folder.path(), &[]);
    let file = folder.path().join("p.toml");
    let source = policy(&head, "threshold = 0.5\nroles = [\"user\"]");
    fs::write(&file, source.replace("on_unsupported", "on_deadline = \"exit\"\non_unsupported")).unwrap();
    let long = "The harbour was quiet and the boats lay still under a pale sky. ".repeat(600);
    let check = |role: &str| {
        let slow = ["check", "--json", "--level", "scalar", "--threads", "1", "--deadline-ms", "1000"];
        let arguments = ["--role", role, "--policy", text(&file), "-"];
        run_with(&[&slow[..], &arguments].concat(), long.as_bytes()).json()
    };
    let user = check("user");
    assert_eq!((&user["decision"], &user["coverage_reason"]), (&"veto".into(), &"deadline".into()), "{user}");
    let fault = user["fault"].as_str().unwrap();
    assert_eq!(fault, "the head `gambling` has not read all of the text, and a rule needs it");
    let assistant = check("assistant");
    assert_eq!(
        (&assistant["decision"], &assistant["exit"]),
        (&"allow".into(), &"words".into()),
        "{assistant}"
    );
}

#[test]
fn the_same_rows_make_the_same_file() {
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let one = taught(folders[0].path(), &["--threads", "1"]);
    let two = taught(folders[1].path(), &["--threads", "3", "--level", "scalar"]);
    assert_eq!(one, two);
    let file = |folder: &tempfile::TempDir, name: &str| fs::read(folder.path().join(name)).unwrap();
    assert_eq!(file(&folders[0], &one), file(&folders[1], &two));
    // So they do in another order, and with one of them twice.
    let mut turned: Vec<String> = [rows(0), rows(1)].concat();
    turned.reverse();
    turned.push(turned[5].clone());
    let third = tempfile::tempdir().unwrap();
    let teach = ["teach", "gambling", "--examples", "-", "--out", text(third.path())];
    let made = run_with(&teach, turned.concat().as_bytes());
    assert_eq!(made.status, Some(0), "{}", made.stderr);
    assert!(made.stderr.contains("rows left out, with the text of another row: 1"), "{}", made.stderr);
    assert!(third.path().join(&one).exists(), "{}", made.stdout);
}

#[test]
fn examples_and_traffic_are_enough() {
    let folder = tempfile::tempdir().unwrap();
    let traffic = folder.path().join("traffic.jsonl");
    let unlabelled = rows(0).concat().replace(", \"label\": 0", "");
    fs::write(&traffic, unlabelled + &rows(1)[0].replace(", \"label\": 1", "")).unwrap();
    let teach = ["teach", "gambling", "--examples", "-", "--out", text(folder.path())];
    let made = run_with(&[&teach[..], &["--benign", text(&traffic)]].concat(), rows(1).concat().as_bytes());
    assert_eq!(made.status, Some(0), "{}", made.stderr);
    assert!(made.stdout.contains("28 rows of the category, 40 others"), "{}", made.stdout);
    assert!(
        made.stderr.contains("rows left out, of the traffic, with the text of an example of the category: 1"),
        "{}",
        made.stderr
    );
}

#[test]
fn a_dry_run_writes_nothing_and_names_lines() {
    let folder = tempfile::tempdir().unwrap();
    let texts = folder.path().join("texts.jsonl");
    fs::write(
        &texts,
        "{\"text\": \"We planted beans along the fence.\"}\n{\"text\": \"Bet ten pounds on the favourite at the casino.\"}\n",
    )
    .unwrap();
    let examples = examples();
    let out = text(folder.path());
    let dry = [
        "teach",
        "gambling",
        "--examples",
        text(&examples),
        "--out",
        out,
        "--dry-run",
        "--try",
        text(&texts),
    ];
    let tried = run(&dry);
    assert_eq!(tried.status, Some(0), "{}", tried.stderr);
    assert!(tried.stdout.contains("1 of 2 rows reach"), "{}", tried.stdout);
    let caught = tried.stdout.lines().last().unwrap();
    assert!(caught.trim_start().starts_with("2 "), "{caught}");
    assert!(!tried.stdout.contains("casino") && !tried.stderr.contains("casino"));
    let shown = run(&[&dry[..], &["--show"]].concat());
    assert!(shown.stdout.contains("Bet ten pounds"), "{}", shown.stdout);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn too_few_rows_and_bad_rows_are_told_without_their_text() {
    let (positive, negative) = (rows(1), rows(0));
    let secret = "{\"text\": \"secret\"";
    let twice = positive[0].replace("\"label\": 1", "\"label\": 0");
    for (rows, message) in [
        (
            [&positive[..19], &negative].concat().concat(),
            "found 19 positive examples, expected at least 20: add rows with the label 1",
        ),
        (
            positive.concat(),
            "found 0 negative examples, expected at least as many as the 28 positive ones: add rows with the label 0, or \
             everyday traffic with --benign FILE",
        ),
        (format!("{secret}}}\n"), "line 1: no label: expected 1 for a text of the category, 0 for another"),
        (format!("{secret}, \"label\": 2}}\n"), "line 1: a label that is neither 0 nor 1"),
        (format!("{secret}, \"label\": \"x\"}}\n"), "line 1: at column"),
        ("[1]\n".to_owned(), "line 1: at column 1: expected an object"),
        (positive[0].clone() + &twice, "line 2: the text of line 1 with the other label"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let refused = run_with(
            &["teach", "gambling", "--examples", "-", "--out", text(folder.path())],
            rows.as_bytes(),
        );
        assert_eq!(refused.status, Some(2), "{message}");
        assert!(refused.stderr.contains(message), "{message}: {}", refused.stderr);
        assert!(!refused.stderr.contains("secret"), "{}", refused.stderr);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
    let named = run(&["teach", "Gam-bling", "--examples", "-"]);
    assert_eq!(named.status, Some(2));
    assert!(named.stderr.contains("lower-case letters, digits and `_`"), "{}", named.stderr);
    let twice = run(&["teach", "gambling", "--examples", "-", "--benign", "-", "--dry-run"]);
    assert!(twice.stderr.contains("both read standard input"), "{}", twice.stderr);
    let nowhere = run(&["teach", "gambling", "--examples", "-", "--out", "/no/such/folder"]);
    assert!(nowhere.stderr.contains("/no/such/folder is no folder"), "{}", nowhere.stderr);
}

#[test]
fn a_model_without_states_is_refused() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let tiny = ["--models", text(&models), "--model", "portcullis-tiny"];
    let examples = examples();
    let refused =
        run(&[&["teach", "gambling", "--dry-run", "--examples", text(&examples)], &tiny[..]].concat());
    assert_eq!(refused.status, Some(2));
    assert!(refused.stderr.contains("the bundle portcullis-tiny has no states"), "{}", refused.stderr);

    let (_folder, policy) = guarded("threshold = 0.5");
    for (model, message) in [
        ("portcullis-tiny", "the head `gambling` cannot be used: the model in use has no states"),
        ("portcullis-small", "the head `gambling` cannot be used: it was taught on the weights"),
    ] {
        let other = ["--models", text(&models), "--model", model];
        let rules = fs::read_to_string(&policy).unwrap();
        assert!(rules.contains("custom.gambling"));
        let refused = run(&[&["check", "--policy", &policy, "hello"], &other[..]].concat());
        assert_eq!(refused.status, Some(2), "{model}");
        assert!(
            refused.stderr.contains(message) && refused.stderr.contains("p.toml:7:8"),
            "{}",
            refused.stderr
        );
    }
}

#[test]
fn a_target_is_answered_where_the_rows_show_it() {
    let (folder, policy) = guarded("target_fpr = 0.1");
    let caught = run(&["check", "--policy", &policy, "I bet my rent on black at the roulette wheel."]);
    assert_eq!(caught.status, Some(1), "{}", caught.stderr);
    let source = fs::read_to_string(&policy).unwrap();
    fs::write(folder.path().join("p.toml"), source.replace("0.1\n", "0.01\n")).unwrap();
    let refused = run(&["check", "--policy", &policy, "hello"]);
    assert_eq!(refused.status, Some(2));
    let message = "its 40 negative examples show no threshold for the false positive rate 0.01, which needs at least 299";
    assert!(refused.stderr.contains(message), "{}", refused.stderr);
}

#[test]
fn a_changed_file_is_refused_and_changes_the_digest() {
    let (folder, policy) = guarded("threshold = 0.5");
    let head = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| text(path).ends_with(".head.toml"))
        .unwrap();
    let digest =
        || run(&["check", "--json", "--policy", &policy, "hello there"]).json()["policy"]["digest"].clone();
    let first = digest();
    assert_eq!(first, digest());
    let content = fs::read_to_string(&head).unwrap();
    // Other bytes under the same name are not what was taught.
    fs::write(&head, content.replace("bias = ", "bias = 1")).unwrap();
    let refused = run(&["check", "--policy", &policy, "hello"]);
    assert_eq!(refused.status, Some(2));
    assert!(refused.stderr.contains("it is corrupt or was changed"), "{}", refused.stderr);
    // Under another name they may be used, and the policy has another digest.
    fs::write(folder.path().join("mine.toml"), content.replace("created_by = \"", "created_by = \"my "))
        .unwrap();
    let source = fs::read_to_string(&policy).unwrap();
    let name = head.file_name().unwrap().to_str().unwrap();
    fs::write(folder.path().join("p.toml"), source.replace(name, "mine.toml")).unwrap();
    assert_ne!(first, digest());
}

/// A state directory that trusts `release` and takes signed heads only, and the key.
fn strict_state() -> (tempfile::TempDir, PathBuf) {
    use portcullis::trust::SigningKey;
    let state = tempfile::tempdir().unwrap();
    let key = SigningKey::generate("release").unwrap();
    fs::create_dir(state.path().join("keys")).unwrap();
    key.public().write(&state.path().join("keys/release.pub")).unwrap();
    key.write(&state.path().join("release.key")).unwrap();
    fs::write(state.path().join("portcullis.toml"), "[trust]\nrequire_signed_heads = true\n").unwrap();
    let file = state.path().join("release.key");
    (state, file)
}

#[test]
fn a_signed_head_is_taken_where_signatures_are_asked_for() {
    let (state, key) = strict_state();
    let folder = tempfile::tempdir().unwrap();
    let head = taught(folder.path(), &["--sign", text(&key)]);
    let file = folder.path().join("p.toml");
    fs::write(&file, policy(&head, "threshold = 0.5")).unwrap();
    let check = ["check", "--policy", text(&file), "--state", text(state.path()), "I bet my rent on black."];
    let taken = run(&check);
    assert!(taken.status != Some(2), "{}", taken.stderr);

    // One digit of a weight, under a name that promises no digest.
    let content = fs::read_to_string(folder.path().join(&head)).unwrap();
    let bias = if content.contains("bias = -") { "bias = -" } else { "bias = " };
    let changed = content.replacen(bias, &format!("{bias}1"), 1);
    fs::write(folder.path().join("changed.toml"), changed).unwrap();
    let signature = folder.path().join(format!("{head}.sig"));
    fs::copy(&signature, folder.path().join("changed.toml.sig")).unwrap();
    fs::write(&file, policy("changed.toml", "threshold = 0.5")).unwrap();
    let refused = run(&check);
    assert_eq!(refused.status, Some(2));
    assert!(refused.stderr.contains("the signature by release does not hold"), "{}", refused.stderr);

    fs::write(&file, policy(&head, "threshold = 0.5")).unwrap();
    fs::remove_file(signature).unwrap();
    let refused = run(&check);
    assert_eq!(refused.status, Some(2));
    assert!(refused.stderr.contains("expected a signature beside it"), "{}", refused.stderr);
    // Nobody asks for one here.
    assert!(run(&["check", "--policy", text(&file), "I bet my rent on black."]).status != Some(2));
    fs::write(state.path().join("portcullis.toml"), "[trust]\nrequire_signed_head = true\n").unwrap();
    let refused = run(&check);
    assert_eq!(refused.status, Some(2), "a misspelt setting must not pass for none");
    assert!(refused.stderr.contains("require_signed_head"), "{}", refused.stderr);
}

#[test]
fn a_key_that_others_can_read_signs_nothing() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_state, key) = strict_state();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let examples = examples();
    let teach = ["teach", "gambling", "--examples", text(&examples), "--out", text(folder.path())];
    let refused = run(&[&teach[..], &["--sign", text(&key)]].concat());
    assert_eq!(refused.status, Some(2));
    assert!(refused.stderr.contains("has mode 644, expected 600"), "{}", refused.stderr);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is written");
}
