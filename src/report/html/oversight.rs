//! Who answered for what: reviews, exceptions, alerts, policies, and the log itself.

use maud::{Markup, html};

use super::super::{AlertLine, ExceptionLine, OpenReview, Report};
use super::figure;

/// Most open cases that the page shows.
const CASES: usize = 20;

/// Cases that wait, and those that were decided.
pub(super) fn reviews(report: &Report) -> Markup {
    let reviews = &report.oversight.reviews;
    html! {
        section aria-labelledby="reviews" {
            h2 #reviews { "Reviews" }
            p { (figure::count(reviews.decided)) " cases were decided in the period: " (figure::count(reviews.approved)) " approved, "
                (figure::count(reviews.rejected)) " rejected. " (figure::count(reviews.open)) " are open."
                @if reviews.not_followed > 0 { " " (figure::count(reviews.not_followed)) " more were too many to follow." } }
            @if !reviews.oldest.is_empty() {
                (super::table("Open cases, oldest first", &["Decision", "Since", "#Waiting", "Rules", "Slice"],
                    reviews.oldest.iter().take(CASES).map(case)))
                @if reviews.open > CASES as u64 { p.soft { (figure::count(reviews.open - CASES as u64)) " more are open." } }
            }
        }
    }
}

fn case(case: &OpenReview) -> Markup {
    html! {
        td { code { (case.decision_id) } }
        td { (case.time.get(..16).unwrap_or(&case.time).replace('T', " ")) }
        td.n { (figure::seconds(case.hours as f64 * 3600.0)) }
        td { (case.rules.join(", ")) }
        td { (case.slice.as_deref().unwrap_or("–")) }
    }
}

/// Exceptions in the order in which they end.
pub(super) fn exceptions(report: &Report) -> Markup {
    html! {
        section aria-labelledby="exceptions" {
            h2 #exceptions { "Exceptions" }
            @if report.oversight.exceptions.is_empty() { p { "The log tells of no exceptions." } } @else {
                (super::table("In the order in which they end", &["Exception", "Approved by", "Taken up", "Ends", "#Days left", "State", "#Uses"],
                    report.oversight.exceptions.iter().map(exception)))
            }
        }
    }
}

fn exception(line: &ExceptionLine) -> Markup {
    let class = match line.state {
        "active" => "word good",
        "expiring" => "word warn",
        _ => "word",
    };
    html! {
        th scope="row" { (line.id) }
        td { (line.approved_by) }
        td { (line.added) }
        td { (line.expires) }
        td.n { (line.days_left.map_or_else(figure::dash, |days| days.to_string())) }
        td { span class=(class) { (line.state) } }
        td.n { (figure::count(line.uses)) }
    }
}

/// What the monitor raised.
pub(super) fn alerts(report: &Report) -> Markup {
    html! {
        section aria-labelledby="alerts" {
            h2 #alerts { "Alerts" }
            @if report.oversight.alerts.is_empty() { p { "The log tells of no alerts." } } @else {
                p { (figure::count(report.oversight.alerts_raised)) " were raised in the period." }
                (super::table("Newest first", &["Time", "Indicator", "Of", "#Measured", "#Bound", "What"],
                    report.oversight.alerts.iter().map(alert)))
            }
        }
    }
}

fn alert(alert: &AlertLine) -> Markup {
    html! {
        td { (alert.time) }
        th scope="row" { (alert.indicator) }
        td { (alert.subject.as_deref().unwrap_or("–")) }
        td.n { (format!("{:.4}", alert.value)) }
        td.n { (alert.limit.map_or_else(figure::dash, |limit| format!("{limit:.4}"))) }
        td { (alert.message) }
    }
}

/// What was in force, and what decided.
pub(super) fn policies(report: &Report) -> Markup {
    html! {
        section aria-labelledby="policies" {
            h2 #policies { "Policies and models" }
            @if report.oversight.policies.is_empty() { p { "The log tells of no policy that was put in force." } } @else {
                (super::table("Put in force, newest first", &["Time", "Change", "Policy", "#Revision", "By", "Why", "Digest"],
                    report.oversight.policies.iter().map(|change| html! {
                        td { (change.time) }
                        td { (change.change) }
                        th scope="row" { (change.policy.id) " " (change.policy.version) }
                        td.n { (change.revision) }
                        td { (change.by) }
                        td { (change.reason) }
                        td { code { (figure::digest(&change.policy.digest)) } }
                    })))
            }
            @if !report.deployed.is_empty() {
                (super::table("What decided in the period", &["Kind", "Name", "Digest", "First", "Last", "#Decisions", "#Veto"],
                    report.deployed.iter().map(|seen| html! {
                        td { (seen.kind) }
                        th scope="row" { (seen.name) }
                        td { code { (figure::digest(&seen.digest)) } }
                        td { (seen.first) }
                        td { (seen.last) }
                        td.n { (figure::count(seen.decisions.n)) }
                        td.n { (figure::count(seen.decisions.veto)) }
                    })))
            }
        }
    }
}

/// How whole the log is.
pub(super) fn log(report: &Report) -> Markup {
    let audit = &report.audit;
    let places = match (audit.first_seq, audit.last_seq) {
        (Some(first), Some(last)) => format!("{first} to {last}"),
        _ => figure::dash(),
    };
    html! {
        section aria-labelledby="log" {
            h2 #log { "Audit trail" }
            dl.facts {
                dt { "Entries read" } dd { (figure::count(audit.entries)) }
                dt { "Places in the log" } dd { (places) }
                dt { "Verified" } dd {
                    @match &audit.verification {
                        None => { "not asked for" },
                        Some(found) if found.problems == 0 => {
                            span.word.good { (figure::count(found.lines)) " lines hold" }
                            @if let Some(signed) = found.signed { ", signed for up to place " (signed) }
                        },
                        Some(found) => {
                            span.word.bad { (figure::count(found.problems)) " things do not hold" }
                            @if let Some(problem) = &found.first_problem { ", the first: " (problem) }
                        },
                    }
                }
                @if let Some(problem) = &audit.problem {
                    dt { "Lines without an entry" } dd { span.word.bad { (figure::count(audit.unreadable)) } ", the first: " (problem) }
                }
                @if audit.lost > 0 { dt { "Decisions not logged" } dd { span.word.bad { (figure::count(audit.lost)) } } }
                @if report.undated > 0 { dt { "Decisions without a time" } dd { (figure::count(report.undated)) } }
            }
        }
    }
}
