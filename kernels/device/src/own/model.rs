//! A model that its own kernels answer for.

use std::sync::{Mutex, PoisonError};

use portcullis::bundle::{EncoderShape, Weights};
use portcullis::encode::{Accelerator, Answers, Batch, failure};
use portcullis_kernels::device::{Failure, FailureKind};

use super::choice;
use super::driver::Entered;
use super::plan::{ATTENTION_HEADS, HIDDEN, INNER, MOST_HEADS, MOST_POSITIONS};
use super::runner::Runner;
use super::trial::Trial;

/// The model on a GPU.
pub(crate) struct Own {
    shape: EncoderShape,
    /// Which plans it uses, in words.
    kernels: String,
    /// One batch at a time: two would share the device out. There until it is dropped.
    runner: Mutex<Option<Runner>>,
}

impl Own {
    /// Whether the kernels are for a model of this shape with so many heads.
    pub(crate) fn fits(shape: &EncoderShape, heads: usize) -> bool {
        shape.hidden == HIDDEN
            && shape.attention_heads == ATTENTION_HEADS
            && shape.intermediate == INNER
            && (1..=MOST_POSITIONS).contains(&shape.positions)
            && (1..=MOST_HEADS).contains(&heads)
            && shape.layers > 0
    }

    /// Uploads `weights` to the GPU of this number, and tries the kernels against what `reference` answers.
    ///
    /// # Errors
    /// Why the kernels are not used.
    pub(crate) fn open(
        ordinal: usize,
        weights: &Weights,
        after: &[usize],
        reference: &dyn Accelerator,
    ) -> Result<Self, Failure> {
        let shape = weights.shape();
        let tried = choice::tried(shape.vocabulary, shape.positions);
        let expected = tried
            .into_iter()
            .map(|batch| reference.answer(&batch).map(|answers| (batch, answers)))
            .collect::<Result<Vec<(Batch, Answers)>, Failure>>()?;
        let _before = Entered::now()?;
        let (runner, kernels) = Trial { weights, after, ordinal, expected: &expected }.run()?;
        Ok(Self { shape, kernels, runner: Mutex::new(Some(runner)) })
    }

    /// Which plans it uses, in words.
    pub(crate) fn kernels(&self) -> &str {
        &self.kernels
    }

    /// Writes the logits and the means of the states of each sequence.
    ///
    /// # Errors
    /// [`Failure`].
    pub(crate) fn answer(&self, batch: &Batch, logits: &mut [f32], means: &mut [f32]) -> Result<(), Failure> {
        batch.fits(&self.shape).map_err(|error| failure(&error))?;
        let mut runner = self.runner.lock().unwrap_or_else(PoisonError::into_inner);
        let runner = runner.as_mut().ok_or_else(|| Failure::new(FailureKind::Lost, "the model is closed"))?;
        let _entered = runner.driver.enter()?;
        runner.answer(batch.ids(), batch.bounds(), logits, means)
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        // What is current in this thread stays it while the context is freed.
        let _before = Entered::now();
        drop(self.runner.get_mut().unwrap_or_else(PoisonError::into_inner).take());
    }
}
