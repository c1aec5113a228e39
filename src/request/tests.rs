//! Tests of the request reader.

use proptest::prelude::*;

use super::*;

fn read(line: &str) -> Result<Request, RequestError> {
    Request::from_json_line(line.as_bytes())
}

fn kind(line: &[u8]) -> &'static str {
    Request::from_json_line(line).map_or_else(|e| e.kind(), |_| "accepted")
}

#[test]
fn a_text_alone_is_enough() {
    let request = read(r#"{"text":"hello"}"#).unwrap();
    assert_eq!((request.text.as_str(), request.role), ("hello", Role::User));
    assert!(request.id.is_none() && request.deadline.is_none() && request.messages.is_empty());
}

#[test]
fn every_key_is_read() {
    let request = read(
        r#"{"id":[1,{"a":null}],"text":"b","role":"tool","messages":[{"role":"user","content":"a"}],
            "sources":["s"],"slice":"beta","deadline_ms":20}"#,
    )
    .unwrap();
    assert_eq!(request.id, Some(serde_json::json!([1, {"a": null}])));
    assert_eq!(request.role, Role::Tool);
    assert_eq!(request.messages.len(), 1);
    assert_eq!(request.sources, ["s"]);
    assert_eq!(request.slice.as_deref(), Some("beta"));
    assert_eq!(request.deadline, Some(Duration::from_millis(20)));
}

#[test]
fn the_last_message_is_judged_in_its_own_role() {
    let request =
        read(r#"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}"#).unwrap();
    assert_eq!((request.text.as_str(), request.role), ("b", Role::Assistant));
    assert_eq!(request.messages.len(), 1);
}

#[test]
fn each_kind_of_bad_line_has_its_error() {
    for (line, expected) in [
        (&br#"{"text":""}"#[..], "empty_text"),
        (br#"{"text":"a\u0000b"}"#, "nul_byte"),
        (b"{\"text\":\"\xff\"}", "invalid_utf8"),
        (b"", "invalid_json"),
        (b"{", "invalid_json"),
        (b"null", "invalid_json"),
        (b"\"text\"", "invalid_json"),
        (br#"[1,"text"]"#, "invalid_json"),
        (br#"{"text":"a"} {"text":"b"}"#, "invalid_json"),
        (br#"{"text":"a","text":"b"}"#, "invalid_json"),
        (br#"{"text":7}"#, "invalid_json"),
        (br#"{"text":"a","rol":"user"}"#, "invalid_json"),
        (br#"{"text":"a","deadline_ms":-1}"#, "invalid_json"),
        (br#"{"text":"a\ud800"}"#, "invalid_json"),
        (br#"{"id":1}"#, "missing_text"),
        (br#"{"messages":[]}"#, "missing_text"),
        (br#"{"text":"a","role":"root"}"#, "unknown_role"),
        (br#"{"messages":[{"role":"me","content":"a"}]}"#, "unknown_role"),
    ] {
        assert_eq!(kind(line), expected, "{}", String::from_utf8_lossy(line));
    }
}

#[test]
fn deep_nesting_is_an_error_and_no_overflow() {
    let line = format!(r#"{{"text":"a","id":{}"#, "[".repeat(1_000_000));
    assert_eq!(kind(line.as_bytes()), "invalid_json");
}

#[test]
fn the_lenient_reader_passes_over_unknown_keys_only() {
    let row = br#"{"text":"a","labels":{"toxicity":1},"source":"x"}"#;
    assert_eq!(Request::from_json_line_lenient(row).unwrap().text, "a");
    assert!(Request::from_json_line_lenient(br#"{"text":7,"x":1}"#).is_err());
    assert!(Request::from_json_line_lenient(br#"["a"]"#).is_err());
}

#[test]
fn neither_errors_nor_debug_show_the_text() {
    let secret = "correct-horse";
    let request = Request::new(secret, Role::User).unwrap();
    assert!(!format!("{request:?}").contains(secret));
    for line in [
        format!(r#"{{"text":"{secret}","role":"{secret}"}}"#),
        format!(r#"{{"text":"{secret}","{secret}":1}}"#),
    ] {
        let error = read(&line).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(secret), "{error}");
    }
}

#[test]
fn bytes_must_be_text() {
    assert_eq!(Request::from_bytes(b"ab\xc3", Role::User).unwrap_err(), RequestError::InvalidUtf8 { at: 2 });
    assert_eq!(Request::from_bytes(b"a\0", Role::User).unwrap_err(), RequestError::NulByte { at: 1 });
    assert_eq!(Request::from_bytes(b"", Role::User).unwrap_err(), RequestError::EmptyText);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(line in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Request::from_json_line(&line);
        let _ = Request::from_json_line_lenient(&line);
    }

    #[test]
    fn what_is_accepted_is_the_text_itself(text in "[^\0]{1,80}") {
        let line = serde_json::json!({ "text": text }).to_string();
        prop_assert_eq!(read(&line).unwrap().text, text);
    }
}

#[test]
fn a_tool_call_may_come_without_a_text() {
    let line = br#"{"tool_call": {"name": "mail", "arguments": {"to": ["a"]}}, "messages": [{"role": "user", "content": "b"}]}"#;
    let request = Request::from_json_line(line).unwrap();
    assert_eq!((request.text.as_str(), request.role, request.messages.len()), ("", Role::Assistant, 1));
    let call = request.tool_call.as_ref().unwrap();
    assert_eq!((call.name.as_str(), &call.arguments), ("mail", &serde_json::json!({"to": ["a"]})));
    assert!(!format!("{request:?}").contains("mail"), "{request:?}");
    let line = br#"{"text": "hello", "role": "tool", "tool_call": {"name": "mail", "arguments": null}}"#;
    assert_eq!(Request::from_json_line(line).unwrap().role, Role::Tool);
    let line = br#"{"tool_call": {"name": "mail", "arguments": {"to": 1, "to": 2}}}"#;
    assert!(matches!(Request::from_json_line(line), Err(RequestError::InvalidJson { .. })));
}
