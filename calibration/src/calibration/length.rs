//! What a text's length adds to a head's logit.

/// Logits added to a head's by the length of the whole text, so that one threshold can serve short and long texts.
///
/// A long text has more to be taken for a sign of harm, and more windows of which the strongest counts: a threshold that
/// everyday documents keep to is one that a line of chat hardly ever reaches. Between two knots the logits lie on a straight
/// line, outside them they are those of the nearest.
///
/// ```
/// use portcullis_calibration::LengthCorrection;
///
/// let knots = vec![(40, 1.5), (200, 0.5), (600, 0.0)];
/// let correction = LengthCorrection { head: "harmful_request".into(), knots };
/// assert_eq!([0, 40, 120, 600, 9000].map(|length| correction.at(length)), [1.5, 1.5, 1.0, 0.0, 0.0]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LengthCorrection {
    /// The head's name; one of the calibration's, and no other correction's.
    pub head: String,
    /// A length in characters, spaces not counted, and the logits added there: 1 to 32 of them, lengths rising and at most
    /// 2^20, logits in `-100..=100` and never rising.
    pub knots: Vec<(u32, f32)>,
}

impl LengthCorrection {
    /// The logits added to those of a text of `length` characters, spaces not counted.
    #[must_use]
    pub fn at(&self, length: usize) -> f32 {
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        let after = self.knots.partition_point(|(at, _)| *at <= length);
        let before = after.checked_sub(1).and_then(|before| self.knots.get(before));
        match (before, self.knots.get(after)) {
            (Some(&(low, from)), Some(&(high, to))) => {
                let share = f64::from(length - low) / f64::from(high - low);
                (f64::from(from) + share * (f64::from(to) - f64::from(from))) as f32
            }
            (Some(&(_, only)), None) | (None, Some(&(_, only))) => only,
            (None, None) => 0.0,
        }
    }
}

/// The length of a text as corrections count it: characters, spaces left out.
#[must_use]
pub fn length(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}
