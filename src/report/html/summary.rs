//! The top of the page: what it covers, what needs attention, and the key figures.

use maud::{Markup, html};

use super::super::{Kpi, Report};
use super::figure;

/// The key figures that are shown large.
const LARGE: [&str; 8] = [
    "veto_rate",
    "rewrite_rate",
    "escalation_rate",
    "policy_violation_rate",
    "safe_reply_rate",
    "policy_compliance_score",
    "audit_trail_completeness",
    "latency_p99",
];

/// Title, facts, contents and what needs attention.
pub(super) fn header(report: &Report) -> Markup {
    let period = match (&report.first, &report.last) {
        (Some(first), Some(last)) => format!("{first} to {last}"),
        _ => "no decisions".to_owned(),
    };
    let asked = [("from", &report.since), ("before", &report.until)];
    let asked: Vec<String> =
        asked.iter().filter_map(|(word, time)| Some(format!("{word} {}", time.as_ref()?))).collect();
    let policy = report.oversight.policies.first();
    html! {
        header {
            h1 { (report.title) }
            dl.facts {
                dt { "Decisions" } dd { strong data-count="decisions" { (figure::count(report.decisions.n)) } }
                dt { "Time of the decisions" } dd { (period) }
                @if !asked.is_empty() { dt { "Asked for" } dd { (asked.join(", ")) } }
                @if let Some(policy) = policy {
                    dt { "Policy in force" }
                    dd { (policy.policy.id) " " (policy.policy.version) ", revision " (policy.revision) ", since " (policy.time) ", put in force by " (policy.by) }
                }
                dt { "As of" } dd { (report.at) }
            }
            nav aria-label="Contents" { ul {
                @for (id, name) in [("figures", "Key figures"), ("trend", "Trend"), ("rules", "Rules"), ("slices", "Data slices"),
                    ("reliability", "Reliability"), ("drift", "Drift"), ("reviews", "Reviews"), ("exceptions", "Exceptions"),
                    ("alerts", "Alerts"), ("policies", "Policies and models"), ("log", "Audit trail")] {
                    li { a href={ "#" (id) } { (name) } }
                }
            } }
            (attention(report))
        }
    }
}

fn attention(report: &Report) -> Markup {
    let points = points(report);
    let broken = report.audit.is_broken();
    let class = if broken {
        "broken"
    } else if points.is_empty() {
        "clear"
    } else {
        ""
    };
    html! {
        section class={ "attention " (class) } aria-labelledby="attention" {
            h2 #attention { @if points.is_empty() { "Nothing needs attention" } @else { "Needs attention" } }
            @if !points.is_empty() { ul { @for point in &points { li { (point) } } } }
        }
    }
}

fn points(report: &Report) -> Vec<String> {
    let mut points = Vec::new();
    if let Some(problem) = &report.audit.problem {
        points.push(format!("{} lines of the log hold no entry: {problem}.", report.audit.unreadable));
    }
    if let Some(problem) = report.audit.verification.as_ref().and_then(|found| found.first_problem.as_ref()) {
        points.push(format!("The log does not hold: {problem}."));
    }
    if report.audit.lost > 0 {
        points.push(format!("{} decisions could not be logged.", report.audit.lost));
    }
    if let Some(problem) = &report.monitor_problem {
        points.push(format!("What the monitor knows cannot be read: {problem}."));
    }
    let reviews = &report.oversight.reviews;
    if reviews.late > 0 {
        points.push(format!(
            "{} escalated cases have waited for a person for 72 hours or more.",
            figure::count(reviews.late)
        ));
    }
    let state = |state| report.oversight.exceptions.iter().filter(move |line| line.state == state);
    for line in state("expiring") {
        points.push(format!(
            "Exception {}, approved by {}, ends on {}.",
            line.id, line.approved_by, line.expires
        ));
    }
    let faults =
        report.kpis.iter().find(|kpi| kpi.id == "fault_rate").and_then(|kpi| kpi.events).unwrap_or(0);
    if faults > 0 {
        points.push(format!("In {faults} decisions a rail failed."));
    }
    for gap in report.slices.gaps.iter().filter(|gap| gap.apart) {
        points.push(format!(
            "The {} differs between data slices by more than chance: {} in {}, {} in {}.",
            super::quality::measure(gap.measure),
            figure::rate(&gap.low),
            gap.low_slice,
            figure::rate(&gap.high),
            gap.high_slice
        ));
    }
    if report.oversight.alerts_raised > 0 {
        points.push(format!("{} alerts were raised in the period.", report.oversight.alerts_raised));
    }
    points
}

/// The key figures, large and as a table with their definitions.
pub(super) fn figures(report: &Report) -> Markup {
    let large = LARGE.iter().filter_map(|id| report.kpis.iter().find(|kpi| kpi.id == *id));
    html! {
        section aria-labelledby="figures" {
            h2 #figures { "Key figures" }
            ul.cards {
                @for kpi in large { li {
                    span.name { (kpi.name) }
                    b { (figure::kpi(kpi)) }
                    small { (under(kpi)) }
                } }
            }
            (super::table("Every figure with its definition", &["Figure", "#Value", "#95% interval", "#Counted", "Definition"],
                report.kpis.iter().map(row)))
            p.soft { "Brand categories: " (report.brand_categories.join(", ")) "." }
            @if !report.roles.is_empty() {
                p.soft { "Texts by who wrote them: "
                    @for (at, role) in report.roles.iter().enumerate() { @if at > 0 { ", " } (role.name) " " (figure::count(role.n)) } "." }
            }
            @if !report.coverage_reasons.is_empty() {
                p.soft { "Not judged in full because of: "
                    @for (at, reason) in report.coverage_reasons.iter().enumerate() { @if at > 0 { ", " } (reason.name.replace('_', " ")) " " (figure::count(reason.n)) } "." }
            }
        }
    }
}

fn under(kpi: &Kpi) -> String {
    match kpi.events {
        _ if kpi.n == 0 => "nothing to measure".to_owned(),
        Some(events) => format!(
            "{} of {}; {}",
            figure::count(events),
            figure::count(kpi.n),
            figure::interval(kpi.low, kpi.high)
        ),
        None => format!("of {} decisions", figure::count(kpi.n)),
    }
}

fn row(kpi: &Kpi) -> Markup {
    let counted = kpi.events.map_or_else(
        || figure::count(kpi.n),
        |events| format!("{} of {}", figure::count(events), figure::count(kpi.n)),
    );
    html! {
        th scope="row" { (kpi.name) }
        td.n data-kpi=(kpi.id) data-value=[kpi.value] data-n=(kpi.n) { (figure::kpi(kpi)) }
        td.n { (figure::interval(kpi.low, kpi.high)) }
        td.n { (counted) }
        td { (kpi.definition) }
    }
}
