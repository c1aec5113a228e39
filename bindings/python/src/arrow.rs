//! Columns of Apache Arrow, read from their buffers: no Python object is made for a text.
//!
//! `pyarrow` lends the buffers; whoever has such a column has it too. What the buffers say is checked as if a stranger had
//! written them.

use portcullis::{Request, Role};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::rows::{BLOCK, Row};

const BROKEN: &str = "the column's buffers do not fit its length";

/// A column of texts, as chunks of `pyarrow.StringArray` or `pyarrow.LargeStringArray`.
pub(crate) struct Column<'py> {
    chunks: Vec<(Bound<'py, PyAny>, Width)>,
}

/// Bytes of an offset.
#[derive(Clone, Copy)]
enum Width {
    Small = 4,
    Large = 8,
}

impl<'py> Column<'py> {
    /// The column that an object is; none for what is no column of Arrow, or where `pyarrow` is not installed.
    ///
    /// A column of anything but strings is a `TypeError`.
    pub(crate) fn of(texts: &Bound<'py, PyAny>) -> PyResult<Option<Self>> {
        let stream = texts.hasattr("__arrow_c_stream__")?;
        if !stream && !texts.hasattr("__arrow_c_array__")? {
            return Ok(None);
        }
        let Ok(pyarrow) = texts.py().import("pyarrow") else { return Ok(None) };
        let whole = if texts.is_instance(&pyarrow.getattr("ChunkedArray")?)? {
            texts.getattr("chunks")?.extract()?
        } else if texts.is_instance(&pyarrow.getattr("Array")?)? {
            vec![texts.clone()]
        } else if stream {
            pyarrow.call_method1("chunked_array", (texts,))?.getattr("chunks")?.extract()?
        } else {
            vec![pyarrow.call_method1("array", (texts,))?]
        };
        let chunks = whole.into_iter().map(|chunk| strings(&pyarrow, chunk)).collect::<PyResult<_>>()?;
        Ok(Some(Self { chunks }))
    }

    /// Gives `each` the column's texts in blocks.
    pub(crate) fn blocks(
        &self,
        role: Role,
        mut each: impl FnMut(Vec<Row<Request>>) -> PyResult<()>,
    ) -> PyResult<()> {
        for (chunk, width) in &self.chunks {
            let length = chunk.len()?;
            for start in (0..length).step_by(BLOCK) {
                let rows = BLOCK.min(length - start);
                each(read(&chunk.call_method1("slice", (start, rows))?, *width, rows, role)?)?;
            }
        }
        Ok(())
    }
}

/// The same chunk with one offset a text.
fn strings<'py>(
    pyarrow: &Bound<'py, PyModule>,
    chunk: Bound<'py, PyAny>,
) -> PyResult<(Bound<'py, PyAny>, Width)> {
    let kind = chunk.getattr("type")?;
    match kind.str()?.to_str()? {
        "string" => Ok((chunk, Width::Small)),
        "large_string" => Ok((chunk, Width::Large)),
        "string_view" | "null" => {
            let large = pyarrow.call_method0("large_string")?;
            Ok((chunk.call_method1("cast", (large,))?, Width::Large))
        }
        dictionary if dictionary.starts_with("dictionary<") => {
            strings(pyarrow, chunk.call_method0("dictionary_decode")?)
        }
        found => Err(PyTypeError::new_err(format!("texts: found a column of {found}, expected strings"))),
    }
}

/// The texts of a slice of `rows` rows.
fn read(slice: &Bound<'_, PyAny>, width: Width, rows: usize, role: Role) -> PyResult<Vec<Row<Request>>> {
    let buffers: [Option<Bound<'_, PyAny>>; 3] = slice.call_method0("buffers")?.extract()?;
    let [validity, offsets, data] = buffers;
    let first: usize = slice.getattr("offset")?.extract()?;
    let valid = match &validity {
        Some(bits) => Some(copy(bits, first / 8, (first + rows).div_ceil(8))?),
        None => None,
    };
    let size = width as usize;
    let offsets = offsets.ok_or_else(broken)?;
    let offsets = copy(&offsets, first * size, (first + rows + 1) * size)?;
    let offsets: Vec<usize> =
        offsets.as_bytes().chunks_exact(size).map(offset).collect::<Option<_>>().ok_or_else(broken)?;
    let (Some(from), Some(to)) = (offsets.first().copied(), offsets.last().copied()) else {
        return Err(broken());
    };
    let bytes = data.filter(|_| from < to).map(|data| copy(&data, from, to)).transpose()?;
    let bytes = bytes.as_ref().map(|bytes| bytes.as_bytes()).unwrap_or_default();
    let is_null = |row: usize| {
        let at = first % 8 + row;
        let bits = valid.as_ref().map(|bits| bits.as_bytes().get(at / 8).copied().unwrap_or_default());
        bits.is_some_and(|bits| bits >> (at % 8) & 1 == 0)
    };
    let mut texts = Vec::with_capacity(rows);
    for (row, pair) in offsets.windows(2).enumerate() {
        let &[start, end] = pair else { return Err(broken()) };
        if is_null(row) {
            texts.push(Row::Null);
            continue;
        }
        let within = start.checked_sub(from).zip(end.checked_sub(from));
        let text = within.and_then(|(start, end)| bytes.get(start..end)).ok_or_else(broken)?;
        texts.push(Request::from_bytes(text, role).map_or_else(Row::Refused, Row::Text));
    }
    Ok(texts)
}

/// The bytes `from..to` of a buffer. They are copied, since Python may change what a buffer lends.
fn copy<'py>(buffer: &Bound<'py, PyAny>, from: usize, to: usize) -> PyResult<Bound<'py, PyBytes>> {
    let length = to.checked_sub(from).ok_or_else(broken)?;
    if buffer.getattr("size")?.extract::<usize>()? < to {
        return Err(broken());
    }
    let part = buffer.call_method1("slice", (from, length))?.call_method0("to_pybytes")?;
    Ok(part.cast_into::<PyBytes>()?)
}

fn offset(bytes: &[u8]) -> Option<usize> {
    match *bytes {
        [a, b, c, d] => usize::try_from(i32::from_ne_bytes([a, b, c, d])).ok(),
        [a, b, c, d, e, f, g, h] => usize::try_from(i64::from_ne_bytes([a, b, c, d, e, f, g, h])).ok(),
        _ => None,
    }
}

fn broken() -> PyErr {
    PyValueError::new_err(BROKEN)
}
