//! A text taken apart into pieces that can be left out.

use crate::span::{NormalizedSpan, Span};

/// The words of a form of a text.
pub(super) fn words(text: &str) -> Vec<NormalizedSpan> {
    let start_of = |word: &str| word.as_ptr().addr() - text.as_ptr().addr();
    text.split_whitespace()
        .map(|word| NormalizedSpan::new(start_of(word), start_of(word) + word.len()))
        .collect()
}

/// The words in at most `most` runs of equally many.
pub(super) fn runs(words: Vec<NormalizedSpan>, most: usize) -> Vec<NormalizedSpan> {
    let run = words.len().div_ceil(most.max(1)).max(1);
    words
        .chunks(run)
        .filter_map(|run| Some(NormalizedSpan::new(run.first()?.start, run.last()?.end)))
        .collect()
}

/// The pieces with their places in the caller's text, those of one place as one.
pub(super) fn told_apart(
    pieces: Vec<NormalizedSpan>,
    to_caller: impl Fn(NormalizedSpan) -> Span,
) -> Vec<(NormalizedSpan, Span)> {
    let mut apart: Vec<(NormalizedSpan, Span)> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let span = to_caller(piece);
        match apart.last_mut() {
            Some((last, place)) if place.overlaps(span) => {
                last.end = piece.end;
                place.end = place.end.max(span.end);
            }
            _ => apart.push((piece, span)),
        }
    }
    apart
}

/// What is `within` the text, without `piece`.
pub(super) fn without(text: &str, within: NormalizedSpan, piece: NormalizedSpan) -> String {
    let (before, after) = (text.get(within.start..piece.start), text.get(piece.end..within.end));
    [before.unwrap_or_default(), after.unwrap_or_default()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 64;

    #[test]
    fn pieces_are_words_until_there_are_too_many() {
        let pieces = |text| runs(words(text), MOST);
        assert_eq!(pieces("  ab cd\n"), [NormalizedSpan::new(2, 4), NormalizedSpan::new(5, 7)]);
        assert_eq!(pieces(" \t"), []);
        let long = "word ".repeat(1000);
        let pieces = pieces(&long);
        assert!(pieces.len() <= MOST);
        assert_eq!(pieces.first().map(|p| p.start), Some(0));
        assert_eq!(pieces.last().map(|p| p.end), Some(long.len() - 1));
    }

    #[test]
    fn words_of_one_place_are_one_piece() {
        let to_caller = |span: NormalizedSpan| match span.start {
            0..6 => Span::new(0, 4),
            start => Span::new(start, span.end),
        };
        let found = told_apart(words("you all see"), to_caller);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0], (NormalizedSpan::new(0, 7), Span::new(0, 4)));
    }

    #[test]
    fn a_piece_is_left_out_of_its_window() {
        let within = NormalizedSpan::new(2, 11);
        assert_eq!(without("a bcd ef ghi", within, NormalizedSpan::new(6, 8)), "bcd  gh");
    }
}
