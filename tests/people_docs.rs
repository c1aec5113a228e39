//! The examples of `docs/exceptions.md` and `docs/review.md`, run as they are written. `…` in what is shown stands for ids, scores and
//! times.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

/// The fenced blocks of a page: language and content.
fn blocks(page: &str) -> Vec<(&str, &str)> {
    let mut parts = page.split("\n```");
    parts.next();
    // Every other part is between two blocks.
    parts.step_by(2).map(|block| block.split_once('\n').unwrap()).collect()
}

/// Whether a line is as shown: columns of a table may be wider, and `…` is anything without a space.
fn is_shown(line: &str, shown: &str) -> bool {
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let (line, shown) = (words(line), words(shown));
    line.len() == shown.len() && line.iter().zip(&shown).all(|(word, shown)| is_word(word, shown))
}

fn is_word(word: &str, shown: &str) -> bool {
    let mut rest = word;
    let mut parts = shown.split('…');
    let first = parts.next().unwrap();
    let Some(after) = rest.strip_prefix(first) else { return false };
    rest = after;
    let mut open = false;
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = rest.split_at(at + part.len()).1;
        open = part.is_empty();
    }
    open || rest.is_empty()
}

fn run_page(name: &str, least: usize) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs").join(name)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_portcullis")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut shown = 0;
    for (language, content) in blocks(&page) {
        match language {
            "toml" => {
                let name = content.split("\nid = \"").nth(1).and_then(|rest| rest.split('"').next());
                let file = folder.path().join(format!("{}.toml", name.unwrap_or("portcullis")));
                fs::write(file, content.to_owned() + "\n").unwrap();
            }
            "console" => {
                let examples = format!("\n{content}");
                for example in examples.split("\n$ ").filter(|example| !example.is_empty()) {
                    let (command, expected) = example.split_once('\n').unwrap_or((example, ""));
                    let mut shell = Command::new("sh");
                    shell.args(["-c", command]).env("PATH", &path).current_dir(&folder);
                    let output = shell.output().unwrap();
                    let (found, errors) = (
                        String::from_utf8(output.stdout).unwrap(),
                        String::from_utf8(output.stderr).unwrap(),
                    );
                    let same = found.lines().count() == expected.lines().count()
                        && found.lines().zip(expected.lines()).all(|(line, shown)| is_shown(line, shown));
                    assert!(same, "{command}\nexpected\n{expected}\nfound\n{found}\n{errors}");
                    shown += 1;
                }
            }
            "text" => {}
            other => panic!("a block of {other:?}"),
        }
    }
    assert!(shown >= least, "{name}: {shown} commands");
}

#[test]
fn exceptions() {
    run_page("exceptions.md", 15);
}

#[test]
#[cfg(feature = "review")]
fn review() {
    run_page("review.md", 15);
}
