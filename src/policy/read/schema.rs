//! The reader of `[[json_schema]]`: JSON Schemas in the policy itself or in files beside it.

use std::collections::HashMap;
use std::ops::Range;

use super::file::{self, Folder};
use super::rule;
use crate::policy::error::PolicyError;
use crate::policy::source::Source;
use crate::policy::table::{Found, Table, shorten, wrong_value};
use crate::policy::{MAX_SCHEMA_BYTES, MAX_SCHEMAS};
use crate::rails::schema::{Schema, TextSchema};
use crate::request::Role;

const KEYS: [&str; 4] = ["id", "file", "inline", "roles"];

/// A schema, where it stands, and what its file held.
pub(super) struct Read {
    pub(super) schema: TextSchema,
    pub(super) place: Range<usize>,
    /// BLAKE3 of the file, where the schema has one.
    file: Option<blake3::Hash>,
}

pub(super) fn schemas(
    root: &Table<'_, '_>,
    source: &Source,
    folder: Folder<'_>,
    found: &mut Found,
) -> Vec<Read> {
    let mut schemas: Vec<Read> = Vec::new();
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for table in tables("json_schema", "this JSON Schema", root, found) {
        if let Some((id, place)) = table.value("id").and_then(|id| Some((id.get_ref().as_str()?, id.span())))
        {
            if let Some(&first) = seen.get(id) {
                found.push((place, PolicyError::DuplicateSchema { id: shorten(id), first }));
                continue;
            }
            seen.insert(id, source.line(place.start));
        }
        schemas.extend(schema(&table, folder, found));
    }
    schemas
}

/// The tables under `[[key]]`, each with `name` in messages.
pub(super) fn tables<'t, 's>(
    key: &'static str,
    name: &'static str,
    root: &Table<'t, 's>,
    found: &mut Found,
) -> Vec<Table<'t, 's>> {
    let Some(value) = root.value(key) else { return Vec::new() };
    let expected = "list of tables, each under its `[[…]]`";
    let Some(items) = value.get_ref().as_array() else {
        found.push((
            value.span(),
            PolicyError::WrongType { key, found: value.get_ref().type_str(), expected },
        ));
        return Vec::new();
    };
    if items.len() > MAX_SCHEMAS {
        let error = PolicyError::TooMany { what: "JSON Schemas", found: items.len(), limit: MAX_SCHEMAS };
        found.push((value.span(), error));
        return Vec::new();
    }
    let mut tables = Vec::new();
    for item in items.iter() {
        match item.get_ref().as_table() {
            Some(entries) => tables.push(Table { name, entries, place: item.span() }),
            None => {
                let error = PolicyError::WrongType { key, found: item.get_ref().type_str(), expected };
                found.push((item.span(), error));
            }
        }
    }
    tables
}

/// The files of the schemas, each under its detector.
pub(super) fn files(schemas: &[Read]) -> impl Iterator<Item = (&str, &blake3::Hash)> {
    schemas.iter().filter_map(|read| Some((read.schema.detector.as_str(), read.file.as_ref()?)))
}

fn schema(table: &Table<'_, '_>, folder: Folder<'_>, found: &mut Found) -> Option<Read> {
    table.only(&KEYS, found);
    table.require("id", "a name", found);
    let id = table.string("id", found).and_then(|(id, place)| {
        let fits = (1..=64).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        let expected = "1 to 64 lower-case letters, digits and `_`: its detector is `schema.` and the id";
        if fits { Some(id) } else { wrong_value("id", id, expected, place, found) }
    });
    let roles = if table.has("roles") { rule::roles(table, found) } else { vec![Role::Assistant] };
    let (schema, file) = compiled(table, folder, found)?;
    Some(Read { schema: TextSchema::new(id?, schema, roles), place: table.place.clone(), file })
}

/// The schema under `file` or `inline`, and the BLAKE3 of the file.
pub(super) fn compiled(
    table: &Table<'_, '_>,
    folder: Folder<'_>,
    found: &mut Found,
) -> Option<(Schema, Option<blake3::Hash>)> {
    let inline = table.string("inline", found);
    let named = table.string("file", found);
    let (text, place, hash) = match (inline, named) {
        (Some((_, place)), Some(_)) => {
            let what = format!("{} has `file` and `inline`, expected one of them", table.name);
            found.push((place, PolicyError::Conflict { what }));
            return None;
        }
        (None, None) => {
            if !table.has("inline") && !table.has("file") {
                let what = format!("{} has no `file` and no `inline`, expected one of them", table.name);
                found.push((table.place.clone(), PolicyError::Conflict { what }));
            }
            return None;
        }
        (Some((text, place)), None) => (text.to_owned(), place, None),
        (None, Some((name, place))) => {
            let read = file::read(name, folder, "`inline`", "a JSON Schema", MAX_SCHEMA_BYTES);
            let read = read.and_then(|bytes| {
                let hash = blake3::hash(&bytes);
                let text = String::from_utf8(bytes);
                text.map(|text| (text, hash)).map_err(|error| {
                    let at = error.utf8_error().valid_up_to();
                    format!("not UTF-8 from byte {at} on, expected UTF-8 text")
                })
            });
            match read {
                Ok((text, hash)) => (text, place, Some(hash)),
                Err(what) => {
                    found.push((place, PolicyError::File { file: shorten(name), what }));
                    return None;
                }
            }
        }
    };
    match Schema::new(text.trim_start_matches('\u{feff}')) {
        Ok(schema) => Some((schema, hash)),
        Err(error) => {
            found.push((place, PolicyError::Schema { what: error.to_string() }));
            None
        }
    }
}
