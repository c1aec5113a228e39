//! What can be wrong with a policy, and how it is shown.

use std::fmt;
use std::ops::Range;
use thiserror::Error;

use super::source::Source;

/// One mistake in a policy.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum PolicyError {
    /// More bytes than a policy may have.
    #[error("the policy has {found} bytes, expected at most {limit}")]
    TooLarge {
        /// Its size.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// Not TOML.
    #[error("not valid TOML: {what}")]
    Syntax {
        /// The TOML reader's words.
        what: String,
    },
    /// A key the schema does not have.
    #[error("unknown key `{key}` in {table}; {hint}")]
    UnknownKey {
        /// The key.
        key: String,
        /// Where it stands.
        table: &'static str,
        /// The nearest and all known keys.
        hint: String,
    },
    /// A key that must be there.
    #[error("{table} has no `{key}`, expected {expected}")]
    MissingKey {
        /// The key.
        key: &'static str,
        /// Where it belongs.
        table: &'static str,
        /// Its kind of value.
        expected: &'static str,
    },
    /// A value of the wrong type.
    #[error("`{key}` has the type {found}, expected {expected}")]
    WrongType {
        /// The key.
        key: &'static str,
        /// The TOML type found.
        found: &'static str,
        /// The type expected.
        expected: &'static str,
    },
    /// A value of the right type that is not one of those allowed.
    #[error("`{key}` is `{found}`, expected {expected}")]
    WrongValue {
        /// The key.
        key: &'static str,
        /// The value found.
        found: String,
        /// What is allowed.
        expected: String,
    },
    /// Two keys of which one must be chosen, or one that calls for another.
    #[error("{what}")]
    Conflict {
        /// What was found and expected.
        what: String,
    },
    /// A second rule of the same name.
    #[error("the rule id `{id}` is already taken on line {first}, expected a unique id")]
    DuplicateRule {
        /// The id.
        id: String,
        /// Line of the first rule of that name.
        first: usize,
    },
    /// More rules than a policy may have.
    #[error("the policy has {found} rules, expected at most {limit}")]
    TooManyRules {
        /// Their number.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// A second word list of the same name.
    #[error("the list id `{id}` is already taken on line {first}, expected a unique id")]
    DuplicateList {
        /// The id.
        id: String,
        /// Line of the first list of that name.
        first: usize,
    },
    /// More of something than a policy may have.
    #[error("the policy has {found} {what}, expected at most {limit}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// Their number.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// A file of words that cannot be used.
    #[error("the word list `{file}` cannot be used: {what}")]
    ListFile {
        /// The file as the policy names it.
        file: String,
        /// What was found, what was expected, and in which line.
        what: String,
    },
    /// A head's file that cannot be used.
    #[error("the head `{file}` cannot be used: {what}")]
    HeadFile {
        /// The file as the policy names it, or the head's name.
        file: String,
        /// What was found, what was expected, and where.
        what: String,
    },
    /// A second head of the same name.
    #[error("the head `{name}` is already there from line {first} on, expected heads of different names")]
    DuplicateHead {
        /// The name.
        name: String,
        /// Line of the first head of that name.
        first: usize,
    },
    /// A second JSON Schema of the same name.
    #[error("the id `{id}` is already taken on line {first}, expected a unique id")]
    DuplicateSchema {
        /// The id.
        id: String,
        /// Line of the first schema of that name.
        first: usize,
    },
    /// A file that a policy names and that cannot be read.
    #[error("the file `{file}` cannot be used: {what}")]
    File {
        /// The file as the policy names it.
        file: String,
        /// What was found and what was expected.
        what: String,
    },
    /// A JSON Schema that cannot be used.
    #[error("the JSON Schema is {what}")]
    Schema {
        /// What was found and what was expected.
        what: String,
    },
    /// A template that is not defined.
    #[error("no template is named `{name}`; {hint}")]
    UndefinedTemplate {
        /// The name.
        name: String,
        /// The nearest and all defined templates.
        hint: String,
    },
    /// A rule that nothing can ever meet.
    #[error("the rule can never apply: {why}")]
    NeverApplies {
        /// The reason.
        why: String,
    },
    /// A rule on an experimental detector, or on a family of nothing else, that does not say so.
    #[error("`{detector}` is experimental, expected `experimental = true` in a rule that looks at it")]
    Experimental {
        /// The detector, or a family such as `classifier.*`.
        detector: String,
    },
    /// A detector that does not exist.
    #[error("no detector is named `{detector}`; {hint}")]
    UnknownDetector {
        /// The name.
        detector: String,
        /// The nearest and all known detectors.
        hint: String,
    },
    /// A target for which the calibration has no threshold.
    #[error("no threshold for `{detector}` at target_fpr {target}: {what}")]
    NoThreshold {
        /// The detector.
        detector: String,
        /// The target.
        target: String,
        /// The calibration's words.
        what: String,
    },
}

/// Something allowed but likely not meant.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum PolicyWarning {
    /// A template that no rule names.
    #[error("the template `{name}` is not used by any rule")]
    UnusedTemplate {
        /// Its name.
        name: String,
    },
    /// A word list that no rule looks at.
    #[error("the list `{id}` is not used by any rule, expected one with `detector = \"list.{id}\"`")]
    UnusedList {
        /// Its id.
        id: String,
    },
    /// A head that no rule looks at.
    #[error("the head `{name}` is not used by any rule, expected one with `detector = \"custom.{name}\"`")]
    UnusedHead {
        /// Its name.
        name: String,
    },
    /// A JSON Schema that no rule looks at.
    #[error("the JSON Schema `{id}` is not used by any rule, expected one with `detector = \"schema.{id}\"`")]
    UnusedSchema {
        /// Its id.
        id: String,
    },
    /// Tools that are named and that no rule looks at.
    #[error("{key} is not used by any rule, expected one with `detector = \"{detector}\"` or \"tool.*\"")]
    UnusedTools {
        /// Where the policy names them.
        key: &'static str,
        /// The detector that looks at them.
        detector: &'static str,
    },
    /// A rule whose matches an earlier rule always treats at least as strictly.
    #[error(
        "the rule `{id}` never changes a decision: `{by}` covers what it covers, from no higher a score, at least as strictly"
    )]
    Shadowed {
        /// The rule.
        id: String,
        /// The earlier rule.
        by: String,
    },
}

