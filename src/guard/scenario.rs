//! Scenario tests of a policy: what its verdicts miss of what a case expects.

use super::Guard;
use crate::policy::{Expected, Scenario};
use crate::verdict::{Decision, Verdict};

/// Something that a case expects and its verdict misses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Miss {
    /// What was expected.
    pub expected: String,
    /// What was found.
    pub found: String,
}

impl Guard {
    /// What each verdict misses of what its case expects, in the order of the cases; nothing for a case that passes.
    #[must_use]
    pub fn try_scenarios(&self, scenarios: &[Scenario]) -> Vec<Vec<Miss>> {
        let requests: Vec<_> = scenarios.iter().map(|scenario| scenario.request.clone()).collect();
        let verdicts = self.check_batch(&requests);
        scenarios.iter().zip(&verdicts).map(|(case, verdict)| missed(&case.expected, verdict)).collect()
    }
}

fn missed(expected: &Expected, verdict: &Verdict) -> Vec<Miss> {
    let mut missed = Vec::new();
    let mut miss = |expected: String, found: String| missed.push(Miss { expected, found });
    let is_found = |rule: &String| verdict.findings.iter().any(|finding| finding.rule == *rule);
    if let Some(decision) = expected.decision.filter(|decision| *decision != verdict.decision) {
        miss(decision.to_string(), decided(verdict));
    }
    if expected.never.contains(&verdict.decision) {
        let words: Vec<&str> = expected.never.iter().map(|decision| decision.as_str()).collect();
        miss(format!("never {}", words.join(" or ")), decided(verdict));
    }
    for rule in expected.rules.iter().filter(|rule| !is_found(rule)) {
        miss(format!("a finding of the rule `{rule}`"), findings(verdict));
    }
    for rule in expected.not_rules.iter().filter(|rule| is_found(rule)) {
        miss(format!("no finding of the rule `{rule}`"), findings(verdict));
    }
    if let Some(text) = expected.text_after.as_ref().filter(|text| verdict.text.as_ref() != Some(text)) {
        let found = verdict.text.as_ref().map_or_else(|| "no text".to_owned(), |found| format!("{found:?}"));
        miss(format!("the text {text:?}"), found);
    }
    missed
}

/// The decision, and what led to it.
fn decided(verdict: &Verdict) -> String {
    let why = match (&verdict.fault, verdict.coverage_reason) {
        (Some(fault), _) => fault.clone(),
        (None, Some(reason)) if verdict.findings.is_empty() => format!("not judged in full: {reason:?}"),
        _ if verdict.decision == Decision::Allow => return verdict.decision.to_string(),
        _ => findings(verdict),
    };
    format!("{} ({why})", verdict.decision)
}

/// The rules of the findings, each once, with its score.
fn findings(verdict: &Verdict) -> String {
    let mut told: Vec<String> = Vec::new();
    for finding in &verdict.findings {
        let one = format!("`{}` {:.3}", finding.rule, finding.score);
        if !told.contains(&one) {
            told.push(one);
        }
    }
    if told.is_empty() { "no finding".to_owned() } else { told.join(", ") }
}
