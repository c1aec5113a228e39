//! Memory and the page stay bounded, whatever the log holds.

use proptest::prelude::*;

use super::made::{entries, entry, event, record, report, settings, time};
use crate::log::Event;
use crate::report::{Aggregate, MAX_NAMES, html};
use crate::verdict::Decision;

#[test]
fn fifty_thousand_records_are_one_page() {
    let report = report(entries(50_000));
    assert_eq!(report.decisions.n, 50_000);
    assert_eq!(report.trend.periods.iter().map(|period| period.decisions.n).sum::<u64>(), 50_000);
    let page = html::page(&report).unwrap();
    assert!(page.len() < 500_000, "{} bytes", page.len());
}

#[test]
fn the_same_log_gives_the_same_page() {
    let page = || html::page(&report(entries(2000))).unwrap();
    assert_eq!(page(), page());
}

#[test]
fn names_without_end_do_not_fill_the_memory() {
    let n = 3 * MAX_NAMES as u64;
    let made = (0..n).map(|at| {
        let mut made = record(at, time(1), Decision::Escalate);
        made.slice = Some(format!("slice {at}"));
        made.findings[0].rule = format!("rule {at}");
        made.policy.digest = format!("digest {at}");
        made.scores = std::iter::once((format!("head {at}"), 0.5)).collect();
        entry(at, made)
    });
    let report = report(made);
    assert_eq!(report.slices.slices.len(), MAX_NAMES + 1);
    assert_eq!(report.slices.slices.iter().map(|line| line.decisions.n).sum::<u64>(), n);
    assert_eq!(report.rules.len(), MAX_NAMES + 1);
    assert_eq!(report.rules[0].rule, "(other)");
    assert!(report.deployed.len() <= 3 * MAX_NAMES);
    assert_eq!(report.oversight.reviews.oldest.len(), 50);
}

#[test]
fn hostile_times_are_counted_and_not_drawn() {
    let mut late = record(1, time(0), Decision::Veto);
    late.time = "9999-12-30T00:00:00Z".to_owned();
    let mut early = record(2, time(0), Decision::Allow);
    early.time = "-009998-01-02T00:00:00Z".to_owned();
    let mut none = record(3, time(0), Decision::Allow);
    none.time = "yesterday".to_owned();
    let seen = event(
        9,
        time(0),
        Event::ReviewDecided {
            decision_id: "no such case".to_owned(),
            outcome: "approve".to_owned(),
            by: String::new(),
            reason: String::new(),
            labels: Vec::new(),
        },
    );
    let report = report([entry(0, late), entry(u64::MAX, early), entry(2, none), seen].into_iter());
    assert_eq!((report.decisions.n, report.undated), (3, 1));
    assert!(report.trend.periods.len() < 5000);
    html::page(&report).unwrap();
}

#[test]
fn an_empty_log_is_a_page_too() {
    let page = html::page(&report(std::iter::empty())).unwrap();
    assert!(page.contains("no decisions"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn rates_add_up(decisions in proptest::collection::vec((0_u8..4, 0_i64..2000, 0_u64..1 << 40), 0..200)) {
        let mut aggregate = Aggregate::new(settings());
        for (at, (decision, hour, us)) in decisions.iter().enumerate() {
            let decision = [Decision::Allow, Decision::Rewrite, Decision::Escalate, Decision::Veto][usize::from(*decision)];
            let mut made = record(at as u64, time(*hour), decision);
            made.timing_us.total = *us;
            aggregate.add(&entry(at as u64, made));
        }
        let report = aggregate.finish(None);
        let n = decisions.len() as u64;
        let tally = report.decisions;
        prop_assert_eq!(tally.n, n);
        prop_assert_eq!(tally.allow + tally.rewrite + tally.escalate + tally.veto, n);
        prop_assert_eq!(report.trend.periods.iter().map(|period| period.decisions.n).sum::<u64>(), n);
        prop_assert_eq!(report.slices.slices.iter().map(|line| line.decisions.n).sum::<u64>(), n);
        for kpi in &report.kpis {
            if let Some(value) = kpi.value { prop_assert!(value >= 0.0); }
        }
        prop_assert!(html::page(&report).is_ok());
    }
}
