//! The reader of what schema 2 adds: the revision, `[governance]`, and who and what a rule is for.

use jiff::civil::Date;

use crate::policy::error::PolicyError;
use crate::policy::governance::Governance;
use crate::policy::hazard::Hazard;
use crate::policy::table::{Found, Placed, Table, shorten, wrong_value};

/// The schema without governance.
pub(super) const OLD: u64 = 1;
/// The newest schema.
const NEW: u64 = 2;
/// Keys of the policy that schema 1 does not have.
const NEW_KEYS: [&str; 2] = ["revision", "governance"];
/// Keys of a rule that schema 1 does not have.
const NEW_RULE_KEYS: [&str; 6] = ["owner", "hazard", "references", "rationale", "slices", "locales"];
const KEYS: [&str; 7] =
    ["objective", "owner", "reviewer", "references", "data_slice", "effective", "expires"];

/// Most bytes of a text about the policy or a rule.
const MOST_TEXT: usize = 1000;
/// Most bytes of a name: a reference, a slice, an owner.
const MOST_NAME: usize = 200;
/// Most references, slices or locales in one place.
const MOST_NAMES: usize = 100;
/// Revisions are kept in TOML and JSON, whose whole numbers end here.
const MOST_REVISION: u64 = i64::MAX as u64;

/// The schema; 0 where the document names none that there is, which is noted. Nothing is then missing for want of a schema.
pub(super) fn schema(root: &Table<'_, '_>, found: &mut Found) -> u64 {
    root.require("schema", "`schema = 2`", found);
    match root.integer("schema", found) {
        Some((schema @ OLD..=NEW, _)) => schema,
        Some((schema, place)) => {
            let expected = "1 or 2, the schemas there are";
            wrong_value("schema", &schema.to_string(), expected, place, found).unwrap_or(0)
        }
        None => 0,
    }
}

/// Notes what schema 1 does not have.
pub(super) fn only_old_keys(root: &Table<'_, '_>, found: &mut Found) {
    refuse(root, &NEW_KEYS, found);
}

fn refuse(table: &Table<'_, '_>, keys: &[&str], found: &mut Found) {
    for key in keys {
        if let Some(value) = table.value(key) {
            let what = format!(
                "`{key}` belongs to schema 2, the policy's is 1: `portcullis policy upgrade` moves it to the next"
            );
            found.push((value.span(), PolicyError::Conflict { what }));
        }
    }
}

/// The revision, from 1 on.
pub(super) fn revision(root: &Table<'_, '_>, schema: u64, found: &mut Found) -> u64 {
    if schema == NEW {
        root.require("revision", "a whole number from 1 on, larger with every change", found);
    }
    let Some((revision, place)) = root.integer("revision", found) else { return 0 };
    if !(1..=MOST_REVISION).contains(&revision) {
        let expected = "a whole number from 1 on";
        wrong_value::<()>("revision", &revision.to_string(), expected, place, found);
    }
    revision
}

pub(super) fn governance(root: &Table<'_, '_>, schema: u64, found: &mut Found) -> Governance {
    if schema == NEW {
        root.require("governance", "a table with `objective` and `owner`", found);
    }
    let Some(value) = root.value("governance") else { return Governance::default() };
    let Some(entries) = value.get_ref().as_table() else {
        let expected = "table with `objective` and `owner`";
        let error = PolicyError::WrongType { key: "governance", found: value.get_ref().type_str(), expected };
        found.push((value.span(), error));
        return Governance::default();
    };
    let table = Table { name: "`[governance]`", entries, place: value.span() };
    table.only(&KEYS, found);
    table.require("objective", "a sentence on what the policy is for", found);
    table.require("owner", "who answers for the policy", found);
    let effective = date("effective", &table, found);
    let expires = date("expires", &table, found);
    if let (Some((effective, _)), Some((expires, place))) = (&effective, &expires)
        && expires <= effective
    {
        let expected = format!("a day after `effective`, {effective}");
        wrong_value::<()>("expires", &expires.to_string(), &expected, place.clone(), found);
    }
    Governance {
        objective: text("objective", MOST_TEXT, &table, found).unwrap_or_default(),
        owner: text("owner", MOST_NAME, &table, found).unwrap_or_default(),
        reviewer: text("reviewer", MOST_NAME, &table, found),
        references: names("references", &table, found),
        data_slice: text("data_slice", MOST_NAME, &table, found),
        effective: effective.map(|(date, _)| date),
        expires: expires.map(|(date, _)| date),
    }
}

