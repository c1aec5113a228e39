//! What is said of a call.

use serde_json::{Value, json};

use super::Tools;
use crate::rails::schema::Schema;
use crate::request::ToolCall;
use crate::verdict::Part;

fn tools() -> Tools {
    let schema = r#"{"required": ["city"], "properties": {"city": {"type": "string"}}, "additionalProperties": false}"#;
    Tools {
        allow: vec!["clock".to_owned()],
        schemas: vec![("weather".to_owned(), Schema::new(schema).unwrap())],
    }
}

fn found(tools: &Tools, name: &str, arguments: Value) -> Vec<(String, Part, Option<String>)> {
    let mut found = Vec::new();
    tools.scan(&ToolCall { name: name.to_owned(), arguments }, &mut found);
    found
        .into_iter()
        .map(|found| {
            let place = found.place.unwrap();
            (found.detector, place.part, place.pointer)
        })
        .collect()
}

#[test]
fn a_tool_that_is_named_may_be_called() {
    assert_eq!(found(&tools(), "clock", json!({"anything": 1})), []);
    assert_eq!(found(&tools(), "weather", json!({"city": "Oslo"})), []);
    for other in ["shell", "Clock", "clock ", "", "сlock"] {
        let expected = ("tool.not_allowed".to_owned(), Part::ToolName, None);
        assert_eq!(found(&tools(), other, json!({})), [expected], "{other}");
    }
}

#[test]
fn arguments_must_fit() {
    let at = |pointer: &str| ("tool.arguments".to_owned(), Part::ToolArguments, Some(pointer.to_owned()));
    assert_eq!(found(&tools(), "weather", json!({"city": 7})), [at("/city")]);
    assert_eq!(found(&tools(), "weather", json!({"city": "Oslo", "also": "rm"})), [at("")]);
    assert_eq!(found(&tools(), "weather", json!("{\"city\": \"Oslo\"}")), []);
}

#[test]
fn without_tools_nothing_is_said() {
    assert_eq!(found(&Tools::default(), "shell", json!({})), []);
}
