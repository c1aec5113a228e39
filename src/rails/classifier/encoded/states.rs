//! The states of an encoder: what taught heads read of each window, and those of each token after some of the layers.

use rayon::prelude::*;

use super::pass::Pass;
use super::{Encoded, Parts};
use crate::encode::{Batch, EncodeError, Next};
use crate::rails::classifier::pack::{Window, packs};
use crate::rails::classifier::{Judged, Length, TokenStates};
use crate::threads::Threads;
use crate::tokenize::{TokenizeError, Tokens, Windowing};

/// After how many of `layers` layers taught heads read the states, beside those after the last: a third and two thirds of the
/// way. What a text is about stands there; the last layers keep what the model's own heads need of it.
pub(in crate::rails::classifier) fn read_after(layers: usize) -> impl Iterator<Item = usize> {
    (1..3).map(move |third| third * layers / 3).filter(|after| *after > 0)
}

impl Encoded {
    /// The states of each window of `texts`, those that taught heads read.
    pub(in crate::rails::classifier) fn window_states(
        &self,
        parts: &Parts<'_>,
        texts: &[&str],
        windowing: Windowing,
        threads: &Threads,
    ) -> Result<Vec<Vec<Vec<f32>>>, EncodeError> {
        let pass = Pass { encoded: self, parts, windowing, threads, look: false, keep: true };
        let texts = undisturbed(texts);
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

    /// The states of each token of `texts` after `layers` layers.
    pub(in crate::rails::classifier) fn token_states(
        &self,
        parts: &Parts<'_>,
        texts: &[&str],
        layers: usize,
        windowing: Windowing,
        threads: &Threads,
    ) -> Result<Vec<TokenStates>, EncodeError> {
        let pass = Pass { encoded: self, parts, windowing, threads, look: false, keep: false };
        let tokens = pass.tokenize(&undisturbed(texts));
        let windows = pass.cut(&tokens, &[]);
        let packs = packs(&windows);
        let run = |pack: &Vec<usize>| self.pack_states(parts, &tokens, &windows, pack, layers);
        let packed: Vec<Result<_, EncodeError>> = match threads.pool(packs.len()) {
            Some(pool) => pool.install(|| packs.par_iter().with_max_len(1).map(run).collect()),
            None => packs.iter().map(run).collect(),
        };
        let mut by_window: Vec<Vec<Vec<f32>>> = windows.iter().map(|_| Vec::new()).collect();
        for (pack, rows) in packs.iter().zip(packed) {
            for (window, rows) in pack.iter().zip(rows?) {
                if let Some(place) = by_window.get_mut(*window) {
                    *place = rows;
                }
            }
        }
        let mut states: Vec<TokenStates> = texts.iter().map(|_| TokenStates::default()).collect();
        for (window, rows) in windows.iter().zip(by_window) {
            if let Some(states) = states.get_mut(window.text) {
                states.rows.extend(rows);
            }
        }
        tokens.into_iter().try_for_each(|tokens| tokens.map(drop)).map_err(candle_core::Error::wrap)?;
        Ok(states)
    }

    /// The states of each window of a pack.
    fn pack_states(
        &self,
        parts: &Parts<'_>,
        tokens: &[Result<Tokens, TokenizeError>],
        windows: &[Window],
        pack: &[usize],
        layers: usize,
    ) -> Result<Vec<Vec<Vec<f32>>>, EncodeError> {
        let mut batch = Batch::new();
        for window in pack.iter().filter_map(|window| windows.get(*window)) {
            let of_text = tokens.get(window.text).and_then(|tokens| tokens.as_ref().ok());
            let ids = of_text.and_then(|tokens| tokens.ids.get(window.range.clone()));
            let body = ids.unwrap_or_default().iter().copied();
            let (cls, sep) = (parts.tokenizer.cls(), parts.tokenizer.sep());
            batch.push(std::iter::once(cls).chain(body).chain(std::iter::once(sep)));
        }
        let mut rows: Option<Vec<Vec<f32>>> = None;
        self.encoder.forward_visiting(parts.weights, &batch, 1, |visit| {
            if visit.layers() < layers {
                return Ok(Next::All);
            }
            rows = Some(visit.states().to_vec2()?);
            Ok(Next::Only(vec![false; batch.len()]))
        })?;
        let missing = || candle_core::Error::msg(format!("the trunk has no layer {layers} to stop at"));
        let rows = rows.ok_or_else(missing)?;
        let of_window = |bounds: &[usize]| match bounds {
            [start, end] => rows.get(start + 1..end - 1).map(<[Vec<f32>]>::to_vec).unwrap_or_default(),
            _ => Vec::new(),
        };
        Ok(batch.bounds().windows(2).map(of_window).collect())
    }
}

/// The texts without deadline and gates, their logits as the model gives them.
pub(super) fn undisturbed<'a>(texts: &[&'a str]) -> Vec<Judged<'a>> {
    texts.iter().map(|text| Judged::undisturbed(text, Length::Uncorrected)).collect()
}
