//! The reader of `[tools]` and `[[tool]]`: which tools may be called, and with what.

use std::collections::HashMap;
use std::ops::Range;

use toml::Spanned;

use super::file::Folder;
use super::schema::{compiled, tables};
use crate::policy::MAX_TOOLS;
use crate::policy::error::{PolicyError, PolicyWarning};
use crate::policy::rule::{Rule, Selector};
use crate::policy::source::Source;
use crate::policy::table::{Found, Table, shorten, wrong_value};
use crate::rails::tool::Tools;

const ALLOW_KEYS: [&str; 1] = ["allow"];
const KEYS: [&str; 3] = ["name", "file", "inline"];
const NAME: &str = "a name of 1 to 128 bytes without spaces and control characters";

/// The tools, and what the files of their schemas held.
#[derive(Default)]
pub(super) struct Read {
    pub(super) tools: Tools,
    /// Under `tool.` and the tool's name.
    files: Vec<(String, blake3::Hash)>,
}

impl Read {
    /// The files, each under its name.
    pub(super) fn files(&self) -> impl Iterator<Item = (&str, &blake3::Hash)> {
        self.files.iter().map(|(name, hash)| (name.as_str(), hash))
    }
}

pub(super) fn tools(root: &Table<'_, '_>, source: &Source, folder: Folder<'_>, found: &mut Found) -> Read {
    let mut read = Read::default();
    read.tools.allow = allowed(root, found);
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for table in tables("tool", "this tool", root, found) {
        table.only(&KEYS, found);
        table.require("name", "the name of a tool", found);
        let compiled = compiled(&table, folder, found);
        let Some((name, place)) = table.string("name", found) else { continue };
        if !is_name(name) {
            wrong_value::<()>("name", name, NAME, place, found);
            continue;
        }
        if let Some(&first) = seen.get(name) {
            found.push((place, PolicyError::DuplicateSchema { id: shorten(name), first }));
            continue;
        }
        seen.insert(name, source.line(place.start));
        if read.tools.allow.iter().any(|allowed| allowed == name) {
            let what = format!(
                "the tool `{}` is in `allow` of `[tools]` too, expected it here alone: its arguments must fit",
                shorten(name)
            );
            found.push((place, PolicyError::Conflict { what }));
        }
        let Some((schema, hash)) = compiled else { continue };
        read.files.extend(hash.map(|hash| (format!("tool.{name}"), hash)));
        read.tools.schemas.push((name.to_owned(), schema));
    }
    read
}

/// Notes each rule on tools for which the policy names none.
pub(super) fn check(rules: &[Rule], tools: &Tools, found: &mut Found) {
    for rule in rules {
        let why = match &rule.detector {
            Selector::Name(name) if name == "tool.not_allowed" && tools.is_empty() => {
                "the policy names no tool, expected `allow` in `[tools]` or a `[[tool]]`"
            }
            Selector::Name(name) if name == "tool.arguments" && tools.schemas.is_empty() => {
                "the policy has no schema of a tool's arguments, expected a `[[tool]]`"
            }
            _ => continue,
        };
        found.push((rule.places.detector.clone(), PolicyError::NeverApplies { why: why.to_owned() }));
    }
}

/// What is said of tools for which there is no rule, with its place.
pub(super) fn idle(
    root: &Table<'_, '_>,
    rules: &[Rule],
    tools: &Tools,
) -> Vec<(Range<usize>, PolicyWarning)> {
    let place = |key| root.value(key).map(Spanned::span);
    let used = |detector: &str| rules.iter().any(|rule| rule.detector.covers(detector));
    let said = |key, detector| PolicyWarning::UnusedTools { key, detector };
    let mut warnings = Vec::new();
    if !tools.allow.is_empty() && !used("tool.not_allowed") {
        warnings.extend(place("tools").map(|place| (place, said("`[tools]`", "tool.not_allowed"))));
    }
    if !tools.schemas.is_empty() && !used("tool.arguments") {
        warnings.extend(place("tool").map(|place| (place, said("`[[tool]]`", "tool.arguments"))));
    }
    warnings
}

fn allowed(root: &Table<'_, '_>, found: &mut Found) -> Vec<String> {
    let Some(value) = root.value("tools") else { return Vec::new() };
    let Some(entries) = value.get_ref().as_table() else {
        let expected = "table with `allow`";
        let error = PolicyError::WrongType { key: "tools", found: value.get_ref().type_str(), expected };
        found.push((value.span(), error));
        return Vec::new();
    };
    let table = Table { name: "`[tools]`", entries, place: value.span() };
    table.only(&ALLOW_KEYS, found);
    let names = table.strings("allow", found);
    if names.len() > MAX_TOOLS {
        let place = table.value("allow").map_or(table.place.clone(), |value| value.span());
        found.push((
            place,
            PolicyError::TooMany { what: "tools in `allow`", found: names.len(), limit: MAX_TOOLS },
        ));
        return Vec::new();
    }
    let mut allowed = Vec::new();
    for (name, place) in names {
        match is_name(name) {
            true => allowed.push(name.to_owned()),
            false => _ = wrong_value::<()>("allow", name, NAME, place, found),
        }
    }
    allowed
}

fn is_name(name: &str) -> bool {
    (1..=128).contains(&name.len()) && !name.contains(|c: char| c.is_whitespace() || c.is_control())
}
