//! `eval`: figures from labelled rows, and rows that are none.

use crate::program::{run, run_with};
use insta::assert_snapshot;
use serde_json::json;

const ROWS: &str = r#"{"id": "a:1", "text": "thank you for the lovely tea", "labels": {"toxicity": 0, "insult": 0}, "source": "a"}
{"id": "a:2", "text": "you are a stupid idiot, idiot", "labels": {"toxicity": 1, "insult": 1}, "source": "a"}
{"id": "b:1", "text": "the birds sing in the garden", "labels": {"toxicity": 0}, "source": "b", "extra": 1}
{"id": "b:2", "text": "shut up you worthless idiot", "label": 0.8, "head": "toxicity", "source": "b"}
"#;

#[test]
fn figures_come_per_head_and_slice() {
    let run = run_with(&["eval", "--json", "-"], ROWS.as_bytes());
    assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""));
    let evaluation = run.json();
    assert_eq!(evaluation["rows"], 4);
    let toxicity: Vec<_> = evaluation["heads"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|head| head["head"] == "toxicity")
        .map(|head| {
            assert!((0.0..=1.0).contains(&head["auc"].as_f64().unwrap()), "{head}");
            (head["slice"].clone(), head["positives"].clone(), head["negatives"].clone())
        })
        .collect();
    assert_eq!(
        toxicity,
        [
            (json!("all"), json!(2), json!(2)),
            (json!("a"), json!(1), json!(1)),
            (json!("b"), json!(1), json!(1))
        ]
    );
    let all = &evaluation["decisions"][0];
    assert_eq!((&all["rows"], &all["benign"]), (&json!(4), &json!(2)));
}

#[test]
fn tables_and_intervals_are_plain_in_a_pipe() {
    let run = run_with(&["eval", "--head", "toxicity", "--bootstrap", "50", "-"], ROWS.as_bytes());
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert!(run.stdout.is_ascii(), "{}", run.stdout);
    for word in ["toxicity", "95% intervals", "decisions", "benign"] {
        assert!(run.stdout.contains(word), "{word}: {}", run.stdout);
    }
    assert!(!run.stdout.contains("insult"), "{}", run.stdout);
}

