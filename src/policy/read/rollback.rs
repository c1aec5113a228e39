//! The reader of `[rollback]`: when the policy gives way to one before it.

use crate::installation::{expected_period, period};
use crate::policy::error::PolicyError;
use crate::policy::rollback::{Rollback, Target};
use crate::policy::table::{Found, Table, wrong_value};

const KEYS: [&str; 8] = [
    "to",
    "veto_rate_above",
    "veto_rate_below",
    "error_rate_above",
    "drift_above",
    "window",
    "min_verdicts",
    "cooldown",
];
/// What has to be there for anything to happen.
const CONDITIONS: [&str; 4] = ["veto_rate_above", "veto_rate_below", "error_rate_above", "drift_above"];

const WINDOW: (i64, i64) = (60, 30 * 86_400);
const COOLDOWN: (i64, i64) = (0, 30 * 86_400);
const DEFAULT_COOLDOWN: i64 = 3600;
const VERDICTS: (u64, u64) = (20, 1_000_000);
const DEFAULT_VERDICTS: u64 = 200;

/// The conditions; nothing where the policy has none.
pub(super) fn rollback(root: &Table<'_, '_>, found: &mut Found) -> Option<Rollback> {
    let value = root.value("rollback")?;
    let Some(entries) = value.get_ref().as_table() else {
        let expected = "table of conditions";
        let error = PolicyError::WrongType { key: "rollback", found: value.get_ref().type_str(), expected };
        found.push((value.span(), error));
        return None;
    };
    let table = Table { name: "`[rollback]`", entries, place: value.span() };
    table.only(&KEYS, found);
    if !CONDITIONS.iter().any(|key| table.has(key)) {
        let what = "`[rollback]` has no condition, expected one of `veto_rate_above`, `veto_rate_below`, \
                    `error_rate_above` and `drift_above`";
        found.push((value.span(), PolicyError::Conflict { what: what.to_owned() }));
    }
    let rate = |key, found: &mut Found| {
        table
            .number(key, |rate| (0.0..=1.0).contains(&rate), "a rate from 0 to 1", found)
            .map(|(rate, _)| rate)
    };
    let veto_rate_above = rate("veto_rate_above", found);
    let veto_rate_below = rate("veto_rate_below", found);
    if let (Some(above), Some(below)) = (veto_rate_above, veto_rate_below)
        && below >= above
    {
        let what = format!(
            "`veto_rate_below` is {below} and `veto_rate_above` is {above}, expected the first to be less: every rate would \
             be out of bounds"
        );
        found.push((value.span(), PolicyError::Conflict { what }));
    }
    let error_rate_above = rate("error_rate_above", found);
    let index = |index: f64| index > 0.0 && index <= 100.0;
    let drift_above = table.number("drift_above", index, "an index above 0, at most 100", found);
    let min_verdicts = table.integer("min_verdicts", found).map(|(verdicts, place)| {
        if !(VERDICTS.0..=VERDICTS.1).contains(&verdicts) {
            let expected = format!("from {} to {}", VERDICTS.0, VERDICTS.1);
            wrong_value::<()>("min_verdicts", &verdicts.to_string(), &expected, place, found);
        }
        verdicts
    });
    Some(Rollback {
        to: target(&table, found),
        veto_rate_above,
        veto_rate_below,
        error_rate_above,
        drift_above: drift_above.map(|(index, _)| index),
        window: seconds(&table, "window", WINDOW, found),
        min_verdicts: min_verdicts.unwrap_or(DEFAULT_VERDICTS),
        cooldown: seconds(&table, "cooldown", COOLDOWN, found).unwrap_or(DEFAULT_COOLDOWN),
    })
}

/// `"previous"` or a revision.
fn target(table: &Table<'_, '_>, found: &mut Found) -> Target {
    let is_word = table.value("to").is_some_and(|value| value.get_ref().as_str().is_some());
    if is_word {
        let words = [("previous", Target::Previous)];
        return table.word("to", &words, found).map_or(Target::Previous, |(target, _)| target);
    }
    table.integer("to", found).map_or(Target::Previous, |(revision, _)| Target::Revision(revision))
}

fn seconds(
    table: &Table<'_, '_>,
    key: &'static str,
    (least, most): (i64, i64),
    found: &mut Found,
) -> Option<i64> {
    let (text, place) = table.string(key, found)?;
    let seconds = period(text, least, most);
    seconds.or_else(|| wrong_value(key, text, &expected_period(least, most), place, found))
}
