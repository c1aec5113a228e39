//! The reader of a policy document: from TOML to a [`Policy`], noting every mistake on the way.

mod conversation;
pub(super) mod file;
mod governance;
mod head;
mod hosts;
mod list;
mod rollback;
mod rule;
mod schema;
mod tool;
mod warning;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Error as TomlError};

use self::file::Folder;
use super::error::{PolicyError, PolicyErrors};
use super::governance::Governance;
use super::open::BUNDLE_FILE;
use super::rule::{Action, Rule};
use super::source::Source;
use super::table::{Found, Placed, Table, shorten, wrong_value};
use super::{MAX_POLICY_BYTES, MAX_RULES, OnDeadline, OnDeviceFailure, OnLogFailure, Policy, suggest};
use crate::verdict::Decision;

const KEYS: [&str; 24] = [
    "schema",
    "revision",
    "id",
    "version",
    "description",
    "governance",
    "on_fault",
    "on_unsupported",
    "on_deadline",
    "on_log_failure",
    "on_device_failure",
    "max_bytes",
    "max_decode_depth",
    "rule",
    "stream",
    "list",
    "head",
    "urls",
    "json_schema",
    "conversation",
    "rollback",
    "tools",
    "tool",
    "templates",
];
const STREAM_KEYS: [&str; 1] = ["veto_template"];
const DEFAULT_MAX_BYTES: u64 = 1 << 20;
const MOST_MAX_BYTES: u64 = 1 << 30;
const DEFAULT_MAX_DECODE_DEPTH: u64 = 3;
const MOST_MAX_DECODE_DEPTH: u64 = 8;
const MAX_TEMPLATE_BYTES: usize = 64 << 10;

pub(super) fn policy(text: &str, file: &str, folder: Folder<'_>) -> Result<Policy, PolicyErrors> {
    if text.len() > MAX_POLICY_BYTES {
        let error = PolicyError::TooLarge { found: text.len(), limit: MAX_POLICY_BYTES };
        return Err(PolicyErrors::new(&Source::new("", file), vec![(0..0, error)]));
    }
    let source = Source::new(text, file);
    let (root, syntax) = DeTable::parse_recoverable(text);
    let mut found = Found::new();
    let root = Table { name: "the policy", entries: root.get_ref(), place: 0..0 };
    let policy = document(&root, &source, folder, &mut found);
    if !syntax.is_empty() {
        found = with_syntax_errors(&syntax, found, &source, text.len());
    }
    match policy {
        Some(policy) if found.is_empty() => Ok(policy),
        _ => Err(PolicyErrors::new(&source, found)),
    }
}

/// The policy, or `None` after a mistake that leaves a part of it without a value; each such mistake is in `found`.
fn document(root: &Table<'_, '_>, source: &Source, folder: Folder<'_>, found: &mut Found) -> Option<Policy> {
    root.only(&KEYS, found);
    let schema = governance::schema(root, found);
    let (revision, governance) = match schema {
        governance::OLD => {
            governance::only_old_keys(root, found);
            (0, Governance::default())
        }
        _ => (governance::revision(root, schema, found), governance::governance(root, schema, found)),
    };
    root.require("id", "a name", found);
    let id = name(root, "id", found);
    root.require("version", "a version such as \"1.0.0\"", found);
    let version = root.string("version", found).and_then(|(text, place)| match is_version(text) {
        true => Some(text),
        false => wrong_value("version", text, "three numbers such as 1.4.0", place, found),
    });
    let description = root.string("description", found).map_or("", |(text, _)| text);
    let on_fault = on_fault(root, found);
    let on_unsupported = root.word("on_unsupported", &UNSUPPORTED, found).map(|(decision, _)| decision);
    let on_deadline = root.word("on_deadline", &DEADLINE, found).map(|(on_deadline, _)| on_deadline);
    let on_log_failure = root.word("on_log_failure", &LOG_FAILURE, found).map(|(failure, _)| failure);
    let on_device_failure =
        root.word("on_device_failure", &DEVICE_FAILURE, found).map(|(failure, _)| failure);
    let max_bytes = root.integer("max_bytes", found).map_or(DEFAULT_MAX_BYTES, |(bytes, place)| {
        if !(1..=MOST_MAX_BYTES).contains(&bytes) {
            let expected = format!("from 1 to {MOST_MAX_BYTES}");
            wrong_value::<()>("max_bytes", &bytes.to_string(), &expected, place, found);
        }
        bytes
    });
    let max_decode_depth =
        root.integer("max_decode_depth", found).map_or(DEFAULT_MAX_DECODE_DEPTH, |(depth, place)| {
            if depth > MOST_MAX_DECODE_DEPTH {
                let expected = format!("from 0 to {MOST_MAX_DECODE_DEPTH}");
                wrong_value::<()>("max_decode_depth", &depth.to_string(), &expected, place, found);
            }
            depth
        });
    let templates = templates(root, found);
    let rules = rules(root, schema, source, found);
    let ending = stream(root, found);
    check_templates(&rules, ending.as_ref(), &templates, found);
    let lists = list::lists(root, source, folder, found);
    let heads = head::heads(root, source, folder, found);
    let hosts = hosts::hosts(root, found);
    hosts::check(&rules, &hosts, found);
    let schemas = schema::schemas(root, source, folder, found);
    let turns = conversation::turns(root, found);
    let rollback = rollback::rollback(root, found);
    let tools = tool::tools(root, source, folder, found);
    tool::check(&rules, &tools.tools, found);
    let idle = tool::idle(root, &rules, &tools.tools);
    let mut warnings = warning::warnings(&rules, ending.as_ref(), &templates, &lists, &schemas, idle, source);
    warnings.extend(head::unused(&heads, &rules, source));
    warnings.sort_by_key(|warning| (warning.line, warning.column));
    Some(Policy {
        schema,
        revision,
        governance,
        id: id?.to_owned(),
        version: version?.to_owned(),
        description: description.to_owned(),
        on_fault,
        on_unsupported: on_unsupported.unwrap_or(Decision::Escalate),
        on_deadline: on_deadline.unwrap_or_default(),
        on_log_failure: on_log_failure.unwrap_or_default(),
        on_device_failure: on_device_failure.unwrap_or_default(),
        max_bytes: usize::try_from(max_bytes).ok()?,
        max_decode_depth: usize::try_from(max_decode_depth).ok()?,
        rules,
        templates: templates
            .into_iter()
            .map(|(name, (text, _))| (name.to_owned(), text.to_owned()))
            .collect(),
        veto_template: ending.map(|(name, _)| name.to_owned()),
        warnings,
        digest: file::digest(
            source.text(),
            list::files(&lists)
                .chain(schema::files(&schemas))
                .chain(tools.files())
                .map(|(name, file)| (name.to_owned(), file))
                .chain(head::files(&heads)),
        ),
        lists: lists.into_iter().map(|list| list.words).collect(),
        hosts,
        heads,
        turns,
        rollback,
        tools: tools.tools,
        schemas: schemas.into_iter().map(|read| read.schema).collect(),
        bundle: match folder {
            Folder::Disk(folder) => Some(folder.to_owned())
                .filter(|_| Path::new(source.file()).file_name().is_some_and(|name| name == BUNDLE_FILE)),
            Folder::None | Folder::Memory(_) => None,
        },
        source: source.clone(),
    })
}

