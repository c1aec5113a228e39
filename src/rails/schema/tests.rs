//! What fits, what does not and where, and what is mended.

use proptest::prelude::*;

use super::{Schema, SchemaError, TextSchema, locate};
use crate::act::{apply, edits};
use crate::decide::{Replace, Rewrite};
use crate::json;
use crate::request::Role;
use crate::span::Span;
use crate::verdict::{Detection, Edit};

const ORDER: &str = r#"{
    "type": "object",
    "required": ["item", "count"],
    "additionalProperties": false,
    "properties": {
        "item": {"type": "string"},
        "count": {"type": "integer", "minimum": 1},
        "gift": {"type": "boolean"},
        "note": {"type": ["string", "null"]},
        "tags": {"type": "array", "items": {"type": "string", "pattern": "^[a-z]+$"}, "uniqueItems": true}
    }
}"#;

fn rail(schema: &str) -> TextSchema {
    TextSchema::new("order", Schema::new(schema).unwrap(), vec![Role::Assistant])
}

fn scan(text: &str) -> Vec<Detection> {
    let mut found = Vec::new();
    rail(ORDER).scan(text, &mut found);
    found
}

/// The mended text, by way of the edit script that a verdict would carry.
fn mended(text: &str) -> Option<String> {
    let found = scan(text);
    let repair = found.first()?.repair.as_ref()?;
    assert_eq!(found.len(), 1);
    let rewrite = |edit: &Edit| Rewrite {
        rule: 0,
        spans: vec![Span::new(edit.start, edit.end)],
        replacement: Replace::Text(edit.replacement.clone()),
    };
    let rewrites: Vec<Rewrite> = repair.iter().map(rewrite).collect();
    let script = edits(text, &rewrites).unwrap();
    assert_eq!(script, *repair, "the script is the repair, edit by edit");
    let mended = apply(text, &script).unwrap();
    assert_eq!(scan(&mended), [], "{mended}");
    Some(mended)
}

#[test]
fn what_fits_is_not_found() {
    for text in [
        r#"{"item": "tea", "count": 2}"#,
        "\n{ \"count\": 1, \"item\": \"\u{e9}\\u00e9\", \"tags\": [\"a\", \"b\"] }\n",
    ] {
        assert_eq!(scan(text), []);
    }
}

