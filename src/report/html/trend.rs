//! The figures over time, drawn and as a table.

use maud::{Markup, PreEscaped, html};

use super::super::{Period, Report};
use super::chart::{self, Line};
use super::{PageError, figure};

/// The section; a sentence where there are too few periods to draw.
pub(super) fn section(report: &Report) -> Result<Markup, PageError> {
    let periods = &report.trend.periods;
    let length = width(report.trend.period_s);
    if periods.len() < 2 {
        return Ok(html! {
            section aria-labelledby="trend" {
                h2 #trend { "Trend" }
                p { "All decisions are of one " (length) ": there is no trend to show." }
            }
        });
    }
    let starts: Vec<String> =
        periods.iter().map(|period| label(&period.start, report.trend.period_s)).collect();
    let share = |class, of: fn(&Period) -> Option<f64>| Line {
        class,
        points: periods.iter().map(|period| of(period).map(|share| 100.0 * share)).collect(),
    };
    let rates = [
        share(chart::VETO, |period| period.veto_rate.value),
        share(chart::ESCALATE, |period| period.escalation_rate.value),
        share(chart::REWRITE, |period| period.rewrite_rate.value),
    ];
    let latency = |class, of: fn(&Period) -> Option<u64>| Line {
        class,
        points: periods.iter().map(|period| of(period).map(|us| us as f64 / 1e3)).collect(),
    };
    let latencies = [
        latency(chart::VETO, |period| period.latency_p99_us),
        latency(chart::REWRITE, |period| period.latency_p50_us),
    ];
    let stacks: Vec<[u64; 4]> = periods
        .iter()
        .map(|period| {
            let tally = period.decisions;
            [tally.veto, tally.escalate, tally.rewrite, tally.allow]
        })
        .collect();
    Ok(html! {
        section aria-labelledby="trend" {
            h2 #trend { "Trend" }
            p.soft { "One point for each " (length) "; times are UTC. A gap is a " (length) " without decisions." }
            figure {
                figcaption { strong { "Share of decisions, %" } span.key.veto { "veto" } span.key.escalate { "escalate" } span.key.rewrite { "rewrite" } }
                div role="img" aria-label={ "Veto, escalation and rewrite rate by " (length) "; the numbers are in the table below" } {
                    (PreEscaped(chart::lines("the rates", chart::LARGE, &starts, &rates)?))
                }
            }
            div.charts {
                figure {
                    figcaption { strong { "Decisions" } span.key.veto { "veto" } span.key.escalate { "escalate" } span.key.rewrite { "rewrite" } span.key.allow { "allow" } }
                    div role="img" aria-label={ "Decisions by " (length) "; the numbers are in the table below" } {
                        (PreEscaped(chart::stacks("the decisions", &starts, &stacks)?))
                    }
                }
                figure {
                    figcaption { strong { "Latency, ms" } span.key.veto { "99th percentile" } span.key.rewrite { "median" } }
                    div role="img" aria-label={ "Median and 99th percentile of the latency by " (length) "; the numbers are in the table below" } {
                        (PreEscaped(chart::lines("the latency", chart::SMALL, &starts, &latencies)?))
                    }
                }
            }
            details {
                summary { "The numbers" }
                (super::table("Figures by time",
                    &["From", "#Decisions", "#Veto", "#Escalate", "#Rewrite", "#Coverage", "#Median", "#99th"],
                    periods.iter().map(row)))
            }
        }
    })
}

fn row(period: &Period) -> Markup {
    let latency = |us: Option<u64>| us.map_or_else(figure::dash, |us| figure::microseconds(us as f64));
    html! {
        td { (period.start) }
        td.n { (figure::count(period.decisions.n)) }
        td.n { (figure::rate(&period.veto_rate)) }
        td.n { (figure::rate(&period.escalation_rate)) }
        td.n { (figure::rate(&period.rewrite_rate)) }
        td.n { (figure::rate(&period.coverage_rate)) }
        td.n { (latency(period.latency_p50_us)) }
        td.n { (latency(period.latency_p99_us)) }
    }
}

fn width(seconds: i64) -> String {
    match seconds / 3600 {
        1 => "hour".to_owned(),
        24 => "day".to_owned(),
        168 => "week".to_owned(),
        hours => format!("{} weeks", hours / 168),
    }
}

/// The part of a period's start that tells it from the others.
fn label(start: &str, seconds: i64) -> String {
    let hours = seconds < 86_400;
    let part = if hours { start.get(5..16) } else { start.get(..10) };
    part.unwrap_or(start).replace('T', " ")
}