const UNSUPPORTED: [(&str, Decision); 3] =
    [("allow", Decision::Allow), ("escalate", Decision::Escalate), ("veto", Decision::Veto)];

const DEADLINE: [(&str, OnDeadline); 2] = [("fault", OnDeadline::Fault), ("exit", OnDeadline::Exit)];
const DEVICE_FAILURE: [(&str, OnDeviceFailure); 2] =
    [("cpu", OnDeviceFailure::Cpu), ("fault", OnDeviceFailure::Fault)];
const LOG_FAILURE: [(&str, OnLogFailure); 2] =
    [("fault", OnLogFailure::Fault), ("continue", OnLogFailure::Continue)];

fn on_fault(root: &Table<'_, '_>, found: &mut Found) -> Decision {
    match root.string("on_fault", found) {
        None | Some(("veto", _)) => Decision::Veto,
        Some(("escalate", _)) => Decision::Escalate,
        Some((word, place)) => {
            let expected = "veto or escalate: a text that could not be judged is never released";
            wrong_value("on_fault", word, expected, place, found).unwrap_or(Decision::Veto)
        }
    }
}

/// A name of letters, digits, `.`, `_` and `-`.
fn name<'t>(table: &Table<'t, '_>, key: &'static str, found: &mut Found) -> Option<&'t str> {
    let (text, place) = table.string(key, found)?;
    match is_name(text) {
        true => Some(text),
        false => wrong_value(
            key,
            text,
            "1 to 64 ASCII letters, digits, `.`, `_` and `-`, a letter first",
            place,
            found,
        ),
    }
}

