//! What the classifiers saw, as detections: whose score is it, the text's own or that of one of its readings.

use super::Guard;
use super::forms::{Forms, Together};
use crate::policy::Circumstances;
use crate::rails::classifier::HeadScores;
use crate::verdict::{Detection, Part, Place, Source};

impl Guard {
    /// Adds a detection for each head and answers the named scores.
    ///
    /// Where the text as it stands falls short of a rule that one of its readings reaches, the detection says what this saw
    /// through, and where.
    pub(super) fn classify(
        &self,
        circumstances: Circumstances<'_>,
        heads: &HeadScores,
        forms: Option<&Forms<'_>>,
        together: Option<&Together>,
        detections: &mut Vec<Detection>,
    ) -> Vec<(String, f32)> {
        let scores = self.calibrate(&heads.logits);
        let stored = together.map(|together| self.calibrate(&together.stored)).unwrap_or_default();
        let mut scored = Vec::with_capacity(scores.len());
        for (place, (head, score)) in self.all_heads().zip(scores).enumerate() {
            let detector = head.detector();
            let form = together.and_then(|together| together.forms.get(place));
            let reading = forms.zip(form).and_then(|(forms, form)| forms.reading(*form));
            let conversation = forms.zip(form).is_some_and(|(forms, form)| forms.is_conversation(*form));
            let stored = stored.get(place).copied().unwrap_or(score);
            let by_reading = self
                .policy()
                .rules_in(&detector, circumstances)
                .any(|(_, rule)| stored < rule.threshold() && rule.threshold() <= score);
            let reading = reading.filter(|_| by_reading);
            detections.push(Detection {
                detector,
                category: head.name.to_owned(),
                score,
                spans: reading.map(|reading| reading.places().to_vec()).unwrap_or_default(),
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
