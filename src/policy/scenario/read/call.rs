//! The reader of a case's `tool_call`.

use serde_json::{Map, Number, Value};
use toml::de::{DeFloat, DeInteger, DeValue};

use crate::policy::error::PolicyError;
use crate::policy::table::{Found, Table};
use crate::request::ToolCall;

const KEYS: [&str; 2] = ["name", "arguments"];

/// The call, with TOML's values as those of JSON.
pub(super) fn tool_call(case: &Table<'_, '_>, found: &mut Found) -> Option<ToolCall> {
    let value = case.value("tool_call")?;
    let Some(entries) = value.get_ref().as_table() else {
        let expected = "table with `name` and `arguments`";
        let error = PolicyError::WrongType { key: "tool_call", found: value.get_ref().type_str(), expected };
        found.push((value.span(), error));
        return None;
    };
    let table = Table { name: "this call", entries, place: value.span() };
    table.only(&KEYS, found);
    table.require("name", "the tool's name", found);
    table.require("arguments", "what the tool is called with", found);
    let name = table.string("name", found);
    let arguments = table.value("arguments")?;
    match json(arguments.get_ref()) {
        Some(arguments) => Some(ToolCall { name: name?.0.to_owned(), arguments }),
        None => {
            let what = "`arguments` holds a value that JSON does not have, expected no date and no number without end";
            found.push((arguments.span(), PolicyError::Conflict { what: what.to_owned() }));
            None
        }
    }
}

fn json(value: &DeValue<'_>) -> Option<Value> {
    Some(match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Integer(number) => integer(number)?,
        DeValue::Float(number) => float(number)?,
        DeValue::Datetime(_) => return None,
        DeValue::Array(items) => {
            Value::Array(items.iter().map(|item| json(item.get_ref())).collect::<Option<_>>()?)
        }
        DeValue::Table(entries) => {
            let entry = |(key, value): (&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| {
                let key: &std::borrow::Cow<'_, str> = key.get_ref();
                Some((key.to_string(), json(value.get_ref())?))
            };
            Value::Object(entries.iter().map(entry).collect::<Option<Map<_, _>>>()?)
        }
    })
}

fn integer(number: &DeInteger<'_>) -> Option<Value> {
    i64::from_str_radix(number.as_str(), number.radix()).ok().map(Value::from)
}

fn float(number: &DeFloat<'_>) -> Option<Value> {
    number.as_str().parse().ok().and_then(Number::from_f64).map(Value::Number)
}