fn is_name(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

/// Three numbers, then perhaps `-` and a pre-release name, as in Semantic Versioning 2.0.0.
fn is_version(text: &str) -> bool {
    let (core, pre) = text.split_once('-').unwrap_or((text, "x"));
    let numbers: Vec<&str> = core.split('.').collect();
    let is_number = |n: &&str| {
        (1..=9).contains(&n.len())
            && n.bytes().all(|b| b.is_ascii_digit())
            && (n.len() == 1 || !n.starts_with('0'))
    };
    let is_pre = pre.len() <= 64
        && pre.split('.').all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
    numbers.len() == 3 && numbers.iter().all(is_number) && is_pre
}

/// The templates by name, each with the place of its name.
type Templates<'t> = BTreeMap<&'t str, Placed<&'t str>>;

fn templates<'t>(root: &Table<'t, '_>, found: &mut Found) -> Templates<'t> {
    let Some(value) = root.value("templates") else { return BTreeMap::new() };
    let Some(entries) = value.get_ref().as_table() else {
        let error = PolicyError::WrongType {
            key: "templates",
            found: value.get_ref().type_str(),
            expected: "table of strings",
        };
        found.push((value.span(), error));
        return BTreeMap::new();
    };
    let mut templates = BTreeMap::new();
    for (key, value) in entries {
        let name = key.get_ref().as_ref();
        if !is_name(name) {
            let expected = "a name of ASCII letters, digits, `.`, `_` and `-`";
            wrong_value::<()>("templates", name, expected, key.span(), found);
        }
        let expected = match value.get_ref().as_str() {
            Some(text) if text.trim().is_empty() => "text: an empty answer explains nothing",
            Some(text) if text.len() > MAX_TEMPLATE_BYTES => "at most 65536 bytes",
            Some(text) => {
                templates.insert(name, (text, key.span()));
                continue;
            }
            None => "a string",
        };
        // The name is known all the same: rules that use it are not a second mistake.
        templates.insert(name, ("", key.span()));
        wrong_value::<()>("templates", name, expected, value.span(), found);
    }
    templates
}

fn rules(root: &Table<'_, '_>, schema: u64, source: &Source, found: &mut Found) -> Vec<Rule> {
    let expected = "at least one `[[rule]]`";
    root.require("rule", expected, found);
    let Some(value) = root.value("rule") else { return Vec::new() };
    let wrong = |value: &Spanned<DeValue<'_>>| {
        let found = value.get_ref().type_str();
        (
            value.span(),
            PolicyError::WrongType { key: "rule", found, expected: "list of tables, each under `[[rule]]`" },
        )
    };
    let Some(items) = value.get_ref().as_array() else {
        found.push(wrong(value));
        return Vec::new();
    };
    if items.len() > MAX_RULES {
        let error = PolicyError::TooManyRules { found: items.len(), limit: MAX_RULES };
        found.push((value.span(), error));
        return Vec::new();
    }
    if items.is_empty() {
        found.push((value.span(), PolicyError::MissingKey { key: "rule", table: "the policy", expected }));
    }
    let mut rules = Vec::new();
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for item in items.iter() {
        let Some(entries) = item.get_ref().as_table() else {
            found.push(wrong(item));
            continue;
        };
        let table = Table { name: "this rule", entries, place: item.span() };
        if let Some((id, place)) = table.value("id").and_then(|id| Some((id.get_ref().as_str()?, id.span())))
        {
            if let Some(&first) = seen.get(id) {
                found.push((place, PolicyError::DuplicateRule { id: shorten(id), first }));
            } else {
                seen.insert(id, source.line(place.start));
            }
        }
        rules.extend(rule::read(&table, schema, found));
    }
    rules
}

/// The name of the template in `[stream]`.
fn stream<'t>(root: &Table<'t, '_>, found: &mut Found) -> Option<Placed<&'t str>> {
    let value = root.value("stream")?;
    let Some(entries) = value.get_ref().as_table() else {
        let error =
            PolicyError::WrongType { key: "stream", found: value.get_ref().type_str(), expected: "table" };
        found.push((value.span(), error));
        return None;
    };
    let table = Table { name: "`[stream]`", entries, place: value.span() };
    table.only(&STREAM_KEYS, found);
    table.string("veto_template", found)
}

/// Every name of a template that something asks for, with its place.
fn asked<'a>(
    rules: &'a [Rule],
    ending: Option<&'a Placed<&str>>,
) -> impl Iterator<Item = Placed<&'a str>> + Clone {
    let of_rule = |rule: &'a Rule| match &rule.action {
        Action::Rewrite(replacement) => Some((replacement.template()?, rule.places.action.clone())),
        Action::Escalate | Action::Veto => None,
    };
    rules.iter().filter_map(of_rule).chain(ending.map(|(name, place)| (*name, place.clone())))
}

fn check_templates(
    rules: &[Rule],
    ending: Option<&Placed<&str>>,
    templates: &Templates<'_>,
    found: &mut Found,
) {
    for (name, place) in asked(rules, ending).filter(|(name, _)| !templates.contains_key(name)) {
        let hint = suggest::hint(name, templates.keys().copied());
        found.push((place, PolicyError::UndefinedTemplate { name: shorten(name), hint }));
    }
}

/// Syntax errors, and of the other mistakes those that a syntax error elsewhere cannot have caused.
fn with_syntax_errors(syntax: &[TomlError], found: Found, source: &Source, len: usize) -> Found {
    let mut all: Found = Vec::new();
    let mut lines = Vec::new();
    for error in syntax {
        let place = error.span().unwrap_or(len..len);
        lines.push(source.line(place.start));
        // The reader's words may run over several lines.
        let what = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
        all.push((place, PolicyError::Syntax { what }));
    }
    lines.sort_unstable();
    all.extend(found.into_iter().filter(|(place, error)| {
        let independent = matches!(
            error,
            PolicyError::UnknownKey { .. }
                | PolicyError::WrongType { .. }
                | PolicyError::WrongValue { .. }
                | PolicyError::DuplicateRule { .. }
        );
        independent && lines.binary_search(&source.line(place.start)).is_err()
    }));
    all
}