/// A mistake or warning with its place in the document.
///
/// Displays as `file:line:column: message`, the line, and carets under the place.
#[derive(Clone, Debug)]
pub struct Problem<E> {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub what: E,
    place: Range<usize>,
    source: Source,
}

impl<E> Problem<E> {
    pub(super) fn new(source: &Source, place: Range<usize>, what: E) -> Self {
        let (line, column) = source.position(place.start);
        Self { line, column, what, place, source: source.clone() }
    }
}

impl<E> Problem<E> {
    /// The document, as messages name it.
    #[must_use]
    pub fn file(&self) -> &str {
        self.source.file()
    }
}

impl<E: fmt::Display> fmt::Display for Problem<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = super::source::printable(&self.what.to_string());
        writeln!(f, "{}:{}:{}: {message}", self.source.file(), self.line, self.column)?;
        f.write_str(&self.source.excerpt(&self.place))
    }
}

/// Every mistake found in a policy, in the order of their places; never empty.
#[derive(Clone, Debug)]
pub struct PolicyErrors {
    problems: Vec<Problem<PolicyError>>,
    omitted: usize,
}

impl PolicyErrors {
    /// Most mistakes that are kept and shown.
    pub const MOST: usize = 100;

    pub(super) fn new(source: &Source, mut found: Vec<(Range<usize>, PolicyError)>) -> Self {
        found.sort_by_key(|(place, _)| (place.start, place.end));
        let omitted = found.len().saturating_sub(Self::MOST);
        found.truncate(Self::MOST);
        let problems = found.into_iter().map(|(place, what)| Problem::new(source, place, what)).collect();
        Self { problems, omitted }
    }

    /// The mistakes.
    #[must_use]
    pub fn problems(&self) -> &[Problem<PolicyError>] {
        &self.problems
    }

    /// How many more there were than [`PolicyErrors::MOST`].
    #[must_use]
    pub const fn omitted(&self) -> usize {
        self.omitted
    }
}

impl fmt::Display for PolicyErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, problem) in self.problems.iter().enumerate() {
            if place > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        if self.omitted > 0 {
            write!(f, "\nand {} more", self.omitted)?;
        }
        Ok(())
    }
}

impl std::error::Error for PolicyErrors {}
