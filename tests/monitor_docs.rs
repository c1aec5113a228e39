//! The examples of `docs/monitor.md`, run as they are written.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::process::Command;

/// The fenced blocks of a page: language and content.
fn blocks(page: &str) -> Vec<(&str, &str)> {
    let mut blocks = Vec::new();
    let mut rest = page;
    while let Some((_, after)) = rest.split_once("\n```") {
        let (language, after) = after.split_once('\n').unwrap();
        let (content, after) = after.split_once("```\n").unwrap();
        blocks.push((language, content));
        rest = after;
    }
    blocks
}

#[test]
fn the_page_shows_what_happens() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/monitor.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_portcullis")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut shown = 0;
    for (language, content) in blocks(&page) {
        if language == "toml" {
            fs::write(folder.path().join("manners.toml"), content).unwrap();
        }
        if language != "console" {
            continue;
        }
        for example in content.split("$ ").filter(|example| !example.is_empty()) {
            let (command, expected) = example.split_once('\n').unwrap();
            let mut shell = Command::new("sh");
            shell.args(["-c", command]).env("PATH", &path).current_dir(&folder);
            let output = shell.output().unwrap();
            let found = String::from_utf8_lossy(&output.stdout);
            let errors = String::from_utf8_lossy(&output.stderr);
            // The digest of a policy is not for a page.
            let found = found.lines().map(|line| match line.split_once(" (") {
                Some((start, _)) if line.starts_with("policy in use") => format!("{start} (DIGEST)\n"),
                _ => format!("{line}\n"),
            });
            assert_eq!(found.collect::<String>(), expected, "{command}\n{errors}");
            shown += 1;
        }
    }
    assert!(shown >= 9, "{shown} commands");
}
