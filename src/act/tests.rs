//! Edit scripts: order, overlap, boundaries, and that applying one changes nothing else.

use proptest::prelude::*;

use super::{ActError, HashKey, Rewriter, apply, edits};
use crate::decide::{Replace, Rewrite};
use crate::span::Span;
use crate::vault::Vault;
use crate::verdict::Edit;

fn rewrite(rule: usize, spans: &[(usize, usize)], replacement: &str) -> Rewrite {
    Rewrite {
        rule,
        spans: spans.iter().copied().map(Span::from).collect(),
        replacement: Replace::Placeholder(replacement.to_owned()),
    }
}

fn edit(start: usize, end: usize, replacement: &str) -> Edit {
    Edit { start, end, replacement: replacement.to_owned() }
}

#[test]
fn edits_are_sorted_and_touching_ones_stay_apart() {
    let script =
        edits("aabbccdd", &[rewrite(0, &[(4, 6), (0, 2)], "X"), rewrite(1, &[(2, 4)], "Y")]).unwrap();
    assert_eq!(script, [edit(0, 2, "X"), edit(2, 4, "Y"), edit(4, 6, "X")]);
    assert_eq!(apply("aabbccdd", &script).unwrap(), "XYXdd");
}

#[test]
fn overlapping_redactions_become_one_with_the_longest_ones_placeholder() {
    let script = edits("0123456789", &[rewrite(0, &[(0, 4)], "S"), rewrite(1, &[(2, 9)], "L")]).unwrap();
    assert_eq!(script, [edit(0, 9, "L")]);
    let inside = edits("0123456789", &[rewrite(0, &[(3, 5)], "S"), rewrite(1, &[(1, 9)], "L")]).unwrap();
    assert_eq!(inside, [edit(1, 9, "L")]);
    let as_long = edits("0123456789", &[rewrite(1, &[(0, 4)], "B"), rewrite(0, &[(2, 6)], "A")]).unwrap();
    assert_eq!(as_long, [edit(0, 6, "A")]);
}

#[test]
fn a_whole_text_rewrite_leaves_no_other() {
    let all = [rewrite(0, &[(0, 1)], "[X]"), rewrite(4, &[], "late"), rewrite(2, &[], "early")];
    let script = edits("some text", &all).unwrap();
    assert_eq!(script, [edit(0, 9, "early")]);
    assert_eq!(apply("some text", &script).unwrap(), "early");
}

#[test]
fn spans_that_are_not_the_texts_are_errors() {
    let text = "aé";
    let attempt = |span| edits(text, &[rewrite(0, &[span], "X")]);
    assert_eq!(attempt((0, 4)), Err(ActError::OutOfRange { start: 0, end: 4, len: 3 }));
    assert_eq!(attempt((2, 1)), Err(ActError::OutOfRange { start: 2, end: 1, len: 3 }));
    assert_eq!(attempt((0, 2)), Err(ActError::NotOnBoundary { at: 2 }));
    assert_eq!(attempt((1, 3)), Ok(vec![edit(1, 3, "X")]));
    assert_eq!(attempt((1, 1)), Ok(vec![]));
}

#[test]
fn a_script_out_of_order_is_an_error() {
    let script = [edit(2, 4, "X"), edit(3, 5, "Y")];
    assert_eq!(apply("abcdef", &script), Err(ActError::Overlap { start: 3, expected: 4 }));
}

fn with(rule: usize, spans: &[(usize, usize)], replacement: Replace) -> Rewrite {
    Rewrite { replacement, ..rewrite(rule, spans, "") }
}

/// The text with the part between `«` and `»` replaced.
fn replaced(marked: &str, replacement: Replace) -> String {
    let start = marked.find('«').unwrap();
    let end = marked.find('»').unwrap() - '«'.len_utf8();
    let text = marked.replace(['«', '»'], "");
    let rewriter = Rewriter::new(HashKey::new(b"sixteen bytes!!!"));
    apply(&text, &rewriter.edits(&text, &[with(0, &[(start, end)], replacement)], None).unwrap()).unwrap()
}

