//! The figures are what was counted.

use jiff::SignedDuration;

use super::made::{entries, entry, event, finding, policy, record, report, settings, time};
use crate::log::Event;
use crate::report::{Aggregate, Label, Rate, Report, Verification};
use crate::request::Role;
use crate::verdict::{Coverage, Decision};

fn kpi<'a>(report: &'a Report, id: &str) -> &'a crate::report::Kpi {
    report.kpis.iter().find(|kpi| kpi.id == id).unwrap()
}

#[test]
fn the_rates_are_what_was_counted() {
    let report = report(entries(1000));
    assert_eq!(report.decisions.n, 1000);
    for (id, events) in [
        ("veto_rate", 100),
        ("rewrite_rate", 200),
        ("escalation_rate", 100),
        ("policy_violation_rate", 400),
        ("safe_reply_rate", 800),
        ("brand_safety_rate", 900),
        ("coverage_rate", 980),
        ("policy_compliance_score", 980),
        ("fault_rate", 0),
    ] {
        let kpi = kpi(&report, id);
        assert_eq!(
            (kpi.events, kpi.n, kpi.value),
            (Some(events), 1000, Some(events as f64 / 1000.0)),
            "{id}"
        );
        assert!(kpi.low <= kpi.value && kpi.value <= kpi.high, "{id}");
    }
    let overturned = kpi(&report, "overturn_rate");
    assert_eq!((overturned.events, overturned.n), (Some(25), 50));
    assert_eq!(kpi(&report, "open_reviews").value, Some(50.0));
    assert_eq!(kpi(&report, "review_time").value, Some(1807.0), "half an hour, to a sixty-fourth");
    assert_eq!(kpi(&report, "audit_trail_completeness").value, None, "nobody verified it");
}

#[test]
fn a_user_is_not_an_assistant() {
    let mut made = record(1, time(0), Decision::Veto);
    made.role = Role::User;
    let report = report([entry(0, made)].into_iter());
    assert_eq!(kpi(&report, "veto_rate").n, 1);
    assert_eq!(kpi(&report, "policy_violation_rate").n, 0);
    assert_eq!(kpi(&report, "policy_violation_rate").value, None);
}

#[test]
fn latencies_are_right_to_a_sixty_fourth() {
    let mut latencies = crate::report::latency::Latencies::default();
    (1..=100_000).for_each(|us| latencies.add(us));
    for (q, exact) in [(0.5, 50_000.0), (0.99, 99_000.0), (1.0, 100_000.0)] {
        let found = latencies.quantile(q).unwrap() as f64;
        assert!(found >= exact && found <= exact * (1.0 + 1.0 / 64.0) + 1.0, "{q}: {found}");
    }
    let mut few = crate::report::latency::Latencies::default();
    [3, 90, 127].into_iter().for_each(|us| few.add(us));
    assert_eq!(few.quantile(0.5), Some(90), "small ones are exact");
    few.add(u64::MAX);
    assert_eq!(few.quantile(1.0), Some(u64::MAX));
    assert_eq!(crate::report::latency::Latencies::default().quantile(0.5), None);
}

#[test]
fn periods_widen_and_none_is_left_out() {
    let short = report(entries(20));
    assert_eq!((short.trend.period_s, short.trend.periods.len()), (3600, 20));
    let days = report(entries(1000));
    assert_eq!((days.trend.period_s, days.trend.periods.len()), (86_400, 42));
    let weeks = report(entries(4000));
    assert_eq!(weeks.trend.period_s, 7 * 86_400);
    assert_eq!(weeks.trend.periods.iter().map(|period| period.decisions.n).sum::<u64>(), 4000);
    assert_eq!(weeks.trend.periods[0].start, "2026-10-26T00:00:00Z", "a Monday");
    // Two decisions a year apart: the weeks between are there, and empty.
    let far =
        [entry(0, record(0, time(0), Decision::Allow)), entry(1, record(1, time(24 * 300), Decision::Veto))];
    let far = report(far.into_iter());
    assert_eq!(
        far.trend.periods.iter().filter(|period| period.decisions.n == 0).count(),
        far.trend.periods.len() - 2
    );
    assert_eq!(far.trend.periods[1].veto_rate.value, None);
}

#[test]
fn a_time_is_kept_to() {
    let mut aggregate = Aggregate::new(crate::report::Settings {
        since: Some(time(10)),
        until: Some(time(20)),
        ..settings()
    });
    entries(30).for_each(|entry| aggregate.add(&entry));
    let report = aggregate.finish(None);
    assert_eq!(report.decisions.n, 10);
    assert_eq!(report.oversight.reviews.open, 1, "the case of hour 8 was decided, that of hour 18 was not");
    assert_eq!(report.oversight.policies.len(), 1, "what was put in force before is still in force");
}

