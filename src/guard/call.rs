//! A tool call's arguments: each string in them is judged as a text of its own, and joined to the verdict on the call.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::policy::Policy;
use crate::record::Evidence;
use crate::request::{Request, Role, ToolCall};
use crate::span::Span;
use crate::verdict::{Coverage, CoverageReason, Decision, Part, Place, Verdict};

/// Most strings of one call that are judged; a call with more is a fault.
const MOST: usize = 256;
/// A key from this many bytes on, or with a space in it, is judged as well: an instruction may hide there.
const LONG_KEY: usize = 32;

/// The strings of a call's arguments.
pub(super) struct Call {
    call: ToolCall,
    strings: Vec<Argument>,
    /// Whether there are more than are judged.
    more: bool,
}

/// One string, and the value that it is or is the key of.
struct Argument {
    request: Request,
    pointer: String,
    is_key: bool,
}

impl Call {
    /// The call of a request.
    pub(super) fn of(request: &Request) -> Option<Self> {
        let call = request.tool_call.clone()?;
        let mut strings = Vec::new();
        let mut keys = BTreeSet::new();
        let mut waiting = vec![(String::new(), &call.arguments)];
        while let Some((pointer, value)) = waiting.pop() {
            match value {
                Value::String(text) => strings.push((pointer, text, false)),
                Value::Array(items) => {
                    let items = items.iter().enumerate().rev();
                    waiting.extend(items.map(|(place, item)| (format!("{pointer}/{place}"), item)));
                }
                Value::Object(entries) => {
                    for (key, value) in entries.iter().rev() {
                        let pointer = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                        if (key.len() >= LONG_KEY || key.contains(char::is_whitespace)) && keys.insert(key) {
                            strings.push((pointer.clone(), key, true));
                        }
                        waiting.push((pointer, value));
                    }
                }
                _ => {}
            }
            // What is not judged need not be gathered.
            if strings.len() > MOST {
                break;
            }
        }
        strings.retain(|(_, text, _)| !text.is_empty());
        let more = strings.len() > MOST;
        strings.truncate(MOST);
        let argument = |(pointer, text, is_key): (String, &String, bool)| Argument {
            request: Request {
                text: text.clone(),
                // What a tool is given is what it was told elsewhere as often as not.
                role: Role::Tool,
                slice: request.slice.clone(),
                locale: request.locale.clone(),
                deadline: request.deadline,
                ..Request::default()
            },
            pointer,
            is_key,
        };
        let strings = strings.into_iter().map(argument).collect();
        Some(Self { strings, more, call })
    }

    /// The strings, as texts in the role `tool`.
    pub(super) fn requests(&self) -> impl Iterator<Item = &Request> {
        self.strings.iter().map(|string| &string.request)
    }

    /// For each string whether it is a key.
    pub(super) fn keys(&self) -> impl Iterator<Item = bool> {
        self.strings.iter().map(|string| string.is_key)
    }

    /// How many there are.
    pub(super) const fn len(&self) -> usize {
        self.strings.len()
    }

    /// Joins the verdicts on the strings to that on the text and the call as a whole: the strongest decides. A call that is
    /// released is in the verdict, rewritten where its strings are.
    pub(super) fn join(
        &self,
        parts: Vec<Verdict>,
        policy: &Policy,
        verdict: &mut Verdict,
        evidence: &mut Evidence,
    ) {
        let mut call = self.call.clone();
        let mut rewritten = false;
        for (string, part) in self.strings.iter().zip(parts) {
            let Argument { pointer, is_key, .. } = string;
            let mut decision = part.decision;
            let mut fault = part.fault;
            if let (Decision::Rewrite, Some(text)) = (decision, part.text) {
                match call.arguments.pointer_mut(pointer).filter(|_| !is_key) {
                    Some(value) => {
                        rewritten |= !part.edits.is_empty();
                        *value = Value::String(text);
                    }
                    None => {
                        decision = Decision::Veto;
                        fault = Some("a rule would rewrite a key of the tool call's arguments".to_owned());
                    }
                }
            }
            for mut finding in part.findings {
                finding.place = Some(place_of(string, std::mem::take(&mut finding.spans)));
                verdict.findings.push(finding);
            }
            for mut used in part.exceptions {
                used.place = Some(place_of(string, std::mem::take(&mut used.spans)));
                verdict.exceptions.push(used);
            }
            for ((_, most), (_, score)) in verdict.scores.iter_mut().zip(part.scores) {
                *most = most.max(score);
            }
            if part.coverage != Coverage::Full && verdict.coverage == Coverage::Full {
                (verdict.coverage, verdict.coverage_reason) = (Coverage::Partial, part.coverage_reason);
            }
            verdict.decision = verdict.decision.max(decision);
            verdict.device = verdict.device.take().or(part.device);
            verdict.fault = verdict.fault.take().or(fault);
        }
        evidence.more_arguments = self.more;
        if self.more {
            fail(verdict, policy, format!("the tool call's arguments hold more than {MOST} strings"));
        }
        let fits = |call: &ToolCall| {
            policy
                .tools()
                .schema(&call.name)
                .is_none_or(|schema| schema.violations(&call.arguments).is_empty())
        };
        if rewritten && verdict.decision.releases() && !fits(&call) {
            evidence.misfit = true;
            verdict.decision = Decision::Veto;
            verdict.fault = Some("the rewritten arguments do not fit the schema of their tool".to_owned());
        }
        if verdict.decision.releases() {
            verdict.tool_call = Some(call);
        } else {
            verdict.text = None;
            verdict.edits.clear();
        }
    }
}

/// Where these spans of a string are, as places in the call.
fn place_of(string: &Argument, spans: Vec<Span>) -> Place {
    Place {
        part: Part::ToolArguments,
        pointer: Some(string.pointer.clone()),
        keyword: string.is_key.then(|| "key".to_owned()),
        spans,
    }
}

/// What is not judged is a fault.
fn fail(verdict: &mut Verdict, policy: &Policy, what: String) {
    if verdict.coverage == Coverage::Full {
        (verdict.coverage, verdict.coverage_reason) = (Coverage::Partial, Some(CoverageReason::SizeLimit));
    }
    verdict.decision = verdict.decision.max(policy.on_fault());
    verdict.fault = Some(what);
}
