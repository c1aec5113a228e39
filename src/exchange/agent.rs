//! Events of coding agents' hooks: what is judged in them, and the decision in words that an agent reads.
//!
//! The events are those of Claude Code, which other agents have taken over. A tool call is judged by the guard's rail for
//! tool calls; what a tool returned is one text in the role `tool`, made of every string in it.

use serde::Serialize;
use serde_json::{Map, Value};

use super::ExchangeError;
use crate::json;
use crate::request::{Request, RequestError, Role, ToolCall};
use crate::verdict::{CoverageReason, Decision, Verdict};

/// The events that are known, for messages.
pub(super) const EVENTS: &str =
    "PreToolUse, PostToolUse, UserPromptSubmit, Stop, SubagentStop, or no `hook_event_name` but a `text`";

/// A key from this many bytes on, or with a space in it, is judged as well: an instruction may hide there.
const LONG_KEY: usize = 32;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A tool is about to be called.
    PreToolUse,
    /// A tool has returned.
    PostToolUse,
    /// The person has sent a prompt.
    UserPromptSubmit,
    /// The agent has ended its answer.
    Stop,
    /// An agent of the agent's has.
    SubagentStop,
    /// A request of our own.
    Text,
}

impl Kind {
    const NAMED: [(Self, &'static str); 5] = [
        (Self::PreToolUse, "PreToolUse"),
        (Self::PostToolUse, "PostToolUse"),
        (Self::UserPromptSubmit, "UserPromptSubmit"),
        (Self::Stop, "Stop"),
        (Self::SubagentStop, "SubagentStop"),
    ];
}

/// An event of an agent.
#[derive(Clone, Debug)]
pub struct Event {
    /// What happened.
    pub kind: Kind,
    /// What is to be judged; nothing where the event brings no text.
    pub request: Option<Request>,
    /// Whether the agent goes on because a hook held its last answer (`stop_hook_active`). Holding that again might never end.
    pub held_before: bool,
}

impl Event {
    /// Reads an event, or a request of our own ([`Request::from_json_line`]) where it has no `hook_event_name`.
    ///
    /// # Errors
    /// [`ExchangeError`] for what is no JSON object, has a key twice, is an event of another kind or lacks a key, and for a text
    /// that cannot be judged.
    pub fn read(bytes: &[u8]) -> Result<Self, ExchangeError> {
        let text =
            std::str::from_utf8(bytes).map_err(|e| RequestError::InvalidUtf8 { at: e.valid_up_to() })?;
        let invalid =
            |at: usize, what: &str| RequestError::InvalidJson { column: at + 1, what: what.to_owned() };
        let value = json::parse(text).map_err(|found| match found.what {
            "unique_key" => invalid(found.at, "an object has a key twice"),
            _ => invalid(found.at, "not JSON"),
        })?;
        let Value::Object(mut event) = value else { return Err(invalid(0, "not a JSON object").into()) };
        let Some(name) = event.get("hook_event_name") else {
            let request = Some(Request::from_json_line(bytes)?);
            return Ok(Self { kind: Kind::Text, request, held_before: false });
        };
        let known = Kind::NAMED.iter().find(|(_, known)| name.as_str() == Some(known));
        let (kind, _) = *known.ok_or(ExchangeError::UnknownEvent)?;
        let held_before = event.get("stop_hook_active") == Some(&Value::Bool(true));
        Ok(Self { kind, request: request(kind, &mut event)?, held_before })
    }
}

/// What is judged in an event.
fn request(kind: Kind, event: &mut Map<String, Value>) -> Result<Option<Request>, ExchangeError> {
    let mut take = |key| event.remove(key).ok_or(ExchangeError::EventKey { key });
    let (text, role) = match kind {
        Kind::PreToolUse => {
            let name = into_text(take("tool_name")?).ok_or(ExchangeError::EventKey { key: "tool_name" })?;
            let call = ToolCall { name, arguments: take("tool_input")? };
            let request = Request { role: Role::Assistant, tool_call: Some(call), ..Request::default() };
            return Ok(Some(request));
        }
        Kind::PostToolUse => (strings(&take("tool_response")?), Role::Tool),
        Kind::UserPromptSubmit => {
            (into_text(take("prompt")?).ok_or(ExchangeError::EventKey { key: "prompt" })?, Role::User)
        }
        Kind::Stop | Kind::SubagentStop | Kind::Text => {
            let key = "last_assistant_message";
            let Ok(message) = take(key) else { return Ok(None) };
            (into_text(message).ok_or(ExchangeError::EventKey { key })?, Role::Assistant)
        }
    };
    if text.is_empty() { Ok(None) } else { Ok(Some(Request::new(text, role)?)) }
}

fn into_text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// Every string of a value, and every key that may hold an instruction, a line each.
fn strings(value: &Value) -> String {
    let mut found: Vec<&str> = Vec::new();
    let mut waiting = vec![value];
    while let Some(value) = waiting.pop() {
        match value {
            Value::String(text) => found.push(text),
            Value::Array(items) => waiting.extend(items.iter().rev()),
            Value::Object(entries) => {
                let long = |key: &&String| key.len() >= LONG_KEY || key.contains(char::is_whitespace);
                found.extend(entries.keys().filter(long).map(String::as_str));
                waiting.extend(entries.values().rev());
            }
            _ => {}
        }
    }
    found.retain(|text| !text.is_empty());
    found.join("\n")
}

/// What an agent is told of an event that does not go on as it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Answer {
    /// About a tool call.
    Permission {
        /// The decision.
        #[serde(rename = "hookSpecificOutput")]
        output: Permission,
    },
    /// About anything else.
    Block {
        /// Always `block`.
        decision: &'static str,
        /// Why, by rules and kinds of harm.
        reason: String,
    },
}

