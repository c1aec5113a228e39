//! `inspect`: facts, memory and the self-test.

use crate::program::run;

#[test]
fn facts_are_told_as_a_table_and_as_json() {
    let plain = run(&["inspect"]);
    assert_eq!(plain.status, Some(0), "{}", plain.stderr);
    for word in ["level", "policy", "memory", "private"] {
        assert!(plain.stdout.contains(word), "{word}: {}", plain.stdout);
    }
    let report = run(&["inspect", "--json"]).json();
    assert!(report["level"].is_string(), "{report}");
    assert!(report.get("self_test").is_none(), "{report}");
    if cfg!(target_os = "linux") {
        assert!(report["memory"]["private"].as_u64().unwrap() > 0, "{report}");
    }
}

#[test]
fn the_self_test_passes() {
    let run = run(&["inspect", "--self-test", "--json"]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    let report = run.json();
    let findings = report["self_test"].as_array().unwrap();
    let names: Vec<&str> = findings.iter().map(|finding| finding["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["digests", "levels", "sockets", "network"]);
    assert!(findings.iter().all(|finding| finding["passed"] != false), "{report}");
    assert_eq!((&findings[0]["passed"], &findings[1]["passed"]), (&true.into(), &true.into()));
}

#[test]
fn a_level_can_only_lower() {
    assert_eq!(run(&["inspect", "--json", "--level", "scalar"]).json()["level"], "scalar");
}
