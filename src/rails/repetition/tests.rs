//! Texts that repeat themselves and texts that only return to a word.

use super::scan;
use crate::verdict::Detection;

fn found(text: &str) -> Option<(f32, usize)> {
    let mut out: Vec<Detection> = Vec::new();
    scan(text, &mut out);
    out.first().map(|d| (d.score, d.spans[0].len()))
}

#[test]
fn one_unit_over_and_over() {
    assert_eq!(found(&"poem ".repeat(200)), Some((0.9, 1000)));
    assert_eq!(found(&"é".repeat(300)), Some((0.9, 600)));
    let prose = "A text that says one thing after another, as texts do, and comes to its end at last. ";
    let half = format!("{prose}{}", "ha".repeat(400));
    assert_eq!(found(&half).map(|(score, _)| score), Some(0.9));
    let more = format!(
        "{}{}",
        prose.chars().chain(prose.chars().rev()).chain(('a'..='z').cycle().take(26)).collect::<String>(),
        "no, ".repeat(100)
    );
    assert_eq!(found(&more).map(|(score, _)| score), Some(0.6));
}

#[test]
fn short_or_varied_texts_are_not() {
    assert_eq!(found(&"poem ".repeat(50)), None);
    let counted: String = (0..400).map(|n| format!("{n} bottles of beer, ")).collect();
    assert_eq!(found(&counted), None);
    let verse: String = (0..12)
        .map(|n| {
            format!("Verse {n} tells of another day in the year and what it brought.\nAnd so it goes.\n")
        })
        .collect();
    assert_eq!(found(&verse), None);
}
