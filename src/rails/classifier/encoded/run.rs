//! One pack through the encoder, layer by layer, with the windows that leave on the way.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::pass::Pass;
use super::read_after;
use crate::encode::{Batch, EncodeError, Next, Visit};
use crate::rails::classifier::pack::Window;
use crate::rails::classifier::sketch::project;
use crate::rails::classifier::{Judged, SKETCH};
use crate::tokenize::{TokenizeError, Tokens};

/// Tokens in a single pack, special ones not counted, from which it is split over the threads.
pub(super) const WORTH_SPLITTING: usize = 14;

impl Pass<'_> {
    /// Scores the windows of one pack, those past their deadline left out.
    pub(super) fn encode_pack(
        &self,
        texts: &[Judged<'_>],
        tokens: &[Result<Tokens, TokenizeError>],
        pack: &[&Window],
        parts: usize,
    ) -> Result<Vec<WindowScores>, EncodeError> {
        let now = Instant::now();
        let mut batch = Batch::new();
        // The windows that the pass still holds, by their place in the pack.
        let mut left = Vec::with_capacity(pack.len());
        let text = |window: &Window| texts.get(window.text);
        for (place, window) in pack.iter().enumerate() {
            if self.add_to(&mut batch, texts, tokens, window, now) {
                left.push(place);
            }
        }
        let mut scores: Vec<WindowScores> = pack.iter().map(|_| WindowScores::default()).collect();
        if batch.is_empty() {
            return Ok(scores);
        }
        // No window is left to answer once the last deadline has passed; one without a deadline keeps the pass going.
        let deadlines = pack.iter().map(|window| text(window).and_then(|text| text.deadline));
        let last = deadlines.collect::<Option<Vec<_>>>().and_then(|all| all.into_iter().max());
        let hangs = pack.iter().filter_map(|window| text(window)).any(Judged::may_leave);
        let look = self.look || (hangs && !self.parts.exits().is_empty());
        let layers = self.parts.weights.shape().layers;
        let reads_states = self.keep || !self.parts.taught.is_empty();
        // The states of each window that is left, layer after layer.
        let mut states: Vec<Vec<f32>> = vec![Vec::new(); pack.len()];

        let visit = |visit: &Visit<'_>| {
            if reads_states && read_after(layers).any(|read| read == visit.layers()) {
                for (place, mean) in left.iter().zip(visit.means()?) {
                    if let Some(states) = states.get_mut(*place) {
                        states.extend(mean);
                    }
                }
            }
            // Nothing leaves here.
            if !look && last.is_none() {
                return Ok(Next::All);
            }
            let exit = if look { visit.exit()? } else { None };
            let late = last.is_some_and(|last| Instant::now() >= last);
            let mut staying = vec![!late; left.len()];
            if let Some((exit, number)) = exit.zip(self.exit_after(visit.layers())) {
                let rows = exit.logits.to_vec2()?;
                for ((place, logits), staying) in left.iter().zip(rows).zip(&mut staying) {
                    let Some((window, scores)) = pack.get(*place).zip(scores.get_mut(*place)) else {
                        continue;
                    };
                    scores.stopped = text(window)
                        .is_some_and(|text| self.stops(text, number, || self.carry(number, &logits)));
                    scores.exits.push((number, logits));
                    *staying &= !scores.stopped;
                }
            }
            if staying.iter().all(|staying| *staying) {
                return Ok(Next::All);
            }
            let mut gone = Vec::new();
            let mut stays = staying.iter();
            left.retain(|place| {
                let stays = stays.next().copied().unwrap_or(true);
                if !stays {
                    gone.push(*place);
                }
                stays
            });
            for place in gone {
                if let Some(scores) = scores.get_mut(place) {
                    scores.layers = visit.layers();
                }
            }
            Ok(Next::Only(staying))
        };
        let encoded = self.encoded.encoder.forward_visiting(self.parts.weights, &batch, parts, visit)?;
        let Some(encoded) = encoded else { return Ok(scores) };
        let mut pooled = encoded.pooled.to_vec2::<f32>()?.into_iter();
        for (place, mut logits) in left.iter().zip(encoded.logits.to_vec2()?) {
            let mut states = states.get_mut(*place).map(std::mem::take).unwrap_or_default();
            let last = pooled.next().unwrap_or_default();
            let sketch = project(&last);
            if reads_states {
                states.extend(last);
            }
            logits.extend(self.parts.taught.iter().map(|head| head.logit(&states)));
            if let Some(scores) = scores.get_mut(*place) {
                scores.model = Some(logits);
                scores.sketch = sketch;
                scores.layers = layers;
                scores.states = if self.keep { states } else { Vec::new() };
            }
        }
        Ok(scores)
    }
}

/// What is known of one window.
#[derive(Default)]
pub(super) struct WindowScores {
    /// The logits of each exit that was asked, with its place among the exits.
    pub(super) exits: Vec<(usize, Vec<f32>)>,
    /// The logits of the whole model and of the taught heads, where the pass came so far.
    pub(super) model: Option<Vec<f32>>,
    /// Projections of the state that those are of.
    pub(super) sketch: [f32; SKETCH],
    /// The states of the whole model, where they are kept.
    pub(super) states: Vec<f32>,
    /// Whether the gates of the last exit let it go no further.
    pub(super) stopped: bool,
    /// Layers computed.
    pub(super) layers: usize,
}

/// One call among those that encode.
pub(super) struct Active<'a>(&'a AtomicUsize);

impl<'a> Active<'a> {
    pub(super) fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }

    pub(super) fn alone(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 1
    }
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
