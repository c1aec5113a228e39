//! The rules of the house that a program can check.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use portcullis::bundle::Index;

use crate::header;

/// What may lie at the top level, names that begin with a dot aside.
const TOP_LEVEL: [&str; 24] = [
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "SECURITY.md",
    "benches",
    "bindings",
    "calibration",
    "clippy.toml",
    "deny.toml",
    "docs",
    "examples",
    "fuzz",
    "kernels",
    "models",
    "rustfmt.toml",
    "scripts",
    "src",
    "target",
    "tests",
];
/// Folders whose Rust files follow the rules.
const CODE: [&str; 9] =
    ["src", "kernels", "calibration", "bindings", "scripts", "tests", "benches", "examples", "fuzz"];
/// Names that say nothing.
const EMPTY_NAMES: [&str; 6] = ["utils", "common", "core", "helpers", "manager", "engine"];
/// The length from which a file is listed.
const LONG: usize = 400;

/// Checks every rule and prints what breaks one; whether none is broken.
pub(super) fn check(root: &Path) -> Result<bool> {
    let mut broken = Vec::new();
    top_level(root, &mut broken)?;
    let mut files = Vec::new();
    for folder in CODE {
        rust_files(&root.join(folder), &mut files)?;
    }
    files.sort();
    let mut long = Vec::new();
    for path in &files {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let name = path.strip_prefix(root).unwrap_or(path);
        broken.extend(source(name, &text));
        let lines = text.lines().count();
        if lines > LONG {
            long.push(format!("{} has {lines} lines", name.display()));
        }
    }
    digests(root, &mut broken)?;
    if !header::is_current(root)? {
        broken.push(format!("{} is not what src/ffi says: cargo xtask header", header::PATH));
    }
    for line in &long {
        println!("long file: {line}, aim under {LONG}");
    }
    for line in &broken {
        println!("house rule broken: {line}");
    }
    println!("house rules: {} Rust files, {} broken, {} long files", files.len(), broken.len(), long.len());
    Ok(broken.is_empty())
}

fn top_level(root: &Path, broken: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(root).with_context(|| format!("cannot list {}", root.display()))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') && !TOP_LEVEL.contains(&name.as_str()) {
            broken.push(format!("{name} is not part of the top level"));
        }
    }
    Ok(())
}

/// The rules for one Rust file.
fn source(path: &Path, text: &str) -> Vec<String> {
    let mut broken = Vec::new();
    let mut say = |what: &str| broken.push(format!("{}: {what}", path.display()));
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    if stem == "mod" {
        say("no mod.rs: a module is foo.rs beside its folder foo/");
    }
    if EMPTY_NAMES.contains(&stem) {
        say("the name says nothing of what is inside");
    }
    // A tests.rs is part of the module above it, which says what it is about.
    let first = text.lines().find(|line| !line.starts_with("#!")).unwrap_or_default();
    let sentence = first.strip_prefix("//! ").is_some_and(|line| !line.trim().is_empty());
    if !sentence && stem != "tests" {
        say("the first line is no `//!` sentence");
    }
    let home_of_unsafe =
        path.starts_with("kernels") || path.starts_with("src/ffi") || path == Path::new("src/ffi.rs");
    if !home_of_unsafe {
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if has_unsafe(code) {
                say(&format!("unsafe in line {}, outside kernels/ and src/ffi", number + 1));
            }
        }
    }
    if is_library(path) {
        // What tests do is no business of the library's.
        let code = text.lines().take_while(|line| !line.starts_with("mod tests {"));
        for (number, line) in code.enumerate() {
            if let Some(what) = intrusion(line.split("//").next().unwrap_or_default()) {
                say(&format!("{what} in line {}: the library is its host's guest", number + 1));
            }
        }
    }
    broken
}

/// Whether a file is part of the library that others embed, its tests apart.
fn is_library(path: &Path) -> bool {
    let home = ["src", "kernels/src", "calibration/src"].iter().any(|home| path.starts_with(home));
    let program =
        path == Path::new("src/main.rs") || path.starts_with("src/cli.rs") || path.starts_with("src/cli");
    let test = path.iter().any(|part| part == "tests" || part == "tests.rs");
    // What C calls must not print a panic, and the hook for that is the process's.
    let boundary = path == Path::new("src/ffi/boundary.rs");
    home && !program && !test && !boundary
}

