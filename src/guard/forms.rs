//! A text in all the forms that are judged, and what the rails say of them taken together.

use crate::language::Foreign;
use crate::normalize::Normalized;
use crate::rails::classifier::{HeadScores, Outcome, SKETCH};
use crate::rails::text::TextRails;
use crate::reading::{Lexicon, Reading, Readings};
use crate::span::{NormalizedSpan, Span};
use crate::tokenize::Legibility;
use crate::verdict::{Detection, Disguise};

/// The normalized text and its readings.
pub(super) struct Forms<'a> {
    pub(super) normalized: Normalized<'a>,
    readings: Readings,
    /// The normalized text with turns before it, for the classifiers alone.
    conversation: Option<String>,
}

impl<'a> Forms<'a> {
    /// The forms of `text`, decoded `depth` deep.
    pub(super) fn new(text: &'a str, lexicon: &dyn Lexicon, depth: usize) -> Self {
        let normalized = Normalized::new(text);
        let readings = Readings::new(text, &normalized, lexicon, depth);
        Self { normalized, readings, conversation: None }
    }

    /// The form in which `text` stands, without its readings.
    pub(super) fn plain(text: &'a str) -> Self {
        Self { normalized: Normalized::new(text), readings: Readings::default(), conversation: None }
    }

    /// The same forms with one more for the classifiers, the text with turns before it.
    pub(super) fn with_conversation(self, conversation: Option<String>) -> Self {
        Self { conversation, ..self }
    }

    /// Every text for the classifiers: the normalized one first, then the readings, at last the conversation.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        let readings = self.readings.list().iter().map(Reading::text);
        std::iter::once(self.normalized.text()).chain(readings).chain(self.conversation.as_deref())
    }

    /// Whether the text has no form but the one it stands in.
    pub(super) fn is_plain(&self) -> bool {
        !self.normalized.is_changed() && self.readings.list().is_empty()
    }

    /// How many texts there are.
    pub(super) fn len(&self) -> usize {
        1 + self.readings.list().len() + usize::from(self.conversation.is_some())
    }

    /// Whether the form at `place` among the texts is the conversation.
    pub(super) fn is_conversation(&self, place: usize) -> bool {
        place == 1 + self.readings.list().len()
    }

    /// The form at `place` among the texts; none for the normalized text.
    pub(super) fn reading(&self, place: usize) -> Option<&Reading> {
        self.readings.list().get(place.checked_sub(1)?)
    }

    /// The form at `place` as a text; not the conversation.
    pub(super) fn text(&self, place: usize) -> &str {
        self.reading(place).map_or_else(|| self.normalized.text(), Reading::text)
    }

    /// The bytes of the caller's text that `span` of the form at `place` was made from.
    pub(super) fn to_caller(&self, place: usize, span: NormalizedSpan) -> Span {
        match self.reading(place) {
            Some(reading) => reading.to_caller(span),
            None => self.normalized.to_caller(span),
        }
    }

    /// What each reading saw through.
    pub(super) fn vias(&self) -> Vec<Vec<Disguise>> {
        self.readings.list().iter().map(|reading| reading.via().to_vec()).collect()
    }

    /// Whether something is encoded deeper than was decoded.
    pub(super) const fn deeper(&self) -> bool {
        self.readings.deeper()
    }

    /// How foreign the text is: as it stands, and at least in part where something in it decodes to another language.
    pub(super) fn foreign(&self, foreign: impl Fn(&str) -> Foreign) -> Foreign {
        let stored = foreign(self.normalized.text());
        let decoded = |reading: &Reading| reading.via().iter().any(|via| via.is_encoding());
        let mut others = self.readings.list().iter().filter(|reading| decoded(reading));
        match stored {
            Foreign::No if others.any(|reading| foreign(reading.text()) != Foreign::No) => Foreign::Partly,
            _ => stored,
        }
    }

    /// Appends what the patterns find in every form that differs from the text, where they have `found` nothing yet.
    pub(super) fn scan(&self, patterns: &TextRails, found: &mut Vec<Detection>) {
        self.each_other(|text, via, to_caller| {
            let mut seen = Vec::new();
            patterns.scan(text, &mut seen);
            add_new(seen, via, to_caller, found);
        });
    }

    /// Shows every form that differs from the text, with what it sees through and where in the caller's text its spans are.
    pub(super) fn each_other(
        &self,
        mut look: impl FnMut(&str, &[Disguise], &dyn Fn(NormalizedSpan) -> Span),
    ) {
        if self.normalized.is_changed() {
            look(self.normalized.text(), &[Disguise::Unicode], &|span| self.normalized.to_caller(span));
        }
        for reading in self.readings.list() {
            look(reading.text(), reading.via(), &|span| reading.to_caller(span));
        }
    }
}

