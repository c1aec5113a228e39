//! A text for the rail: what is read, until when, how far, and how long it is.

use std::time::Instant;

use portcullis_calibration::Calibration;

use super::Gates;

/// One text for the rail.
#[derive(Clone, Copy)]
pub struct Judged<'a> {
    /// The normalized text.
    pub text: &'a str,
    /// When its answer is worthless.
    pub deadline: Option<Instant>,
    /// What lets it leave at an exit; without any the whole model reads it.
    pub gates: Option<&'a Gates>,
    /// By what its logits are corrected.
    pub length: Length,
}

/// How long the text is that was written, of which the rail may be shown a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Length {
    /// So many characters, spaces not counted.
    Characters(usize),
    /// Its end is not known: as long as can be.
    Unbounded,
    /// Nobody asks: the logits stay as the model gives them.
    Uncorrected,
}

impl Length {
    /// That of `text`.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self::Characters(portcullis_calibration::length(text))
    }
}

impl<'a> Judged<'a> {
    /// A text without deadline and gates.
    pub(crate) const fn undisturbed(text: &'a str, length: Length) -> Self {
        Self { text, deadline: None, gates: None, length }
    }

    /// Adds to logits, the bundle's heads' first, what `calibration` adds by the text's length.
    pub(super) fn correct(&self, calibration: &Calibration, logits: &mut [f32]) {
        match self.length {
            Length::Characters(length) => calibration.correct(logits, length),
            Length::Unbounded => calibration.correct(logits, usize::MAX),
            Length::Uncorrected => {}
        }
    }

    /// Whether the text may end before the last layer.
    pub(super) const fn may_leave(&self) -> bool {
        self.gates.is_some() || self.deadline.is_some()
    }
}
