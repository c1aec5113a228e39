//! What a scan tells while it goes on: each finding where it is, in the order of the files, and a summary.

use anyhow::Context as _;
use indicatif::ProgressBar;
use portcullis::{Coverage, Decision, Guard};
use serde::Serialize;
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use super::FailOn;
use super::baseline::Baseline;
use super::found::Found;
use super::judge::{Judged, Outcome};
use super::page::{Page, Place};
use super::read::{Fields, Kind};
use crate::cli::policy::counted;
use crate::cli::terminal;

/// The numbers of a scan.
#[derive(Default, Serialize)]
pub(super) struct Tally {
    pub(super) files: usize,
    pub(super) texts: usize,
    /// Findings by their action, known ones left out.
    pub(super) findings: BTreeMap<Decision, usize>,
    /// Findings that hold the files back.
    pub(super) held: usize,
    /// Findings that the baseline holds.
    pub(super) known: usize,
    /// Findings of the baseline that were not met again.
    pub(super) gone: usize,
    /// Faults: files, rows and strings that could not be judged.
    pub(super) not_judged: usize,
    /// Texts that were judged in part, or not by the classifiers.
    pub(super) not_covered: usize,
    pub(super) empty: usize,
    pub(super) binary: usize,
    pub(super) links: usize,
    /// Rows without a string at any field.
    pub(super) without_field: usize,
}

/// What is told, and kept for files that are written at the end.
pub(super) struct Report {
    json: bool,
    fail_on: FailOn,
    baseline: Option<Baseline>,
    progress: ProgressBar,
    pub(super) tally: Tally,
    pub(super) fields: Fields,
    /// The page whose findings are gathered.
    page: Option<Arc<Page>>,
    gathered: Vec<Found>,
    are_sections: bool,
    /// Everything found, where it is wanted at the end.
    pub(super) kept: Option<Vec<Found>>,
    /// The files that were read, where they are wanted at the end.
    pub(super) files: Option<Vec<Arc<str>>>,
}

impl Report {
    pub(super) fn new(
        json: bool,
        fail_on: FailOn,
        baseline: Option<Baseline>,
        progress: ProgressBar,
    ) -> Self {
        Self {
            json,
            fail_on,
            baseline,
            progress,
            tally: Tally::default(),
            fields: Fields::default(),
            page: None,
            gathered: Vec::new(),
            are_sections: false,
            kept: None,
            files: None,
        }
    }

    /// Takes what became of the next entries.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub(super) fn take(&mut self, outcomes: Vec<Outcome>) -> anyhow::Result<()> {
        for outcome in outcomes {
            match outcome {
                Outcome::Judged(judged) => self.judged(judged)?,
                Outcome::Unjudged(found) => {
                    self.tally.not_judged += 1;
                    self.gathered.push(found);
                }
                Outcome::Ended(ended) => {
                    self.flush()?;
                    self.page = None;
                    self.progress.inc(1);
                    self.fields.add(ended.fields);
                    self.tally.files += 1;
                    self.tally.empty += usize::from(ended.kind == Kind::Empty);
                    self.tally.binary += usize::from(ended.kind == Kind::Binary);
                    if let Some(files) = &mut self.files {
                        files.push(ended.path);
                    }
                }
            }
        }
        Ok(())
    }

    fn judged(&mut self, judged: Judged) -> anyhow::Result<()> {
        if !self.page.as_ref().is_some_and(|page| Arc::ptr_eq(page, &judged.page)) {
            self.flush()?;
            self.page = Some(judged.page);
        }
        self.tally.texts += 1;
        self.tally.not_covered += usize::from(judged.coverage != Coverage::Full);
        self.are_sections |= judged.is_section;
        self.gathered.extend(judged.found);
        Ok(())
    }

    /// Tells what was found in the page that is done.
    fn flush(&mut self) -> anyhow::Result<()> {
        let mut found = std::mem::take(&mut self.gathered);
        if std::mem::take(&mut self.are_sections) {
            found = joined(found);
        }
        found.sort_by(|a, b| order(a).cmp(&order(b)));
        for found in found {
            self.tell(found)?;
        }
        Ok(())
    }

    /// Tells a finding.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub(super) fn tell(&mut self, mut found: Found) -> anyhow::Result<()> {
        if let Some(baseline) = &mut self.baseline {
            baseline.mark(&mut found);
        }
        if found.known {
            self.tally.known += 1;
        } else {
            *self.tally.findings.entry(found.action).or_default() += 1;
            self.tally.held += usize::from(self.fail_on.holds(found.action));
        }
        if self.json {
            let line = serde_json::to_string(&found)? + "\n";
            self.progress.suspend(|| terminal::emit(&line))?;
        } else if !found.known {
            let line = line(&found);
            self.progress.suspend(|| terminal::emit(&line))?;
        }
        if let Some(kept) = &mut self.kept {
            kept.push(found);
        }
        Ok(())
    }

    /// Ends the scan: tells the summary.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub(super) fn finish(&mut self, guard: &Guard, role: &str) -> anyhow::Result<()> {
        self.flush()?;
        self.progress.finish_and_clear();
        self.tally.gone = self.baseline.as_ref().map_or(0, Baseline::gone);
        terminal::emit(&if self.json { self.json_summary(guard, role)? } else { self.summary() })
    }

    fn json_summary(&self, guard: &Guard, role: &str) -> anyhow::Result<String> {
        let mut summary = serde_json::to_value(&self.tally).context("cannot write the summary")?;
        if let Value::Object(summary) = &mut summary {
            summary.insert("role".to_owned(), role.into());
            summary.insert("policy".to_owned(), serde_json::to_value(guard.policy().policy().reference())?);
            summary.insert("model".to_owned(), serde_json::to_value(guard.model())?);
        }
        Ok(json!({ "summary": summary }).to_string() + "\n")
    }

    fn summary(&self) -> String {
        let Tally { files, texts, known, gone, not_judged, not_covered, empty, binary, links, .. } =
            self.tally;
        let findings: usize = self.tally.findings.values().sum();
        let mut text = format!("{}, {} judged: ", counted(files, "file"), counted(texts, "text"));
        text.push_str(&counted(findings, "finding"));
        for (separator, (action, number)) in
            [" ("].into_iter().chain(std::iter::repeat(", ")).zip(&self.tally.findings)
        {
            let _ = write!(text, "{separator}{number} {action}");
        }
        text.push_str(if findings == 0 { "" } else { ")" });
        let mut add = |number: usize, what: &dyn Fn(usize) -> String| {
            if number > 0 {
                text.push_str(", ");
                text.push_str(&what(number));
            }
        };
        add(known, &|number| format!("{number} known"));
        add(gone, &|number| format!("{number} known before and gone"));
        add(not_judged, &|number| format!("{number} not judged"));
        add(not_covered, &|number| {
            format!("{} not covered by the classifiers in full", counted(number, "text"))
        });
        add(self.tally.without_field, &|number| format!("{} without the field", counted(number, "row")));
        let mut skipped = Vec::new();
        for (number, what) in [(binary, "binary file"), (empty, "empty file"), (links, "symbolic link")] {
            if number > 0 {
                skipped.push(counted(number, what));
            }
        }
        if !skipped.is_empty() {
            let _ = write!(text, "; skipped {}", skipped.join(", "));
        }
        text.push('\n');
        text
    }
}

