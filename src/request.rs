//! One text to judge, and the strict reader of its NDJSON form.

#[cfg(test)]
mod tests;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use thiserror::Error;

use crate::json::Strict;

/// Who produced the text; a policy's rules may differ by role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The person: an input to the assistant.
    #[default]
    User,
    /// The assistant: an output.
    Assistant,
    /// Retrieved or tool text, which may carry instructions of its own.
    Tool,
    /// The system prompt.
    System,
}

impl Role {
    /// Every role, in the order of this enum.
    pub const ALL: [Self; 4] = [Self::User, Self::Assistant, Self::Tool, Self::System];

    /// The word used in JSON, policies and flags.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
            Self::System => "system",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Role {
    type Err = RequestError;

    fn from_str(word: &str) -> Result<Self, RequestError> {
        Self::ALL.into_iter().find(|role| role.as_str() == word).ok_or(RequestError::UnknownRole)
    }
}

/// One turn of a conversation.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Who said it.
    pub role: Role,
    /// What was said.
    pub text: String,
}

/// A tool that the assistant asks to be called.
///
/// `Debug` shows no more than sizes, as with a request.
#[derive(Clone, PartialEq, Serialize)]
pub struct ToolCall {
    /// The tool's name.
    pub name: String,
    /// What it is called with.
    pub arguments: serde_json::Value,
}

/// One text to judge.
///
/// `Debug` shows lengths only: the judged text must not reach a log by accident.
#[derive(Clone, Default)]
pub struct Request {
    /// Echoed in the answer.
    pub id: Option<serde_json::Value>,
    /// The text; never holding NUL, and empty only beside a tool call, when it came through [`Request::new`] or the NDJSON
    /// reader.
    pub text: String,
    /// Who produced it.
    pub role: Role,
    /// Earlier turns, oldest first; the classifiers read some with the text where the policy's `[conversation]` says so.
    pub messages: Vec<Message>,
    /// Source texts the answer should rest on; read where the policy has a rule on `grounding.unsupported`.
    pub sources: Vec<String>,
    /// The tool call that comes with the text, or alone.
    pub tool_call: Option<ToolCall>,
    /// Data slice the decision is recorded under.
    pub slice: Option<String>,
    /// The language in which the reader wants templates, as a tag such as `de` or `pt-BR`.
    pub locale: Option<String>,
    /// Time allowed for this text, from the moment the guard takes it up.
    pub deadline: Option<Duration>,
}

/// Why a request cannot be judged. Messages never hold the text.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// No character to judge.
    #[error("the text is empty: expected at least one character")]
    EmptyText,
    /// A NUL character.
    #[error("the text holds a NUL character at byte {at}: expected text, found binary data")]
    NulByte {
        /// Byte offset of the first NUL.
        at: usize,
    },
    /// Bytes that are not UTF-8.
    #[error("invalid UTF-8 at byte {at}: expected UTF-8 text")]
    InvalidUtf8 {
        /// Byte offset of the first bad byte.
        at: usize,
    },
    /// Not JSON, or JSON of the wrong shape.
    #[error("invalid JSON at column {column}: {what}")]
    InvalidJson {
        /// Column in bytes, from 1.
        column: usize,
        /// What was found and expected.
        what: String,
    },
    /// A line longer than the reader takes.
    #[error("the line has more than {limit} bytes, the most that one request may have")]
    LineTooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// Neither `text` nor `messages`.
    #[error("no `text` and no `messages`: expected one of them")]
    MissingText,
    /// A role that does not exist.
    #[error("unknown role: expected user, assistant, tool or system")]
    UnknownRole,
}

impl RequestError {
    /// The word in an error record's `kind`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::EmptyText => "empty_text",
            Self::NulByte { .. } => "nul_byte",
            Self::InvalidUtf8 { .. } => "invalid_utf8",
            Self::InvalidJson { .. } => "invalid_json",
            Self::LineTooLong { .. } => "line_too_long",
            Self::MissingText => "missing_text",
            Self::UnknownRole => "unknown_role",
        }
    }
}

impl Request {
    /// A request for `text` in the role `role`.
    ///
    /// # Errors
    /// [`RequestError::EmptyText`] and [`RequestError::NulByte`].
    pub fn new(text: impl Into<String>, role: Role) -> Result<Self, RequestError> {
        let text = text.into();
        accept_text(&text)?;
        Ok(Self { text, role, ..Self::default() })
    }

    /// A request from raw bytes, such as a file or standard input.
    ///
    /// # Errors
    /// As [`Request::new`], and [`RequestError::InvalidUtf8`].
    pub fn from_bytes(bytes: &[u8], role: Role) -> Result<Self, RequestError> {
        let text =
            std::str::from_utf8(bytes).map_err(|e| RequestError::InvalidUtf8 { at: e.valid_up_to() })?;
        Self::new(text, role)
    }