#[test]
fn labels_give_reliability_and_errors_by_slice() {
    let mut aggregate = Aggregate::new(settings());
    for at in 0..300_u64 {
        let label = format!(
            "{{\"decision_id\": \"{at:032x}\", \"labels\": {{\"toxicity\": {}}}, \"text\": 1}}",
            at % 2
        );
        assert!(aggregate.label(Label::parse(label.as_bytes()).unwrap()));
    }
    entries(200).for_each(|entry| aggregate.add(&entry));
    let report = aggregate.finish(None);
    assert_eq!((report.labelled, report.unmatched_labels), (200, 100));
    let head = &report.reliability[0];
    assert_eq!((head.head.as_str(), head.positives, head.negatives), ("toxicity", 100, 100));
    assert_eq!(head.reliability.bins.iter().map(|bin| bin.rows).sum::<u64>(), 200);
    let (benign, harmful) = report.slices.slices.iter().fold((0, 0), |(benign, harmful), line| {
        (benign + line.false_positive_rate.n, harmful + line.recall.n)
    });
    assert_eq!((benign, harmful), (100, 100));
    assert!(Label::parse(b"{\"decision_id\": \"a\"}").is_err());
    assert!(Label::parse(b"{\"decision_id\": \"a\", \"labels\": {\"a\": 2}}").is_err());
    assert!(Label::parse(b"[]").is_err());
}

#[test]
fn labels_of_reviews_say_which_heads_are_right() {
    let decided = |id: u64, labels: &[&str]| Event::ReviewDecided {
        decision_id: format!("{id:032x}"),
        outcome: "reject".to_owned(),
        by: "kim".to_owned(),
        reason: String::new(),
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
    };
    let held = |id: u64| {
        let mut made = record(id, time(1), Decision::Escalate);
        made.slice = Some("de".to_owned());
        made.scores.insert("hate".to_owned(), 0.3);
        entry(id, made)
    };
    let entries = [
        held(1),
        held(2),
        held(3),
        event(4, time(2), decided(1, &["toxicity=1", "hate=0"])),
        event(5, time(2), decided(2, &["hate=0", "toxicity=2", "nobody=1"])),
        event(6, time(2), decided(3, &[])),
    ];
    let report = report(entries.into_iter());
    let heads: Vec<_> =
        report.reliability.iter().map(|head| (head.head.as_str(), head.positives, head.negatives)).collect();
    assert_eq!(heads, [("hate", 0, 2), ("toxicity", 1, 0)], "a label that is no share says nothing");
    assert_eq!(report.labelled, 2);
    let slice = &report.slices.slices[0];
    assert_eq!((slice.overturned.events, slice.overturned.n), (0, 3));
    assert_eq!(slice.recall.n, 0, "reviewed cases were all held: they are no measure of recall");
}

#[test]
fn a_gap_is_named_only_where_it_is_more_than_chance() {
    let slice = |name: &str, vetoes: u64, n: u64, from: u64| {
        (0..n)
            .map(|at| {
                let decision = if at < vetoes { Decision::Veto } else { Decision::Allow };
                let mut made = record(from + at, time(1), decision);
                made.slice = Some(name.to_owned());
                entry(from + at, made)
            })
            .collect::<Vec<_>>()
    };
    let unequal = [slice("a", 2, 200, 0), slice("b", 60, 200, 200), slice("few", 10, 10, 400)].concat();
    let gaps = report(unequal.into_iter()).slices.gaps;
    assert_eq!(gaps[0].measure, "held_rate");
    assert_eq!((gaps[0].low_slice.as_str(), gaps[0].high_slice.as_str()), ("a", "b"), "ten are too few");
    assert!((gaps[0].gap - 0.29).abs() < 1e-12);
    assert!(gaps[0].apart);
    let equal = [slice("a", 20, 200, 0), slice("b", 22, 200, 200)].concat();
    assert!(!report(equal.into_iter()).slices.gaps[0].apart);
}

#[test]
fn drift_sees_a_shift() {
    let scored = |score: fn(u64) -> f32| {
        report((0..400_u64).map(move |at| {
            let mut made = record(at, time(at as i64 / 10), Decision::Allow);
            made.scores.insert("toxicity".to_owned(), score(at));
            entry(at, made)
        }))
        .drift
    };
    let still = &scored(|at| (at % 10) as f32 / 10.0)[0];
    assert_eq!((still.earlier_n, still.later_n), (200, 200));
    assert!(still.psi < 0.01, "{still:?}");
    let moved = &scored(|at| if at < 200 { 0.02 } else { 0.4 })[0];
    assert!(moved.psi > 1.0 && moved.later_mean > moved.earlier_mean, "{moved:?}");
}

