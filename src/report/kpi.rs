//! The key figures, each with its definition.

use serde::Serialize;

use super::oversight::Oversight;
use super::{Audit, Rate, Tally};

/// What the value of a key figure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A share in `0..=1`.
    Share,
    /// A share times 100.
    Score,
    /// Microseconds.
    Microseconds,
    /// Seconds.
    Seconds,
    /// A number of things.
    Count,
}

/// A key figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Kpi {
    /// Its name in JSON and in the page, such as `veto_rate`.
    pub id: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// What it is, exactly.
    pub definition: &'static str,
    /// What its value is.
    pub unit: Unit,
    /// The value; none where there is nothing to measure.
    pub value: Option<f64>,
    /// How many it was measured on.
    pub n: u64,
    /// For a share, how many of them were counted.
    pub events: Option<u64>,
    /// For a share, the lower end of its 95% interval.
    pub low: Option<f64>,
    /// For a share, the upper end of its 95% interval.
    pub high: Option<f64>,
}

/// What the key figures are computed from.
#[derive(Clone, Debug, Default)]
pub(super) struct Sums {
    pub(super) decisions: Tally,
    pub(super) assistant: Tally,
    pub(super) assistant_broke: u64,
    pub(super) assistant_off_brand: u64,
    pub(super) full: u64,
    pub(super) faults: u64,
    pub(super) compliant: u64,
    pub(super) excepted: u64,
}

struct Latency {
    p50: Option<u64>,
    p99: Option<u64>,
    n: u64,
}

/// The key figures, in the order of the page.
pub(super) fn kpis(
    sums: &Sums,
    latencies: &super::latency::Latencies,
    oversight: &Oversight,
    audit: &Audit,
) -> Vec<Kpi> {
    let latency = Latency { p50: latencies.quantile(0.5), p99: latencies.quantile(0.99), n: latencies.n() };
    let mut kpis = rates(sums);
    kpis.extend(rest(sums, &latency, oversight, audit));
    kpis
}

fn rates(sums: &Sums) -> Vec<Kpi> {
    let (all, assistant) = (sums.decisions, sums.assistant);
    vec![
        share(
            "veto_rate",
            "Veto rate",
            "Texts that were not released, among all decisions.",
            all.veto,
            all.n,
        ),
        share(
            "rewrite_rate",
            "Rewrite rate",
            "Texts that were released with edits, among all decisions.",
            all.rewrite,
            all.n,
        ),
        share(
            "escalation_rate",
            "Escalation rate",
            "Texts that were held for a person, among all decisions.",
            all.escalate,
            all.n,
        ),
        share(
            "policy_violation_rate",
            "Policy-violation rate",
            "Assistant's texts in which at least one rule applied as the model wrote them, among the assistant's texts.",
            sums.assistant_broke,
            assistant.n,
        ),
        share(
            "safe_reply_rate",
            "Safe-reply rate",
            "Assistant's texts that were released, as they were or edited, among the assistant's texts.",
            assistant.released(),
            assistant.n,
        ),
        share(
            "brand_safety_rate",
            "Brand-safety rate",
            "Assistant's texts without a finding of a brand category (listed below), as the model wrote them, among the \
             assistant's texts.",
            assistant.n - sums.assistant_off_brand,
            assistant.n,
        ),
    ]
}

fn rest(sums: &Sums, latency: &Latency, oversight: &Oversight, audit: &Audit) -> Vec<Kpi> {
    let n = sums.decisions.n;
    let reviews = &oversight.reviews;
    let trail = audit.completeness();
    vec![
        Kpi {
            unit: Unit::Score,
            ..share(
                "policy_compliance_score",
                "Policy-compliance score",
                "Out of 100: decisions that were judged in full, without a fault, by a policy that the log says was put in force \
             (any policy, while the log names none), among all decisions.",
                sums.compliant,
                n,
            )
        },
        share(
            "coverage_rate",
            "Coverage",
            "Texts that every rail judged whole, among all decisions.",
            sums.full,
            n,
        ),
        share(
            "fault_rate",
            "Fault rate",
            "Decisions in which a rail failed, among all decisions.",
            sums.faults,
            n,
        ),
        share(
            "exception_rate",
            "Exception rate",
            "Decisions that used a signed exception, among all decisions.",
            sums.excepted,
            n,
        ),
        share(
            "audit_trail_completeness",
            "Audit-trail completeness",
            "Lines of the log that are there and hold against its hash chain and signatures, among those that there should be; of \
             the whole log, not of the period. Nothing where the log was not verified.",
            trail.events,
            trail.n,
        ),
        share(
            "overturn_rate",
            "Overturned by review",
            "Held cases that a person approved, among the cases decided in the period: what need not have been held.",
            reviews.approved,
            reviews.decided,
        ),
        number(
            "latency_p50",
            "Latency, median",
            "Time from request to verdict that half of the decisions do not pass; to 1/64.",
            Unit::Microseconds,
            latency.p50,
            latency.n,
        ),
        number(
            "latency_p99",
            "Latency, 99th percentile",
            "Time from request to verdict that 99 in 100 decisions do not pass; to 1/64.",
            Unit::Microseconds,
            latency.p99,
            latency.n,
        ),
        number(
            "open_reviews",
            "Open reviews",
            "Escalated cases that nobody has decided by the end of the period, also those from before it.",
            Unit::Count,
            Some(reviews.open),
            reviews.open,
        ),
        number(
            "review_time",
            "Time to review, median",
            "Time from an escalation to a person's decision, of the cases decided in the period.",
            Unit::Seconds,
            reviews.median_seconds,
            reviews.decided,
        ),
    ]
}

fn share(id: &'static str, name: &'static str, definition: &'static str, events: u64, n: u64) -> Kpi {
    let Rate { value, low, high, .. } = Rate::new(events, n);
    Kpi { id, name, definition, unit: Unit::Share, value, n, events: Some(events), low, high }
}

fn number(
    id: &'static str,
    name: &'static str,
    definition: &'static str,
    unit: Unit,
    value: Option<u64>,
    n: u64,
) -> Kpi {
    let value = value.map(|value| value as f64);
    Kpi { id, name, definition, unit, value, n, events: None, low: None, high: None }
}
