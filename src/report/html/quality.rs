//! How well and how evenly the rules decide: rules, data slices, reliability and drift.

use maud::{Markup, PreEscaped, html};
use portcullis_calibration::plot;

use super::super::{Gap, HeadReliability, Report, RuleLine, ScoreDrift, SliceLine};
use super::{PageError, chart, figure};

/// Most rules and slices that the page shows.
const ROWS: usize = 40;
/// Most reliability diagrams.
const DIAGRAMS: usize = 16;

/// The rules that applied, and those that did not.
pub(super) fn rules(report: &Report) -> Markup {
    html! {
        section aria-labelledby="rules" {
            h2 #rules { "Rules" }
            @if report.rules.is_empty() { p { "No rule applied." } } @else {
                (super::table("Rules that applied, those with the most texts first",
                    &["Rule", "Categories", "#Texts", "#Of all", "#Veto", "#Escalate", "#Rewrite", "#Overturned by review"],
                    report.rules.iter().take(ROWS).map(rule)))
                (left_out(report.rules.len(), "rules"))
            }
            @if !report.unused_rules.is_empty() {
                h3 { "Rules of the policy that never applied" }
                (super::table("", &["Rule", "Looks at", "Asks for", "Owner", "Hazard"], report.unused_rules.iter().map(|rule| html! {
                    th scope="row" { (rule.rule) } td { code { (rule.detector) } } td { (rule.action) }
                    td { (rule.owner) } td { (rule.hazard.unwrap_or("–")) }
                })))
            }
        }
    }
}

fn rule(line: &RuleLine) -> Markup {
    let overturned = match line.overturned.n {
        0 => figure::dash(),
        n => format!("{} of {n}", line.overturned.events),
    };
    html! {
        th scope="row" { (line.rule) }
        td { (line.categories.join(", ")) }
        td.n { (figure::count(line.decisions.n)) }
        td.n { (figure::rate(&line.share)) }
        td.n { (figure::count(line.decisions.veto)) }
        td.n { (figure::count(line.decisions.escalate)) }
        td.n { (figure::count(line.decisions.rewrite)) }
        td.n { (overturned) }
    }
}

/// The data slices and the gaps between them.
pub(super) fn slices(report: &Report) -> Result<Markup, PageError> {
    let slices = &report.slices.slices;
    let drawn: Vec<_> = slices.iter().take(ROWS).map(|line| (line.slice.clone(), line.held_rate)).collect();
    let labels = slices.iter().any(|line| line.recall.n + line.false_positive_rate.n > 0);
    let mut columns = vec!["Slice", "#Decisions", "#Veto", "#Held", "#95% interval", "#Rewrite"];
    if labels {
        columns.extend(["#False positives", "#Recall"]);
    }
    let reviews = slices.iter().any(|line| line.overturned.n > 0);
    if reviews {
        columns.push("#Overturned");
    }
    Ok(html! {
        section aria-labelledby="slices" {
            h2 #slices { "Data slices and fairness" }
            @if slices.len() < 2 {
                p { "The requests named " @if slices.is_empty() { "no" } @else { "one" } " data slice: there is nothing to compare." }
            } @else {
                p.soft { "Held texts are those that were vetoed or escalated. Slices with fewer than 30 counts are not compared. A gap is marked \
                    where the two intervals do not touch; slices may also differ in what was sent. False positives and recall are of labelled decisions, and mean something where those are a \
                    sample of all." }
                figure {
                    figcaption { strong { "Held texts by data slice" } ", with 95% intervals" }
                    div role="img" aria-label="Share of held texts in each data slice; the numbers are in the table below" {
                        (PreEscaped(chart::intervals("the slices", &drawn)?))
                    }
                }
                (super::table("Figures by data slice", &columns, slices.iter().take(ROWS).map(|line| slice(line, labels, reviews))))
                (left_out(slices.len(), "slices"))
                @if !report.slices.gaps.is_empty() {
                    h3 { "Largest gaps" }
                    (super::table("", &["Rate", "#Gap, points", "Lowest", "Highest", "More than chance"], report.slices.gaps.iter().map(gap)))
                }
            }
        }
    })
}

fn slice(line: &SliceLine, labels: bool, reviews: bool) -> Markup {
    html! {
        th scope="row" { (line.slice) }
        td.n { (figure::count(line.decisions.n)) }
        td.n { (figure::rate(&line.veto_rate)) }
        td.n { (figure::rate(&line.held_rate)) }
        td.n { (figure::interval(line.held_rate.low, line.held_rate.high)) }
        td.n { (figure::rate(&line.rewrite_rate)) }
        @let rates = [(labels, line.false_positive_rate), (labels, line.recall), (reviews, line.overturned)];
        @for (_, rate) in rates.iter().filter(|(shown, _)| *shown) {
            td.n { @if rate.n > 0 { (figure::rate(rate)) " of " (rate.n) } @else { "–" } }
        }
    }
}