#[test]
fn each_failure_has_its_place() {
    for (text, pointer, keyword, bytes) in [
        (r#"{"item": 7, "count": 2}"#, Some("/item"), "type", "7"),
        (r#"{"item": "tea"}"#, Some(""), "required", r#"{"item": "tea"}"#),
        (r#"{"item": "tea", "count": 2, "x": 1}"#, Some(""), "additionalProperties", ""),
        (r#"{"item": "tea", "count": 2, "tags": ["a", "B"]}"#, Some("/tags/1"), "pattern", r#""B""#),
        (
            r#" { "tags" : [ "a" , "a" ] , "item":"}", "count":1 }"#,
            Some("/tags"),
            "uniqueItems",
            r#"[ "a" , "a" ]"#,
        ),
        (r#"{"item": "tea", "count": 2, "count": 3}"#, None, "unique_key", ""),
        ("no order", None, "json", "o"),
        ("", None, "json", ""),
    ] {
        let found = scan(text);
        let [Detection { place: Some(place), spans, score, .. }] = &found[..] else {
            panic!("{text}: {found:?}")
        };
        assert_eq!((place.pointer.as_deref(), place.keyword.as_deref()), (pointer, Some(keyword)), "{text}");
        assert_eq!(*score, 1.0);
        if !bytes.is_empty() {
            assert_eq!(
                spans.iter().map(|span| text.get(span.start..span.end).unwrap()).collect::<Vec<_>>(),
                [bytes]
            );
        }
    }
}

#[test]
fn several_failures_are_told_apart() {
    let found = scan(r#"{"item": 1, "count": 0}"#);
    let places = found.iter().map(|found| found.place.as_ref().unwrap().pointer.clone().unwrap());
    assert_eq!(places.collect::<Vec<_>>(), ["/count", "/item"]);
    assert!(found.iter().all(|found| found.repair.is_none()), "valid JSON has nothing to mend");
}

#[test]
fn common_breakages_are_mended() {
    let good = r#"{"item": "tea", "count": 2}"#;
    for (text, expected) in [
        ("```json\n{\"item\": \"tea\", \"count\": 2}\n```", good),
        ("Here is your order:\n{\"item\": \"tea\", \"count\": 2}\nAnything else?", good),
        ("As in [1] and {this}: {\"item\": \"tea\", \"count\": 2}", good),
        ("[maybe {\"item\": \"tea\", \"count\": 2} ???", good),
        ("{'item': 'tea', 'count': 2} trailing {", good),
        ("{\"item\": \"tea\", \"count\": 2,}", good),
        ("{'item': 'tea', 'count': 2}", good),
        ("{“item”: “tea”, ‘count’: 2}", good),
        ("{\"item\": \"tea\", \"count\": 2", good),
        ("```\n{\"item\": \"tea\", \"count\": 2\n```\nDone.", "{\"item\": \"tea\", \"count\": 2}\n"),
        (
            "{\"item\": \"tea\", \"count\": 2, \"tags\": [\"a\",",
            "{\"item\": \"tea\", \"count\": 2, \"tags\": [\"a\"]}",
        ),
        (
            "{\"item\": \"tea\", \"count\": 2, \"gift\": True",
            "{\"item\": \"tea\", \"count\": 2, \"gift\": true}",
        ),
        (
            "{'item': 'it\\'s \"tea\"', 'count': 2, 'gift': False, 'note': None}",
            "{\"item\": \"it's \\\"tea\\\"\", \"count\": 2, \"gift\": false, \"note\": null}",
        ),
        ("{'item': 'it's tea', 'count': 2}", "{\"item\": \"it's tea\", \"count\": 2}"),
        (
            "{\"item\": \"tea\", // hot\n \"count\": 2, /* two */ # yes\n}",
            "{\"item\": \"tea\", \n \"count\": 2  \n}",
        ),
        ("{\"item\": \"two\nlines\", \"count\": 2}", "{\"item\": \"two\\nlines\", \"count\": 2}"),
        ("\u{feff}{\"item\":\u{a0}\"tea\", \"count\": 2}", "{\"item\": \"tea\", \"count\": 2}"),
    ] {
        assert_eq!(mended(text).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn nothing_is_guessed() {
    for text in [
        "I have no order for you.",
        // Valid JSON that does not fit.
        "{\"item\": \"tea\", \"count\": 0}",
        // Mended it would still not fit.
        "{'item': 'tea', 'count': 0}",
        // A string that was cut off.
        "{\"item\": \"tea\", \"count\": 2, \"note\": \"with mi",
        // Brackets that do not match.
        "{\"item\": \"tea\", \"tags\": [\"a\", \"count\": 2}",
        // Two orders.
        "{'item': 'tea', 'count': 2} or {'item': 'cake', 'count': 1}",
        // A key without a value.
        "{\"item\": \"tea\", \"count\":",
        // A key that stands twice.
        "{'item': 'tea', 'count': 2, 'count': 3}",
        // A word that is no key.
        "{'item': 'tea', 'count': 2, count}",
    ] {
        assert_eq!(mended(text), None, "{text}");
    }
}

#[test]
fn a_schema_stands_by_itself() {
    for schema in [
        r#"{"$ref": "https://example.org/order.json"}"#,
        r#"{"$ref": "file:///etc/passwd"}"#,
        r#"{"$ref": "order.json"}"#,
        r#"{"properties": {"a": {"$ref": "https://example.org/order.json#/x"}}}"#,
        r#"{"$schema": "https://example.org/meta.json"}"#,
        r##"{"$ref": "#/definitions/none"}"##,
        r#"{"type": "strin"}"#,
        r#"{"pattern": "(?<=a)b"}"#,
        r#"{"pattern": "("}"#,
        "[]",
    ] {
        let error = Schema::new(schema).unwrap_err();
        assert!(matches!(error, SchemaError::NotSchema { .. }), "{schema}: {error}");
    }
    assert_eq!(Schema::new("{\"a\": }").unwrap_err(), SchemaError::NotJson { at: 6 });
    assert_eq!(Schema::new("").unwrap_err(), SchemaError::NotJson { at: 0 });
    for schema in [
        r##"{"$defs": {"a": {"type": "string"}}, "$ref": "#/$defs/a"}"##,
        r#"{"$schema": "http://json-schema.org/draft-07/schema#", "type": "string"}"#,
        "true",
    ] {
        Schema::new(schema).unwrap();
    }
}

#[test]
fn formats_are_checked() {
    let mut found = Vec::new();
    rail(r#"{"items": {"format": "email"}}"#).scan(r#"["jo@example.org", "jo"]"#, &mut found);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].place.as_ref().unwrap().keyword.as_deref(), Some("format"));
}

#[test]
fn hostile_texts_take_linear_time() {
    let size = 1 << 20;
    for unit in ["[", "{", "{'", "[\"", "'", "// ", "/*", "[,", "{\"a\":", "[1],", "#\n", "\\", "[' ", "“"]
    {
        let text = unit.repeat(size / unit.len());
        for text in [text.clone(), format!("[{text}")] {
            let start = std::time::Instant::now();
            _ = scan(&text);
            assert!(start.elapsed().as_secs() < 20, "{unit}");
        }
    }
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    assert_eq!(scan(&deep).len(), 1);
}

#[test]
fn debug_holds_no_key_of_the_text() {
    let found = scan(r#"{"item": 7, "count": 2}"#);
    assert!(!format!("{:?}", found[0].place).contains("item"));
}

/// Any JSON value of a small depth.
fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i32>().prop_map(Into::into),
        "[a-z'\"“\\\\ ,:{}\n#/`\\[\\]é]{0,12}".prop_map(Into::into),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::hash_map("[a-z~/\" é]{0,4}", inner, 0..5)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Every pointer into a value.
fn pointers(value: &serde_json::Value, at: &str, out: &mut Vec<String>) {
    out.push(at.to_owned());
    match value {
        serde_json::Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                pointers(item, &format!("{at}/{place}"), out);
            }
        }
        serde_json::Value::Object(entries) => {
            for (key, item) in entries {
                pointers(item, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), out);
            }
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn any_text_is_either_mended_exactly_or_left(text in "[\\[\\]{}a1:,'\"“”‘’ \n/*#`\\\\T]{0,40}") {
        let mut found = Vec::new();
        let any = rail("true");
        any.scan(&text, &mut found);
        if let Some(repair) = found.first().and_then(|found| found.repair.as_ref()) {
            let mended = apply(&text, repair).unwrap();
            prop_assert!(repair.iter().all(|edit| edit.start < edit.end));
            let mut again = Vec::new();
            any.scan(&mended, &mut again);
            prop_assert_eq!(again, vec![]);
        }
    }

    #[test]
    fn a_value_in_words_is_taken_out_whole(value in value(), before in "[a-z .]{0,9}", after in "[a-z .]{0,9}") {
        prop_assume!(value.is_array() || value.is_object());
        let mut found = Vec::new();
        let text = format!("{before}\n```json\n{value:#}\n```\n{after}");
        rail("true").scan(&text, &mut found);
        let mended = apply(&text, found[0].repair.as_ref().unwrap()).unwrap();
        prop_assert_eq!(json::parse(&mended).unwrap(), value);
    }

    #[test]
    fn every_value_is_found_where_it_stands(value in value(), pretty in any::<bool>()) {
        let text = if pretty { format!(" {value:#}\n") } else { value.to_string() };
        let mut all = Vec::new();
        pointers(&value, "", &mut all);
        for pointer in all {
            let span = locate::locate(&text, &pointer).unwrap();
            let there = json::parse(text.get(span.start..span.end).unwrap()).unwrap();
            prop_assert_eq!(Some(&there), value.pointer(&pointer));
        }
        prop_assert_eq!(locate::locate(&text, "/no such key"), None);
    }
}
