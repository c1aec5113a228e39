//! The graph for accelerators: whole batches at a time in candle's floating point, padded to even lengths.
//!
//! [`super::Encoder`] walks over sequences one by one, which on an accelerator is many launches of little work. Here sequences of
//! like length are a group with one product for each layer's matrices and one for all of its attention. Weights are uploaded once,
//! in 16 bits; sums over a row (softmax, normalization, pooling) are taken in 32. Gates and exits have no place here: the whole model
//! reads every sequence.

mod groups;

use candle_core::{D, DType, Device, Tensor};
use candle_nn::{Module, ops::softmax_last_dim};
use portcullis_kernels::device::Precision;

use super::dense::{Dense, Heads, Layer};
use super::{Batch, EncodeError};
use crate::bundle::{EncoderShape, Weights};
use groups::{Padded, groups};

/// The model on a device.
#[derive(Debug)]
pub struct Batched {
    shape: EncoderShape,
    device: Device,
    dtype: DType,
    /// The numbers of layers after which the states are averaged, ascending, beside those after the last.
    after: Vec<usize>,
    dense: Dense,
}

/// What the whole model says of each sequence of a batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answers {
    /// Logits of a sequence, one a head.
    pub logits: Vec<Vec<f32>>,
    /// The means of a sequence's states after each of the layers asked for and after the last, one after another.
    pub states: Vec<Vec<f32>>,
}

impl Batched {
    /// Uploads `weights` to `device`, to average the states after each of `after` layers on the way.
    ///
    /// # Errors
    /// [`EncodeError`] when the weights do not fit, or the device refuses them.
    pub fn new(
        weights: &Weights,
        device: &Device,
        precision: Precision,
        after: &[usize],
    ) -> Result<Self, EncodeError> {
        let shape = weights.shape();
        let dtype = match precision {
            Precision::Bf16 => DType::BF16,
            Precision::F32 => DType::F32,
            _ => DType::F16,
        };
        Ok(Self {
            shape,
            device: device.clone(),
            dtype,
            after: after.to_vec(),
            dense: Dense::new(weights, device, dtype)?,
        })
    }

    /// Logits of a sequence.
    ///
    /// # Errors
    /// [`EncodeError`] when candle refuses to tell.
    pub fn heads(&self) -> Result<usize, EncodeError> {
        Ok(self.dense.heads.bias.dim(0)?)
    }

    /// Runs the whole model over `batch`.
    ///
    /// # Errors
    /// [`EncodeError`], also for a sequence of no token or more than the model has positions for, and for an id outside its vocabulary.
    pub fn answer(&self, batch: &Batch) -> Result<Answers, EncodeError> {
        batch.fits(&self.shape)?;
        let lengths: Vec<usize> = batch.lengths().collect();
        let mut answers =
            Answers { logits: vec![Vec::new(); lengths.len()], states: vec![Vec::new(); lengths.len()] };
        for group in groups(&lengths, self.shape.attention_heads) {
            let Answers { logits, states } = self.run(&group.padded(batch))?;
            for (place, (logits, states)) in group.sequences.iter().zip(logits.into_iter().zip(states)) {
                let kept = answers.logits.get_mut(*place).zip(answers.states.get_mut(*place));
                if let Some((of_logits, of_states)) = kept {
                    (*of_logits, *of_states) = (logits, states);
                }
            }
        }
        Ok(answers)
    }

