//! The tool-call rail: which tools an assistant may call, and with what.

#[cfg(test)]
mod tests;

use super::schema::Schema;
use crate::request::ToolCall;
use crate::verdict::{Detection, Part, Place, Source};

/// A tool is allowed or not, and arguments fit or do not.
const CERTAIN: f32 = 1.0;
/// The category of what the rail finds, where the rule names none.
const CATEGORY: &str = "tool";
const NOT_ALLOWED: &str = "tool.not_allowed";
const ARGUMENTS: &str = "tool.arguments";

/// The tools of a policy.
#[derive(Clone, Debug, Default)]
pub struct Tools {
    /// Names of tools that may be called with any arguments.
    pub allow: Vec<String>,
    /// Tools that may be called with arguments that fit.
    pub schemas: Vec<(String, Schema)>,
}

impl Tools {
    /// The detectors.
    pub const NAMES: [&str; 2] = [NOT_ALLOWED, ARGUMENTS];

    /// Whether the policy names no tool.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.allow.is_empty() && self.schemas.is_empty()
    }

    /// The schema of a tool's arguments.
    #[must_use]
    pub fn schema(&self, name: &str) -> Option<&Schema> {
        self.schemas.iter().find(|(tool, _)| tool == name).map(|(_, schema)| schema)
    }

    /// Appends what is wrong with a call. Names are compared byte by byte.
    ///
    /// Where the policy names no tool it says nothing of any.
    pub fn scan(&self, call: &ToolCall, out: &mut Vec<Detection>) {
        match self.schema(&call.name) {
            Some(schema) => {
                for violation in schema.violations(&call.arguments) {
                    let place = Place {
                        pointer: Some(violation.pointer),
                        keyword: Some(violation.keyword),
                        ..Place::whole(Part::ToolArguments)
                    };
                    out.push(detection(ARGUMENTS, place));
                }
            }
            None if self.is_empty() || self.allow.contains(&call.name) => {}
            None => out.push(detection(NOT_ALLOWED, Place::whole(Part::ToolName))),
        }
    }
}

fn detection(detector: &str, place: Place) -> Detection {
    Detection {
        detector: detector.to_owned(),
        category: CATEGORY.to_owned(),
        score: CERTAIN,
        spans: Vec::new(),
        source: Source::Tool,
        via: Vec::new(),
        place: Some(place),
        repair: None,
    }
}
