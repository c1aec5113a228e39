//! Lists against texts that hold their words and texts that only look so.

use proptest::prelude::*;

use super::{ListRail, Matching, WordList};
use crate::normalize::Normalized;

fn list(words: &[&str], allow: &[&str], matching: Matching) -> WordList {
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    WordList { id: "l".to_owned(), words: owned(words), allow: owned(allow), matching }
}

/// What the lists find, as text.
fn found<'t>(lists: &[WordList], text: &'t str) -> Vec<&'t str> {
    let mut out = Vec::new();
    ListRail::new(lists).unwrap().scan(&Normalized::new(text), &mut out);
    out.iter().flat_map(|d| &d.spans).map(|span| text.get(span.start..span.end).unwrap()).collect()
}

#[test]
fn whole_words_only() {
    let lists = [list(&["cunt", "ass", "new", "new york", "größe", "坏蛋"], &[], Matching::Word)];
    for (text, expected) in [
        ("Scunthorpe is fine", vec![]),
        ("a CUNT, an ass.", vec!["CUNT", "ass"]),
        ("class assassin grass", vec![]),
        ("bad_ass", vec!["ass"]),
        ("ass2 2ass", vec![]),
        ("new yorker", vec!["new"]),
        ("New York", vec!["New York"]),
        ("Die GRÖSSE und die GRÖßE", vec!["GRÖßE"]),
        ("他是坏蛋吗", vec!["坏蛋"]),
        ("ａｓｓ a\u{200b}ss", vec!["ａｓｓ", "a\u{200b}ss"]),
    ] {
        assert_eq!(found(&lists, text), expected, "{text:?}");
    }
}

#[test]
fn substrings_and_allowed_words() {
    let lists = [list(&["ass"], &["classic", "pass"], Matching::Substring)];
    assert_eq!(found(&lists, "classic pass glass assassin"), ["ass", "ass", "ass"]);
    assert_eq!(found(&lists, "CLASSIC"), Vec::<&str>::new());
    let words = [list(&["cock"], &["cock pheasant"], Matching::Word)];
    assert_eq!(found(&words, "a cock pheasant and a cock"), ["cock"]);
}

#[test]
fn lists_do_not_hide_each_other() {
    let lists = [list(&["red fox"], &[], Matching::Word), list(&["fox trot"], &[], Matching::Word)];
    assert_eq!(found(&lists, "red fox trot"), ["red fox", "fox trot"]);
}

#[test]
fn overlapping_words_make_one_span() {
    let words: Vec<String> = (1..200).map(|length| "a".repeat(length)).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let text = "a".repeat(1 << 16);
    assert_eq!(found(&[list(&words, &[], Matching::Substring)], &text), [text.as_str()]);
}

#[test]
fn no_list_finds_nothing() {
    assert!(ListRail::new(&[]).unwrap().is_empty());
    assert_eq!(found(&[], "anything"), Vec::<&str>::new());
}

proptest! {
    #[test]
    fn a_search_for_each_word_finds_the_same(
        words in prop::collection::vec("[ab ]{1,4}", 1..6),
        text in "[abB ]{0,30}",
    ) {
        let words: Vec<&str> = words.iter().map(|word| word.trim()).filter(|word| !word.is_empty()).collect();
        let lower = text.to_ascii_lowercase();
        let mut covered = vec![false; text.len()];
        for word in &words {
            for start in (0..lower.len()).filter(|&start| lower.as_bytes()[start..].starts_with(word.as_bytes())) {
                let end = start + word.len();
                let touches = |at: Option<usize>| at.and_then(|at| lower.as_bytes().get(at)).is_some_and(|b| *b != b' ');
                if !touches(start.checked_sub(1)) && !touches(Some(end)) {
                    covered[start..end].fill(true);
                }
            }
        }
        let lists = [list(&words, &[], Matching::Word)];
        let mut out = Vec::new();
        ListRail::new(&lists).unwrap().scan(&Normalized::new(&text), &mut out);
        let mut spans = vec![false; text.len()];
        for span in out.iter().flat_map(|d| &d.spans) {
            spans[span.start..span.end].fill(true);
        }
        prop_assert_eq!(spans, covered);
    }
}
