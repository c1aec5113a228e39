//! Edit scripts: order, overlap, boundaries, and that applying one changes nothing else.

use proptest::prelude::*;

use super::{ActError, apply, edits};
use crate::decide::Rewrite;
use crate::span::Span;
use crate::verdict::Edit;

fn rewrite(rule: usize, spans: &[(usize, usize)], replacement: &str) -> Rewrite {
    Rewrite {
        rule,
        spans: spans.iter().copied().map(Span::from).collect(),
        replacement: replacement.to_owned(),
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