/// Appends what was `seen` in another form of a text and is not known of it yet.
pub(super) fn add_new(
    seen: Vec<Detection>,
    via: &[Disguise],
    to_caller: &dyn Fn(NormalizedSpan) -> Span,
    found: &mut Vec<Detection>,
) {
    for mut detection in seen {
        if detection.spans.is_empty() {
            // What is said of the whole text has no place to be compared.
            if !found.iter().any(|known| known.spans.is_empty() && is_as_sure(known, &detection)) {
                detection.via = via.to_vec();
                found.push(detection);
            }
            continue;
        }
        let spans = detection.spans.iter().map(|span| to_caller(NormalizedSpan::new(span.start, span.end)));
        let mut mapped: Vec<Span> = Vec::with_capacity(detection.spans.len());
        for span in spans.filter(|span| !is_known(span, &detection, found)) {
            match mapped.last_mut() {
                // Several finds in one encoded block are one.
                Some(last) if span.start < last.end => last.end = last.end.max(span.end),
                _ => mapped.push(span),
            }
        }
        if !mapped.is_empty() {
            detection.spans = mapped;
            detection.via = via.to_vec();
            found.push(detection);
        }
    }
}

/// Whether the same detector has found something there, as sure of it.
fn is_known(span: &Span, detection: &Detection, found: &[Detection]) -> bool {
    found.iter().filter(|other| is_as_sure(other, detection)).any(|other| {
        // Spans of a detection are in order and do not overlap.
        let after = other.spans.partition_point(|known| known.end <= span.start);
        other.spans.get(after).is_some_and(|known| known.overlaps(*span))
    })
}

/// Whether `other` is by the same detector, and as sure.
fn is_as_sure(other: &Detection, detection: &Detection) -> bool {
    other.detector == detection.detector && other.score >= detection.score
}

/// What the classifiers say of a text in all its forms.
#[derive(Debug)]
pub(super) struct Together {
    /// As of one text: each head's largest logit, or what kept a form from being judged.
    pub(super) outcome: Outcome,
    /// For each head the place of the form that its logit is from, 0 for the normalized text.
    pub(super) forms: Vec<usize>,
    /// The heads' logits of the normalized text.
    pub(super) stored: Vec<f32>,
}

impl Together {
    /// Projections of the state of the normalized text, where the whole model read it.
    pub(super) const fn sketch(&self) -> Option<[f32; SKETCH]> {
        match &self.outcome {
            Outcome::Scored(heads) => heads.sketch,
            _ => None,
        }
    }

    /// Of the outcomes of `forms`, in the order of their texts.
    pub(super) fn of_forms(forms: &Forms<'_>, outcomes: impl Iterator<Item = Outcome>) -> Option<Self> {
        let outcomes = outcomes.take(forms.len()).enumerate().map(|(place, mut outcome)| {
            if let Outcome::Scored(heads) | Outcome::Early(heads) = &mut outcome
                && forms.is_conversation(place)
            {
                // What can be read before the text does not make the text readable.
                heads.legibility = Legibility { written: usize::MAX, unreadable: usize::MAX };
            }
            outcome
        });
        Self::of(outcomes)
    }

    /// Of the outcomes of all forms, the normalized text's first.
    pub(super) fn of(outcomes: impl IntoIterator<Item = Outcome>) -> Option<Self> {
        let mut together: Option<Self> = None;
        for (place, outcome) in outcomes.into_iter().enumerate() {
            together = Some(match together {
                None => Self::stored(outcome),
                Some(before) => before.with(outcome, place),
            });
        }
        together
    }

    fn with(mut self, outcome: Outcome, place: usize) -> Self {
        let outcome = match (self.outcome, outcome) {
            (failed @ Outcome::Failed(_), _) | (_, failed @ Outcome::Failed(_)) => failed,
            (Outcome::Late { judged, windows }, other) | (other, Outcome::Late { judged, windows }) => {
                let (also_judged, also) = match other {
                    Outcome::Late { judged, windows } => (judged, windows),
                    Outcome::Scored(heads) | Outcome::Early(heads) => (heads.windows, heads.windows),
                    Outcome::Failed(_) => (0, 0),
                };
                Outcome::Late { judged: judged + also_judged, windows: windows + also }
            }
            (Outcome::Scored(heads), Outcome::Scored(others)) => {
                Outcome::Scored(strongest(heads, others, &mut self.forms, place))
            }
            (
                Outcome::Scored(heads) | Outcome::Early(heads),
                Outcome::Scored(others) | Outcome::Early(others),
            ) => Outcome::Early(strongest(heads, others, &mut self.forms, place)),
        };
        Self { outcome, ..self }
    }

