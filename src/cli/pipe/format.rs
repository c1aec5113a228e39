//! What a line and its answer look like: our own form, or that of another interface.

use clap::ValueEnum;
use portcullis::exchange::{ExchangeError, fms, openai};
use portcullis::{Request, Verdict};
use serde::Serialize;
use serde_json::Value;

/// The form of lines and answers.
#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Format {
    /// A text a line, a verdict a line.
    #[default]
    Native,
    /// Bodies of OpenAI's `/v1/moderations`; a line of our own is taken too.
    OpenaiModeration,
    /// Bodies of the FMS guardrails detectors' `/api/v1/text/contents`; a line of our own is taken too.
    Fms,
}

/// A line that cannot be judged.
pub(in crate::cli) struct Refusal {
    /// The line's `id`, where it can be known.
    pub(in crate::cli) id: Option<Value>,
    /// The kind of error, in a word.
    pub(in crate::cli) kind: &'static str,
    /// What was found and expected.
    pub(in crate::cli) message: String,
    /// The key at fault, where one is.
    pub(in crate::cli) key: Option<&'static str>,
    /// The number of the line, from 1.
    pub(in crate::cli) line: u64,
}

impl Format {
    /// The texts of a line; one alone in our own form.
    ///
    /// # Errors
    /// When the line does not have the form, or a text cannot be judged.
    pub(super) fn read(self, line: &[u8], lenient: bool) -> Result<Vec<Request>, ExchangeError> {
        match self {
            Self::Native if lenient => Ok(vec![Request::from_json_line_lenient(line)?]),
            Self::Native => Ok(vec![Request::from_json_line(line)?]),
            Self::OpenaiModeration => openai::read(line, lenient),
            Self::Fms => fms::read(line, lenient),
        }
    }

    /// Writes the answer to a line's texts, which have these verdicts, without a line feed.
    ///
    /// # Errors
    /// When an answer cannot be written as JSON.
    pub(super) fn answer(
        self,
        requests: &[Request],
        verdicts: &[Verdict],
        output: &mut Vec<u8>,
    ) -> serde_json::Result<()> {
        match self {
            Self::Native => {
                verdicts.iter().try_for_each(|verdict| serde_json::to_writer(&mut *output, verdict))
            }
            Self::OpenaiModeration => serde_json::to_writer(output, &openai::Moderation::of(verdicts)),
            Self::Fms => {
                let judged = requests.iter().zip(verdicts);
                let lists = judged.map(|(request, verdict)| fms::detections(&request.text, verdict));
                serde_json::to_writer(output, &lists.collect::<Vec<_>>())
            }
        }
    }

    /// Writes the error in the place of an answer, without a line feed.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub(in crate::cli) fn refuse(self, refusal: &Refusal, output: &mut Vec<u8>) -> serde_json::Result<()> {
        let Refusal { id, kind, message, key, line } = refusal;
        match self {
            Self::Native => {
                serde_json::to_writer(output, &Native { id, error: Problem { kind, message, line: *line } })
            }
            Self::OpenaiModeration => {
                let failure = openai::Failure::new(kind, message, *key);
                serde_json::to_writer(output, &Moderation { failure, portcullis: Origin { id, line: *line } })
            }
            Self::Fms => serde_json::to_writer(output, &fms::Failure::new(message)),
        }
    }
}

/// Whether an answer, in any of the formats, holds a text back or is an error.
#[cfg(unix)]
pub(super) fn holds(line: &[u8]) -> bool {
    let releases = |decision: &Value| matches!(decision.as_str(), Some("allow" | "rewrite"));
    match serde_json::from_slice::<Value>(line) {
        Ok(Value::Array(texts)) => !texts
            .iter()
            .filter_map(Value::as_array)
            .flatten()
            .all(|detection| detection.pointer("/metadata/decision").is_some_and(releases)),
        Ok(Value::Object(answer)) => match (answer.get("decision"), answer.get("results")) {
            (Some(decision), _) => !releases(decision),
            (None, Some(Value::Array(results))) => {
                !results.iter().all(|result| result.get("flagged") == Some(&Value::Bool(false)))
            }
            _ => true,
        },
        _ => true,
    }
}

/// An error record of our own.
#[derive(Serialize)]
struct Native<'a> {
    id: &'a Option<Value>,
    error: Problem<'a>,
}

#[derive(Serialize)]
struct Problem<'a> {
    kind: &'a str,
    message: &'a str,
    line: u64,
}

/// OpenAI's, and which line it is about.
#[derive(Serialize)]
struct Moderation<'a> {
    #[serde(flatten)]
    failure: openai::Failure<'a>,
    portcullis: Origin<'a>,
}

#[derive(Serialize)]
struct Origin<'a> {
    id: &'a Option<Value>,
    line: u64,
}
