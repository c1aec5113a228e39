//! A labelled row, from one line of JSON.

use super::SliceBy;
use anyhow::{anyhow, bail, ensure};
use portcullis::{Request, Role};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// The slice of a row that names none.
pub(in crate::cli) const NO_SLICE: &str = "(none)";

/// A text with what is known about it.
pub(in crate::cli) struct Row {
    pub(in crate::cli) request: Request,
    pub(in crate::cli) known: Known,
}

/// What a row tells of its text.
pub(in crate::cli) struct Known {
    /// Labels in `0..=1` by head.
    pub(in crate::cli) labels: BTreeMap<String, f32>,
    pub(in crate::cli) slice: String,
    /// The groups of people that the text concerns, where the row lists them.
    pub(in crate::cli) identities: Option<Vec<String>>,
    /// The name that the row shares with the others of its pair.
    pub(in crate::cli) pair: Option<String>,
}

impl Row {
    /// Reads a line. `only_head` takes the `label` of a row that does not name its head.
    ///
    /// # Errors
    /// When the line is no such object, the text cannot be judged, or a label is not in `0..=1`. No message holds text.
    pub(in crate::cli) fn parse(
        line: &[u8],
        slice_by: SliceBy,
        only_head: Option<&str>,
    ) -> anyhow::Result<Self> {
        const EXPECTED: &str = "expected an object with a string `text`, and `labels` or `label` in 0..=1";
        // An array of the right values would otherwise be read as an object.
        ensure!(line.trim_ascii_start().first() == Some(&b'{'), "at column 1: {EXPECTED}");
        // The message of the JSON library may quote the row.
        let wire: Wire = serde_json::from_slice(line)
            .map_err(|error| anyhow!("at column {}: {EXPECTED}", error.column()))?;
        let role = wire.role.as_deref().map_or(Ok(Role::User), str::parse)?;
        let request = Request::new(wire.text, role)?;
        let mut labels = wire.labels.unwrap_or_default();
        if let Some(label) = wire.label {
            let Some(head) = wire.head.as_deref().or(only_head) else {
                bail!("a `label` without a `head`: expected both, or one --head");
            };
            labels.insert(head.to_owned(), label);
        }
        ensure!(
            labels.values().all(|label| (0.0..=1.0).contains(label)),
            "a label out of range: expected a number in 0..=1"
        );
        let slice = match slice_by {
            SliceBy::Source => wire.source,
            SliceBy::Slice => wire.slice,
            SliceBy::Kind => wire.kind,
            SliceBy::Function => wire.function,
        };
        let identities = wire.identities.map(names).transpose()?;
        let pair = wire.pair.map(name).transpose()?;
        let slice = slice.unwrap_or_else(|| NO_SLICE.to_owned());
        Ok(Self { request, known: Known { labels, slice, identities, pair } })
    }
}

fn names(value: Value) -> anyhow::Result<Vec<String>> {
    const EXPECTED: &str = "bad `identities`: expected a list of strings";
    let Value::Array(names) = value else { bail!(EXPECTED) };
    names
        .into_iter()
        .map(|name| if let Value::String(name) = name { Ok(name) } else { bail!(EXPECTED) })
        .collect()
}

fn name(value: Value) -> anyhow::Result<String> {
    match value {
        Value::String(name) => Ok(name),
        Value::Number(number) => Ok(number.to_string()),
        _ => bail!("bad `pair`: expected a string or a number"),
    }
}

#[derive(Deserialize)]
struct Wire {
    text: String,
    labels: Option<BTreeMap<String, f32>>,
    label: Option<f32>,
    head: Option<String>,
    source: Option<String>,
    slice: Option<String>,
    kind: Option<String>,
    function: Option<String>,
    role: Option<String>,
    identities: Option<Value>,
    pair: Option<Value>,
}
