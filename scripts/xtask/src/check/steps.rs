//! The checks that other programs make.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result};

/// One command.
pub(super) struct Step {
    pub(super) name: &'static str,
    arguments: Vec<String>,
    /// Turns warnings of rustdoc into errors.
    strict_docs: bool,
    /// The greatest exit status that is a pass.
    greatest_pass: i32,
    /// Why the command is not run, where its program is missing.
    skipped: Option<&'static str>,
}

/// All commands in their order.
pub(super) fn all(root: &Path, tests: bool) -> Vec<Step> {
    let mut steps = vec![
        step("format", "fmt --all --check"),
        step("clippy", "clippy --workspace --all-targets --quiet -- --deny warnings"),
        step(
            "the library alone",
            "clippy --package portcullis --lib --no-default-features --quiet -- --deny warnings",
        ),
        Step {
            strict_docs: true,
            ..step("documentation", "doc --workspace --no-deps --document-private-items --quiet")
        },
    ];
    let mut deny = step("bans, licences and sources", "deny check bans licenses sources");
    if !has_cargo("deny") {
        deny.skipped = Some("cargo-deny is not installed: cargo install --locked cargo-deny");
    }
    steps.push(deny);
    if tests {
        match has_cargo("nextest") {
            true => {
                steps.push(step("tests", "nextest run --workspace"));
                steps.push(step("documentation tests", "test --workspace --doc"));
            }
            false => steps.push(step("tests", "test --workspace")),
        }
        steps.extend(readme_commands(root));
    }
    steps
}

/// Known vulnerabilities in what is depended on. Apart from the others: it fetches its database from github.com.
pub(super) fn advisories() -> Step {
    step("advisories", "deny check advisories")
}

/// The library with each feature alone, with none and with all. Apart from the others: each is a check of a minute.
pub(super) fn features() -> Step {
    // Clippy, because what it is told to deny is denied in this package alone and leaves the dependencies as they were compiled.
    // Metal is for macOS.
    let words = "hack clippy --package portcullis --each-feature --exclude-features metal --exclude-all-features --quiet -- --deny warnings";
    let mut features = step("each feature", words);
    if !has_cargo("hack") {
        features.skipped = Some("cargo-hack is not installed: cargo install --locked cargo-hack");
    }
    features
}

/// The library's interface against that of a revision, or of the last tag where it is empty.
pub(super) fn semver(root: &Path, revision: &str) -> Step {
    let last = || {
        let mut command = Command::new("git");
        let output = command.args(["describe", "--tags", "--abbrev=0"]).current_dir(root).output().ok()?;
        Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
    };
    let baseline = if revision.is_empty() { last().unwrap_or_default() } else { revision.to_owned() };
    let mut semver = step("interface", "semver-checks --package portcullis --baseline-rev");
    if !has_cargo("semver-checks") {
        semver.skipped =
            Some("cargo-semver-checks is not installed: cargo install --locked cargo-semver-checks");
    } else if baseline.is_empty() {
        semver.skipped = Some("there is no tag to compare with; name a revision");
    }
    semver.arguments.push(baseline);
    semver
}

impl Step {
    /// Runs the command; whether it passed.
    pub(super) fn run(&self, root: &Path) -> Result<bool> {
        let line = format!("cargo {}", self.arguments.join(" "));
        if let Some(reason) = self.skipped {
            println!("SKIPPED {}: {reason}", self.name);
            return Ok(true);
        }
        println!("{}: {line}", self.name);
        let started = Instant::now();
        let mut command = Command::new("cargo");
        command.args(&self.arguments).current_dir(root);
        if self.strict_docs {
            command.env("RUSTDOCFLAGS", "--deny warnings");
        }
        let status = command.status().with_context(|| format!("cannot run {line}"))?;
        let passed = status.code().is_some_and(|code| code <= self.greatest_pass);
        let word = if passed { "passed" } else { "FAILED" };
        println!("{word} {} after {:.1} s", self.name, started.elapsed().as_secs_f64());
        Ok(passed)
    }
}

fn step(name: &'static str, words: &str) -> Step {
    Step {
        name,
        arguments: words.split_whitespace().map(str::to_owned).collect(),
        strict_docs: false,
        greatest_pass: 0,
        skipped: None,
    }
}

fn has_cargo(tool: &str) -> bool {
    let mut command = Command::new("cargo");
    command.args([tool, "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The `cargo run … -- check` commands in the README's fenced blocks: what a newcomer types first has to work.
fn readme_commands(root: &Path) -> Vec<Step> {
    let text = fs::read_to_string(root.join("README.md")).unwrap_or_default();
    text.lines()
        .map(|line| line.trim().trim_start_matches("$ "))
        .filter_map(|line| line.strip_prefix("cargo "))
        .filter(|line| line.starts_with("run ") && line.contains(" -- check "))
        .filter_map(words)
        // A veto exits with 1, and the README may well show one; 2 is an error.
        .map(|arguments| Step { arguments, greatest_pass: 1, ..step("command of the README", "") })
        .collect()
}

/// Splits a command line at spaces outside double quotes; `None` for what needs a shell.
fn words(line: &str) -> Option<Vec<String>> {
    if line.contains(['|', '>', '<', '$', '`', '\'', '\\', ';', '&']) {
        return None;
    }
    let mut words = Vec::new();
    for (number, part) in line.split('"').enumerate() {
        if number % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn quotes_hold_words_together() {
        assert_eq!(
            words(r#"run --release -- check "you are kind""#).unwrap(),
            ["run", "--release", "--", "check", "you are kind"]
        );
        assert_eq!(words("run -- check < file"), None);
    }
}