/// One finding, as compilers tell theirs.
fn line(found: &Found) -> String {
    let style = terminal::decision_style(found.action);
    let place = found.place.map_or(String::new(), |place| format!("{}:{}:", place.line, place.column));
    let score = found.score.map_or_else(|| "-".to_owned(), |score| format!("{score:.3}"));
    let mut text = format!(
        "{}:{place} {} {score} {style}{}{style:#}",
        terminal::printable(&found.path),
        found.rule,
        found.action
    );
    if let Some(pointer) = &found.pointer {
        let _ = write!(text, " at {}", terminal::printable(pointer).replace('\n', "\\n"));
    }
    if let Some(message) = &found.message {
        let _ = write!(text, ": {}", terminal::printable(message));
    }
    text.push('\n');
    text
}

type Order<'a> = (Option<usize>, Option<&'a str>, &'a str, Reverse<usize>);

fn order(found: &Found) -> Order<'_> {
    let (start, end) = bounds(found);
    (start, found.pointer.as_deref(), &found.rule, Reverse(end))
}

fn bounds(found: &Found) -> (Option<usize>, usize) {
    (found.place.map(|place| place.start), found.place.map_or(0, |place| place.end))
}

/// The findings of sections that share bytes, those of one rule that share bytes as one: what one section sees the end of, the one
/// before sees whole.
fn joined(mut found: Vec<Found>) -> Vec<Found> {
    found.sort_by(|a, b| (&a.pointer, &a.rule, order(a)).cmp(&(&b.pointer, &b.rule, order(b))));
    let mut joined: Vec<Found> = Vec::with_capacity(found.len());
    for next in found {
        let last = joined.last_mut().filter(|last| last.rule == next.rule && last.pointer == next.pointer);
        match (last, next.place) {
            (Some(last), Some(place)) if last.place.is_some_and(|known| place.start < known.end) => {
                join(last, next)
            }
            _ => joined.push(next),
        }
    }
    joined
}

fn join(known: &mut Found, next: Found) {
    let (Some(first), Some(second)) = (known.place, next.place) else { return };
    let length = |place: Place| place.end - place.start;
    known.action = known.action.max(next.action);
    if next.score > known.score {
        known.score = next.score;
    }
    if length(second) > length(first) {
        known.fingerprint = next.fingerprint;
    }
    if second.end > first.end {
        let Place { end, end_line, end_column, .. } = second;
        known.place = Some(Place { end, end_line, end_column, ..first });
    }
}
