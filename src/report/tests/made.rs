//! A log made up for the tests: entries that repeat exactly.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::log::{Body, Entry, Event};
use crate::record::DecisionRecord;
use crate::report::{Aggregate, BRAND_CATEGORIES, Settings};
use crate::request::Role;
use crate::verdict::{Coverage, CoverageReason, Decision, Finding, ModelRef, PolicyRef, Source, Timing};

pub(super) const START: &str = "2026-11-01T00:00:00Z";

pub(super) fn time(hours: i64) -> Timestamp {
    START.parse::<Timestamp>().unwrap() + SignedDuration::from_hours(hours)
}

pub(super) fn settings() -> Settings {
    Settings {
        title: "A report".to_owned(),
        at: time(24 * 30),
        since: None,
        until: None,
        brand_categories: BRAND_CATEGORIES.map(str::to_owned).to_vec(),
        policy_rules: Vec::new(),
    }
}

pub(super) fn policy(version: &str) -> PolicyRef {
    PolicyRef { id: "shop".to_owned(), version: version.to_owned(), digest: version.repeat(8) }
}

pub(super) fn finding(rule: &str, category: &str, action: Decision) -> Finding {
    Finding {
        rule: rule.to_owned(),
        category: category.to_owned(),
        score: 0.9,
        threshold: 0.5,
        spans: Vec::new(),
        source: Source::Classifier,
        action,
        via: Vec::new(),
        place: None,
    }
}

pub(super) fn record(id: u64, time: Timestamp, decision: Decision) -> DecisionRecord {
    let findings = match decision {
        Decision::Allow => Vec::new(),
        Decision::Rewrite => vec![finding("pii.email", "pii", decision)],
        Decision::Escalate => vec![finding("insult", "insult", decision)],
        Decision::Veto => vec![finding("jailbreak", "jailbreak", decision)],
    };
    DecisionRecord {
        decision_id: format!("{id:032x}"),
        time: format!("{time:.6}"),
        role: Role::Assistant,
        text_digest: String::new(),
        text_bytes: 10,
        tool_call_digest: None,
        decision,
        findings,
        exceptions: Vec::new(),
        scores: BTreeMap::from([("toxicity".to_owned(), if decision.releases() { 0.05 } else { 0.9 })]),
        thresholds: BTreeMap::new(),
        coverage: Coverage::Full,
        coverage_reasons: Vec::new(),
        exit: None,
        device: None,
        policy: policy("1.0.0"),
        model: Some(ModelRef { id: "base".to_owned(), digest: "ab".repeat(32) }),
        calibration: Some("cd".repeat(32)),
        slice: None,
        locale: None,
        fault: None,
        timing_us: Timing { total: 100, ..Timing::default() },
        evidence: None,
    }
}

pub(super) fn entry(seq: u64, record: DecisionRecord) -> Entry {
    Entry { seq, body: Body::Decision(Box::new(record)) }
}

pub(super) fn event(seq: u64, time: Timestamp, event: Event) -> Entry {
    Entry { seq, body: Body::Event { time: format!("{time:.6}"), event } }
}

/// `n` decisions, one an hour: of ten, six allow, two rewrite, one escalates, one vetoes; two slices and some reviews.
pub(super) fn entries(n: u64) -> impl Iterator<Item = Entry> {
    let first = Event::PolicyActivated { policy: policy("1.0.0"), revision: 3, by: "jo".to_owned() };
    let decisions = (0..n).flat_map(|at| {
        let decision = match at % 10 {
            0..=5 => Decision::Allow,
            6 | 7 => Decision::Rewrite,
            8 => Decision::Escalate,
            _ => Decision::Veto,
        };
        let when = time(i64::try_from(at % 5000).unwrap());
        let mut made = record(at, when, decision);
        made.slice = Some(if at % 3 == 0 { "de" } else { "en" }.to_owned());
        made.timing_us.total = 80 + at % 400;
        if at % 50 == 0 {
            made.coverage = Coverage::Partial;
            made.coverage_reasons = vec![CoverageReason::Deadline];
        }
        let review = (at % 20 == 8).then(|| {
            let outcome = if at % 40 == 8 { "approve" } else { "reject" }.to_owned();
            let decided = Event::ReviewDecided {
                decision_id: made.decision_id.clone(),
                outcome,
                by: "kim".to_owned(),
                reason: String::new(),
                labels: Vec::new(),
            };
            event(2 * at + 2, when + SignedDuration::from_mins(30), decided)
        });
        std::iter::once(entry(2 * at + 1, made)).chain(review)
    });
    std::iter::once(event(0, time(0), first)).chain(decisions)
}

pub(super) fn report(entries: impl Iterator<Item = Entry>) -> crate::report::Report {
    let mut aggregate = Aggregate::new(settings());
    entries.for_each(|entry| aggregate.add(&entry));
    aggregate.finish(None)
}
