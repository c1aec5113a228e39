use super::*;
use crate::cli::scan::page::{Page, Text};
use portcullis::Request;
use std::sync::Arc;

const CHAT: &str = r#"{"id": "a/b", "messages": [{"role": "user", "content": "caf\u00e9 \ud83d\ude00 jo@example.org"},
  {"role": "tool", "content": ["x", "y\n"]}], "two words": {"~": ""}, "n": [1, true, null, "\ud800"]}"#;

/// Bytes of the file, which begins at `base`.
fn bytes(start: usize, end: usize, base: usize) -> &'static str {
    CHAT.get(start - base..end - base).unwrap()
}

fn pointers(fields: &[&str]) -> Vec<String> {
    let fields: Vec<Field> = fields.iter().map(|field| Field::parse(field).unwrap()).collect();
    strings(CHAT, &fields).into_iter().map(|found| found.pointer).collect()
}

#[test]
fn every_string_has_its_pointer() {
    assert_eq!(
        pointers(&[]),
        [
            "/id",
            "/messages/0/role",
            "/messages/0/content",
            "/messages/1/role",
            "/messages/1/content/0",
            "/messages/1/content/1",
            "/two words",
            "/two words/~0",
            "/n/3"
        ]
    );
    assert_eq!(
        pointers(&["/messages/*/content"]),
        ["/messages/0/content", "/messages/1/content/0", "/messages/1/content/1"]
    );
    assert_eq!(pointers(&["/id", "/two words/~0"]), ["/id", "/two words/~0"]);
    assert!(pointers(&["/role", "/messages/7"]).is_empty());
    assert!(Field::parse("text").is_err());
}

#[test]
fn places_are_those_of_the_file() {
    let page = Arc::new(Page::new("chat.json".into(), CHAT.to_owned(), 100, 7));
    let found = strings(CHAT, &[Field::parse("/messages/0/content").unwrap()]).remove(0);
    let (text, map) = found.text.unwrap();
    assert_eq!(text, "café 😀 jo@example.org");
    let at = text.find("jo@").unwrap();
    let text =
        Text { page, request: Request { text, ..Request::default() }, pointer: None, is_section: false, map };
    let place = text.place(Span::new(at, at + 14));
    assert_eq!(bytes(place.start, place.end, 100), "jo@example.org");
    assert_eq!((place.line, place.column), (7, place.start - 99));
    let smile = text.place(Span::new(at - 5, at - 1));
    assert_eq!(bytes(smile.start, smile.end, 100), r"\ud83d\ude00");
    let whole = text.whole();
    assert_eq!((whole.start, whole.end), (found.span.start + 100, found.span.end + 100));
}

#[test]
fn escapes_that_stand_for_no_text_are_told() {
    let last = strings(CHAT, &[Field::parse("/n").unwrap()]).remove(0);
    assert!(last.text.is_none());
    assert_eq!(bytes(last.span.start, last.span.end, 0), r"\ud800");
}
