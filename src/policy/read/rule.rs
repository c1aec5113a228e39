//! The reader of one `[[rule]]`.

use std::ops::Range;

use super::{governance, name};
use crate::policy::error::PolicyError;
use crate::policy::rule::{Action, Limit, Places, Replacement, Rule, Selector};
use crate::policy::table::{Found, Placed, Table, wrong_value};
use crate::request::Role;
use crate::verdict::Decision;

const KEYS: [&str; 17] = [
    "id",
    "detector",
    "category",
    "roles",
    "threshold",
    "target_fpr",
    "action",
    "mode",
    "keep",
    "template",
    "experimental",
    "owner",
    "hazard",
    "references",
    "rationale",
    "slices",
    "locales",
];
const ROLES: [(&str, Role); 4] =
    [("user", Role::User), ("assistant", Role::Assistant), ("tool", Role::Tool), ("system", Role::System)];
const ACTIONS: [(&str, Decision); 3] =
    [("rewrite", Decision::Rewrite), ("escalate", Decision::Escalate), ("veto", Decision::Veto)];
const MODES: [(&str, Mode); 8] = [
    ("redact", Mode::Redact),
    ("mask", Mode::Mask),
    ("hash", Mode::Hash),
    ("synthetic", Mode::Synthetic),
    ("remove_sentence", Mode::RemoveSentence),
    ("template", Mode::Template),
    ("append", Mode::Append),
    ("repair", Mode::Repair),
];
const DEFAULT_KEEP: usize = 4;
const MOST_KEPT: u64 = 16;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Redact,
    Mask,
    Hash,
    Synthetic,
    RemoveSentence,
    Template,
    Append,
    Repair,
}

impl Mode {
    fn word(self) -> &'static str {
        MODES.iter().find(|(_, mode)| *mode == self).map_or("", |(word, _)| word)
    }
}

/// The rule, or `None` when a mistake leaves a part of it without a value; each mistake is in `found`.
pub(super) fn read(table: &Table<'_, '_>, schema: u64, found: &mut Found) -> Option<Rule> {
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
    let about = governance::about(table, schema, found);
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
        owner: about.owner,
        hazard: about.hazard,
        references: about.references,
        rationale: about.rationale,
        slices: about.slices,
        locales: about.locales,
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

pub(super) fn roles(table: &Table<'_, '_>, found: &mut Found) -> Vec<Role> {
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
    let keep = keep(table, found);
    let template = table.string("template", found);
    let (decision, place) = action?;
    let mut conflict = |place: &Range<usize>, what: &str| {
        found.push((place.clone(), PolicyError::Conflict { what: what.to_owned() }));
    };
    if decision != Decision::Rewrite {
        for key in ["mode", "keep", "template"] {
            if let Some(value) = table.value(key) {
                conflict(
                    &value.span(),
                    &format!("`{key}` belongs to `action = \"rewrite\"`, the action is {decision}"),
                );
            }
        }
        return Some((if decision == Decision::Veto { Action::Veto } else { Action::Escalate }, place));
    }
    let mode = mode.map_or(Mode::Redact, |(mode, _)| mode);
    let word = mode.word();
    if let Some(value) = table.value("keep").filter(|_| mode != Mode::Mask) {
        conflict(&value.span(), &format!("`keep` needs `mode = \"mask\"`, the mode is {word}"));
    }
    let schema = detector.is_some_and(|(selector, _)| selector.stem().starts_with("schema."));
    match (mode, template) {
        (Mode::Template | Mode::Append, None) => {
            let what = format!("`mode = \"{word}\"` needs `template`, the name of a text in `[templates]`");
            conflict(&place, &what);
            return None;
        }
        (Mode::Template, Some((name, place))) => {
            return Some((Action::Rewrite(Replacement::Template(name.to_owned())), place));
        }
        (Mode::Append, Some((name, place))) if !schema => {
            return Some((Action::Rewrite(Replacement::Append(name.to_owned())), place));
        }
        (_, Some((_, place))) => {
            let what = match mode {
                Mode::Append => {
                    "nothing can be added to JSON, expected `mode = \"repair\"` or \"template\"".to_owned()
                }
                _ => format!("`template` needs `mode = \"template\"` or \"append\", the mode is {word}"),
            };
            conflict(&place, &what);
            return None;
        }
        (_, None) => {}
    }
    if schema != (mode == Mode::Repair) {
        let what = match schema {
            true => format!(
                "what does not fit a JSON Schema has no bytes to {}, expected `mode = \"repair\"` or \"template\", escalate or veto",
                word.replace('_', " ")
            ),
            false => "`mode = \"repair\"` needs a `detector` that begins with `schema.`".to_owned(),
        };
        conflict(&place, &what);
    } else if detector.is_some_and(|(selector, _)| is_classifier(selector.stem())) {
        let what = format!(
            "a classifier judges the whole text and finds no place to {}, expected `mode = \"template\"` or \
             \"append\", escalate or veto",
            word.replace('_', " ")
        );
        conflict(&place, &what);
    }
    let replacement = match mode {
        Mode::Mask => Replacement::Mask { keep: keep.unwrap_or(DEFAULT_KEEP) },
        Mode::Hash => Replacement::Hash,
        Mode::Synthetic => Replacement::Synthetic,
        Mode::RemoveSentence => Replacement::RemoveSentence,
        Mode::Repair => Replacement::Repair,
        Mode::Redact | Mode::Template | Mode::Append => Replacement::Redact,
    };
    Some((Action::Rewrite(replacement), place))
}

/// How many letters and digits a mask keeps.
fn keep(table: &Table<'_, '_>, found: &mut Found) -> Option<usize> {
    let (number, place) = table.integer("keep", found)?;
    if number > MOST_KEPT {
        return wrong_value("keep", &number.to_string(), &format!("from 0 to {MOST_KEPT}"), place, found);
    }
    usize::try_from(number).ok()
}

fn is_classifier(name: &str) -> bool {
    name.starts_with("classifier.") || name.starts_with("custom.")
}