    fn stored(outcome: Outcome) -> Self {
        let stored = match &outcome {
            Outcome::Scored(heads) | Outcome::Early(heads) => heads.logits.clone(),
            _ => Vec::new(),
        };
        Self { forms: vec![0; stored.len()], stored, outcome }
    }
}

/// The scores of the forms so far with those of one more, the one at `place`.
fn strongest(mut heads: HeadScores, others: HeadScores, forms: &mut [usize], place: usize) -> HeadScores {
    // A head that did not read every form has no score.
    heads.logits.truncate(others.logits.len());
    heads.from.truncate(others.logits.len());
    let best = heads.logits.iter_mut().zip(&mut heads.from).zip(forms);
    for (((most, from), form), (logit, other)) in best.zip(others.logits.into_iter().zip(others.from)) {
        // `max` would drop a NaN, and a NaN must surface.
        if logit.is_nan() || logit > *most {
            (*most, *from, *form) = (logit, other, place);
        }
    }
    let windows = (heads.windows + others.windows).max(1) as f32;
    HeadScores {
        exit: match (heads.exit, others.exit) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        },
        work: (heads.work * heads.windows as f32 + others.work * others.windows as f32) / windows,
        device: heads.device.or(others.device),
        // What one form cannot be read in, another may be.
        legibility: clearer(heads.legibility, others.legibility),
        ..heads
    }
}

fn clearer(a: Legibility, b: Legibility) -> Legibility {
    if b.unreadable_share(0) < a.unreadable_share(0) { b } else { a }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heads(logits: &[f32]) -> HeadScores {
        HeadScores {
            logits: logits.to_vec(),
            from: vec![0; logits.len()],
            exit: None,
            work: 1.0,
            tokens: 3,
            windows: 1,
            unknown_share: 0.0,
            legibility: Legibility::default(),
            device: None,
            sketch: None,
        }
    }

    fn scored(logits: &[f32]) -> Outcome {
        Outcome::Scored(heads(logits))
    }

    fn together(outcomes: Vec<Outcome>) -> Together {
        Together::of(outcomes).unwrap()
    }

    #[test]
    fn each_head_takes_its_largest_logit() {
        let all = together(vec![scored(&[1.0, -2.0]), scored(&[0.5, 3.0]), scored(&[1.0, 2.0])]);
        let Outcome::Scored(heads) = all.outcome else { panic!("scored") };
        assert_eq!((heads.logits, all.forms), (vec![1.0, 3.0], vec![0, 1]));
        assert!(Together::of([]).is_none());
    }

    #[test]
    fn a_head_that_did_not_read_every_form_has_no_logit() {
        for outcomes in [
            vec![scored(&[1.0, 2.0, 3.0]), scored(&[1.5, 0.0])],
            vec![scored(&[1.5, 0.0]), scored(&[1.0, 2.0, 3.0])],
        ] {
            let Outcome::Scored(heads) = together(outcomes).outcome else { panic!("scored") };
            assert_eq!(heads.logits, [1.5, 2.0]);
        }
    }

    #[test]
    fn one_form_that_left_early_makes_the_text_early() {
        let early = || Outcome::Early(HeadScores { exit: Some(1), work: 0.5, ..heads(&[2.0]) });
        for outcomes in [vec![scored(&[0.0]), early()], vec![early(), scored(&[0.0])]] {
            let Outcome::Early(heads) = together(outcomes).outcome else { panic!("early") };
            assert_eq!((heads.logits, heads.exit, heads.work), (vec![2.0], Some(1), 0.75));
        }
    }

    #[test]
    fn a_form_that_was_not_judged_is_not_passed_over() {
        let late = || Outcome::Late { judged: 1, windows: 4 };
        let failed = || Outcome::Failed("broken".to_owned());
        for outcomes in [vec![scored(&[0.0]), late()], vec![late(), scored(&[0.0])]] {
            assert!(matches!(together(outcomes).outcome, Outcome::Late { judged: 2, windows: 5 }));
        }
        for outcomes in
            [vec![late(), failed()], vec![failed(), scored(&[0.0])], vec![scored(&[0.0]), failed()]]
        {
            assert!(matches!(together(outcomes).outcome, Outcome::Failed(_)));
        }
        let Outcome::Scored(heads) = together(vec![scored(&[0.0]), scored(&[f32::NAN])]).outcome else {
            panic!("scored")
        };
        assert!(heads.logits[0].is_nan());
    }
}
