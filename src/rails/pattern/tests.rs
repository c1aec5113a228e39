//! Every detector against texts that hold its data and texts that only look so; then what holds for any text.

mod code;
mod email;
mod identity;
mod ip;
mod numbers;
mod secrets;

use proptest::prelude::*;
use std::time::{Duration, Instant};

use super::PatternRail;
use crate::span::Span;
use crate::verdict::Detection;

/// The score from which the tests count a match: that of the embedded policy.
const CLEAR: f32 = 0.5;

fn scan(text: &str) -> Vec<Detection> {
    let mut out = Vec::new();
    PatternRail::new().scan(text, &mut out);
    out
}

/// What `detector` finds at [`CLEAR`] or above, as text.
fn found<'t>(detector: &str, text: &'t str) -> Vec<&'t str> {
    let hits = scan(text).into_iter().filter(|d| d.detector == detector && d.score >= CLEAR);
    let mut spans: Vec<Span> = hits.flat_map(|d| d.spans).collect();
    spans.sort();
    spans.into_iter().map(|span| text.get(span.start..span.end).unwrap()).collect()
}

/// Each text holds its data between `«` and `»`, which are taken out before the scan, or none.
fn assert_marked(detector: &str, texts: &[&str]) {
    for marked in texts {
        let expected: Vec<&str> =
            marked.split('«').skip(1).map(|rest| rest.split('»').next().unwrap()).collect();
        let text = marked.replace(['«', '»'], "");
        assert_eq!(found(detector, &text), expected, "{detector} in {text:?}: {:?}", scan(&text));
    }
}

/// The text with every clear match replaced, as the embedded policy would.
fn redact(text: &str) -> String {
    let hits = scan(text)
        .into_iter()
        .filter(|d| d.score >= CLEAR && ["pii", "secret"].contains(&d.category.as_str()));
    let rewrites: Vec<_> = hits
        .map(|d| crate::decide::Rewrite {
            rule: 0,
            replacement: crate::decide::Replace::Placeholder(
                PatternRail::placeholder(&d.detector).unwrap().to_owned(),
            ),
            spans: d.spans,
        })
        .collect();
    crate::act::apply(text, &crate::act::edits(text, &rewrites).unwrap()).unwrap()
}

#[test]
fn equal_scores_share_one_detection_and_loopback_scores_apart() {
    let out = scan("a@b.org, c@d.org; 127.0.0.1, 9.9.9.9");
    let shapes: Vec<_> = out.iter().map(|d| (d.detector.as_str(), d.score, d.spans.len())).collect();
    assert_eq!(shapes, [("pii.email", 1.0, 2), ("pii.ip", 0.3, 1), ("pii.ip", 0.95, 1)]);
}

#[test]
fn every_detector_has_a_name_and_a_placeholder() {
    for name in PatternRail::names() {
        let placeholder = PatternRail::placeholder(name).unwrap();
        assert!(
            ["pii.", "secret.", "code.", "invisible."].iter().any(|family| name.starts_with(family)),
            "{name}"
        );
        assert_eq!(scan(placeholder), [], "{placeholder}");
    }
    assert_eq!(PatternRail::placeholder("pii.shoe_size"), None);
}

#[test]
fn neighbours_that_hide_each_other_are_all_found() {
    let text = "0490 75 40 81 555-867-5309 4111 1111 1111 1111 0490 75 40 82";
    assert_eq!(redact(text), "[PHONE] [PHONE] [CARD] [PHONE]");
}

#[test]
fn hostile_texts_take_bounded_time() {
    const LEN: usize = 1 << 17;
    let units = [
        "1",
        "@",
        "a@",
        "a@b.",
        "@a.b",
        ":",
        "1:",
        "::",
        "1.",
        "1.1",
        "255.",
        "+",
        "+1",
        "(",
        "(1",
        "(1)",
        "1 ",
        "1-",
        "12 ",
        "123-",
        "4111 ",
        "1234567 ",
        "a.",
        "a@b.cc",
        "tel 1234567 ",
        "]",
        " ",
        "é",
        "é@",
        "1\u{a0}",
        "4111111111111111 ",
        "192.168.1.1 ",
        "::1 ",
        "x@y.zz 5551234 ",
        "GB05 ",
        "0x",
        "1A",
        "1aZ2bY3cX4dW5eV6fU7gT8hS9iR1jQ2kP3 ",
        "zoo ",
        "password=",
        "password: a1",
        "passport ",
        "born ",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN ",
        "eyJ",
        "eyJhbGciOiJub25lIn0.eyJ",
        "://",
        "a://b:c",
        "Q~",
        ":AA",
        "sk-",
        "AKIA",
        "00:",
        "1°",
        "1.12345, ",
        "AA0000000000000000",
        "```",
        "```\n",
        "\n```js\n",
        "rm -rf / ",
        "curl |sh ",
        ">/dev/sd",
        ".bash_history",
        "\u{200b}",
        "\u{e0041}",
        "\u{202e}",
    ];
    for unit in units {
        let text = unit.repeat(LEN / unit.len());
        let start = Instant::now();
        let out = scan(&text);
        let spans: usize = out.iter().map(|d| d.spans.len()).sum();
        assert!(start.elapsed() < Duration::from_secs(20), "{unit:?} took {:?}", start.elapsed());
        assert!(out.len() < 20 && spans <= LEN, "{unit:?}: {} detections", out.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn spans_are_on_boundaries_and_scores_in_range(text in "\\PC{0,80}") {
        for detection in scan(&text) {
            prop_assert!((0.0..=1.0).contains(&detection.score));
            for pair in detection.spans.windows(2) {
                prop_assert!(pair[0].end <= pair[1].start);
            }
            for span in detection.spans {
                prop_assert!(!span.is_empty() && text.get(span.start..span.end).is_some());
            }
        }
    }

    #[test]
    fn redaction_leaves_nothing_to_redact(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "jane@doe.org", "a@b.c", "@", "x.y", "+44 20 7946 0958", "(212) 555-0134", "555-867-5309",
                "0490 75 40 81", "5551234", "call ", "phone", "order ", "office", "fax", "4111 1111 1111 1111",
                "378282246310005", "4111", "9.9.9.9", "10.0.0.1", "127.0.0.1", "2001:db8::7:1", "::1", ":", ".",
                "GB05HHAK14534165382896", "536-22-8741", "743 859 2936", "NHS", "AB 12 34 56 C", "3c:22:fb:9a:10:5e",
                "born 4 May 1985", "DOB", "password=", "Zx9!kk20", "token: ", "postgres://a:b1@c", "51.50072, -0.12463",
                "lat ", "passport ", "533401992", "vin ", "1HGE433H9GD221128", "hunter2x", "is ", "1", "12", "00", "19/2", "2024-05-17", " ", " ", " ", ", ", "-", "x", "é", "]", "[", "\n", "+", "ext. 12",
            ]),
            0..12,
        )
    ) {
        let text = pieces.concat();
        let once = redact(&text);
        prop_assert_eq!(redact(&once), once.clone(), "{:?}", text);
    }
}
