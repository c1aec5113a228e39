//! Conditions, and what is done when one holds.

use super::*;
use crate::policy::Rollback;

fn rollback() -> Rollback {
    Rollback { veto_rate_above: Some(0.3), min_verdicts: 100, cooldown: 3600, ..Rollback::default() }
}

/// The conditions after these verdicts.
fn after(rollback: &Rollback, verdicts: impl Iterator<Item = Observation>) -> Vec<Condition> {
    let references = references();
    let mut watch = Watch::new(&verdict(0, 10, &references), &settings());
    verdicts.for_each(|observation| _ = watch.record(&observation));
    watch.conditions(rollback, &references, 3.0)
}

#[test]
fn a_condition_holds_only_for_sure() {
    let references = references();
    let verdicts = |count, every| (0..count).map(move |n| (n, every));
    let holds = |rollback: &Rollback, count, every| {
        let verdicts = verdicts(count, every).map(|(n, every)| verdict(n, every, &references));
        after(rollback, verdicts).iter().any(|condition| condition.holds)
    };
    assert!(!holds(&rollback(), 99, 1));
    assert!(holds(&rollback(), 150, 1));
    // A third is above the limit, but not by enough for a hundred verdicts.
    assert!(!holds(&rollback(), 150, 3));
    assert!(!holds(&rollback(), 1000, 10));
    let below = Rollback { veto_rate_above: None, veto_rate_below: Some(0.2), ..rollback() };
    assert!(holds(&below, 500, 100));
    assert!(!holds(&below, 500, 3));
    let timed = Rollback { window: Some(120), ..rollback() };
    assert!(holds(&timed, 500, 1));
    let drift = Rollback { veto_rate_above: None, drift_above: Some(0.5), ..rollback() };
    assert!(!holds(&drift, 500, 10));
    let moved = (0..500).map(|n| {
        let mut observation = verdict(n, 10, &references);
        observation.measure(|_| Some(0.99));
        observation
    });
    let conditions = after(&drift, moved);
    assert!(conditions[0].holds && conditions[0].in_words().contains("drift"), "{conditions:?}");
}

#[test]
fn the_policys_limit_goes_before_the_installations() {
    let (references, settings) = (references(), settings());
    let own = rollback();
    let raised = |rollback: Option<&Rollback>| {
        let mut watch = Watch::new(&verdict(0, 2, &references), &settings);
        let own = Bounds { rollback, ..bounds(&settings, &references) };
        watch_over(&mut watch, (0..2000).map(|n| verdict(n, 2, &references)), &own).len()
    };
    // Half is not above half, but above three in ten.
    assert_eq!((raised(None), raised(Some(&own))), (0, 1));
}
