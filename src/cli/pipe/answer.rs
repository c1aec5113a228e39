//! A batch of lines to a batch of answers: verdicts, with an error in the place of each bad line.

use super::format::{Format, Refusal};
use super::judge::Judge;
use super::queue::Line;
use anyhow::Context as _;
use portcullis::{Request, RequestError};
use serde::Deserialize;
use serde_json::Value;
use std::ops::Range;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The answer to a line.
pub(in crate::cli) struct Answer {
    /// One line of JSON, with its `\n`.
    pub(in crate::cli) line: Vec<u8>,
    /// Whether a text of the line was held back or not judged.
    pub(in crate::cli) held: bool,
}

/// Judges the lines, with one answer for each; where `lenient`, keys that are not known are passed over.
///
/// # Errors
/// When an answer cannot be written as JSON, or what a candidate makes of it cannot be told.
pub(in crate::cli) fn batch<O>(
    judge: &mut Judge,
    lines: &[Line<O>],
    format: Format,
    lenient: bool,
) -> anyhow::Result<Vec<Answer>> {
    let mut requests = Vec::with_capacity(lines.len());
    let mut places: Vec<Result<Range<usize>, Refusal>> = Vec::with_capacity(lines.len());
    for line in lines {
        places.push(read(line, format, lenient).map(|texts| {
            let first = requests.len();
            requests.extend(texts);
            first..requests.len()
        }));
    }
    let verdicts = judge.check_batch(&requests)?;
    let answer = |place: Result<Range<usize>, Refusal>| {
        let mut line = Vec::new();
        let held = match place {
            Err(refusal) => {
                format.refuse(&refusal, &mut line)?;
                true
            }
            Ok(place) => {
                let missing = "the guard gave fewer verdicts than texts";
                let verdicts = verdicts.get(place.clone()).context(missing)?;
                format.answer(requests.get(place).context(missing)?, verdicts, &mut line)?;
                verdicts.iter().any(|verdict| !verdict.decision.releases())
            }
        };
        line.push(b'\n');
        Ok(Answer { line, held })
    };
    places.into_iter().map(answer).collect()
}

fn read<O>(line: &Line<O>, format: Format, lenient: bool) -> Result<Vec<Request>, Refusal> {
    let refuse = |id, kind, message| Refusal { id, kind, message, key: None, line: line.number };
    let bytes = match &line.content {
        Ok(bytes) => bytes.strip_suffix(b"\r").unwrap_or(bytes),
        Err(too_long) => {
            let error = RequestError::LineTooLong { limit: too_long.limit };
            return Err(refuse(None, error.kind(), error.to_string()));
        }
    };
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(refuse(None, "empty_line", "the line is blank: expected a JSON object".to_owned()));
    }
    if let Some(rest) = bytes.strip_prefix(BYTE_ORDER_MARK) {
        let message = "the line starts with a byte order mark: expected UTF-8 without one";
        return Err(refuse(id(rest), "byte_order_mark", message.to_owned()));
    }
    format
        .read(bytes, lenient)
        .map_err(|error| Refusal { key: error.key(), ..refuse(id(bytes), error.kind(), error.to_string()) })
}

/// The `id` of a line that is otherwise bad, where it can be known.
fn id(line: &[u8]) -> Option<Value> {
    #[derive(Deserialize)]
    struct Identified {
        id: Option<Value>,
    }
    // An array of the right values would otherwise be read as an object.
    let is_object = line.trim_ascii_start().first() == Some(&b'{');
    is_object.then(|| serde_json::from_slice::<Identified>(line).ok()?.id).flatten()
}
