//! Texts in disguise: what is decided, what is said of it, and what is rewritten.

use crate::program::{run, run_with};
use std::path::Path;

/// A policy that looks for abuse and redacts addresses, with one more line.
fn policy(directory: &Path, line: &str) -> String {
    let path = directory.join("policy.toml");
    let source = format!(
        "schema = 1\nid = \"p\"\nversion = \"1.0.0\"\n{line}\n\
         [[rule]]\nid = \"abuse\"\ndetector = \"classifier.toxicity\"\nthreshold = 0.8\naction = \"veto\"\n\
         [[rule]]\nid = \"mail\"\ndetector = \"pii.email\"\nthreshold = 0.5\naction = \"rewrite\"\n"
    );
    std::fs::write(&path, source).unwrap();
    path.display().to_string()
}

#[test]
fn a_disguised_insult_is_found_where_it_stands() {
    for (text, via, span) in [
        ("hey there, you 5tup1d 1d10t", "leetspeak", (11, 27)),
        ("well, eW91IHN0dXBpZCBpZGlvdA== then", "base64", (6, 30)),
        ("уоu ѕtuріd іdіоt", "homoglyphs", (0, 24)),
    ] {
        let run = run(&["check", "--json", "--", text]);
        let verdict = run.json();
        assert_eq!(run.status, Some(1), "{text}: {verdict}");
        assert_eq!(verdict["readings"], serde_json::json!([[via]]), "{text}");
        let findings = verdict["findings"].as_array().unwrap();
        let finding = findings.iter().find(|finding| finding["category"] == "toxicity").expect(text);
        assert_eq!(finding["via"], serde_json::json!([via]));
        let spans = finding["spans"].as_array().unwrap();
        assert!(spans.contains(&serde_json::json!([span.0, span.1])), "{text}: {finding}");
    }
}

#[test]
fn what_is_plain_to_see_is_not_put_down_to_a_disguise() {
    let verdict = run(&["check", "--json", "you stupid idiot, you are sooooo stupid"]).json();
    assert_eq!(verdict["readings"], serde_json::json!([["stretched"]]));
    let finding = &verdict["findings"][0];
    // The words are named all the same, by the bytes that stand for them.
    let spans = serde_json::json!([[4, 21], [26, 39]]);
    assert_eq!((&finding["category"], &finding["spans"]), (&"toxicity".into(), &spans));
    assert!(finding.get("via").is_none(), "{finding}");
}

#[test]
fn a_text_without_disguise_says_nothing_of_it() {
    let run = run(&["check", "--json", "My new i7 laptop, order AB-17, runs python3 at 4GHz."]);
    assert_eq!(run.status, Some(0));
    assert!(!run.stdout.contains("readings") && !run.stdout.contains("via"), "{}", run.stdout);
}

#[test]
fn a_match_inside_an_encoded_block_replaces_the_block() {
    let directory = tempfile::tempdir().unwrap();
    let policy = policy(directory.path(), "");
    for (text, rewritten) in [
        ("mail dG8gam9AZXhhbXBsZS5vcmcgcGxlYXNl, or jo@example.org", "mail [EMAIL], or [EMAIL]"),
        ("mail jo%40example.org now", "mail [EMAIL] now"),
        ("mail jo@exam\u{200B}ple.org now", "mail [EMAIL] now"),
        ("mail ｊｏ＠ｅｘａｍｐｌｅ．ｏｒｇ now", "mail [EMAIL] now"),
        ("mail 6a6f406578616d706c652e6f7267 now", "mail [EMAIL] now"),
    ] {
        let run = run(&["check", "--json", "--policy", &policy, "--", text]);
        let verdict = run.json();
        assert_eq!(verdict["text"], rewritten, "{verdict}");
        // What is released is clean.
        let again = run_with(&["check", "--json", "--policy", &policy, "-"], rewritten.as_bytes());
        assert_eq!(again.json()["decision"], "allow", "{rewritten}");
    }
}

#[test]
fn the_policy_says_how_deep_is_decoded() {
    let directory = tempfile::tempdir().unwrap();
    // "you stupid idiot" in base64, in base64.
    let text = "ZVc5MUlITjBkWEJwWkNCcFpHbHZkQT09";
    for (line, decision, coverage) in [
        ("", "veto", "full"),
        ("max_decode_depth = 2", "veto", "full"),
        ("max_decode_depth = 1\non_fault = \"escalate\"", "escalate", "partial"),
        ("max_decode_depth = 0\non_unsupported = \"allow\"", "allow", "none"),
    ] {
        let policy = policy(directory.path(), line);
        let verdict = run(&["check", "--json", "--policy", &policy, text]).json();
        assert_eq!(
            (&verdict["decision"], &verdict["coverage"]),
            (&decision.into(), &coverage.into()),
            "{line}"
        );
    }
    let policy = policy(directory.path(), "max_decode_depth = 1");
    let run = run(&["check", "--policy", &policy, text]);
    assert!(
        run.stdout.contains(": the text is encoded deeper than the policy's max_decode_depth\n"),
        "{}",
        run.stdout
    );
}

#[test]
fn the_terminal_tells_what_was_seen_through() {
    let checked = run(&["check", "you w0rthl3ss 1d10t"]);
    assert!(checked.stdout.contains("classifier via leetspeak"), "{}", checked.stdout);
    let explained = run(&["explain", "you w0rthl3ss 1d10t"]);
    assert!(explained.stdout.contains("toxicity is read via leetspeak\n"), "{}", explained.stdout);
    // Words are those of the caller's text.
    assert!(explained.stdout.contains("1d10t"), "{}", explained.stdout);
}

#[test]
fn readings_do_not_depend_on_threads_or_company() {
    let texts = ["you stup1d 1d10t", "how are you?", "eW91IHN0dXBpZCBpZGlvdA=="];
    let lines: String = texts.iter().map(|text| format!("{{\"text\": \"{text}\"}}\n")).collect();
    let together = run_with(&["pipe", "--threads", "2"], lines.as_bytes());
    for (text, line) in texts.iter().zip(together.stdout.lines()) {
        let alone = run(&["check", "--json", "--threads", "1", text]).json();
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!((&line["scores"], &line["findings"]), (&alone["scores"], &alone["findings"]), "{text}");
    }
}

#[test]
fn a_deadline_holds_for_readings_too() {
    let run = run(&["check", "--json", "--deadline-ms", "0", "you stup1d 1d10t"]);
    let verdict = run.json();
    assert_eq!(verdict["coverage_reason"], "deadline");
    assert!(verdict["fault"].as_str().unwrap().contains("0 of 2 windows"), "{verdict}");
}
