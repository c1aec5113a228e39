//! `cargo xtask check`: every check that a change has to pass, in the order of what fails fastest.

mod house;
mod steps;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;

/// What `check` takes.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Only the house rules: no compiler is run.
    #[arg(long)]
    house: bool,
    /// Everything but the tests, for a caller that runs them itself.
    #[arg(long, conflicts_with = "house")]
    no_tests: bool,
    /// Only the advisories against the dependencies: needs cargo-deny and github.com.
    #[arg(long, conflicts_with_all = ["house", "no_tests"])]
    advisories: bool,
    /// Only that the library compiles without a warning with each of its features alone, with none and with all: needs cargo-hack.
    #[arg(long, conflicts_with_all = ["house", "no_tests", "advisories"])]
    features: bool,
    /// Only that nothing of the library's interface was taken away since this revision, by default the last tag: needs
    /// cargo-semver-checks.
    #[arg(long, value_name = "REV", num_args = 0..=1, default_missing_value = "")]
    #[arg(conflicts_with_all = ["house", "no_tests", "advisories", "features"])]
    semver: Option<String>,
}

/// Runs the checks; those that fail are all reported, and named again at the end.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let root = root()?;
    let mut failed = Vec::new();
    let single = match &arguments.semver {
        _ if arguments.advisories => Some(steps::advisories()),
        _ if arguments.features => Some(steps::features()),
        Some(revision) => Some(steps::semver(&root, revision)),
        None => None,
    };
    if single.is_none() && !house::check(&root)? {
        failed.push("house rules");
    }
    let steps = match single {
        Some(step) => vec![step],
        None if arguments.house => Vec::new(),
        None => steps::all(&root, !arguments.no_tests),
    };
    for step in steps {
        if !step.run(&root)? {
            failed.push(step.name);
        }
    }
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    println!("all checks passed");
    Ok(())
}

/// The repository's root: the parent of the folder that this crate's own folder is in.
pub(crate) fn root() -> Result<PathBuf> {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .map(Path::to_path_buf)
        .context("the xtask crate has no repository around it")
}