fn gap(gap: &Gap) -> Markup {
    html! {
        th scope="row" { (measure(gap.measure)) }
        td.n { (format!("{:.2}", 100.0 * gap.gap)) }
        td { (figure::rate(&gap.low)) " in " (gap.low_slice) }
        td { (figure::rate(&gap.high)) " in " (gap.high_slice) }
        td { @if gap.apart { span.word.warn { "yes" } } @else { "no" } }
    }
}

/// The name of a rate for people.
pub(super) fn measure(measure: &str) -> String {
    measure.replace('_', " ")
}

/// The reliability diagrams.
pub(super) fn reliability(report: &Report) -> Result<Markup, PageError> {
    let drawn = report.reliability.iter().filter(|head| head.positives + head.negatives >= 20).take(DIAGRAMS);
    let drawn = drawn.map(diagram).collect::<Result<Vec<_>, _>>()?;
    Ok(html! {
        section aria-labelledby="reliability" {
            h2 #reliability { "Reliability of the scores" }
            @if report.reliability.is_empty() {
                p { "No labels: reviews give them, and so does a file named with " code { "--labels" } "." }
            } @else {
                p.soft { (figure::count(report.labelled)) " decisions of the period have labels. A score holds as a probability where the line \
                    follows the diagonal. Labels from reviews are of held texts alone: they say little about texts that were let through." }
                div.charts { @for figure in &drawn { (figure) } }
                (super::table("Calibration by head", &["Head", "#Positive", "#Negative", "#ECE", "#Largest error of a bin"],
                    report.reliability.iter().map(|head| html! {
                        th scope="row" { (head.head) }
                        td.n { (figure::count(head.positives)) }
                        td.n { (figure::count(head.negatives)) }
                        td.n { (format!("{:.4}", head.reliability.ece)) }
                        td.n { (format!("{:.4}", head.reliability.max_error)) }
                    })))
            }
        }
    })
}

fn diagram(head: &HeadReliability) -> Result<Markup, PageError> {
    let svg = plot::reliability(&head.head, &head.reliability)
        .map_err(|error| PageError::Draw { what: "a reliability diagram", why: error.to_string() })?;
    Ok(html! {
        figure {
            div role="img" aria-label={ "Reliability diagram of " (head.head) "; its summary is in the table below" } { (PreEscaped(svg)) }
            details {
                summary { "The numbers" }
                (super::table("", &["Scores", "#Rows", "#Mean score", "#Positive"], head.reliability.bins.iter().map(|bin| html! {
                    td { (format!("{:.3} – {:.3}", bin.low, bin.high)) }
                    td.n { (figure::count(bin.rows)) }
                    td.n { (format!("{:.4}", bin.mean_score)) }
                    td.n { (figure::percent(bin.positive_rate)) }
                })))
            }
        }
    })
}

/// How the scores moved.
pub(super) fn drift(report: &Report) -> Markup {
    html! {
        section aria-labelledby="drift" {
            h2 #drift { "Drift" }
            @if report.drift.is_empty() {
                p { "There are no scores in two parts of the period: there is nothing to hold against each other." }
            } @else {
                p.soft { "The scores of the later half of the decisions held against those of the earlier half. The population stability index \
                    (PSI) is commonly read as stable below 0.1, a shift to look at from 0.1, and a large shift from 0.25." }
                (super::table("Scores by head", &["Head", "#Earlier", "#Later", "#Mean, earlier", "#Mean, later", "#PSI", "Reading"],
                    report.drift.iter().map(moved)))
            }
            @if let Some(monitor) = &report.monitor {
                h3 { "Against the reference" }
                p.soft { "What the monitor knows: its last " (figure::count(monitor.verdicts)) " verdicts, the newest of " (monitor.latest) "; reference: "
                    (monitor.reference) "." }
                @if !monitor.signals.is_empty() {
                    (super::table("Scores and inputs beside their reference", &["Signal", "#Verdicts", "#PSI", "Reading", "#p-value"],
                        monitor.signals.iter().map(|signal| html! {
                            th scope="row" { (signal.signal) }
                            td.n { (figure::count(signal.verdicts)) }
                            td.n { (format!("{:.4}", signal.psi)) }
                            td { (reading(signal.psi)) }
                            td.n { (format!("{:.1e}", signal.p_value)) }
                        })))
                }
            }
        }
    }
}

fn reading(psi: f64) -> Markup {
    let (class, word) = match psi {
        _ if psi >= 0.25 => ("word bad", "large shift"),
        _ if psi >= 0.1 => ("word warn", "shift"),
        _ => ("word good", "stable"),
    };
    html! { span class=(class) { (word) } }
}

fn moved(drift: &ScoreDrift) -> Markup {
    html! {
        th scope="row" { (drift.head) }
        td.n { (figure::count(drift.earlier_n)) }
        td.n { (figure::count(drift.later_n)) }
        td.n { (format!("{:.4}", drift.earlier_mean)) }
        td.n { (format!("{:.4}", drift.later_mean)) }
        td.n { (format!("{:.4}", drift.psi)) }
        td { (reading(drift.psi)) }
    }
}

fn left_out(all: usize, what: &str) -> Markup {
    html! { @if all > ROWS { p.soft { (all - ROWS) " more " (what) " are in the numbers that " code { "--json" } " writes." } } }
}
