//! The states of an encoder that taught heads read.

use super::{Encoded, Parts, Pass};
use crate::encode::EncodeError;
use crate::rails::classifier::{Judged, Threads};
use crate::tokenize::Windowing;

/// After how many of `layers` layers taught heads read the states, beside those after the last: a third and two thirds of the
/// way. What a text is about stands there; the last layers keep what the model's own heads need of it.
pub(in crate::rails::classifier) fn read_after(layers: usize) -> impl Iterator<Item = usize> {
    (1..3).map(move |third| third * layers / 3).filter(|after| *after > 0)
}

impl Encoded {
    /// The states of each window of `texts`.
    pub(in crate::rails::classifier) fn states(
        &self,
        parts: &Parts<'_>,
        texts: &[&str],
        windowing: Windowing,
        threads: &Threads,
    ) -> Result<Vec<Vec<Vec<f32>>>, EncodeError> {
        let pass = Pass { encoded: self, parts, windowing, threads, look: false, keep: true };
        let texts: Vec<Judged<'_>> =
            texts.iter().map(|text| Judged { text, deadline: None, gates: None }).collect();
        let tokens = pass.tokenize(&texts);
        let windows = pass.cut(&tokens, &[]);
        let mut states: Vec<Vec<Vec<f32>>> = texts.iter().map(|_| Vec::new()).collect();
        for (window, scores) in windows.iter().zip(pass.encode(&texts, &tokens, &windows)) {
            if let Some(text) = states.get_mut(window.text) {
                text.push(scores?.states);
            }
        }
        for (tokens, states) in tokens.into_iter().zip(&states) {
            tokens.map_err(candle_core::Error::wrap)?;
            if states.iter().any(Vec::is_empty) {
                return Err(candle_core::Error::msg("a window was not judged to its end").into());
            }
        }
        Ok(states)
    }
}