/// The decision about a tool call.
#[derive(Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Permission {
    /// Always `PreToolUse`.
    pub hook_event_name: &'static str,
    /// `deny`, or `ask` where a person is to decide.
    pub permission_decision: &'static str,
    /// Why, by rules and kinds of harm.
    pub permission_decision_reason: String,
    /// What the tool is to be called with instead, where rules rewrite that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_input: Option<Value>,
}

impl std::fmt::Debug for Permission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Permission")
            .field("permission_decision", &self.permission_decision)
            .field("permission_decision_reason", &self.permission_decision_reason)
            .finish_non_exhaustive()
    }
}

impl Answer {
    /// What to tell of an event of this kind with this verdict; nothing where it is allowed.
    ///
    /// A tool call that is held for a person is asked about, and one that is rewritten is asked about with its new arguments. A
    /// rewrite of anything else cannot be carried out by a hook, and blocks it.
    #[must_use]
    pub fn of(kind: Kind, verdict: &Verdict) -> Option<Self> {
        let reason = reason(verdict);
        let permission_decision = match (kind, verdict.decision) {
            (_, Decision::Allow) => return None,
            (Kind::PreToolUse, Decision::Veto) => "deny",
            (Kind::PreToolUse, _) => "ask",
            _ => return Some(Self::Block { decision: "block", reason }),
        };
        let call = verdict.tool_call.as_ref().filter(|_| verdict.decision == Decision::Rewrite);
        let updated_input = call.map(|call| call.arguments.clone());
        Some(Self::Permission {
            output: Permission {
                hook_event_name: "PreToolUse",
                permission_decision,
                permission_decision_reason: reason,
                updated_input,
            },
        })
    }
}

/// Why a verdict is what it is, in a line: the decision, and the rules that asked for it with their kinds of harm. It holds nothing
/// of the text.
#[must_use]
pub fn reason(verdict: &Verdict) -> String {
    let mut causes: Vec<String> = Vec::new();
    for finding in verdict.findings.iter().filter(|finding| finding.action == verdict.decision) {
        let cause = format!("{} ({})", finding.rule, finding.category);
        if !causes.contains(&cause) {
            causes.push(cause);
        }
    }
    causes.extend(verdict.coverage_reason.map(|reason| unjudged(reason).to_owned()));
    causes.extend(verdict.fault.as_ref().map(|fault| format!("a fault: {fault}")));
    let causes = if causes.is_empty() { "no rule".to_owned() } else { causes.join(" and ") };
    format!("portcullis: {} by {causes}", verdict.decision)
}

const fn unjudged(reason: CoverageReason) -> &'static str {
    match reason {
        CoverageReason::SizeLimit => "its size",
        CoverageReason::DecodeDepth => "an encoding too deep",
        CoverageReason::Deadline => "the deadline",
        CoverageReason::Fault => "a rail that failed",
        CoverageReason::UnsupportedLanguage => "a language that is not known",
        CoverageReason::Unreadable => "a lack of words that are known",
    }
}