#[test]
fn a_plot_is_one_svg() {
    let directory = tempfile::tempdir().unwrap();
    let (data, svg) = (directory.path().join("rows.jsonl"), directory.path().join("plot.svg"));
    std::fs::write(&data, ROWS).unwrap();
    let run = run(&["eval", data.to_str().unwrap(), "--plot", svg.to_str().unwrap()]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    let svg = std::fs::read_to_string(svg).unwrap();
    assert!(svg.starts_with("<svg ") && svg.contains("Reliability of toxicity"), "{svg}");
}

#[test]
fn a_bad_row_is_an_error_with_its_line() {
    let errors: Vec<String> = [
        "not json",
        "{\"text\": \"\"}",
        "{\"text\": \"secret\", \"label\": 1}",
        "{\"text\": \"secret\", \"labels\": {\"toxicity\": 2}}",
        "{\"text\": \"secret\", \"labels\": \"secret\"}",
        "{\"text\": \"secret\", \"role\": \"secret\"}",
    ]
    .iter()
    .map(|row| {
        let run = run_with(&["eval", "-"], format!("{{\"text\": \"tea\"}}\n{row}\n").as_bytes());
        assert_eq!((run.status, run.stdout.as_str()), (Some(2), ""));
        run.stderr
    })
    .collect();
    assert_snapshot!(errors.concat(), @r#"
    portcullis: standard input line 2: at column 1: expected an object with a string `text`, and `labels` or `label` in 0..=1
    portcullis: standard input line 2: the text is empty: expected at least one character
    portcullis: standard input line 2: a `label` without a `head`: expected both, or one --head
    portcullis: standard input line 2: a label out of range: expected a number in 0..=1
    portcullis: standard input line 2: at column 37: expected an object with a string `text`, and `labels` or `label` in 0..=1
    portcullis: standard input line 2: unknown role: expected user, assistant, tool or system
    "#);
}

#[test]
fn what_cannot_be_measured_is_said() {
    let errors = [
        run(&["eval", "no-such-file.jsonl"]).stderr,
        run(&["eval", "-"]).stderr,
        run_with(&["eval", "-"], b"{\"text\": \"tea\", \"labels\": {\"sarcasm\": 1}}\n").stderr,
        run_with(&["eval", "--plot", "/nowhere/plot.svg", "-"], ROWS.as_bytes()).stderr,
    ];
    assert_snapshot!(errors.concat(), @r#"
    portcullis: cannot open no-such-file.jsonl: No such file or directory (os error 2)
    portcullis: standard input holds no rows: expected at least one
    portcullis: 1 rows have a label for "sarcasm", which the model has no head for
    portcullis: cannot write /nowhere/plot.svg: No such file or directory (os error 2)
    "#);
}

#[test]
fn an_unknown_head_is_an_error() {
    let run = run_with(&["eval", "--head", "sarcasm", "-"], ROWS.as_bytes());
    assert_eq!(run.status, Some(2));
    assert!(
        run.stderr.starts_with("portcullis: unknown head \"sarcasm\": expected one of toxicity, "),
        "{}",
        run.stderr
    );
}

const FAIR_ROWS: &str = r#"{"text": "A Muslim family lives next door.", "labels": {"toxicity": 0}, "pair": "door", "function": "neutral"}
{"text": "Next door there lives a family of Muslims.", "labels": {"toxicity": 0}, "pair": "door", "function": "neutral"}
{"text": "you are a stupid idiot, idiot", "labels": {"toxicity": 1, "insult": 1}, "pair": 7, "function": "insult"}
{"text": "what an idiot you are, stupid", "labels": {"toxicity": 1, "insult": 1}, "pair": 7, "function": "insult"}
{"text": "the birds sing in the garden", "labels": {"toxicity": 0}, "identities": ["gardeners"], "function": "neutral"}
{"text": "women are idiots, all of them", "labels": {"toxicity": 1}, "identities": [], "pair": "alone", "function": "insult"}
"#;

/// The entry of a list whose `key` is `name`.
fn entry<'a>(list: &'a serde_json::Value, key: &str, name: &str) -> &'a serde_json::Value {
    list.as_array().unwrap().iter().find(|entry| entry[key] == name).unwrap()
}

#[test]
fn what_is_not_asked_for_is_not_there() {
    let evaluation = run_with(&["eval", "--json", "-"], ROWS.as_bytes()).json();
    for key in ["bias", "swap", "disguise", "by_length", "pairs"] {
        assert_eq!(evaluation.get(key), None, "{key}");
    }
}

#[test]
fn bias_is_by_the_groups_of_each_row() {
    // Twenty rows of each class name one group, and twenty of each none.
    let mut rows = FAIR_ROWS.to_owned();
    for number in 0..20 {
        for (text, label) in [("A Sikh sings.", 0), ("You Sikh idiot!", 1), ("Tea.", 0), ("You idiot!", 1)] {
            rows += &format!("{{\"text\": \"{text} {number}\", \"labels\": {{\"toxicity\": {label}}}}}\n");
        }
    }
    let run = run_with(&["eval", "--bias", "--head", "insult", "--json", "-"], rows.as_bytes());
    assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""));
    let bias = &run.json()["bias"];
    assert_eq!(
        (&bias["head"], &bias["rows"], &bias["least_rows"]),
        (&json!("toxicity"), &json!(86), &json!(20))
    );
    let groups: Vec<&str> = bias["subgroups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["subgroup"].as_str().unwrap())
        .collect();
    // The row with an empty list concerns nobody, though its text names a group.
    assert_eq!(groups, ["gardeners", "muslim", "sikh"]);
    let muslim = entry(&bias["subgroups"], "subgroup", "muslim");
    assert_eq!(
        muslim,
        &json!({"subgroup": "muslim", "positives": 0, "negatives": 2,
        "subgroup_auc": null, "bpsn_auc": null, "bnsp_auc": null})
    );
    let sikh = entry(&bias["subgroups"], "subgroup", "sikh");
    assert_eq!((&sikh["positives"], &sikh["negatives"]), (&json!(20), &json!(20)));
    assert_eq!(sikh["subgroup_auc"], json!(1.0));
    // One group has figures, so its figures are the means.
    for key in ["subgroup_auc", "bpsn_auc", "bnsp_auc"] {
        let (one, mean) = (sikh[key].as_f64().unwrap(), bias["mean"][key].as_f64().unwrap());
        assert!((one - mean).abs() < 1e-12, "{key}: {one} {mean}");
    }
}

