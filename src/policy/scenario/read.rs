//! The reader of one file of scenario tests, noting every mistake on the way.

mod call;

use std::collections::HashMap;
use std::path::Path;

use toml::de::DeTable;

use super::{Expected, MAX_CASES, Scenario};
use crate::policy::error::{PolicyError, PolicyErrors};
use crate::policy::source::Source;
use crate::policy::table::{Found, Table, shorten, wrong_value};
use crate::policy::{Policy, suggest};
use crate::request::{Message, Request, Role};
use crate::verdict::Decision;

const KEYS: [&str; 1] = ["case"];
const CASE_KEYS: [&str; 13] = [
    "name",
    "text",
    "role",
    "slice",
    "locale",
    "messages",
    "sources",
    "tool_call",
    "expect",
    "never",
    "rule",
    "not_rule",
    "text_after",
];
const MESSAGE_KEYS: [&str; 2] = ["role", "content"];
const DECISIONS: [(&str, Decision); 4] = [
    ("allow", Decision::Allow),
    ("rewrite", Decision::Rewrite),
    ("escalate", Decision::Escalate),
    ("veto", Decision::Veto),
];
const ROLES: [(&str, Role); 4] =
    [("user", Role::User), ("assistant", Role::Assistant), ("tool", Role::Tool), ("system", Role::System)];
const MOST_NAME: usize = 200;

pub(super) fn scenarios(text: &str, file: &Path, policy: &Policy) -> Result<Vec<Scenario>, PolicyErrors> {
    let source = Source::new(text, &file.display().to_string());
    let (root, syntax) = DeTable::parse_recoverable(text);
    let mut found = Found::new();
    let root = Table { name: "the file", entries: root.get_ref(), place: 0..0 };
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let cases = cases(&root, &source, &stem, policy, &mut found);
    if !syntax.is_empty() {
        // What follows from a mistake in the syntax is no mistake of its own.
        found = syntax
            .iter()
            .map(|error| {
                let what = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
                (error.span().unwrap_or(text.len()..text.len()), PolicyError::Syntax { what })
            })
            .collect();
    }
    if found.is_empty() { Ok(cases) } else { Err(PolicyErrors::new(&source, found)) }
}

fn cases(
    root: &Table<'_, '_>,
    source: &Source,
    file: &str,
    policy: &Policy,
    found: &mut Found,
) -> Vec<Scenario> {
    root.only(&KEYS, found);
    let expected = "at least one `[[case]]`";
    root.require("case", expected, found);
    let Some(value) = root.value("case") else { return Vec::new() };
    let Some(items) = value.get_ref().as_array() else {
        let expected = "list of tables, each under `[[case]]`";
        let error = PolicyError::WrongType { key: "case", found: value.get_ref().type_str(), expected };
        found.push((value.span(), error));
        return Vec::new();
    };
    if items.len() > MAX_CASES {
        let error = PolicyError::TooMany { what: "cases in its tests", found: items.len(), limit: MAX_CASES };
        found.push((value.span(), error));
        return Vec::new();
    }
    let mut cases: Vec<Scenario> = Vec::new();
    let mut seen: HashMap<String, usize> = HashMap::new();
    for item in items.iter() {
        let Some(entries) = item.get_ref().as_table() else {
            let expected = "list of tables, each under `[[case]]`";
            let error = PolicyError::WrongType { key: "case", found: item.get_ref().type_str(), expected };
            found.push((item.span(), error));
            continue;
        };
        let table = Table { name: "this case", entries, place: item.span() };
        let Some((name, request, expected)) = case(&table, policy, found) else { continue };
        let place = table.value("name").map_or(item.span(), |name| name.span());
        if let Some(first) = seen.insert(name.clone(), source.line(place.start)) {
            let expected = format!("another name than that on line {first}");
            wrong_value::<()>("name", &name, &expected, place, found);
        }
        let line = source.line(table.place.start);
        cases.push(Scenario { name, file: file.to_owned(), line, request, expected });
    }
    cases
}

