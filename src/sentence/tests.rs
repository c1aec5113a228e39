//! What ends a sentence, and which sentences a span touches.

use super::*;

/// The text with `|` after each sentence.
fn cut(text: &str) -> String {
    let mut ends = SentenceEnds::default();
    let mut out = String::new();
    for c in text.chars() {
        out.push(c);
        if ends.step(c) {
            out.push('|');
        }
    }
    out
}

#[test]
fn marks_spaces_and_lines_end_sentences() {
    for (text, expected) in [
        ("One. Two! Three? Four", "One. |Two! |Three? |Four"),
        ("He said \"no.\" Then (yes.) Then.", "He said \"no.\" |Then (yes.) |Then."),
        ("Pi is 3.14, v1.2.3 at a.b", "Pi is 3.14, v1.2.3 at a.b"),
        ("one\ntwo\r\n\nthree", "one\n|two\r\n|\n|three"),
        ("你好。再见！", "你好。|再见！|"),
        ("Wait… what", "Wait… |what"),
        ("a . b", "a . |b"),
    ] {
        assert_eq!(cut(text), expected);
    }
}

#[test]
fn a_span_touches_whole_sentences() {
    let text = "One. Two. Three";
    let sentences = Sentences::new(text);
    let around = |start, end| {
        let span = sentences.around(Span::new(start, end));
        text.get(span.start..span.end).unwrap()
    };
    assert_eq!(around(0, 1), "One. ");
    assert_eq!(around(4, 5), "One. ");
    assert_eq!(around(5, 6), "Two. ");
    assert_eq!(around(5, 10), "Two. ");
    assert_eq!(around(3, 6), "One. Two. ");
    assert_eq!(around(12, 15), "Three");
    assert_eq!(Sentences::new("").around(Span::new(0, 0)), Span::new(0, 0));
}

#[test]
fn sentences_are_told_without_the_space_around_them() {
    let text = "  One. Two!\n\n\n  Three";
    let sentences = Sentences::new(text);
    let told: Vec<&str> = sentences.spans(text).map(|span| text.get(span.start..span.end).unwrap()).collect();
    assert_eq!(told, ["One.", "Two!", "Three"]);
    assert_eq!(Sentences::new("").spans("").count() + Sentences::new(" \n ").spans(" \n ").count(), 0);
}