#[test]
fn a_mask_keeps_the_last_and_at_most_half() {
    let mask = |keep, marked| replaced(marked, Replace::Mask { keep });
    assert_eq!(mask(4, "card «4111 1111 1111 1234»."), "card **** **** **** 1234.");
    assert_eq!(mask(0, "«+44 20 7946»"), "+** ** ****");
    assert_eq!(mask(4, "«9.9.9.9»"), "*.*.9.9");
    assert_eq!(mask(4, "«é@x.org»"), "*@*.*rg");
}

#[test]
fn a_hash_is_of_the_bytes_under_the_key() {
    let hash = |text| replaced(text, Replace::Hash { placeholder: "[EMAIL]".to_owned() });
    let one = hash("«jo@x.org»");
    assert!(one.starts_with("[EMAIL_") && one.len() == "[EMAIL_]".len() + 12, "{one}");
    assert_eq!(hash("«jo@x.org»"), one);
    assert_ne!(hash("«Jo@x.org»"), one);
    let rewrites = [with(0, &[(0, 1)], Replace::Hash { placeholder: "[X]".to_owned() })];
    assert_eq!(edits("a", &rewrites), Err(ActError::NoHashKey));
    let other = Rewriter::new(HashKey::new(b"another sixteen b"));
    assert_ne!(
        other.edits("jo@x.org", &rewrites, None),
        Rewriter::new(HashKey::new(b"sixteen bytes!!!")).edits("jo@x.org", &rewrites, None)
    );
    assert!(HashKey::new(b"fifteen bytes!!").is_none());
}

fn synthetic(detector: &str, text: &str) -> String {
    let placeholder = "[X]".to_owned();
    replaced(&format!("«{text}»"), Replace::Synthetic { detector: detector.to_owned(), placeholder })
}

#[test]
fn synthetic_values_keep_the_format_belong_to_nobody_and_stay() {
    for (detector, text, shape) in [
        ("pii.email", "jo@example.org", "user-********@example.com"),
        ("pii.phone", "(212) 555-0134", "(202) 555-01**"),
        ("pii.phone", "+1 212 867 5309", "+1 202 555 01**"),
        ("pii.phone", "+44 20 7946 0958", "+1 202 555 01**"),
        ("pii.phone", "555-867-5309 x123", "+1 202 555 01**"),
        ("pii.card", "4111 1111 1111 1111", "4242 42** **** ****"),
        ("pii.card", "3714-496353-98431", "3782-82****-*****"),
        ("pii.ip", "2a00:1450:4001::1", "2001:db8::****:****"),
    ] {
        let made = synthetic(detector, text);
        let alike = |(a, b): (char, char)| b == '*' && a.is_ascii_hexdigit() || a == b;
        assert!(made.len() == shape.len() && made.chars().zip(shape.chars()).all(alike), "{text}: {made}");
        assert_eq!(synthetic(detector, &made), made, "{text}");
        assert_eq!(synthetic(detector, text), made);
        assert!(scan_is(detector, &made), "{made}");
    }
    let ip = synthetic("pii.ip", "9.9.9.9");
    assert!(["192.0.2.", "198.51.100.", "203.0.113."].iter().any(|net| ip.starts_with(net)), "{ip}");
    assert_eq!(synthetic("pii.ip", &ip), ip);
    assert_eq!(synthetic("pii.passport", "X123"), "[X]");
    assert_eq!(synthetic("pii.card", "1"), "[X]");
}

/// Whether the whole text is one match of the detector.
fn scan_is(detector: &str, text: &str) -> bool {
    let mut found = Vec::new();
    crate::rails::pattern::PatternRail::new().scan(text, &mut found);
    found.iter().any(|d| d.detector == detector && d.spans == [Span::new(0, text.len())])
}

