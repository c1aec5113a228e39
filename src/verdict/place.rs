//! Where a finding is, when spans of the text cannot say it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::span::Span;

/// A place in a part of the request, or in the JSON that the text is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The part of the request.
    #[serde(rename = "in")]
    pub part: Part,
    /// The value in that part's JSON, as a JSON pointer (RFC 6901); absent where the part is no JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// The keyword of the JSON Schema that the value fails; `json` where the text is none, `unique_key` where an object has a key
    /// twice, and `key` where the finding is in the key of the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keyword: Option<String>,
    /// Where in the string that `pointer` names, in bytes; empty when all of it is meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<Span>,
}

/// A part of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Part {
    /// The text.
    #[serde(rename = "text")]
    Text,
    /// The earlier turns together with the text.
    #[serde(rename = "messages")]
    Messages,
    /// The name of the tool that is called.
    #[serde(rename = "tool_call.name")]
    ToolName,
    /// The arguments that it is called with.
    #[serde(rename = "tool_call.arguments")]
    ToolArguments,
}

impl Part {
    /// The word used in JSON and on the terminal.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Messages => "messages",
            Self::ToolName => "tool_call.name",
            Self::ToolArguments => "tool_call.arguments",
        }
    }
}

impl Place {
    /// All of a part.
    #[must_use]
    pub const fn whole(part: Part) -> Self {
        Self { part, pointer: None, keyword: None, spans: Vec::new() }
    }

    /// The place as a record may hold it: a pointer is made of the keys of judged JSON.
    #[must_use]
    pub fn without_pointer(&self) -> Self {
        Self { pointer: None, ..self.clone() }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place")
            .field("part", &self.part)
            .field("keyword", &self.keyword)
            .field("spans", &self.spans)
            .finish_non_exhaustive()
    }
}
