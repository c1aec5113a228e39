//! What is allowed in a policy but likely not meant.

use std::ops::Range;

use super::{Templates, asked, list, schema};
use crate::policy::error::{PolicyWarning, Problem};
use crate::policy::rule::{Action, Limit, Rule};
use crate::policy::source::Source;
use crate::policy::table::Placed;
use crate::verdict::Decision;

/// Each template, list, schema or tool that no rule uses, and each rule that an earlier one outdoes, in their order.
pub(super) fn warnings(
    rules: &[Rule],
    ending: Option<&Placed<&str>>,
    templates: &Templates<'_>,
    lists: &[list::Read],
    schemas: &[schema::Read],
    tools: Vec<(Range<usize>, PolicyWarning)>,
    source: &Source,
) -> Vec<Problem<PolicyWarning>> {
    let asked = asked(rules, ending);
    // A template of another language, `name.locale`, is used with that of `name`.
    let is_of = |name: &str, used| {
        name.strip_prefix(used).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let used = |name: &str| asked.clone().any(|(used, _)| is_of(name, used));
    let unused = templates.iter().filter(|(name, _)| !used(name)).map(|(name, (_, place))| {
        (place.clone(), PolicyWarning::UnusedTemplate { name: (*name).to_owned() })
    });
    let idle = lists.iter().filter_map(|list| {
        let detector = format!("list.{}", list.words.id);
        let used = rules.iter().any(|rule| rule.detector.covers(&detector));
        (!used).then(|| (list.place.clone(), PolicyWarning::UnusedList { id: list.words.id.clone() }))
    });
    let unread = schemas.iter().filter_map(|read| {
        let detector = &read.schema.detector;
        let used = rules.iter().any(|rule| rule.detector.covers(detector));
        let id = || detector.trim_start_matches("schema.").to_owned();
        (!used).then(|| (read.place.clone(), PolicyWarning::UnusedSchema { id: id() }))
    });
    let shadowed = rules.iter().enumerate().filter_map(|(place, rule)| {
        let by = rules.iter().take(place).find(|earlier| shadows(earlier, rule))?;
        let warning = PolicyWarning::Shadowed { id: rule.id.clone(), by: by.id.clone() };
        Some((rule.places.rule.clone(), warning))
    });
    let mut warnings: Vec<(Range<usize>, PolicyWarning)> =
        unused.chain(idle).chain(unread).chain(tools).chain(shadowed).collect();
    warnings.sort_by_key(|(place, _)| place.start);
    warnings.into_iter().map(|(place, what)| Problem::new(source, place, what)).collect()
}

/// Whether `later` never decides anything that `earlier` has not decided.
fn shadows(earlier: &Rule, later: &Rule) -> bool {
    let limits = match (earlier.limit, later.limit) {
        (Limit::Threshold(a), Limit::Threshold(b)) => a <= b,
        (Limit::TargetFpr(a), Limit::TargetFpr(b)) => a >= b,
        _ => false,
    };
    let actions = match (&earlier.action, &later.action) {
        (Action::Rewrite(a), Action::Rewrite(b)) => a == b,
        (a, b) => a.decision() >= b.decision() && b.decision() != Decision::Rewrite,
    };
    limits
        && actions
        && (earlier.experimental || !later.experimental)
        && earlier.detector.includes(&later.detector)
        && earlier.is_for_all_of(later)
}