/// What schema 2 says of a rule.
#[derive(Default)]
pub(super) struct About {
    pub(super) owner: Option<String>,
    pub(super) hazard: Option<Hazard>,
    pub(super) references: Vec<String>,
    pub(super) rationale: Option<String>,
    pub(super) slices: Vec<String>,
    pub(super) locales: Vec<String>,
}

/// What a rule of this schema says of itself.
pub(super) fn about(rule: &Table<'_, '_>, schema: u64, found: &mut Found) -> About {
    if schema == OLD {
        refuse(rule, &NEW_RULE_KEYS, found);
        return About::default();
    }
    let hazards = Hazard::ALL.map(|hazard| (hazard.as_str(), hazard));
    About {
        owner: text("owner", MOST_NAME, rule, found),
        hazard: rule.word("hazard", &hazards, found).map(|(hazard, _)| hazard),
        references: names("references", rule, found),
        rationale: text("rationale", MOST_TEXT, rule, found),
        slices: condition("slices", "slice", rule, found, |_| true, NAME),
        locales: condition(
            "locales",
            "locale",
            rule,
            found,
            is_tag,
            "a language tag such as `de` or `pt-BR`",
        ),
    }
}

const NAME: &str = "text of 1 to 200 bytes, without control characters";

/// The names that a rule is limited to; none where it is not.
fn condition(
    key: &'static str,
    one: &str,
    rule: &Table<'_, '_>,
    found: &mut Found,
    allowed: impl Fn(&str) -> bool,
    expected: &str,
) -> Vec<String> {
    let empty =
        rule.value(key).filter(|value| value.get_ref().as_array().is_some_and(|list| list.is_empty()));
    if let Some(value) = empty {
        let why = format!("`{key}` is empty, expected at least one {one} or no `{key}` for all");
        found.push((value.span(), PolicyError::NeverApplies { why }));
    }
    list(key, rule, found, allowed, expected)
}

fn names(key: &'static str, table: &Table<'_, '_>, found: &mut Found) -> Vec<String> {
    list(key, table, found, |_| true, NAME)
}

/// The strings of a list, each once, in its order.
fn list(
    key: &'static str,
    table: &Table<'_, '_>,
    found: &mut Found,
    allowed: impl Fn(&str) -> bool,
    expected: &str,
) -> Vec<String> {
    let strings = table.strings(key, found);
    if strings.len() > MOST_NAMES {
        let place = table.value(key).map_or(table.place.clone(), |value| value.span());
        let error = PolicyError::TooMany { what: "names in a list", found: strings.len(), limit: MOST_NAMES };
        found.push((place, error));
        return Vec::new();
    }
    let mut names: Vec<String> = Vec::new();
    for (name, place) in strings {
        if !is_text(name, MOST_NAME) || !allowed(name) {
            wrong_value::<()>(key, name, expected, place, found);
        } else if !names.iter().any(|other| other == name) {
            names.push(name.to_owned());
        }
    }
    names
}

fn text(key: &'static str, most: usize, table: &Table<'_, '_>, found: &mut Found) -> Option<String> {
    let (text, place) = table.string(key, found)?;
    if is_text(text, most) {
        return Some(text.to_owned());
    }
    let expected = format!("text of 1 to {most} bytes, without control characters");
    wrong_value(key, &shorten(text), &expected, place, found)
}

fn is_text(text: &str, most: usize) -> bool {
    !text.trim().is_empty() && text.len() <= most && !text.contains(char::is_control)
}

/// Two to eight letters, then parts of one to eight letters and digits (RFC 5646, in short).
fn is_tag(text: &str) -> bool {
    let mut parts = text.split(['-', '_']);
    let language =
        |part: &str| (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic());
    parts.next().is_some_and(language)
        && parts.all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
}

/// A day without a time, as TOML writes it.
fn date(key: &'static str, table: &Table<'_, '_>, found: &mut Found) -> Option<Placed<Date>> {
    const EXPECTED: &str = "a day such as 2031-05-09, without quotes";
    let value = table.value(key)?;
    let Some(datetime) = value.get_ref().as_datetime() else {
        let error = PolicyError::WrongType { key, found: value.get_ref().type_str(), expected: EXPECTED };
        found.push((value.span(), error));
        return None;
    };
    let day = datetime.date.filter(|_| datetime.time.is_none() && datetime.offset.is_none());
    let day = day.and_then(|day| {
        let year = i16::try_from(day.year).ok()?;
        Date::new(year, i8::try_from(day.month).ok()?, i8::try_from(day.day).ok()?).ok()
    });
    match day {
        Some(day) => Some((day, value.span())),
        None => wrong_value(key, &datetime.to_string(), EXPECTED, value.span(), found),
    }
}
