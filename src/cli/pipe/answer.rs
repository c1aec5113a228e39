//! A batch of lines to a batch of answers: verdicts, with an error record in the place of each bad line.

use super::judge::Judge;
use super::queue::Line;
use anyhow::Context as _;
use portcullis::{Request, RequestError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Judges the lines and adds one line of JSON for each to `output`; true when a text was held back or not judged.
///
/// # Errors
/// When an answer cannot be written as JSON, or what a candidate makes of it cannot be told.
pub(super) fn batch(
    judge: &mut Judge,
    lines: &[Line],
    lenient: bool,
    output: &mut Vec<u8>,
) -> anyhow::Result<bool> {
    let mut requests = Vec::with_capacity(lines.len());
    let mut refusals = Vec::with_capacity(lines.len());
    for line in lines {
        refusals.push(match read(line, lenient) {
            Ok(request) => {
                requests.push(request);
                None
            }
            Err(refusal) => Some(refusal),
        });
    }
    let mut verdicts = judge.check_batch(&requests)?.into_iter();
    let mut held = false;
    for refusal in refusals {
        match refusal {
            Some(refusal) => {
                held = true;
                serde_json::to_writer(&mut *output, &refusal)?;
            }
            None => {
                let verdict = verdicts.next().context("the guard gave fewer verdicts than texts")?;
                held |= !verdict.decision.releases();
                serde_json::to_writer(&mut *output, &verdict)?;
            }
        }
        output.push(b'\n');
    }
    Ok(held)
}

/// The record in the place of a line that cannot be judged.
#[derive(Serialize)]
struct Refusal {
    id: Option<Value>,
    error: Problem,
}

#[derive(Serialize)]
struct Problem {
    kind: &'static str,
    message: String,
    line: u64,
}

fn read(line: &Line, lenient: bool) -> Result<Request, Refusal> {
    let refuse = |id, kind, message| Refusal { id, error: Problem { kind, message, line: line.number } };
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
    if lenient { Request::from_json_line_lenient(bytes) } else { Request::from_json_line(bytes) }
        .map_err(|error| refuse(id(bytes), error.kind(), error.to_string()))
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
