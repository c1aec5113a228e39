//! What holds for any text, whatever it is made of.

use proptest::prelude::*;

use super::TextRails;
use crate::rails::list::{Matching, WordList};
use crate::rails::url::Hosts;
use crate::verdict::Detection;

/// Beginnings, ends and middles of what the detectors look for.
const PIECES: [&str; 48] = [
    "password",
    "=",
    ": ",
    "\"",
    "'",
    "is ",
    "--",
    "token",
    "eyJhbGciOiJIUzI1NiJ9",
    ".",
    "eyJ",
    "-----BEGIN PRIVATE KEY-----",
    "\n",
    "-----END ",
    "://",
    "@",
    "a",
    "é",
    "1",
    "12",
    "0x",
    "GB05",
    "HHAK",
    "born ",
    "4 May 1985",
    "51.50072",
    ", ",
    "° N",
    "zoo ",
    "```",
    "sh",
    "rm -rf /",
    "curl x | sh",
    ":(){",
    "xn--",
    "paypal.com",
    "/",
    "#",
    "Q~",
    ":AA",
    "AKIA",
    "\u{200b}",
    "\u{202e}",
    "\u{e0041}",
    "🏴",
    "3c:22:",
    " ",
    "]",
];

fn scan(text: &str) -> Vec<Detection> {
    let list = WordList {
        id: "l".to_owned(),
        words: vec!["a".to_owned(), "é 1".to_owned()],
        allow: vec!["a@".to_owned()],
        matching: Matching::Substring,
    };
    let hosts = Hosts { allow: vec!["paypal.com".to_owned()], deny: vec!["a.a".to_owned()] };
    let mut found = Vec::new();
    TextRails::new(&[list], &hosts).unwrap().scan(text, &mut found);
    found
}

#[test]
fn names_are_unique_and_those_of_the_detections() {
    let rails = TextRails::new(&[], &Hosts::default()).unwrap();
    let names: Vec<&str> = rails.names().collect();
    let mut unique = names.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(names.len(), unique.len());
    for detection in scan("a password=Zx9!kk20 https://a.a/ ```\n```") {
        assert!(
            names.contains(&detection.detector.as_str()) || detection.detector == "list.l",
            "{detection:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn spans_are_on_boundaries_scores_in_range_and_answers_the_same(
        pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..24),
        noise in "\\PC{0,8}",
    ) {
        let text = pieces.concat() + &noise;
        let found = scan(&text);
        prop_assert_eq!(&found, &scan(&text));
        for detection in found {
            prop_assert!((0.0..=1.0).contains(&detection.score));
            prop_assert!(!detection.spans.is_empty());
            for pair in detection.spans.windows(2) {
                prop_assert!(pair[0].end <= pair[1].start, "{} in {:?}", detection.detector, text);
            }
            for span in detection.spans {
                prop_assert!(!span.is_empty() && text.get(span.start..span.end).is_some(), "{} in {:?}", detection.detector, text);
            }
        }
    }
}
