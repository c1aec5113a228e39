//! The graph's blocks in candle's own f32, from dequantized weights.

use candle_core::{D, Device, IndexOp, Tensor};
use candle_nn::{LayerNorm, Linear, Module, ops::softmax_last_dim};

use super::{EncodeError, Encoded, Pass};
use crate::bundle::{DenseHeads, DenseLinear, DenseNorm, EncoderShape, Weights};

/// Dequantized tensors on a device.
#[derive(Debug)]
pub(super) struct Parts {
    shape: EncoderShape,
    word: Tensor,
    position: Tensor,
    norm: LayerNorm,
    layers: Vec<Layer>,
    heads: Heads,
    /// Heads after a number of layers.
    exits: Vec<(usize, Heads)>,
}

#[derive(Debug)]
struct Heads {
    query: Tensor,
    weight: Tensor,
    mean_weight: Tensor,
    bias: Tensor,
}

#[derive(Debug)]
struct Layer {
    qkv: Linear,
    attention_output: Linear,
    attention_norm: LayerNorm,
    ffn_input: Linear,
    ffn_output: Linear,
    ffn_norm: LayerNorm,
}

impl Parts {
    pub(super) fn new(weights: &Weights, device: &Device) -> Result<Self, EncodeError> {
        let shape = weights.shape();
        let hidden = shape.hidden;
        let rows = |data: Vec<f32>| {
            let rows = data.len() / hidden;
            Tensor::from_vec(data, (rows, hidden), device)
        };
        let norm = |norm: DenseNorm| -> candle_core::Result<LayerNorm> {
            let epsilon = f64::from(shape.norm_epsilon);
            let weight = Tensor::from_vec(norm.weight, hidden, device)?;
            Ok(LayerNorm::new(weight, Tensor::from_vec(norm.bias, hidden, device)?, epsilon))
        };
        let linear = |linear: DenseLinear| -> candle_core::Result<Linear> {
            let weight = Tensor::from_vec(linear.weight, (linear.n, linear.k), device)?;
            Ok(Linear::new(weight, Some(Tensor::from_vec(linear.bias, linear.n, device)?)))
        };
        let embeddings = weights.dense_embeddings();
        let layers = (0..shape.layers)
            .map_while(|layer| weights.dense_layer(layer))
            .map(|layer| {
                Ok(Layer {
                    qkv: linear(layer.qkv)?,
                    attention_output: linear(layer.attention_output)?,
                    attention_norm: norm(layer.attention_norm)?,
                    ffn_input: linear(layer.ffn_input)?,
                    ffn_output: linear(layer.ffn_output)?,
                    ffn_norm: norm(layer.ffn_norm)?,
                })
            })
            .collect::<candle_core::Result<_>>()?;
        let heads = |heads: DenseHeads| -> candle_core::Result<Heads> {
            let outputs = heads.bias.len();
            Ok(Heads {
                query: rows(heads.query)?,
                weight: rows(heads.weight)?,
                mean_weight: rows(heads.mean_weight)?,
                bias: Tensor::from_vec(heads.bias, outputs, device)?,
            })
        };
        let exits = weights.dense_exits().map(|(layers, exit)| Ok((layers, heads(exit)?)));
        Ok(Self {
            shape,
            word: rows(embeddings.word)?,
            position: rows(embeddings.position)?,
            norm: norm(embeddings.norm)?,
            layers,
            heads: heads(weights.dense_heads())?,
            exits: exits.collect::<candle_core::Result<_>>()?,
        })
    }

    pub(super) fn embed(&self, pass: &Pass<'_>, ids: &Tensor) -> Result<Tensor, EncodeError> {
        let positions: Vec<u32> = sequences(pass).flat_map(|(_, length)| (0u32..).take(length)).collect();
        let positions = Tensor::new(positions, ids.device())?;
        let x = (self.word.index_select(ids, 0)? + self.position.index_select(&positions, 0)?)?;
        Ok(self.norm.forward(&x)?)
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
            None => &self.heads,
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
        self.layers.get(layer).ok_or_else(|| candle_core::Error::Msg(format!("no layer {layer}")).into())
    }
}

/// First row and length of every sequence.
fn sequences(pass: &Pass<'_>) -> impl Iterator<Item = (usize, usize)> {
    pass.bounds.windows(2).filter_map(|pair| match pair {
        [start, end] => Some((*start, end - start)),
        _ => None,
    })
}
