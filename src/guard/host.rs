//! What the rails of the host see in a text: as it stands, in its other forms, and in what stands around it in a stream.

use super::Guard;
use super::forms::{Forms, add_new};
use super::subject::{Passage, Subject, within};
use crate::rails::host::{RailError, RailText};
use crate::verdict::{Detection, Disguise};

impl Guard {
    /// Appends what the host's rails see in a text, by its own offsets; answers what keeps them from judging it.
    pub(super) fn ask_host(
        &self,
        subject: &Subject<'_>,
        forms: &Forms<'_>,
        found: &mut Vec<Detection>,
    ) -> Option<String> {
        let inner = &*self.0;
        // Of a call without a text there is no text to show.
        if inner.rails.is_empty() || subject.request.text.is_empty() {
            return inner.absent_rail.as_ref().map(|rail| absent(rail));
        }
        let text = &subject.request.text;
        let Passage { behind, ahead, .. } = subject.passage;
        let failure = if subject.passage.is_empty() {
            self.ask_of(subject, text, forms, found)
        } else {
            let around = [behind, text, ahead].concat();
            let mut seen = Vec::new();
            let failure = self.ask_of(subject, &around, &self.forms(&around), &mut seen);
            within(&mut seen, behind.len(), text.len());
            found.extend(seen);
            failure
        };
        inner.absent_rail.as_ref().map(|rail| absent(rail)).or_else(|| Some(failure.err()?.to_string()))
    }

    /// The same of a text and its forms, by its offsets.
    fn ask_of(
        &self,
        subject: &Subject<'_>,
        text: &str,
        forms: &Forms<'_>,
        found: &mut Vec<Detection>,
    ) -> Result<(), RailError> {
        let rails = &self.0.rails;
        let request = subject.request;
        let (slice, locale) = (request.slice.as_deref(), request.locale.as_deref());
        let scan = |text: &str, via: &[Disguise], seen: &mut Vec<Detection>| {
            rails.scan(&RailText { text, role: request.role, slice, locale, via }, seen)
        };
        let mut seen = Vec::new();
        let mut first = scan(text, &[], &mut seen);
        forms.each_other(|form, via, to_caller| {
            // Of nothing but invisible characters nothing is left.
            if !form.is_empty() {
                let mut new = Vec::new();
                let failure = scan(form, via, &mut new);
                if first.is_ok() {
                    first = failure;
                }
                add_new(new, via, to_caller, &mut seen);
            }
        });
        found.extend(seen);
        first
    }
}

fn absent(rail: &str) -> String {
    format!("the rail `{rail}` is not here, and a rule needs it")
}
