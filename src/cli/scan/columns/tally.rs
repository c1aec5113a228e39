//! What became of the rows, in numbers.

use portcullis::{Coverage, Decision, Guard, Verdict};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::cli::policy::counted;
use crate::cli::terminal;

/// Counts of rows.
#[derive(Default, Serialize)]
pub(super) struct Tally {
    pub(super) rows: usize,
    /// Rows without a text, or with an empty one, which have no decision.
    without_text: usize,
    pub(super) decisions: BTreeMap<Decision, usize>,
    /// Rows by the rules that applied.
    rules: BTreeMap<String, usize>,
    /// Rows that could not be judged.
    faults: usize,
    /// Rows that were judged in part, or not by the classifiers.
    not_covered: usize,
}

impl Tally {
    pub(super) fn nothing(&mut self) {
        self.rows += 1;
        self.without_text += 1;
    }

    pub(super) fn fault(&mut self, decision: Decision) {
        self.rows += 1;
        self.faults += 1;
        *self.decisions.entry(decision).or_default() += 1;
    }

    pub(super) fn verdict(&mut self, verdict: &Verdict) {
        self.rows += 1;
        *self.decisions.entry(verdict.decision).or_default() += 1;
        self.faults += usize::from(verdict.fault.is_some());
        self.not_covered += usize::from(verdict.coverage != Coverage::Full);
        for finding in &verdict.findings {
            *self.rules.entry(finding.rule.clone()).or_default() += 1;
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.without_text += other.without_text;
        self.faults += other.faults;
        self.not_covered += other.not_covered;
        for (decision, number) in other.decisions {
            *self.decisions.entry(decision).or_default() += number;
        }
        for (rule, number) in other.rules {
            *self.rules.entry(rule).or_default() += number;
        }
    }

    /// For a person.
    pub(super) fn table(&self, threads: usize, seconds: f64) -> String {
        let mut table = terminal::Table::new(&["decision or rule", "rows"], &["rows"]);
        for (decision, number) in &self.decisions {
            table.row([decision.to_string(), number.to_string()]);
        }
        for (rule, number) in &self.rules {
            table.row([format!("  {rule}"), number.to_string()]);
        }
        let mut text = table.render();
        let told = [
            (self.without_text, "without a text"),
            (self.faults, "not judged"),
            (self.not_covered, "not covered by the classifiers in full"),
        ];
        for (number, what) in told {
            if number > 0 {
                let _ = writeln!(text, "{} {what}", counted(number, "row"));
            }
        }
        let _ = writeln!(
            text,
            "{} in {seconds:.1} s on {}: {:.0} a second",
            counted(self.rows, "row"),
            counted(threads, "thread"),
            self.speed(seconds)
        );
        text
    }

    /// One line of JSON.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub(super) fn json(
        &self,
        guard: &Guard,
        role: &str,
        threads: usize,
        seconds: f64,
    ) -> anyhow::Result<String> {
        let mut summary = serde_json::to_value(self)?;
        if let Value::Object(summary) = &mut summary {
            summary.insert("role".to_owned(), role.into());
            summary.insert("threads".to_owned(), threads.into());
            summary.insert("seconds".to_owned(), seconds.into());
            summary.insert("rows_per_second".to_owned(), self.speed(seconds).into());
            summary.insert("policy".to_owned(), serde_json::to_value(guard.policy().policy().reference())?);
            summary.insert("model".to_owned(), serde_json::to_value(guard.model())?);
        }
        Ok(json!({ "summary": summary }).to_string() + "\n")
    }

    fn speed(&self, seconds: f64) -> f64 {
        if seconds > 0.0 { self.rows as f64 / seconds } else { 0.0 }
    }
}
