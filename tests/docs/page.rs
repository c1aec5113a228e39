//! A page of `docs` and its fenced blocks: policies are written to files, commands are run and give what is shown.
//!
//! With `UPDATE_DOCS` in the environment a page that shows something else is written anew: after a change of weights or
//! thresholds. What stands around its blocks, and a `…` in them, is then to be looked at.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Whether a command's output is what the page shows.
pub(crate) type Same = fn(found: &str, shown: &str) -> bool;

/// To the letter.
pub(crate) fn exactly(found: &str, shown: &str) -> bool {
    found == shown
}

/// Line by line: columns of a table may be wider, and `…` is anything without a space.
pub(crate) fn alike(found: &str, shown: &str) -> bool {
    let same = |(line, shown): (&str, &str)| {
        let (line, shown): (Vec<&str>, Vec<&str>) =
            (line.split_whitespace().collect(), shown.split_whitespace().collect());
        line.len() == shown.len() && line.iter().zip(&shown).all(|(word, shown)| is_word(word, shown))
    };
    found.lines().count() == shown.lines().count() && found.lines().zip(shown.lines()).all(same)
}

/// Runs the page of this name in `folder`; it has to show at least so many commands.
pub(crate) fn run(name: &str, folder: &Path, least: usize, same: Same) {
    let file_of_page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    let page = fs::read_to_string(&file_of_page).unwrap();
    let mut updated = std::env::var_os("UPDATE_DOCS").map(|_| page.clone());
    let program = Path::new(env!("CARGO_BIN_EXE_portcullis")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let mut shown = 0;
    for (language, content) in blocks(&page) {
        match language.as_str() {
            "toml" => {
                let file = folder.join(file(&content));
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, &content).unwrap();
            }
            "console" => {
                for (command, expected) in examples(&content) {
                    let mut shell = Command::new("sh");
                    shell
                        .args(["-c", &command])
                        .env("PATH", &path)
                        .env("MODELS", &models)
                        .current_dir(folder);
                    let output = shell.output().unwrap();
                    let found = String::from_utf8(output.stdout).unwrap();
                    let errors = String::from_utf8_lossy(&output.stderr);
                    match &mut updated {
                        Some(page) if !same(&found, &expected) => {
                            let example = |output: &str| format!("$ {command}\n{}", ended(output));
                            *page = page.replacen(&example(&expected), &example(&found), 1);
                        }
                        _ => assert!(
                            same(&found, &expected),
                            "{name}: {command}\nexpected\n{expected}\nfound\n{found}\n{errors}"
                        ),
                    }
                    shown += 1;
                }
            }
            // What is Rust, rustdoc runs.
            "text" | "rust" => {}
            other => panic!("{name}: a block of {other:?}"),
        }
    }
    assert!(shown >= least, "{name} shows {shown} commands");
    if let Some(updated) = updated.filter(|updated| *updated != page) {
        fs::write(file_of_page, updated).unwrap();
    }
}

/// The output with the line feed that a block needs behind it.
fn ended(output: &str) -> String {
    if output.is_empty() || output.ends_with('\n') { output.to_owned() } else { format!("{output}\n") }
}

fn is_word(word: &str, shown: &str) -> bool {
    let mut parts = shown.split('…');
    let Some(mut rest) = parts.next().and_then(|first| word.strip_prefix(first)) else { return false };
    let mut open = false;
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
        open = part.is_empty();
    }
    open || rest.is_empty()
}

/// The fenced blocks of a page: language and content.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in page.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(language)) => open = Some((language.to_owned(), String::new())),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some((_, content)), None) => add_line(content, line),
            _ => {}
        }
    }
    blocks
}

/// The commands of a block, each with what it prints.
fn examples(block: &str) -> Vec<(String, String)> {
    let mut examples: Vec<(String, String)> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix("$ "), examples.last_mut()) {
            (Some(command), _) => examples.push((command.to_owned(), String::new())),
            (None, Some((_, shown))) => add_line(shown, line),
            (None, None) => panic!("output before any command: {line}"),
        }
    }
    examples
}

fn add_line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

/// The file for a block: the one that its first line, a comment, names, or that of the policy's id, or the installation's settings.
fn file(block: &str) -> String {
    let named = block.lines().next().and_then(|line| line.strip_prefix("# "));
    if let Some(file) = named.filter(|name| name.ends_with(".toml")) {
        return file.to_owned();
    }
    let id = block.lines().find_map(|line| line.strip_prefix("id = \"")?.strip_suffix('"'));
    format!("{}.toml", id.unwrap_or("portcullis"))
}