    /// Logits and states of the sequences of one group, in its order.
    fn run(&self, padded: &Padded) -> Result<Answers, EncodeError> {
        let Padded { rows, width, .. } = *padded;
        let hidden = self.shape.hidden;
        let device = &self.device;
        let ids = Tensor::from_slice(&padded.ids, rows * width, device)?;
        let positions = Tensor::from_slice(&padded.positions, rows * width, device)?;
        let mask = match padded.is_even() {
            true => None,
            false => Some(Tensor::from_slice(&padded.mask, (rows, 1, 1, width), device)?),
        };
        let added = mask.as_ref().map(|mask| mask.to_dtype(self.dtype)).transpose()?;
        let shares = Tensor::from_slice(&padded.shares, (rows, 1, width), device)?;
        let mean = |x: &Tensor| -> candle_core::Result<Tensor> {
            shares.matmul(&x.to_dtype(DType::F32)?.reshape((rows, width, hidden))?)?.squeeze(1)
        };

        let x =
            (self.dense.word.index_select(&ids, 0)? + self.dense.position.index_select(&positions, 0)?)?;
        let mut x = self.dense.norm.forward(&x)?;
        let mut means = Vec::with_capacity(self.after.len() + 1);
        for (number, layer) in self.dense.layers.iter().enumerate() {
            x = self.attention(layer, &x, rows, width, added.as_ref())?;
            let inner = layer.ffn_input.forward(&x)?.gelu_erf()?;
            x = layer.ffn_norm.forward(&(x + layer.ffn_output.forward(&inner)?)?)?;
            if self.after.contains(&(number + 1)) {
                means.push(mean(&x)?);
            }
        }
        let last = mean(&x)?;
        let states = x.to_dtype(DType::F32)?;
        let logits = self.pool(&states, &last, rows, width, mask.as_ref())?;
        means.push(last);
        Ok(Answers { logits: logits.to_vec2()?, states: Tensor::cat(&means, 1)?.to_vec2()? })
    }

    fn attention(
        &self,
        layer: &Layer,
        x: &Tensor,
        rows: usize,
        width: usize,
        mask: Option<&Tensor>,
    ) -> Result<Tensor, EncodeError> {
        let (heads, hidden) = (self.shape.attention_heads, self.shape.hidden);
        let qkv = layer
            .qkv
            .forward(x)?
            .reshape((rows, width, 3, heads, hidden / heads))?
            .permute((2, 0, 3, 1, 4))?
            .contiguous()?;
        let of = |which: usize| -> candle_core::Result<Tensor> { qkv.get(which) };
        // 1/√d is part of the query's weights.
        let mut scores = of(0)?.matmul(&of(1)?.t()?)?;
        if let Some(mask) = mask {
            scores = scores.broadcast_add(mask)?;
        }
        let mixed = self.softmax(&scores)?.matmul(&of(2)?)?;
        let mixed = mixed.transpose(1, 2)?.contiguous()?.reshape((rows * width, hidden))?;
        Ok(layer.attention_norm.forward(&(x + layer.attention_output.forward(&mixed)?)?)?)
    }

    /// Candle's kernels for accelerators sum in 32 bits whatever the numbers are; those for the processor do not.
    fn softmax(&self, scores: &Tensor) -> candle_core::Result<Tensor> {
        match self.device.is_cpu() {
            true => softmax_last_dim(&scores.to_dtype(DType::F32)?)?.to_dtype(self.dtype),
            false => softmax_last_dim(scores),
        }
    }

    /// The heads' logits `[rows, heads]` of the states `[rows * width, hidden]` and their means.
    fn pool(
        &self,
        states: &Tensor,
        mean: &Tensor,
        rows: usize,
        width: usize,
        mask: Option<&Tensor>,
    ) -> Result<Tensor, EncodeError> {
        let Heads { query, weight, mean_weight, bias } = &self.dense.heads;
        let outputs = self.heads()?;
        let asked = states.matmul(&query.t()?)?.reshape((rows, width, outputs))?;
        let mut asked = asked.transpose(1, 2)?.contiguous()?;
        if let Some(mask) = mask {
            asked = asked.broadcast_add(&mask.squeeze(1)?)?;
        }
        let attended =
            softmax_last_dim(&asked)?.matmul(&states.reshape((rows, width, self.shape.hidden))?)?;
        let attended = attended.broadcast_mul(weight)?.sum(D::Minus1)?;
        let from_mean = mean.matmul(&mean_weight.t()?)?;
        Ok((attended + from_mean)?.broadcast_add(bias)?)
    }
}