#[test]
fn whole_sentences_are_removed() {
    assert_eq!(replaced("Hello. Mail «jo@x.org» today! Bye.", Replace::Sentence), "Hello. Bye.");
    assert_eq!(replaced("«a» b", Replace::Sentence), "");
    let text = "One a. Two b. Three.";
    let both = [with(0, &[(4, 5), (11, 12)], Replace::Sentence), rewrite(1, &[(4, 5)], "[X]")];
    assert_eq!(apply(text, &edits(text, &both).unwrap()).unwrap(), "Three.");
}

#[test]
fn a_notice_is_added_once_and_beside_other_edits() {
    let notice = |rule| with(rule, &[], Replace::Append("Call a friend.\n".to_owned()));
    let done = |text: &str, rewrites: &[Rewrite]| apply(text, &edits(text, rewrites).unwrap()).unwrap();
    assert_eq!(done("Hi.", &[notice(0), notice(1)]), "Hi.\n\nCall a friend.");
    assert_eq!(done("Hi.\n", &[notice(0), rewrite(1, &[(0, 2)], "[X]")]), "[X].\n\nCall a friend.");
    assert_eq!(edits("Hi.\n\nCall a friend.", &[notice(0)]).unwrap(), []);
    let template = with(3, &[], Replace::Text("Sorry.".to_owned()));
    assert_eq!(done("Hi.", &[notice(0), template]), "Sorry.\n\nCall a friend.");
    let other = with(2, &[], Replace::Append("Breathe.".to_owned()));
    assert_eq!(done("Hi.", &[other, notice(0)]), "Hi.\n\nCall a friend.\n\nBreathe.");
}

#[test]
fn an_edit_that_changes_nothing_is_none() {
    assert_eq!(edits("Sorry.", &[with(0, &[], Replace::Text("Sorry.".to_owned()))]).unwrap(), []);
}

#[test]
fn a_vault_numbers_what_it_can_restore() {
    let mut vault = Vault::new();
    let text = "jo@x.org al@x.org jo@x.org";
    let rewrites = [rewrite(0, &[(0, 8), (9, 17), (18, 26)], "[EMAIL]")];
    let edits = Rewriter::default().edits(text, &rewrites, Some(&mut vault)).unwrap();
    let redacted = apply(text, &edits).unwrap();
    assert_eq!(redacted, "[EMAIL_1] [EMAIL_2] [EMAIL_1]");
    assert_eq!(vault.restore(&redacted), text);
}

proptest! {
    #[test]
    fn everything_outside_the_edits_is_untouched(
        text in "[aé✓ ]{1,40}",
        picks in prop::collection::vec((0_usize..40, 0_usize..12, 0_usize..3), 1..8),
    ) {
        let places: Vec<usize> = (0..=text.len()).filter(|&at| text.is_char_boundary(at)).collect();
        let rewrites: Vec<Rewrite> = picks
            .iter()
            .map(|&(start, len, rule)| {
                let start = start % places.len();
                let end = (start + len).min(places.len() - 1);
                rewrite(rule, &[(places[start], places[end])], "<>")
            })
            .collect();
        let script = edits(&text, &rewrites).unwrap();
        let rewritten = apply(&text, &script).unwrap();

        let kept: String = text
            .char_indices()
            .filter(|(at, _)| !script.iter().any(|edit| (edit.start..edit.end).contains(at)))
            .map(|(_, c)| c)
            .collect();
        prop_assert_eq!(rewritten.replace("<>", ""), kept);
        prop_assert_eq!(rewritten.matches("<>").count(), script.len());
        for pair in script.windows(2) {
            prop_assert!(pair[0].end <= pair[1].start);
        }
        for span in rewrites.iter().flat_map(|r| &r.spans).filter(|span| !span.is_empty()) {
            prop_assert!(script.iter().any(|edit| edit.start <= span.start && span.end <= edit.end));
        }
    }
}