#[test]
fn swaps_disguises_lengths_and_pairs_are_measured() {
    let arguments = ["eval", "--swap", "--disguise", "--by-length", "--slice-by", "function", "--json", "-"];
    let run = run_with(&arguments, FAIR_ROWS.as_bytes());
    assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""));
    let evaluation = run.json();

    // Five other terms for each Muslim and Muslims, one for women.
    let swap = &evaluation["swap"];
    assert_eq!((&swap["rows"], &swap["texts"]), (&json!(3), &json!(11)));
    let hate = entry(&swap["heads"], "head", "hate");
    assert_eq!(hate["count"], json!(11));
    let figures = ["median", "p95", "max"].map(|key| hate[key].as_f64().unwrap());
    assert!(figures.is_sorted() && figures[0] >= 0.0 && figures[2] > 0.0, "{hate}");

    let disguised = evaluation["disguise"].as_array().unwrap();
    assert_eq!(disguised.len(), 46);
    let base64 =
        disguised.iter().find(|row| row["head"] == "toxicity" && row["disguise"] == "base64").unwrap();
    assert_eq!(base64["positives"], json!(3));
    let recall = &base64["at_threshold"];
    let share = |key: &str| recall[key].as_f64().unwrap();
    // What is encoded is decoded.
    assert_eq!(share("before"), share("after"), "{base64}");
    assert!((share("points") - 100.0 * (share("after") - share("before"))).abs() < 1e-9, "{base64}");
    // The model knows no capitals.
    let upper = disguised.iter().find(|row| row["disguise"] == "uppercase").unwrap();
    assert_eq!(upper["at_1_fpr"]["points"], json!(0.0));

    let buckets = entry(&evaluation["by_length"], "head", "toxicity")["buckets"].as_array().unwrap();
    assert_eq!(buckets.len(), 5);
    assert_eq!((&buckets[0]["positives"], &buckets[0]["negatives"]), (&json!(3), &json!(3)));
    assert_eq!((&buckets[4]["first"], &buckets[4]["last"]), (&json!(513), &json!(null)));

    let pairs = &evaluation["pairs"];
    assert_eq!(
        (&pairs["rows"], &pairs["alone"], &pairs["pairs"], &pairs["agreeing"], &pairs["agreement"]),
        (&json!(5), &json!(1), &json!(2), &json!(2), &json!(1.0))
    );
    assert_eq!(entry(&pairs["heads"], "head", "toxicity")["pairs"], json!(2));

    let of_function = |name: &str| {
        let heads = evaluation["heads"].as_array().unwrap();
        heads.iter().find(|row| row["head"] == "toxicity" && row["slice"] == name).unwrap()
    };
    // One class alone has no recall, but an accuracy.
    assert_eq!(of_function("neutral")["recall_at_threshold"], json!(null));
    assert_eq!(of_function("neutral")["accuracy_at_threshold"], json!(1.0));
    assert_eq!(of_function("insult")["positives"], json!(3));
}

