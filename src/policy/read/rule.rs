//! The reader of one `[[rule]]`.

use std::ops::Range;

use super::name;
use crate::policy::error::PolicyError;
use crate::policy::rule::{Action, Limit, Places, Replacement, Rule, Selector};
use crate::policy::table::{Found, Placed, Table, wrong_value};
use crate::request::Role;
use crate::verdict::Decision;

const KEYS: [&str; 10] = [
    "id",
    "detector",
    "category",
    "roles",
    "threshold",
    "target_fpr",
    "action",
    "mode",
    "template",
    "experimental",
];
const ROLES: [(&str, Role); 4] =
    [("user", Role::User), ("assistant", Role::Assistant), ("tool", Role::Tool), ("system", Role::System)];
const ACTIONS: [(&str, Decision); 3] =
    [("rewrite", Decision::Rewrite), ("escalate", Decision::Escalate), ("veto", Decision::Veto)];
const MODES: [(&str, Mode); 2] = [("redact", Mode::Redact), ("template", Mode::Template)];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Redact,
    Template,
}

/// The rule, or `None` when a mistake leaves a part of it without a value; each mistake is in `found`.
pub(super) fn read(table: &Table<'_, '_>, found: &mut Found) -> Option<Rule> {
    table.only(&KEYS, found);
    table.require("id", "a name", found);
    let id = name(table, "id", found);
    table.require("detector", "a detector such as \"pii.email\" or \"classifier.toxicity\"", found);
    let detector = detector(table, found);
    let category = name(table, "category", found);
    let roles = roles(table, found);
    let experimental = table.boolean("experimental", found).is_some_and(|(flag, _)| flag);
    let limit = limit(table, detector.as_ref(), found);
    let action = action(table, detector.as_ref(), found);
    let (selector, detector_place) = detector?;
    let (limit, limit_place) = limit?;
    let (action, action_place) = action?;
    let places = Places {
        rule: table.place.clone(),
        detector: detector_place,
        limit: limit_place,
        action: action_place,
    };
    let category = category.map(str::to_owned);
    Some(Rule {
        id: id?.to_owned(),
        detector: selector,
        category,
        roles,
        limit,
        action,
        experimental,
        places,
    })
}

/// A full name, or a family's prefix and `*`.
fn detector(table: &Table<'_, '_>, found: &mut Found) -> Option<Placed<Selector>> {
    let (text, place) = table.string("detector", found)?;
    let is_part = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    let selector = match text.strip_suffix('*') {
        Some(prefix) if prefix.strip_suffix('.').is_some_and(|family| family.split('.').all(is_part)) => {
            Selector::Family(prefix.to_owned())
        }
        None if text.contains('.') && text.split('.').all(is_part) => Selector::Name(text.to_owned()),
        _ => {
            let expected = "a dotted name such as `pii.email`, or a family such as `pii.*`";
            return wrong_value("detector", text, expected, place, found);
        }
    };
    Some((selector, place))
}

fn roles(table: &Table<'_, '_>, found: &mut Found) -> Vec<Role> {
    match table.words("roles", &ROLES, found) {
        None => Role::ALL.to_vec(),
        Some((roles, place)) => {
            let listed = table.value("roles").and_then(|value| value.get_ref().as_array());
            if listed.is_some_and(|array| array.is_empty()) {
                let why = "`roles` is empty, expected at least one role or no `roles` for all".to_owned();
                found.push((place, PolicyError::NeverApplies { why }));
            }
            Role::ALL.into_iter().filter(|role| roles.contains(role)).collect()
        }
    }
}

fn limit(
    table: &Table<'_, '_>,
    detector: Option<&Placed<Selector>>,
    found: &mut Found,
) -> Option<Placed<Limit>> {
    let conflict =
        |place: &Range<usize>, what: &str| (place.clone(), PolicyError::Conflict { what: what.to_owned() });
    let threshold = table.number("threshold", |t| (0.0..=1.0).contains(&t), "a number from 0 to 1", found);
    let target = table.number("target_fpr", |t| t > 0.0 && t <= 0.5, "a number above 0, at most 0.5", found);
    match (table.has("threshold"), table.has("target_fpr")) {
        (true, true) => {
            let place = table.value("target_fpr").map_or(table.place.clone(), |value| value.span());
            found.push(conflict(&place, "the rule has `threshold` and `target_fpr`, expected one of them"));
            None
        }
        (false, false) => {
            found.push(conflict(
                &table.place,
                "the rule has no `threshold` and no `target_fpr`, expected one of them",
            ));
            None
        }
        (true, false) => threshold.map(|(threshold, place)| (Limit::Threshold(threshold as f32), place)),
        (false, true) => {
            let (target, place) = target?;
            match detector {
                Some((Selector::Family(_), _)) => {
                    let what = "`target_fpr` gives each detector a threshold of its own, expected one detector by name";
                    found.push(conflict(&place, what));
                }
                Some((Selector::Name(name), _)) if !is_classifier(name) => {
                    let what = "`target_fpr` is looked up in the calibration of a classifier, expected `threshold` here";
                    found.push(conflict(&place, what));
                }
                _ => {}
            }
            Some((Limit::TargetFpr(target), place))
        }
    }
}

fn action(
    table: &Table<'_, '_>,
    detector: Option<&Placed<Selector>>,
    found: &mut Found,
) -> Option<Placed<Action>> {
    table.require("action", "rewrite, escalate or veto", found);
    let action = table.word("action", &ACTIONS, found);
    let mode = table.word("mode", &MODES, found);
    let template = table.string("template", found);
    let (decision, place) = action?;
    let mut conflict = |place: &Range<usize>, what: &str| {
        found.push((place.clone(), PolicyError::Conflict { what: what.to_owned() }));
    };
    if decision != Decision::Rewrite {
        for key in ["mode", "template"] {
            if let Some(value) = table.value(key) {
                conflict(
                    &value.span(),
                    &format!("`{key}` belongs to `action = \"rewrite\"`, the action is {decision}"),
                );
            }
        }
        return Some((if decision == Decision::Veto { Action::Veto } else { Action::Escalate }, place));
    }
    match (mode.map_or(Mode::Redact, |(mode, _)| mode), template) {
        (Mode::Template, Some((name, place))) => {
            Some((Action::Rewrite(Replacement::Template(name.to_owned())), place))
        }
        (Mode::Template, None) => {
            conflict(&place, "`mode = \"template\"` needs `template`, the name of a text in `[templates]`");
            None
        }
        (Mode::Redact, Some((_, place))) => {
            conflict(&place, "`template` needs `mode = \"template\"`, the mode is redact");
            None
        }
        (Mode::Redact, None) => {
            if detector.is_some_and(|(selector, _)| is_classifier(selector.stem())) {
                let what = "a classifier judges the whole text and reports no span to redact, expected \
                            `mode = \"template\"`, escalate or veto";
                conflict(&place, what);
            }
            Some((Action::Rewrite(Replacement::Redact), place))
        }
    }
}

fn is_classifier(name: &str) -> bool {
    name.starts_with("classifier.")
}
