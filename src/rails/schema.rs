//! The schema rail: a text that must be JSON against a JSON Schema, and what would mend it.
//!
//! Schemas are compiled when the policy is read. They are judged offline: a `$ref` to another document is an error. The
//! drafts are those of the `jsonschema` crate, 4 to 2020-12, with `format` checked; a `pattern` is one of the `regex`
//! crate, whose time is linear.

mod locate;
mod repair;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;
use thiserror::Error;

use crate::json;
use crate::request::Role;
use crate::span::Span;
use crate::verdict::{Detection, Edit, Part, Place, Source};

/// The text does not fit. There is nothing to doubt, and nothing to grade.
const INVALID: f32 = 1.0;
/// The category of what a schema finds, where the rule names none.
const CATEGORY: &str = "schema";
/// Most places told where a text does not fit.
const MOST: usize = 16;

/// Why a schema cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SchemaError {
    /// Not JSON, or an object with a key twice.
    #[error("not valid JSON at byte {at}, expected a JSON Schema")]
    NotJson {
        /// The byte.
        at: usize,
    },
    /// JSON that is no schema, or one that needs another document.
    #[error("not a JSON Schema that can be used: {what}")]
    NotSchema {
        /// The words of the compiler, about the schema alone.
        what: String,
    },
}

/// A compiled JSON Schema.
#[derive(Clone)]
pub struct Schema {
    validator: Arc<Validator>,
    digest: blake3::Hash,
}

/// A value that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// The value, as a JSON pointer (RFC 6901).
    pub pointer: String,
    /// The schema's keyword.
    pub keyword: String,
}

impl Schema {
    /// Reads and compiles a schema.
    ///
    /// # Errors
    /// [`SchemaError`].
    pub fn new(text: &str) -> Result<Self, SchemaError> {
        let schema = json::parse(text).map_err(|error| SchemaError::NotJson { at: error.at })?;
        let options = jsonschema::options().offline().should_validate_formats(true);
        let built = options.with_pattern_options(PatternOptions::regex()).build(&schema);
        let digest = blake3::hash(text.as_bytes());
        built.map(|validator| Self { validator: Arc::new(validator), digest }).map_err(|error| {
            let what = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
            SchemaError::NotSchema { what: what.chars().take(200).collect() }
        })
    }

    /// BLAKE3 of the schema's text.
    #[must_use]
    pub const fn digest(&self) -> &blake3::Hash {
        &self.digest
    }

    /// Where `value` does not fit, sorted; at most 16 places.
    #[must_use]
    pub fn violations(&self, value: &Value) -> Vec<Violation> {
        let errors = self.validator.iter_errors(value).map(|error| Violation {
            pointer: error.instance_path().as_str().to_owned(),
            keyword: error.kind().keyword().to_owned(),
        });
        let mut violations: Vec<Violation> = errors.take(MOST).collect();
        violations.sort();
        violations.dedup();
        violations
    }

    fn is_valid(&self, text: &str) -> bool {
        json::parse(text).is_ok_and(|value| self.validator.is_valid(&value))
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schema").finish_non_exhaustive()
    }
}

/// What texts of some roles must be.
#[derive(Clone, Debug)]
pub struct TextSchema {
    /// The detector: `schema.` and the id.
    pub detector: String,
    /// The schema.
    pub schema: Schema,
    /// The roles whose texts it is for.
    pub roles: Vec<Role>,
}

impl TextSchema {
    /// The schema `id` for texts of `roles`.
    #[must_use]
    pub fn new(id: &str, schema: Schema, roles: Vec<Role>) -> Self {
        Self { detector: format!("schema.{id}"), schema, roles }
    }

    /// Appends a detection for each place where `text` does not fit. Where it is no JSON at all that is one, with the edits
    /// that would make it fit, if there are any.
    pub fn scan(&self, text: &str, out: &mut Vec<Detection>) {
        match json::parse(text) {
            Ok(value) => {
                for Violation { pointer, keyword } in self.schema.violations(&value) {
                    let span = locate::locate(text, &pointer);
                    out.push(self.detection(span, Some(pointer), &keyword, None));
                }
            }
            Err(error) => {
                let width = text.get(error.at..).and_then(|rest| rest.chars().next()).map(char::len_utf8);
                let span = width.map(|width| Span::new(error.at, error.at + width));
                let repair = repair::repair(text, |mended| self.schema.is_valid(mended));
                out.push(self.detection(span, None, error.what, repair));
            }
        }
    }

    fn detection(
        &self,
        span: Option<Span>,
        pointer: Option<String>,
        keyword: &str,
        repair: Option<Vec<Edit>>,
    ) -> Detection {
        Detection {
            detector: self.detector.clone(),
            category: CATEGORY.to_owned(),
            score: INVALID,
            spans: span.into_iter().collect(),
            source: Source::Schema,
            via: Vec::new(),
            place: Some(Place {
                part: Part::Text,
                pointer,
                keyword: Some(keyword.to_owned()),
                spans: Vec::new(),
            }),
            repair,
        }
    }
}
