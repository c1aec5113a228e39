//! `eval --patterns`: the detectors that need no model against rows whose spans are labelled.

use crate::cli::data::Data;
use crate::cli::terminal::{HEADING, Table};
use anyhow::{Context as _, anyhow, ensure};
use portcullis::{Guard, Request, Role, Span};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

/// What was measured.
#[derive(Serialize)]
pub(super) struct SpanEvaluation {
    rows: usize,
    /// By detector: those that found anything, and those that rows name.
    detectors: Vec<Figures>,
}

/// One detector's figures.
#[derive(Default, Serialize)]
struct Figures {
    detector: String,
    /// The least score that counted.
    threshold: Option<f32>,
    /// Spans of the rows with this label.
    gold: usize,
    /// Of these, spans that a detection of this detector shares a byte with; has the very bytes of.
    hit: usize,
    exact: usize,
    /// Detections on bytes without a label; on bytes with another label only.
    wrong: usize,
    other: usize,
    precision: Option<f64>,
    recall: Option<f64>,
    /// The harmonic mean that weighs recall twice as much as precision.
    f2: Option<f64>,
    /// Rows with a detection on bytes without a label, of a thousand.
    wrong_rows_per_1000: f64,
    #[serde(skip)]
    wrong_rows: usize,
}

/// Judges the rows of a file, or of standard input for `-`, by the policy's thresholds, or from score `at` on.
///
/// # Errors
/// When the data cannot be read, or a row is bad; the message tells its line.
pub(super) fn measure(guard: &Guard, data: &Path, at: Option<f32>) -> anyhow::Result<SpanEvaluation> {
    let mut data = Data::open(data, "judging")?;
    let mut figures: BTreeMap<String, Figures> = BTreeMap::new();
    let mut rows = 0;
    while let Some(line) = data.next_row()? {
        let row = Row::parse(&line).with_context(|| data.place())?;
        rows += 1;
        let threshold = |detector: &str| at.or_else(|| policy_threshold(guard, detector, row.role));
        let mut found: BTreeMap<&str, Vec<Span>> = BTreeMap::new();
        let detections = guard.detect(&row.text);
        for detection in &detections {
            if threshold(&detection.detector).is_some_and(|least| detection.score >= least) {
                found.entry(&detection.detector).or_default().extend(&detection.spans);
            }
        }
        row.count(&found, &mut figures);
    }
    ensure!(rows > 0, "{} holds no rows: expected at least one", data.name);
    let mut detectors: Vec<Figures> = figures.into_values().collect();
    for one in &mut detectors {
        one.threshold = at.or_else(|| policy_threshold(guard, &one.detector, Role::User));
        one.finish(rows);
    }
    Ok(SpanEvaluation { rows, detectors })
}

/// The least threshold among the rules that look at a detector; none where no rule does.
fn policy_threshold(guard: &Guard, detector: &str, role: Role) -> Option<f32> {
    guard.policy().rules_for(detector, role).map(|(_, rule)| rule.threshold()).min_by(f32::total_cmp)
}

/// A text and the spans that are labelled in it.
struct Row {
    text: String,
    role: Role,
    gold: Vec<(Span, String)>,
}

impl Row {
    fn parse(line: &[u8]) -> anyhow::Result<Self> {
        const EXPECTED: &str =
            "expected an object with a string `text` and a list `spans` of {start, end, label}";
        ensure!(line.trim_ascii_start().first() == Some(&b'{'), "at column 1: {EXPECTED}");
        // The message of the JSON library may quote the row.
        let wire: Wire = serde_json::from_slice(line)
            .map_err(|error| anyhow!("at column {}: {EXPECTED}", error.column()))?;
        let role = wire.role.as_deref().map_or(Ok(Role::User), str::parse)?;
        let request = Request::new(wire.text, role)?;
        let mut gold = Vec::new();
        for span in wire.spans {
            let inside = span.start < span.end && request.text.get(span.start..span.end).is_some();
            ensure!(
                inside,
                "the span {}..{} is none of the text's {} bytes: expected bytes on character boundaries",
                span.start,
                span.end,
                request.text.len()
            );
            gold.push((Span::new(span.start, span.end), span.label));
        }
        Ok(Self { text: request.text, role, gold })
    }

    fn count(&self, found: &BTreeMap<&str, Vec<Span>>, figures: &mut BTreeMap<String, Figures>) {
        let labels: BTreeSet<&str> =
            self.gold.iter().map(|(_, label)| label.as_str()).chain(found.keys().copied()).collect();
        for label in labels {
            let of = figures.entry(label.to_owned()).or_default();
            label.clone_into(&mut of.detector);
            let none = Vec::new();
            let found = found.get(label).unwrap_or(&none);
            for (gold, _) in self.gold.iter().filter(|(_, other)| other == label) {
                of.gold += 1;
                of.hit += usize::from(found.iter().any(|span| span.overlaps(*gold)));
                of.exact += usize::from(found.contains(gold));
            }
            let wrong = of.wrong;
            for span in found {
                let touches = |same: bool| {
                    self.gold.iter().any(|(gold, other)| (other == label) == same && gold.overlaps(*span))
                };
                if !touches(true) {
                    *(if touches(false) { &mut of.other } else { &mut of.wrong }) += 1;
                }
            }
            of.wrong_rows += usize::from(of.wrong > wrong);
        }
    }
}

impl Figures {
    fn finish(&mut self, rows: usize) {
        let share = |part: usize, whole: usize| (whole > 0).then(|| part as f64 / whole as f64);
        self.precision = share(self.hit, self.hit + self.wrong);
        self.recall = share(self.hit, self.gold);
        self.f2 = share(5 * self.hit, 5 * self.hit + 4 * (self.gold - self.hit) + self.wrong);
        self.wrong_rows_per_1000 = 1000.0 * self.wrong_rows as f64 / rows as f64;
    }
}

/// The figures as a table.
pub(super) fn render(evaluation: &SpanEvaluation) -> String {
    let mut text = format!("{} rows\n\n{HEADING}detectors{HEADING:#}\n", evaluation.rows);
    let columns = [
        "detector",
        "threshold",
        "gold",
        "hit",
        "exact",
        "wrong",
        "other",
        "precision",
        "recall",
        "F2",
        "wrong/1000",
    ];
    let mut table = Table::new(&columns, columns.get(1..).unwrap_or_default());
    let figure = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"));
    for one in &evaluation.detectors {
        table.row([
            one.detector.clone(),
            one.threshold.map_or_else(|| "-".to_owned(), |threshold| format!("{threshold:.2}")),
            one.gold.to_string(),
            one.hit.to_string(),
            one.exact.to_string(),
            one.wrong.to_string(),
            one.other.to_string(),
            figure(one.precision),
            figure(one.recall),
            figure(one.f2),
            format!("{:.2}", one.wrong_rows_per_1000),
        ]);
    }
    let _ = write!(text, "{}", table.render());
    text
}

#[derive(Deserialize)]
struct Wire {
    text: String,
    spans: Vec<Gold>,
    role: Option<String>,
}

#[derive(Deserialize)]
struct Gold {
    start: usize,
    end: usize,
    label: String,
}
