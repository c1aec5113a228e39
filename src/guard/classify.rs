//! What the classifiers saw, as detections: whose score is it, the text's own or that of one of its readings.

use super::Guard;
use super::weigh::Seen;
use crate::rails::classifier::HeadScores;
use crate::request::Request;
use crate::span::Span;
use crate::verdict::{Detection, Part, Place, Source};

impl Guard {
    /// Adds a detection for each head and answers the named scores.
    ///
    /// Where the text as it stands falls short of a rule that one of its readings reaches, the detection says what this saw
    /// through, and where.
    pub(super) fn classify(
        &self,
        request: &Request,
        heads: &HeadScores,
        seen: Seen<'_>,
        detections: &mut Vec<Detection>,
    ) -> Vec<(String, f32)> {
        let Seen { forms, together, before, .. } = seen;
        let scores = self.calibrate(&heads.logits);
        let stored = together.map(|together| self.calibrate(&together.stored)).unwrap_or_default();
        let mut scored = Vec::with_capacity(scores.len());
        detections.reserve(scores.len());
        for (number, (head, score)) in self.all_heads().zip(scores).enumerate() {
            let detector = head.detector();
            let form = together.and_then(|together| together.forms.get(number));
            let reading = forms.zip(form).and_then(|(forms, form)| forms.reading(*form));
            let conversation = forms.zip(form).is_some_and(|(forms, form)| forms.is_conversation(*form));
            let stored = stored.get(number).copied().unwrap_or(score);
            let by_reading = self
                .policy()
                .rules_in(&detector, request.into())
                .any(|(_, rule)| stored < rule.threshold() && rule.threshold() <= score);
            let reading = reading.filter(|_| by_reading);
            // What stands before the text is not reported.
            let place = |span: &Span| {
                let within = |at: usize| at.saturating_sub(before).min(request.text.len());
                Span::new(within(span.start), within(span.end))
            };
            let places = reading.map(|reading| reading.places()).unwrap_or_default();
            detections.push(Detection {
                detector,
                category: head.name.to_owned(),
                score,
                spans: places.iter().map(place).filter(|span| !span.is_empty()).collect(),
                source: Source::Classifier,
                via: reading.map(|reading| reading.via().to_vec()).unwrap_or_default(),
                place: conversation.then(|| Place::whole(Part::Messages)),
                repair: None,
            });
            scored.push((head.key(), score));
        }
        scored
    }
}
