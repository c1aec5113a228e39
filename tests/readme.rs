//! The README's commands, run as they are written, and their output where it or a page of `docs` shows it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::path::Path;
use std::process::{Command, Output};

/// The fenced blocks of one language on a page.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
    let mut blocks = Vec::new();
    let mut open: Option<String> = None;
    for line in readme.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(found)) if found == language => open = Some(String::new()),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => {
                block.push_str(line);
                block.push('\n');
            }
            _ => {}
        }
    }
    blocks
}

/// A folder that holds the rows the README speaks of.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let rows = "{\"text\":\"What a lovely day.\",\"labels\":{\"toxicity\":0},\"source\":\"a\"}\n\
                {\"text\":\"A Muslim family lives next door.\",\"labels\":{\"toxicity\":0},\"source\":\"a\"}\n\
                {\"text\":\"You are a worthless idiot.\",\"labels\":{\"toxicity\":1},\"source\":\"a\"}\n";
    std::fs::write(folder.path().join("rows.jsonl"), rows).unwrap();
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    std::os::unix::fs::symlink(models, folder.path().join("models")).unwrap();
    folder
}

/// Runs a shell line with this build's program on the path.
fn shell(line: &str, folder: &Path) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_portcullis"));
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    Command::new("sh").args(["-c", line]).env("PATH", path).current_dir(folder).output().unwrap()
}

#[test]
fn every_command_runs() {
    let mut run = 0;
    for block in blocks("README.md", "sh") {
        let folder = folder();
        // cargo's own lines build the program and run these tests; they are what got us here.
        for line in block.lines().filter(|line| !line.starts_with("cargo ")) {
            let output = shell(line, folder.path());
            let status = output.status.code();
            assert!(
                matches!(status, Some(0 | 1)),
                "{line}: {status:?}\n{}",
                String::from_utf8_lossy(&output.stderr)
            );
            assert!(!output.stdout.is_empty(), "{line}: no output");
            run += 1;
        }
    }
    assert!(run >= 6, "only {run} commands were found");
}

#[test]
fn the_output_shown_is_the_output() {
    for page in ["README.md", "docs/stream.md"] {
        let blocks = blocks(page, "console");
        assert!(!blocks.is_empty(), "{page}");
        for block in blocks {
            let (command, expected) = block.split_once('\n').unwrap();
            let output = shell(command.strip_prefix("$ ").unwrap(), folder().path());
            // A text may end without a line feed; a block cannot.
            let output = String::from_utf8(output.stdout).unwrap();
            assert_eq!(output.trim_end(), expected.trim_end(), "{command}");
        }
    }
}
