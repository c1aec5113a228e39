//! The examples of `docs/rails` and of other pages, run as they are written: policies are written to files, commands give what is
//! shown.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use portcullis::trust::SigningKey;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The fenced blocks of a page: language and content.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in page.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(language)) => open = Some((language.to_owned(), String::new())),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some((_, content)), None) => {
                content.push_str(line);
                content.push('\n');
            }
            _ => {}
        }
    }
    blocks
}

/// The file for a block: the one that its first line, a comment, names, or that of the policy's id.
fn file(block: &str) -> String {
    let named = block.lines().next().and_then(|line| line.strip_prefix("# "));
    if let Some(file) = named.filter(|name| name.ends_with(".toml")) {
        return file.to_owned();
    }
    let id = block.split("id = \"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    format!("{id}.toml")
}

fn run_page(name: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/rails").join(name)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("swearing.txt"), "# one a line\ndrat\n").unwrap();
    fs::copy(root.join("tests/data/teach/gambling.jsonl"), folder.path().join("gambling.jsonl")).unwrap();
    let (key, state) = (SigningKey::generate("release").unwrap(), folder.path().join("state"));
    fs::create_dir_all(state.join("keys")).unwrap();
    key.write(&folder.path().join("release.key")).unwrap();
    key.public().write(&state.join("keys/release.pub")).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_portcullis")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut shown = 0;
    for (language, content) in blocks(&page) {
        match language.as_str() {
            "toml" => {
                let path = folder.path().join(file(&content));
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, &content).unwrap();
            }
            "console" => {
                for example in content.split("$ ").filter(|example| !example.is_empty()) {
                    let (command, expected) = example.split_once('\n').unwrap();
                    let mut shell = Command::new("sh");
                    shell.args(["-c", command]).env("PATH", &path).current_dir(&folder);
                    let output = shell.output().unwrap();
                    let errors = String::from_utf8_lossy(&output.stderr);
                    assert_eq!(
                        String::from_utf8_lossy(&output.stdout),
                        expected,
                        "{name}: {command}\n{errors}"
                    );
                    shown += 1;
                }
            }
            _ => {}
        }
    }
    assert!(shown > 0, "{name} shows no command");
}

#[test]
fn log() {
    run_page("../log.md");
}

#[test]
fn policy_workflow() {
    run_page("../policy-workflow.md");
}

#[test]
fn patterns() {
    run_page("patterns.md");
}

#[test]
fn lists() {
    run_page("lists.md");
}

#[test]
fn urls() {
    run_page("urls.md");
}

#[test]
fn classifiers() {
    run_page("classifiers.md");
}

#[test]
fn teach() {
    run_page("teach.md");
}

#[test]
fn schema() {
    run_page("schema.md");
}

#[test]
fn tools() {
    run_page("tools.md");
}

#[test]
fn conversation() {
    run_page("conversation.md");
}

#[test]
fn grounding() {
    run_page("grounding.md");
}

#[test]
fn code() {
    run_page("code.md");
}
