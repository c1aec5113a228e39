//! Verdicts as columns, for data frames: one list for each of their parts instead of an object for each text.

use portcullis::Verdict;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};

use crate::json;
use crate::rows::Row;

/// Columns in the making: they have a row for each text, of `None` where there is no verdict.
pub(crate) struct Columns<'py> {
    py: Python<'py>,
    decision: Bound<'py, PyList>,
    text: Bound<'py, PyList>,
    coverage: Bound<'py, PyList>,
    rules: Bound<'py, PyList>,
    error: Bound<'py, PyList>,
    policy: Digests<'py>,
    model: Digests<'py>,
    scores: Vec<(String, Bound<'py, PyList>)>,
}

/// A column with one digest all the way down.
struct Digests<'py>(Bound<'py, PyString>, Bound<'py, PyList>);

impl<'py> Columns<'py> {
    /// Columns for the verdicts of this guard.
    pub(crate) fn new(py: Python<'py>, guard: &portcullis::Guard) -> Self {
        let column = || PyList::empty(py);
        let digests = |digest: &str| Digests(PyString::new(py, digest), column());
        Self {
            py,
            decision: column(),
            text: column(),
            coverage: column(),
            rules: column(),
            error: column(),
            policy: digests(guard.policy().policy().digest()),
            model: digests(&guard.model().digest),
            scores: guard.score_names().into_iter().map(|name| (name, column())).collect(),
        }
    }

    /// Adds one row.
    pub(crate) fn push(&mut self, row: &Row<Verdict>) -> PyResult<()> {
        let verdict = match row {
            Row::Text(verdict) => Some(verdict),
            Row::Null | Row::Refused(_) => None,
        };
        self.decision.append(verdict.map(|verdict| verdict.decision.as_str()))?;
        self.text.append(verdict.and_then(|verdict| verdict.text.as_deref()))?;
        match verdict {
            Some(verdict) => self.coverage.append(json::word(self.py, &verdict.coverage)?)?,
            None => self.coverage.append(self.py.None())?,
        }
        self.rules.append(verdict.map(rules))?;
        self.error.append(match row {
            Row::Refused(refusal) => Some(refusal.kind()),
            Row::Null | Row::Text(_) => None,
        })?;
        for Digests(digest, column) in [&self.policy, &self.model] {
            column.append(verdict.map(|_| digest))?;
        }
        for (name, column) in &self.scores {
            let score = verdict.and_then(|verdict| verdict.scores.iter().find(|(head, _)| head == name));
            column.append(score.map(|(_, score)| json::decimal(*score)))?;
        }
        Ok(())
    }

    /// The columns by their names.
    pub(crate) fn finish(self) -> PyResult<Bound<'py, PyDict>> {
        let columns = PyDict::new(self.py);
        columns.set_item("decision", self.decision)?;
        columns.set_item("text", self.text)?;
        columns.set_item("coverage", self.coverage)?;
        columns.set_item("rules", self.rules)?;
        columns.set_item("error", self.error)?;
        columns.set_item("policy", self.policy.1)?;
        columns.set_item("model", self.model.1)?;
        for (name, column) in self.scores {
            columns.set_item(format!("score.{name}"), column)?;
        }
        Ok(columns)
    }
}

/// The rules that applied, each once, in the order of the findings.
pub(crate) fn rules(verdict: &Verdict) -> Vec<&str> {
    let mut rules = Vec::new();
    for finding in &verdict.findings {
        if !rules.contains(&finding.rule.as_str()) {
            rules.push(finding.rule.as_str());
        }
    }
    rules
}
