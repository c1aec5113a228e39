//! What drove a verdict: each head against its threshold, and each word's share by leaving it out (occlusion).

use serde::Serialize;

use super::forms::{Forms, Together};
use super::pieces::{runs, told_apart, without, words};
use super::{Guard, GuardError};
use crate::policy::BoundRule;
use crate::rails::classifier::{HeadScores, Length, Outcome, Route};
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
    /// Its logit, corrected by the text's length.
    pub logit: f32,
    /// What the text's length adds to the logit, which has it already (`[[length_correction]]` in the calibration).
    pub by_length: f32,
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
        // Both sides of a difference are computed at one place.
        let at = if scored.device.is_some() { Route::Device } else { Route::Cpu };
        let forms = Forms::new(&request.text, self.0.lexicon(), depth);
        let conversation = self.conversation(request, forms.normalized.text());
        let forms = forms.with_conversation(conversation);
        let calibration = self.bundle().calibration();
        let scores = verdict.scores.iter().map(|(_, score)| *score);
        let lengths: Vec<usize> = forms.texts().map(portcullis_calibration::length).collect();
        let heads: Vec<HeadExplanation> = self
            .all_heads()
            .zip(scored.logits.into_iter().zip(scores))
            .zip(&places)
            .map(|((head, (logit, score)), place)| {
                let detector = head.detector();
                let rules = self.policy().rules_in(&detector, request.into()).map(|(_, rule)| rule);
                let rule = rules.min_by(|a, b| a.threshold().total_cmp(&b.threshold()));
                let length = lengths.get(*place).copied().unwrap_or_default();
                HeadExplanation {
                    name: head.key(),
                    by_length: calibration.added(head.name, length),
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
            Some(head) => {
                let place = places.get(head).copied().unwrap_or_default();
                self.occlude(forms.text(place), |piece| forms.to_caller(place, piece), head, &heads, at)?
            }
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
        at: Route,
    ) -> Result<Vec<WordContribution>, GuardError> {
        let Some(explained) = heads.get(head) else { return Ok(Vec::new()) };
        let pieces = told_apart(runs(words(text), PIECES), to_caller);
        let without: Vec<String> = pieces
            .iter()
            .map(|(piece, _)| without(text, NormalizedSpan::new(0, text.len()), *piece))
            .collect();
        // A word left out does not make the text a shorter one.
        let length = Length::of(text);
        let shortened = self.head_scores(without.iter().map(|text| (text.as_str(), length)), at)?;
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
