//! Windows on a device: the whole model reads each of them, in batches that fit its memory.

use std::time::Instant;

use super::super::device::RailDevice;
use super::pass::Pass;
use super::run::WindowScores;
use crate::encode::{Batch, EncodeError, Failure};
use crate::rails::classifier::Judged;
use crate::rails::classifier::pack::{SPECIAL, Window};
use crate::rails::classifier::sketch::project;
use crate::tokenize::{TokenizeError, Tokens};

/// Tokens of a batch for a device: what comes between two looks at the deadlines.
const MOST_TOKENS: usize = 1 << 16;

impl Pass<'_> {
    /// Scores all windows on the device, but those whose deadline has passed before their batch begins.
    ///
    /// # Errors
    /// [`Failure`]; what the device had said of other batches is then not used.
    pub(super) fn answer_on(
        &self,
        device: &RailDevice,
        texts: &[Judged<'_>],
        tokens: &[Result<Tokens, TokenizeError>],
        windows: &[Window],
    ) -> Result<Vec<Result<WindowScores, EncodeError>>, Failure> {
        let mut all: Vec<WindowScores> = windows.iter().map(|_| WindowScores::default()).collect();
        let layers = self.parts.weights.shape().layers;
        for places in batches(windows) {
            let (batch, asked) = self.batch(texts, tokens, windows, &places);
            if batch.is_empty() {
                continue;
            }
            let answers = device.answer(&batch)?;
            let hidden = self.parts.weights.shape().hidden;
            for (place, (mut logits, states)) in
                asked.iter().zip(answers.logits.into_iter().zip(answers.states))
            {
                let last = states.get(states.len().saturating_sub(hidden)..).unwrap_or_default();
                let sketch = project(last);
                logits.extend(self.parts.taught.iter().map(|head| head.logit(&states)));
                if let Some(scores) = all.get_mut(*place) {
                    *scores = WindowScores { model: Some(logits), sketch, layers, ..WindowScores::default() };
                }
            }
        }
        Ok(all.into_iter().map(Ok).collect())
    }

    /// The ids of the windows at `places` that are in time, and those windows' places.
    fn batch(
        &self,
        texts: &[Judged<'_>],
        tokens: &[Result<Tokens, TokenizeError>],
        windows: &[Window],
        places: &[usize],
    ) -> (Batch, Vec<usize>) {
        let now = Instant::now();
        let (mut batch, mut asked) = (Batch::new(), Vec::with_capacity(places.len()));
        for (place, window) in places.iter().filter_map(|place| Some((*place, windows.get(*place)?))) {
            if self.add_to(&mut batch, texts, tokens, window, now) {
                asked.push(place);
            }
        }
        (batch, asked)
    }
}

/// The windows by their places, the shortest first, in batches.
fn batches(windows: &[Window]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..windows.len()).collect();
    let length = |place: &usize| windows.get(*place).map_or(0, |window| window.range.len() + SPECIAL);
    order.sort_by_key(|place| (length(place), *place));
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let mut tokens = 0;
    for place in order {
        tokens += length(&place);
        match batches.last_mut() {
            Some(batch) if tokens <= MOST_TOKENS => batch.push(place),
            _ => {
                tokens = length(&place);
                batches.push(vec![place]);
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_window_is_in_a_batch_that_fits() {
        let windows: Vec<Window> = (0..1000).map(|text| Window { text, range: 0..text * 31 % 510 }).collect();
        let batches = batches(&windows);
        let mut places: Vec<usize> = batches.concat();
        places.sort_unstable();
        assert_eq!(places, (0..1000).collect::<Vec<_>>());
        let tokens = |batch: &Vec<usize>| -> usize {
            batch.iter().map(|place| windows[*place].range.len() + SPECIAL).sum()
        };
        assert!(batches.iter().all(|batch| tokens(batch) <= MOST_TOKENS), "{:?}", batches.len());
        assert!(batches.len() <= 5, "{}", batches.len());
        assert!(super::batches(&[]).is_empty());
    }
}