/// What a line of code does that a library leaves to its host: the environment, the standard streams, state of the process.
fn intrusion(code: &str) -> Option<&'static str> {
    const PRINTING: [&str; 7] =
        ["print!(", "println!(", "eprint!(", "eprintln!(", "dbg!(", "io::stdout", "io::stderr"];
    const CHANGING: [&str; 5] = ["mut ", "Mutex<", "RwLock<", "Atomic", "Cell<"];
    let has = |words: &[&str]| words.iter().any(|word| code.contains(word));
    let statics = code.trim_start();
    let statics = statics.strip_prefix("pub ").unwrap_or(statics).strip_prefix("static ");
    match () {
        () if code.replace("env::consts", "").contains("env::") => Some("the environment is read"),
        () if has(&PRINTING) => Some("something is printed"),
        () if statics.is_some_and(|of| CHANGING.iter().any(|word| of.contains(word))) => {
            Some("there is global state")
        }
        () if code.contains("thread_local!") => Some("there is state of a thread"),
        () => None,
    }
}

/// Whether a line of code opens something unsafe. Strings that spell it out have to break the word.
fn has_unsafe(code: &str) -> bool {
    const WORD: &str = concat!("un", "safe");
    const OPENED: [&str; 5] = ["{", "fn ", "impl ", "trait ", "extern "];
    code.match_indices(WORD).any(|(at, _)| {
        let (before, rest) =
            (code.get(..at).unwrap_or_default(), code.get(at + WORD.len()..).unwrap_or_default());
        let whole_word = !before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        whole_word && OPENED.iter().any(|next| rest.trim_start().starts_with(next))
    })
}

/// The index has to name what is there.
fn digests(root: &Path, broken: &mut Vec<String>) -> Result<()> {
    let models = root.join("models");
    let index = Index::read(&models).context("cannot read models/index.toml")?;
    for bundle in &index.bundles {
        for file in &bundle.files {
            let path = models.join(&bundle.directory).join(&file.path);
            let Ok(bytes) = fs::read(&path) else {
                broken.push(format!(
                    "models/index.toml lists {}/{}, which is not there",
                    bundle.directory, file.path
                ));
                continue;
            };
            if bytes.len() as u64 != file.bytes || blake3::hash(&bytes).to_hex().as_str() != file.blake3 {
                broken.push(format!("{}/{} differs from models/index.toml", bundle.directory, file.path));
            }
        }
    }
    Ok(())
}

fn rust_files(dir: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    if !dir.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(dir).with_context(|| format!("cannot list {}", dir.display()))? {
        let path = entry?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.is_dir() {
            if !hidden && !path.ends_with("target") {
                rust_files(&path, found)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(path: &str, text: &str) -> usize {
        source(Path::new(path), text).len()
    }

    #[test]
    fn each_rule_is_seen() {
        let dangerous = concat!("//! A sentence.\nfn f() { un", "safe { g() } }\n");
        assert_eq!(broken("src/a.rs", "//! A sentence.\n"), 0);
        assert_eq!(broken("src/a/mod.rs", "//! A sentence.\n"), 1);
        assert_eq!(broken("src/utils.rs", "//! A sentence.\n"), 1);
        assert_eq!(broken("src/a.rs", "use std::fs;\n"), 1);
        assert_eq!(broken("src/a/tests.rs", "use std::fs;\n"), 0);
        assert_eq!(broken("src/a.rs", dangerous), 1);
        assert_eq!(broken("kernels/src/a.rs", dangerous), 0);
        for intrusion in [
            "let home = std::env::var(\"HOME\");",
            "println!(\"{text}\");",
            "static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());",
            "    pub static mut COUNT: usize = 0;",
            "thread_local! {",
        ] {
            let text = format!("//! A sentence.\n{intrusion}\n");
            assert_eq!(broken("src/a.rs", &text), 1, "{intrusion}");
            for elsewhere in
                ["src/main.rs", "src/cli/a.rs", "src/a/tests.rs", "src/a/tests/b.rs", "tests/a.rs"]
            {
                assert_eq!(broken(elsewhere, &text), 0, "{elsewhere}: {intrusion}");
            }
            let tests = format!("//! A sentence.\nmod tests {{\n{intrusion}\n");
            assert_eq!(broken("src/a.rs", &tests), 0, "{intrusion}");
        }
        assert_eq!(broken("src/a.rs", "//! A sentence.\nstatic TABLE: LazyLock<Vec<u8>> = x;\n"), 0);
        assert_eq!(broken("src/a.rs", "//! A sentence.\n/// println!(\"x\");\n"), 0);
        assert_eq!(broken("src/ffi/a.rs", dangerous), 0);
        assert_eq!(
            broken("src/a.rs", concat!("//! A sentence.\n#![forbid(un", "safe_code)]\n// un", "safe { }\n")),
            0
        );
    }
}