#[test]
fn oversight_tells_who_and_until_when() {
    let added = |id: &str, days: i64| Event::ExceptionAdded {
        id: id.to_owned(),
        approved_by: "lea".to_owned(),
        expires: format!("{:.0}", settings().at + SignedDuration::from_hours(24 * days)),
    };
    let rolled = Event::PolicyRolledBack {
        from: policy("2.0.0"),
        to: policy("1.0.0"),
        revision: 3,
        by: "monitor".to_owned(),
        reason: "veto rate".to_owned(),
    };
    let revoked =
        Event::ExceptionRevoked { id: "gone".to_owned(), by: "lea".to_owned(), reason: String::new() };
    let alert = Event::AlertRaised {
        indicator: "veto_rate".to_owned(),
        subject: None,
        value: 0.4,
        limit: 0.1,
        policy: policy("2.0.0"),
        message: "too many vetoes".to_owned(),
    };
    let events =
        [added("soon", 5), added("late", 200), added("gone", 90), revoked, alert, rolled, added("past", -1)];
    let report = report(events.into_iter().enumerate().map(|(at, one)| event(at as u64, time(1), one)));
    let states: Vec<_> = report
        .oversight
        .exceptions
        .iter()
        .map(|line| (line.id.as_str(), line.state, line.days_left))
        .collect();
    assert_eq!(
        states,
        [
            ("past", "expired", Some(-1)),
            ("soon", "expiring", Some(5)),
            ("gone", "revoked", Some(90)),
            ("late", "active", Some(200))
        ]
    );
    assert_eq!(report.oversight.alerts_raised, 1);
    assert_eq!(report.oversight.policies[0].by, "monitor");
}

#[test]
fn compliance_asks_for_a_policy_that_was_put_in_force() {
    let activated = Event::PolicyActivated { policy: policy("1.0.0"), revision: 1, by: "jo".to_owned() };
    let mut other = record(2, time(2), Decision::Allow);
    other.policy = policy("9.9.9");
    let mut part = record(3, time(2), Decision::Allow);
    part.coverage = Coverage::Partial;
    let entries = [
        event(0, time(0), activated),
        entry(1, record(1, time(1), Decision::Allow)),
        entry(2, other),
        entry(3, part),
    ];
    let score = kpi(&report(entries.into_iter()), "policy_compliance_score").clone();
    assert_eq!((score.events, score.n), (Some(1), 3));
}

#[test]
fn exceptions_that_were_used_are_counted() {
    let added = Event::ExceptionAdded {
        id: "x".to_owned(),
        approved_by: "lea".to_owned(),
        expires: "2027-01-01T00:00:00Z".to_owned(),
    };
    let mut used = record(1, time(1), Decision::Allow);
    let used_for = |rule: &str| crate::verdict::ExceptionUse {
        rule: rule.to_owned(),
        id: "x".to_owned(),
        approved_by: "lea".to_owned(),
        spans: Vec::new(),
        place: None,
    };
    used.exceptions = vec![used_for("hate"), used_for("insult")];
    let entries = [event(0, time(0), added), entry(1, used), entry(2, record(2, time(2), Decision::Allow))];
    let report = report(entries.into_iter());
    assert_eq!(report.oversight.exceptions[0].uses, 1, "a decision uses it once");
    let rate = kpi(&report, "exception_rate");
    assert_eq!((rate.events, rate.n), (Some(1), 2));
}

#[test]
fn a_rule_counts_a_text_once() {
    let mut made = record(1, time(0), Decision::Veto);
    made.findings = vec![
        finding("pii.email", "pii", Decision::Rewrite),
        finding("pii.email", "pii", Decision::Rewrite),
        finding("hate", "hate", Decision::Veto),
    ];
    let report = report([entry(0, made)].into_iter());
    let rules: Vec<_> = report.rules.iter().map(|line| (line.rule.as_str(), line.decisions.n)).collect();
    assert_eq!(rules, [("hate", 1), ("pii.email", 1)]);
    assert_eq!(report.rules[0].share, Rate::new(1, 1));
}

#[test]
fn a_log_that_does_not_hold_is_told() {
    let mut aggregate = Aggregate::new(settings());
    entries(10).for_each(|entry| aggregate.add(&entry));
    aggregate.unreadable("line 4 is no entry".to_owned());
    let found = Verification {
        lines: 20,
        expected: 22,
        problems: 2,
        first_problem: Some("x".to_owned()),
        signed: None,
    };
    let report = aggregate.finish(Some(found));
    assert!(report.audit.is_broken());
    let trail = kpi(&report, "audit_trail_completeness");
    assert_eq!((trail.events, trail.n), (Some(18), 22));
}
