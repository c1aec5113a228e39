//! The reader of `[urls]`: the hosts that text may name, and those that it may not.

use crate::policy::MAX_HOSTS;
use crate::policy::error::PolicyError;
use crate::policy::rule::{Rule, Selector};
use crate::policy::table::{Found, Table, wrong_value};
use crate::rails::url::Hosts;

const KEYS: [&str; 2] = ["allow", "deny"];

pub(super) fn hosts(root: &Table<'_, '_>, found: &mut Found) -> Hosts {
    let Some(value) = root.value("urls") else { return Hosts::default() };
    let Some(entries) = value.get_ref().as_table() else {
        let expected = "table with `allow` and `deny`";
        let error = PolicyError::WrongType { key: "urls", found: value.get_ref().type_str(), expected };
        found.push((value.span(), error));
        return Hosts::default();
    };
    let table = Table { name: "`[urls]`", entries, place: value.span() };
    table.only(&KEYS, found);
    Hosts { allow: listed("allow", &table, found), deny: listed("deny", &table, found) }
}

/// Notes each rule on hosts for which the policy names none.
pub(super) fn check(rules: &[Rule], hosts: &Hosts, found: &mut Found) {
    for rule in rules {
        let (key, none) = match &rule.detector {
            Selector::Name(name) if name == "url.denied" => ("deny", hosts.deny.is_empty()),
            Selector::Name(name) if name == "url.not_allowed" => ("allow", hosts.allow.is_empty()),
            _ => continue,
        };
        if none {
            let why = format!("the policy names no host, expected `{key}` in `[urls]`");
            found.push((rule.places.detector.clone(), PolicyError::NeverApplies { why }));
        }
    }
}

fn listed(key: &'static str, table: &Table<'_, '_>, found: &mut Found) -> Vec<String> {
    let hosts = table.strings(key, found);
    if hosts.len() > MAX_HOSTS {
        let place = table.value(key).map_or(table.place.clone(), |value| value.span());
        found.push((
            place,
            PolicyError::TooMany { what: "hosts in a list", found: hosts.len(), limit: MAX_HOSTS },
        ));
        return Vec::new();
    }
    let mut names = Vec::new();
    for (host, place) in hosts {
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
        };
        let expected = "a host such as `example.org`; the hosts below it are meant too";
        match host.len() <= 253 && host.split('.').all(label) {
            true => names.push(host.to_owned()),
            false => _ = wrong_value::<()>(key, host, expected, place, found),
        }
    }
    names
}
