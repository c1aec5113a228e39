//! Scenario tests that ship with a policy: texts, and what must become of them. They are `tests/*.toml` beside the policy's
//! file, read in the order of their names.

mod read;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{Policy, PolicyErrors, file_of};
use crate::request::Request;
use crate::verdict::Decision;

/// The folder of a bundle that holds its tests.
pub const TESTS_FOLDER: &str = "tests";

/// Most files of tests in one bundle, and most cases in all of them.
pub const MAX_TEST_FILES: usize = 1000;
/// See [`MAX_TEST_FILES`].
pub const MAX_CASES: usize = 10_000;
/// Most bytes of one file of tests.
pub const MAX_TEST_BYTES: usize = 4 << 20;

/// Why the tests of a policy cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ScenarioError {
    /// A file or folder that cannot be read.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// More of something than a bundle's tests may have.
    #[error("the tests have {found} {what}, expected at most {limit}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// Their number, as far as they were counted.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// Files with mistakes.
    #[error("the tests are not valid: {}", Listed(.0))]
    Invalid(Vec<PolicyErrors>),
}

/// The mistakes of several files, one after the other.
struct Listed<'a>(&'a [PolicyErrors]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, errors) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str("\n")?;
            }
            errors.fmt(f)?;
        }
        Ok(())
    }
}

/// One case.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name, unique in its file.
    pub name: String,
    /// The file's name without `.toml`.
    pub file: String,
    /// Line of the case in its file, from 1.
    pub line: usize,
    /// What is judged.
    pub request: Request,
    /// What must become of it.
    pub expected: Expected,
}

/// What must become of a text; at least one of it is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// The decision.
    pub decision: Option<Decision>,
    /// Decisions that it must not be.
    pub never: Vec<Decision>,
    /// Rules that must be among the findings.
    pub rules: Vec<String>,
    /// Rules that must not be.
    pub not_rules: Vec<String>,
    /// The text that is released.
    pub text_after: Option<String>,
}

/// The tests beside the policy of a file or bundle, where it has some; `policy` is what was read from there.
///
/// # Errors
/// [`ScenarioError`]; every mistake in every file at once.
pub fn scenarios(path: &Path, policy: &Policy) -> Result<Vec<Scenario>, ScenarioError> {
    let folder = tests_of(path);
    let failed = |path: &Path, source| ScenarioError::Io { path: path.to_owned(), source };
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(&folder, error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let file = entry.map_err(|error| failed(&folder, error))?.path();
        if file.extension().is_some_and(|ending| ending == "toml") {
            files.push(file);
        }
        if files.len() > MAX_TEST_FILES {
            let (found, limit) = (files.len(), MAX_TEST_FILES);
            return Err(ScenarioError::TooMany { what: "files", found, limit });
        }
    }
    files.sort();
    let (mut cases, mut mistakes) = (Vec::new(), Vec::new());
    for file in &files {
        let text = text(file)?;
        match read::scenarios(&text, file, policy) {
            Ok(read) => cases.extend(read),
            Err(errors) => mistakes.push(errors),
        }
        if cases.len() > MAX_CASES {
            return Err(ScenarioError::TooMany { what: "cases", found: cases.len(), limit: MAX_CASES });
        }
    }
    if mistakes.is_empty() { Ok(cases) } else { Err(ScenarioError::Invalid(mistakes)) }
}

/// The folder of the tests beside the policy of a file or bundle.
fn tests_of(path: &Path) -> PathBuf {
    file_of(path).parent().unwrap_or_else(|| Path::new("")).join(TESTS_FOLDER)
}

fn text(path: &Path) -> Result<String, ScenarioError> {
    use io::Read as _;
    let failed = |source| ScenarioError::Io { path: path.to_owned(), source };
    let invalid = |kind, what: String| failed(io::Error::new(kind, what));
    let mut bytes = Vec::new();
    let most = u64::try_from(MAX_TEST_BYTES).unwrap_or(u64::MAX);
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > MAX_TEST_BYTES {
        let what = format!("it has more than the {MAX_TEST_BYTES} bytes that a file of tests may have");
        return Err(invalid(io::ErrorKind::FileTooLarge, what));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to() + 1;
        invalid(io::ErrorKind::InvalidData, format!("it is not UTF-8 from byte {at} on, expected UTF-8 text"))
    })
}
