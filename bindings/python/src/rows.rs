//! Many texts from Python, read and judged a block at a time, so that memory does not grow with them.

use std::str::FromStr;

use portcullis::{Request, RequestError, Role};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::opened::AtWork;
use crate::{arrow, error, json};

/// Texts that are read before any is judged, and judged together.
pub(crate) const BLOCK: usize = 1024;

/// One of many texts: on its way to a verdict, or with it.
pub(crate) enum Row<T> {
    /// No text.
    Null,
    /// A text.
    Text(T),
    /// A text that cannot be judged.
    Refused(RequestError),
}

/// What becomes of a text that cannot be judged.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnError {
    /// The whole call fails.
    Raise,
    /// The error takes the verdict's place.
    Keep,
}

impl FromStr for OnError {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "raise" => Ok(Self::Raise),
            "keep" => Ok(Self::Keep),
            _ => Err("on_error: expected raise or keep"),
        }
    }
}

/// Gives `each` the texts in blocks: columns of Arrow by their buffers, anything else by its elements.
pub(crate) fn blocks(
    texts: &Bound<'_, PyAny>,
    role: Option<Role>,
    mut each: impl FnMut(Vec<Row<Request>>) -> PyResult<()>,
) -> PyResult<()> {
    if let Some(column) = arrow::Column::of(texts)? {
        return column.blocks(role.unwrap_or_default(), each);
    }
    // An iterator of its letters, or of its keys, would be judged as readily.
    if texts.is_instance_of::<PyString>() || texts.is_instance_of::<PyDict>() {
        let found = texts.get_type().name()?;
        return Err(PyTypeError::new_err(format!("texts: found one {found}, expected a sequence of texts")));
    }
    let mut block = Vec::new();
    for (index, text) in texts.try_iter()?.enumerate() {
        block.push(row(&text?, role, index)?);
        if block.len() == BLOCK {
            each(std::mem::take(&mut block))?;
        }
    }
    if block.is_empty() { Ok(()) } else { each(block) }
}

/// Judges a block that begins at the row `first`, detached from the interpreter.
pub(crate) fn judge(
    py: Python<'_>,
    work: &AtWork,
    guard: &portcullis::Guard,
    block: Vec<Row<Request>>,
    on_error: OnError,
    first: usize,
) -> PyResult<Vec<Row<portcullis::Verdict>>> {
    py.check_signals()?;
    let mut requests = Vec::with_capacity(block.len());
    let mut places = Vec::with_capacity(block.len());
    for (row, index) in block.into_iter().zip(first..) {
        places.push(match row {
            Row::Null => Row::Null,
            Row::Text(request) => {
                requests.push(request);
                Row::Text(())
            }
            Row::Refused(refusal) if on_error == OnError::Raise => {
                return Err(error::request(&refusal, Some(index)));
            }
            Row::Refused(refusal) => Row::Refused(refusal),
        });
    }
    let verdicts = py.detach(|| work.run(|_| guard.check_batch(&requests)));
    let mut verdicts = verdicts.into_iter();
    places
        .into_iter()
        .map(|place| match place {
            Row::Null => Ok(Row::Null),
            Row::Text(()) => {
                let verdict = verdicts.next();
                verdict.map(Row::Text).ok_or_else(|| error::other("the guard gave fewer verdicts than texts"))
            }
            Row::Refused(refusal) => Ok(Row::Refused(refusal)),
        })
        .collect()
}

/// A request for one text.
pub(crate) fn request(text: &Bound<'_, PyString>, role: Role) -> Result<Request, RequestError> {
    match text.to_str() {
        Ok(text) => Request::new(text, role),
        // Half of a surrogate pair, which a `str` may hold and UTF-8 may not.
        Err(_) => Err(RequestError::InvalidUtf8 { at: valid_up_to(text) }),
    }
}

/// A request from the keys of a line of JSON. `role` is for one without a role of its own.
pub(crate) fn from_json(
    keys: &Bound<'_, PyDict>,
    role: Option<Role>,
) -> PyResult<Result<Request, RequestError>> {
    let request = Request::from_json_line(json::from_python(keys)?.as_bytes());
    let own = keys.get_item("role")?.is_some_and(|role| !role.is_none());
    Ok(request.map(|request| match role {
        Some(role) if !own => Request { role, ..request },
        _ => request,
    }))
}

fn row(text: &Bound<'_, PyAny>, role: Option<Role>, index: usize) -> PyResult<Row<Request>> {
    let request = if let Ok(text) = text.cast::<PyString>() {
        request(text, role.unwrap_or_default())
    } else if let Ok(keys) = text.cast::<PyDict>() {
        from_json(keys, role)?
    } else if text.is_none() {
        return Ok(Row::Null);
    } else {
        let found = text.get_type().name()?;
        return Err(PyTypeError::new_err(format!("text {index}: found {found}, expected str, dict or None")));
    };
    Ok(request.map_or_else(Row::Refused, Row::Text))
}

/// Bytes before the first half of a surrogate pair.
fn valid_up_to(text: &Bound<'_, PyString>) -> usize {
    let passed = text.call_method1("encode", ("utf-8", "surrogatepass"));
    let bytes: Vec<u8> = passed.and_then(|bytes| bytes.extract()).unwrap_or_default();
    std::str::from_utf8(&bytes).map_or_else(|error| error.valid_up_to(), str::len)
}
