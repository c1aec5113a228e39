//! The graph's blocks in candle's own f32, from dequantized weights.

use candle_core::{D, DType, Device, IndexOp, Tensor};
use candle_nn::{Module, ops::softmax_last_dim};

use super::dense::{Dense, Heads, Layer};
use super::{EncodeError, Encoded, Pass};
use crate::bundle::{EncoderShape, Weights};

/// Dequantized tensors on a device.
#[derive(Debug)]
pub(super) struct Parts {
    shape: EncoderShape,
    dense: Dense,
    /// Heads after a number of layers.
    exits: Vec<(usize, Heads)>,
}

impl Parts {
    pub(super) fn new(weights: &Weights, device: &Device) -> Result<Self, EncodeError> {
        let shape = weights.shape();
        let heads = |(layers, heads)| Ok((layers, Heads::new(heads, shape.hidden, device)?));
        Ok(Self {
            shape,
            dense: Dense::new(weights, device, DType::F32)?,
            exits: weights.dense_exits().map(heads).collect::<candle_core::Result<_>>()?,
        })
    }

    pub(super) fn embed(&self, pass: &Pass<'_>, ids: &Tensor) -> Result<Tensor, EncodeError> {
        let positions: Vec<u32> = sequences(pass).flat_map(|(_, length)| (0u32..).take(length)).collect();
        let positions = Tensor::new(positions, ids.device())?;
        let x = (self.dense.word.index_select(ids, 0)? + self.dense.position.index_select(&positions, 0)?)?;
        Ok(self.dense.norm.forward(&x)?)
    }

    pub(super) fn attention(&self, pass: &Pass<'_>, layer: usize, x: &Tensor) -> Result<Tensor, EncodeError> {
        let layer = self.layer(layer)?;
        let (heads, hidden) = (self.shape.attention_heads, self.shape.hidden);
        let qkv = layer.qkv.forward(x)?;
        let mut outputs = Vec::new();
        for (start, length) in sequences(pass) {
            let qkv = qkv
                .narrow(0, start, length)?
                .reshape((length, 3, heads, hidden / heads))?
                .permute((1, 2, 0, 3))?
                .contiguous()?;
            // 1/√d is part of the query's weights.
            let scores = qkv.i(0)?.matmul(&qkv.i(1)?.t()?)?;
            let mixed = softmax_last_dim(&scores)?.matmul(&qkv.i(2)?)?;
            outputs.push(mixed.transpose(0, 1)?.reshape((length, hidden))?);
        }
        let mixed = Tensor::cat(&outputs, 0)?;
        Ok(layer.attention_norm.forward(&(x + layer.attention_output.forward(&mixed)?)?)?)
    }

    pub(super) fn feed_forward(&self, layer: usize, x: &Tensor) -> Result<Tensor, EncodeError> {
        let layer = self.layer(layer)?;
        let inner = layer.ffn_input.forward(x)?.gelu_erf()?;
        Ok(layer.ffn_norm.forward(&(x + layer.ffn_output.forward(&inner)?)?)?)
    }

    /// What the exit after `layers` layers says, or without `layers` the model's own heads.
    pub(super) fn pool(
        &self,
        pass: &Pass<'_>,
        x: &Tensor,
        layers: Option<usize>,
    ) -> Result<Option<Encoded>, EncodeError> {
        let heads = match layers {
            None => &self.dense.heads,
            Some(layers) => match self.exits.iter().find(|(exit, _)| *exit == layers) {
                Some((_, heads)) => heads,
                None => return Ok(None),
            },
        };
        let (mut pooled, mut logits) = (Vec::new(), Vec::new());
        for (start, length) in sequences(pass) {
            let x = x.narrow(0, start, length)?;
            let mean = x.mean_keepdim(0)?;
            let attention = softmax_last_dim(&heads.query.matmul(&x.t()?)?)?;
            let attended = (attention.matmul(&x)? * &heads.weight)?.sum(D::Minus1)?;
            let from_mean = heads.mean_weight.matmul(&mean.t()?)?.squeeze(1)?;
            logits.push((attended + from_mean + &heads.bias)?.unsqueeze(0)?);
            pooled.push(mean);
        }
        Ok(Some(Encoded { logits: Tensor::cat(&logits, 0)?, pooled: Tensor::cat(&pooled, 0)? }))
    }

    fn layer(&self, layer: usize) -> Result<&Layer, EncodeError> {
        self.dense
            .layers
            .get(layer)
            .ok_or_else(|| candle_core::Error::Msg(format!("no layer {layer}")).into())
    }
}

/// First row and length of every sequence.
fn sequences(pass: &Pass<'_>) -> impl Iterator<Item = (usize, usize)> {
    pass.bounds.windows(2).filter_map(|pair| match pair {
        [start, end] => Some((*start, end - start)),
        _ => None,
    })
}
