//! A verdict from its line of JSON, as a pickled one is read in another process.

use std::fmt;

use portcullis::{
    Coverage, CoverageReason, Decision, Disguise, Edit, ExceptionUse, Finding, ModelRef, PolicyRef, Timing,
    ToolCall, Verdict,
};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

/// What `pipe` writes.
#[derive(Deserialize)]
struct Line {
    id: Option<Value>,
    decision: Decision,
    text: Option<String>,
    scores: Scores,
    findings: Vec<Finding>,
    #[serde(default)]
    exceptions: Vec<ExceptionUse>,
    tool_call: Option<Call>,
    edits: Vec<Edit>,
    #[serde(default)]
    readings: Vec<Vec<Disguise>>,
    coverage: Coverage,
    coverage_reason: Option<CoverageReason>,
    exit: Option<String>,
    device: Option<String>,
    fault: Option<String>,
    policy: PolicyRef,
    model: ModelRef,
    timing_us: Timing,
    decision_id: String,
}

/// Scores in the order of the line.
struct Scores(Vec<(String, f32)>);

#[derive(Deserialize)]
struct Call {
    name: String,
    arguments: Value,
}

/// The verdict of which this is the line.
///
/// # Errors
/// When it is none.
pub(super) fn verdict(line: &str) -> serde_json::Result<Verdict> {
    let line: Line = serde_json::from_str(line)?;
    Ok(Verdict {
        id: line.id,
        decision: line.decision,
        text: line.text,
        scores: line.scores.0,
        findings: line.findings,
        exceptions: line.exceptions,
        tool_call: line.tool_call.map(|call| ToolCall { name: call.name, arguments: call.arguments }),
        edits: line.edits,
        readings: line.readings,
        coverage: line.coverage,
        coverage_reason: line.coverage_reason,
        exit: line.exit,
        device: line.device,
        // Not part of the line, nor of what Python sees.
        work: 0.0,
        fault: line.fault,
        policy: line.policy,
        model: line.model,
        timing: line.timing_us,
        decision_id: line.decision_id,
    })
}

impl<'de> Deserialize<'de> for Scores {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ScoresVisitor)
    }
}

struct ScoresVisitor;

impl<'de> Visitor<'de> for ScoresVisitor {
    type Value = Scores;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of scores")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scores, A::Error> {
        let mut scores = Vec::new();
        while let Some(score) = map.next_entry()? {
            scores.push(score);
        }
        Ok(Scores(scores))
    }
}