    /// Reads one NDJSON line (without its `\n`).
    ///
    /// With `messages` and no `text`, the last message is judged, in its own role. With a `tool_call` there need be no `text`; the
    /// role is then the assistant's, unless it is given, and all messages are earlier turns.
    ///
    /// # Errors
    /// Any [`RequestError`]; unknown keys are [`RequestError::InvalidJson`], because a misspelt `role`
    /// would otherwise be judged under the wrong rules.
    pub fn from_json_line(line: &[u8]) -> Result<Self, RequestError> {
        Self::read_json(line, false)
    }

    /// As [`Request::from_json_line`], but keys that are not known are passed over, as a data set's rows need.
    ///
    /// # Errors
    /// Any [`RequestError`].
    pub fn from_json_line_lenient(line: &[u8]) -> Result<Self, RequestError> {
        Self::read_json(line, true)
    }

    fn read_json(line: &[u8], lenient: bool) -> Result<Self, RequestError> {
        let wire: Wire = read_object(line, &KEYS, lenient)?;
        let role = wire.role.as_deref().map(Role::from_str).transpose()?;
        let mut messages = wire
            .messages
            .unwrap_or_default()
            .into_iter()
            .map(|m| Ok(Message { role: m.role.parse()?, text: m.content }))
            .collect::<Result<Vec<_>, RequestError>>()?;
        let tool_call = wire.tool_call.map(|call| ToolCall { name: call.name, arguments: call.arguments.0 });
        let default = if tool_call.is_some() { Role::Assistant } else { Role::default() };
        let (text, role) = match wire.text {
            Some(text) => (text, role.unwrap_or(default)),
            None if tool_call.is_some() => (String::new(), role.unwrap_or(default)),
            None => {
                let last = messages.pop().ok_or(RequestError::MissingText)?;
                (last.text, role.unwrap_or(last.role))
            }
        };
        if !(text.is_empty() && tool_call.is_some()) {
            accept_text(&text)?;
        }
        Ok(Self {
            id: wire.id,
            text,
            role,
            messages,
            sources: wire.sources.unwrap_or_default(),
            tool_call,
            slice: wire.slice,
            locale: wire.locale,
            deadline: wire.deadline_ms.map(Duration::from_millis),
        })
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("bytes", &self.text.len())
            .field("role", &self.role)
            .field("messages", &self.messages.len())
            .field("sources", &self.sources.len())
            .field("tool_call", &self.tool_call)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("role", &self.role).field("bytes", &self.text.len()).finish()
    }
}

impl fmt::Debug for ToolCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolCall").field("name_bytes", &self.name.len()).finish_non_exhaustive()
    }
}

fn accept_text(text: &str) -> Result<(), RequestError> {
    if text.is_empty() {
        return Err(RequestError::EmptyText);
    }
    match text.bytes().position(|b| b == 0) {
        Some(at) => Err(RequestError::NulByte { at }),
        None => Ok(()),
    }
}

const KEYS: [&str; 9] =
    ["id", "text", "role", "messages", "sources", "tool_call", "slice", "locale", "deadline_ms"];

/// Reads a line as an object of these keys; where `lenient`, others are passed over.
pub(crate) fn read_object<T: DeserializeOwned>(
    line: &[u8],
    keys: &[&str],
    lenient: bool,
) -> Result<T, RequestError> {
    let text = std::str::from_utf8(line).map_err(|e| RequestError::InvalidUtf8 { at: e.valid_up_to() })?;
    // serde would take an array for the object, its elements for the keys in order.
    if !text.trim_start().starts_with('{') {
        return Err(RequestError::InvalidJson { column: 1, what: "not a JSON object".to_owned() });
    }
    if lenient {
        serde_json::from_str::<serde_json::Map<_, _>>(text).and_then(|mut row| {
            row.retain(|key, _| keys.contains(&key.as_str()));
            serde_json::from_value(row.into())
        })
    } else {
        serde_json::from_str(text)
    }
    .map_err(|e| json_error(&e, keys))
}

/// The message of a JSON error without any of the line's own content: serde_json quotes offending strings.
fn json_error(error: &serde_json::Error, keys: &[&str]) -> RequestError {
    use serde_json::error::Category;
    let what = match error.classify() {
        Category::Eof => "the line ends inside the object".to_owned(),
        Category::Syntax | Category::Io => "not a JSON object".to_owned(),
        Category::Data => {
            format!(
                "expected an object with the keys {} only, each once and of its own type",
                keys.join(", ")
            )
        }
    };
    RequestError::InvalidJson { column: error.column(), what }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    #[serde(default)]
    id: Option<serde_json::Value>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    role: Option<String>,
    #[serde(default)]
    messages: Option<Vec<WireMessage>>,
    #[serde(default)]
    sources: Option<Vec<String>>,
    #[serde(default)]
    tool_call: Option<WireCall>,
    #[serde(default)]
    slice: Option<String>,
    #[serde(default)]
    locale: Option<String>,
    #[serde(default)]
    deadline_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireCall {
    name: String,
    arguments: Strict,
}

#[derive(Deserialize)]
struct WireMessage {
    role: String,
    content: String,
}