#[test]
fn the_reports_are_plain_tables_without_text_and_the_same_again() {
    let arguments = ["eval", "--bias", "--swap", "--disguise", "--by-length", "--head", "toxicity", "-"];
    let run = run_with(&arguments, FAIR_ROWS.as_bytes());
    assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""));
    assert!(run.stdout.is_ascii(), "{}", run.stdout);
    for word in
        ["bias of toxicity", "n/a", "BPSN AUC", "decided otherwise", "full-width", "513+", "decided the same"]
    {
        assert!(run.stdout.contains(word), "{word}: {}", run.stdout);
    }
    assert!(!run.stdout.contains("idiot") && !run.stdout.contains("family"), "{}", run.stdout);
    assert_eq!(run_with(&arguments, FAIR_ROWS.as_bytes()).stdout, run.stdout);
}

#[test]
fn lengths_are_plotted_where_there_is_a_threshold() {
    let directory = tempfile::tempdir().unwrap();
    let svg = directory.path().join("plot.svg");
    // Insults are the default policy's business in an assistant's text only.
    for (head, drawn) in [("toxicity", true), ("insult", false)] {
        let arguments = ["eval", "--by-length", "--head", head, "--plot", svg.to_str().unwrap(), "-"];
        let run = run_with(&arguments, ROWS.as_bytes());
        assert_eq!(run.status, Some(0), "{}", run.stderr);
        let plot = std::fs::read_to_string(&svg).unwrap();
        assert_eq!(plot.contains("False positives by length"), drawn, "{head}");
    }
}

#[test]
fn what_a_report_lacks_is_said() {
    let unlabelled = "{\"text\": \"tea\"}\n{\"text\": \"a Muslim\"}\n";
    let errors = [
        run_with(&["eval", "--bias", "--bias-head", "sarcasm", "-"], ROWS.as_bytes()),
        run_with(&["eval", "--bias-head", "hate", "-"], ROWS.as_bytes()),
        run_with(&["eval", "--bias", "-"], ROWS.as_bytes()),
        run_with(&["eval", "--bias", "-"], unlabelled.as_bytes()),
        run_with(&["eval", "--swap", "-"], ROWS.as_bytes()),
        run_with(&["eval", "--disguise", "--head", "threat", "-"], ROWS.as_bytes()),
        run_with(&["eval", "-"], b"{\"text\": \"tea\", \"identities\": \"secret\"}\n"),
        run_with(&["eval", "-"], b"{\"text\": \"tea\", \"identities\": [\"secret\", 1]}\n"),
        run_with(&["eval", "-"], b"{\"text\": \"tea\", \"pair\": [\"secret\"]}\n"),
    ]
    .map(|run| {
        assert_eq!((run.status, run.stdout.as_str()), (Some(2), ""));
        run.stderr
    });
    assert_snapshot!(errors.concat(), @r#"
    portcullis: unknown head "sarcasm": expected one of toxicity, obscenity, insult, threat, hate, harmful_request, jailbreak, prompt_injection, self_harm, sexual
    portcullis: the following required arguments were not provided:
      --bias

    Usage: portcullis eval --bias --bias-head <HEAD> <DATA.jsonl>

    For more information, try '--help'.
    portcullis: no row with a label for "toxicity" concerns a group: expected `identities`, or one of 87 terms in the text, in at least one of 4 rows
    portcullis: no row has a label for "toxicity", whose bias is asked for: expected one in at least one of 2 rows
    portcullis: no text names a group to swap: expected one of 87 terms in at least one of 4 rows
    portcullis: no positive row to disguise: expected a label of 0.5 or more for threat in at least one of 4 rows
    portcullis: standard input line 1: bad `identities`: expected a list of strings
    portcullis: standard input line 1: bad `identities`: expected a list of strings
    portcullis: standard input line 1: bad `pair`: expected a string or a number
    "#);
}