fn case(table: &Table<'_, '_>, policy: &Policy, found: &mut Found) -> Option<(String, Request, Expected)> {
    table.only(&CASE_KEYS, found);
    table.require("name", "a name, unique in the file", found);
    let tool_call = call::tool_call(table, found);
    if !table.has("tool_call") {
        table.require("text", "the text that is judged", found);
    }
    let name = table.string("name", found).and_then(|(name, place)| {
        let fits = !name.trim().is_empty() && name.len() <= MOST_NAME && !name.contains(char::is_control);
        let expected = "text of 1 to 200 bytes, without control characters";
        if fits { Some(name.to_owned()) } else { wrong_value("name", name, expected, place, found) }
    });
    let usual = if table.has("tool_call") { Role::Assistant } else { Role::User };
    let role = table.word("role", &ROLES, found).map_or(usual, |(role, _)| role);
    let request = match table.string("text", found) {
        None => tool_call.is_some().then(|| Request { role, ..Request::default() }),
        Some((text, place)) => match Request::new(text, role) {
            Ok(request) => Some(request),
            Err(error) => {
                found.push((place, PolicyError::Conflict { what: error.to_string() }));
                None
            }
        },
    };
    let own = |key, found: &mut Found| table.string(key, found).map(|(text, _)| text.to_owned());
    let (slice, locale) = (own("slice", found), own("locale", found));
    let messages = messages(table, found);
    let sources = table.strings("sources", found).into_iter().map(|(text, _)| text.to_owned()).collect();
    let expected = expected(table, policy, found);
    Some((name?, Request { slice, locale, messages, sources, tool_call, ..request? }, expected))
}

fn expected(table: &Table<'_, '_>, policy: &Policy, found: &mut Found) -> Expected {
    let decision = table.word("expect", &DECISIONS, found);
    let never = table.words("never", &DECISIONS, found).map(|(never, _)| never).unwrap_or_default();
    let expected = Expected {
        decision: decision.as_ref().map(|(decision, _)| *decision),
        rules: rules("rule", table, policy, found),
        not_rules: rules("not_rule", table, policy, found),
        text_after: table.string("text_after", found).map(|(text, _)| text.to_owned()),
        never,
    };
    if ["expect", "never", "rule", "not_rule", "text_after"].iter().all(|key| !table.has(key)) {
        let what = "the case expects nothing, expected `expect`, `never`, `rule`, `not_rule` or `text_after`";
        found.push((table.place.clone(), PolicyError::Conflict { what: what.to_owned() }));
    }
    if let Some((decision, place)) = decision {
        if expected.never.contains(&decision) {
            let what = format!("the case expects `{decision}` and never `{decision}`, expected one of them");
            found.push((place.clone(), PolicyError::Conflict { what }));
        }
        if expected.text_after.is_some() && !decision.releases() {
            let what = format!("no text is released after `{decision}`, expected no `text_after`");
            found.push((place, PolicyError::Conflict { what }));
        }
    }
    expected
}

/// The ids of rules: one, or a list of them.
fn rules(key: &'static str, table: &Table<'_, '_>, policy: &Policy, found: &mut Found) -> Vec<String> {
    let is_list = table.value(key).is_some_and(|value| value.get_ref().is_array());
    let named =
        if is_list { table.strings(key, found) } else { table.string(key, found).into_iter().collect() };
    let mut rules = Vec::new();
    for (id, place) in named {
        let known = policy.rules().iter().map(|rule| rule.id.as_str());
        if known.clone().any(|other| other == id) {
            rules.push(id.to_owned());
        } else {
            let expected = format!("the id of a rule; {}", suggest::hint(id, known));
            wrong_value::<()>(key, &shorten(id), &expected, place, found);
        }
    }
    rules
}

fn messages(table: &Table<'_, '_>, found: &mut Found) -> Vec<Message> {
    let Some(value) = table.value("messages") else { return Vec::new() };
    let expected = "list of tables with `role` and `content`";
    let Some(items) = value.get_ref().as_array() else {
        let error = PolicyError::WrongType { key: "messages", found: value.get_ref().type_str(), expected };
        found.push((value.span(), error));
        return Vec::new();
    };
    let mut messages = Vec::new();
    for item in items.iter() {
        let Some(entries) = item.get_ref().as_table() else {
            let found_type = item.get_ref().type_str();
            found
                .push((item.span(), PolicyError::WrongType { key: "messages", found: found_type, expected }));
            continue;
        };
        let message = Table { name: "this message", entries, place: item.span() };
        message.only(&MESSAGE_KEYS, found);
        message.require("role", "user, assistant, tool or system", found);
        message.require("content", "what was said", found);
        let role = message.word("role", &ROLES, found);
        let content = message.string("content", found);
        if let (Some((role, _)), Some((content, _))) = (role, content) {
            messages.push(Message { role, text: content.to_owned() });
        }
    }
    messages
}
