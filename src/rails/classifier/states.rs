//! Hidden states of the tokens of texts, after some of the trunk's layers.

use rayon::prelude::*;

use super::ClassifierRail;
use super::Kind;
use super::encoded::{Encoded, Parts};
use super::pack::{Window, packs};
use crate::encode::{Batch, EncodeError, Next};
use crate::tokenize::{TokenizeError, Tokens};

/// Hidden states of one text's tokens, windows in order, the special ones left out.
#[derive(Clone, Default, PartialEq)]
pub struct States {
    /// A row of the trunk's width for each token.
    pub rows: Vec<Vec<f32>>,
}

// Hidden states say much of the text.
impl std::fmt::Debug for States {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("States").field("tokens", &self.rows.len()).finish()
    }
}

impl ClassifierRail {
    /// The states of normalized `texts` after `layers` layers, at least one and fewer than the trunk has.
    ///
    /// # Errors
    /// [`EncodeError`], also where the model reads no token ids or has no such layer.
    pub fn early_states(&self, texts: &[&str], layers: usize) -> Result<Vec<States>, EncodeError> {
        let (Kind::Encoder(encoded), Some(parts)) = (&*self.kind, self.parts()) else {
            return Err(EncodeError::NoIds);
        };
        let failed = |error: TokenizeError| candle_core::Error::msg(error.to_string());
        let mut tokens = Vec::with_capacity(texts.len());
        for text in texts {
            let mut of_text = Tokens::new();
            parts.tokenizer.encode(text, &mut of_text).map_err(failed)?;
            tokens.push(of_text);
        }
        let windows: Vec<Window> = tokens
            .iter()
            .enumerate()
            .flat_map(|(text, tokens)| {
                tokens.windows(self.windowing).map(move |range| Window { text, range })
            })
            .collect();
        let packs = packs(&windows);
        let run = |pack: &Vec<usize>| pack_states(encoded, &parts, &tokens, &windows, pack, layers);
        let packed: Vec<Result<_, EncodeError>> = match self.threads.pool(packs.len()) {
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
        let mut states: Vec<States> = texts.iter().map(|_| States::default()).collect();
        for (window, rows) in windows.iter().zip(by_window) {
            if let Some(states) = states.get_mut(window.text) {
                states.rows.extend(rows);
            }
        }
        Ok(states)
    }
}

/// The states of each window of a pack.
fn pack_states(
    encoded: &Encoded,
    parts: &Parts<'_>,
    tokens: &[Tokens],
    windows: &[Window],
    pack: &[usize],
    layers: usize,
) -> Result<Vec<Vec<Vec<f32>>>, EncodeError> {
    let mut batch = Batch::new();
    for window in pack.iter().filter_map(|window| windows.get(*window)) {
        let ids = tokens.get(window.text).and_then(|tokens| tokens.ids.get(window.range.clone()));
        let body = ids.unwrap_or_default().iter().copied();
        let (cls, sep) = (parts.tokenizer.cls(), parts.tokenizer.sep());
        batch.push(std::iter::once(cls).chain(body).chain(std::iter::once(sep)));
    }
    let mut rows: Option<Vec<Vec<f32>>> = None;
    encoded.encoder().forward_visiting(parts.weights, &batch, 1, |visit| {
        if visit.layers() < layers {
            return Ok(Next::All);
        }
        rows = Some(visit.states().to_vec2()?);
        Ok(Next::Only(vec![false; batch.len()]))
    })?;
    let rows =
        rows.ok_or_else(|| candle_core::Error::msg(format!("the trunk has no layer {layers} to stop at")))?;
    let of_window = |bounds: &[usize]| match bounds {
        [start, end] => rows.get(start + 1..end - 1).map(<[Vec<f32>]>::to_vec).unwrap_or_default(),
        _ => Vec::new(),
    };
    Ok(batch.bounds().windows(2).map(of_window).collect())
}
