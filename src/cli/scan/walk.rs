//! Which files are scanned: those below the paths, in one order, without what ignore files leave out.

use anyhow::{Context as _, ensure};
use clap::Args;
use ignore::WalkBuilder;
use ignore::overrides::{Override, OverrideBuilder};
use std::path::{Path, PathBuf};

/// The file of patterns that `scan` alone passes over.
const IGNORE_FILE: &str = ".portcullisignore";

/// What is left out.
#[derive(Args)]
pub(super) struct WalkOptions {
    /// Scan hidden files and folders too.
    #[arg(long)]
    hidden: bool,

    /// Pass over .gitignore, .ignore and .portcullisignore: scan what they leave out.
    #[arg(long)]
    no_ignore: bool,

    /// Scan the files that match this pattern only; may be given more than once.
    #[arg(long, value_name = "GLOB")]
    glob: Vec<String>,

    /// Leave out the files that match this pattern; may be given more than once.
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
}

/// What was found below the paths.
#[derive(Default)]
pub(super) struct Files {
    /// The files, sorted by their paths, each once.
    pub(super) files: Vec<PathBuf>,
    /// Symbolic links, which are not followed.
    pub(super) links: usize,
    /// What could not be looked into, and why.
    pub(super) problems: Vec<(Option<PathBuf>, String)>,
}

/// Looks below the paths. A file that is named itself is taken whatever ignore files say.
///
/// # Errors
/// When a path is neither a file nor a folder, or a pattern is none.
pub(super) fn files(paths: &[PathBuf], options: &WalkOptions) -> anyhow::Result<Files> {
    let overrides = options.overrides()?;
    let mut found = Files::default();
    for path in paths {
        let metadata = std::fs::metadata(path).with_context(|| format!("cannot scan {}", path.display()))?;
        if metadata.is_file() {
            // Patterns hold for a named file as well: hooks name every file.
            if !overrides.matched(path, false).is_ignore() {
                found.files.push(tidy(path));
            }
            continue;
        }
        ensure!(metadata.is_dir(), "cannot scan {}: expected a file or a folder", path.display());
        options.walk(path, &overrides, &mut found);
    }
    found.files.sort();
    found.files.dedup();
    Ok(found)
}

impl WalkOptions {
    fn overrides(&self) -> anyhow::Result<Override> {
        let mut builder = OverrideBuilder::new(".");
        let excluded = self.exclude.iter().map(|glob| format!("!{glob}"));
        for glob in self.glob.iter().cloned().chain(excluded) {
            builder.add(&glob).with_context(|| format!("bad pattern {glob:?}"))?;
        }
        builder.build().context("bad patterns")
    }

    fn walk(&self, path: &Path, overrides: &Override, found: &mut Files) {
        let mut builder = WalkBuilder::new(path);
        builder
            .standard_filters(!self.no_ignore)
            .hidden(!self.hidden)
            // The user's own settings of git are not part of what is scanned.
            .git_global(false)
            .require_git(false)
            .follow_links(false)
            .overrides(overrides.clone());
        if !self.no_ignore {
            builder.add_custom_ignore_filename(IGNORE_FILE);
        }
        // The folder of git is no content of the repository, hidden files or not.
        builder.filter_entry(|entry| entry.depth() == 0 || entry.file_name() != ".git");
        for entry in builder.build() {
            match entry {
                Ok(entry) => {
                    if let Some(error) = entry.error() {
                        found.problems.push((path_of(error), error.to_string()));
                    }
                    match entry.file_type() {
                        Some(kind) if kind.is_file() => found.files.push(tidy(entry.path())),
                        Some(kind) if kind.is_symlink() => found.links += 1,
                        _ => {}
                    }
                }
                Err(error) => found.problems.push((path_of(&error), error.to_string())),
            }
        }
    }
}

/// The path without `./`.
fn tidy(path: &Path) -> PathBuf {
    path.strip_prefix(".").map_or_else(|_| path.to_owned(), Path::to_owned)
}

/// The path that an error is about.
fn path_of(error: &ignore::Error) -> Option<PathBuf> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(tidy(path)),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => path_of(err),
        ignore::Error::Partial(errors) => errors.iter().find_map(path_of),
        _ => None,
    }
}
