//! What drove a verdict: each head against its threshold, and each word's share by leaving it out (occlusion).

use serde::Serialize;

use super::forms::{Forms, Together};
use super::{Guard, GuardError};
use crate::policy::BoundRule;
use crate::rails::classifier::{HeadScores, Outcome};
use crate::request::Request;
use crate::span::{NormalizedSpan, Span};
use crate::verdict::{Disguise, Verdict};

/// Most pieces a text is taken apart into; a longer one is left out several words at a time.
const PIECES: usize = 64;

/// A verdict with its reasons.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The verdict.
    pub verdict: Verdict,
    /// Every head, in the order of the verdict's scores.
    pub heads: Vec<HeadExplanation>,
    /// Words, or runs of words in a long text, in the order of the text.
    pub words: Vec<WordContribution>,
}

/// One head's part in a verdict.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HeadExplanation {
    /// The head, as the verdict's scores name it.
    pub name: String,
    /// Calibrated score in `0..=1`.
    pub score: f32,
    /// Its logit.
    pub logit: f32,
    /// The lowest threshold of a rule for this role, when there is one.
    pub threshold: Option<f32>,
    /// That rule.
    pub rule: Option<String>,
    /// What the reading that the score is from saw through; empty for the text as it stands.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub via: Vec<Disguise>,
}

/// How much a word holds a head's score up.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WordContribution {
    /// Where, in bytes of the caller's text.
    pub span: Span,
    /// The head: of those at or over their threshold the one furthest over, else the one nearest to it.
    pub head: String,
    /// Calibrated score of the whole text less that of the text without the word, in `-1..=1`.
    pub drop: f32,
    /// The same in logits.
    pub logit_drop: f32,
}

impl Guard {
    /// Judges the text and says what drove the verdict.
    ///
    /// Costs one more encoding of the text for each word, 64 at most. Where the head's score is from a reading, words are left
    /// out of that; what was encoded as a block is left out whole. No word is told where it is from the conversation: the turns before
    /// are not the text's.
    ///
    /// # Errors
    /// [`GuardError::Encode`] when the encoder fails on a shortened text.
    pub fn explain(&self, request: &Request) -> Result<Explanation, GuardError> {
        let (verdict, together) = self.check_one(request);
        let depth = self.policy().policy().max_decode_depth();
        let Some(Together { outcome: Outcome::Scored(scored), forms: places, .. }) = together else {
            return Ok(Explanation { verdict, heads: Vec::new(), words: Vec::new() });
        };
        let forms = Forms::new(&request.text, self.0.lexicon(), depth);
        let scores = verdict.scores.iter().map(|(_, score)| *score);
        let heads: Vec<HeadExplanation> = self
            .all_heads()
            .zip(scored.logits.into_iter().zip(scores))
            .zip(&places)
            .map(|((head, (logit, score)), place)| {
                let detector = head.detector();
                let rules = self.policy().rules_in(&detector, request.into()).map(|(_, rule)| rule);
                let rule = rules.min_by(|a, b| a.threshold().total_cmp(&b.threshold()));
                HeadExplanation {
                    name: head.key(),
                    score,
                    logit,
                    threshold: rule.map(BoundRule::threshold),
                    rule: rule.map(|rule| rule.rule().id.clone()),
                    via: forms.reading(*place).map(|reading| reading.via().to_vec()).unwrap_or_default(),
                }
            })
            .collect();
        let foremost = foremost(&heads).filter(|head| {
            let place = places.get(*head).copied().unwrap_or_default();
            !forms.is_conversation(place)
        });
        let words = match foremost {
            Some(head) => match places.get(head).and_then(|place| forms.reading(*place)) {
                Some(reading) => {
                    self.occlude(reading.text(), |piece| reading.to_caller(piece), head, &heads)?
                }
                None => {
                    let stored = &forms.normalized;
                    self.occlude(stored.text(), |piece| stored.to_caller(piece), head, &heads)?
                }
            },
            None => Vec::new(),
        };
        Ok(Explanation { verdict, heads, words })
    }

    /// What each piece of a form of the text does for the head; `to_caller` maps the form's bytes.
    fn occlude(
        &self,
        text: &str,
        to_caller: impl Fn(NormalizedSpan) -> Span,
        head: usize,
        heads: &[HeadExplanation],
    ) -> Result<Vec<WordContribution>, GuardError> {
        let Some(explained) = heads.get(head) else { return Ok(Vec::new()) };
        let pieces = told_apart(pieces(text), to_caller);
        let without: Vec<String> = pieces
            .iter()
            .map(|(piece, _)| {
                let (before, after) = (text.get(..piece.start), text.get(piece.end..));
                [before.unwrap_or_default(), after.unwrap_or_default()].concat()
            })
            .collect();
        let shortened = self.head_scores(without.iter().map(String::as_str))?;
        Ok(pieces
            .into_iter()
            .zip(shortened)
            .filter_map(|((_, span), HeadScores { logits, .. })| {
                let score = *self.calibrate(&logits).get(head)?;
                Some(WordContribution {
                    span,
                    head: explained.name.clone(),
                    drop: explained.score - score,
                    logit_drop: explained.logit - logits.get(head)?,
                })
            })
            .collect())
    }
}

/// The pieces with their places in the caller's text, those of one place as one.
fn told_apart(
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

/// The head that is furthest over, or nearest to, its threshold; without rules the one with the highest logit.
fn foremost(heads: &[HeadExplanation]) -> Option<usize> {
    let rank = |head: &HeadExplanation| match head.threshold {
        Some(threshold) => (true, head.score - threshold),
        None => (false, head.logit),
    };
    let compare = |a: &HeadExplanation, b: &HeadExplanation| {
        let ((a_ruled, a), (b_ruled, b)) = (rank(a), rank(b));
        a_ruled.cmp(&b_ruled).then(a.total_cmp(&b))
    };
    heads.iter().enumerate().max_by(|a, b| compare(a.1, b.1)).map(|(index, _)| index)
}

/// The words of the text, in at most [`PIECES`] runs of equally many.
fn pieces(text: &str) -> Vec<NormalizedSpan> {
    let start_of = |word: &str| word.as_ptr().addr() - text.as_ptr().addr();
    let words: Vec<NormalizedSpan> = text
        .split_whitespace()
        .map(|word| NormalizedSpan::new(start_of(word), start_of(word) + word.len()))
        .collect();
    let run = words.len().div_ceil(PIECES).max(1);
    words
        .chunks(run)
        .filter_map(|run| Some(NormalizedSpan::new(run.first()?.start, run.last()?.end)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_words_until_there_are_too_many() {
        assert_eq!(pieces("  ab cd\n"), [NormalizedSpan::new(2, 4), NormalizedSpan::new(5, 7)]);
        assert_eq!(pieces(" \t"), []);
        let long = "word ".repeat(1000);
        let pieces = pieces(&long);
        assert!(pieces.len() <= PIECES);
        assert_eq!(pieces.first().map(|p| p.start), Some(0));
        assert_eq!(pieces.last().map(|p| p.end), Some(long.len() - 1));
    }
}
