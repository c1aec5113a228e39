//! The model's weights as tensors on a device: dequantized, and narrowed to the numbers that the device computes in.

use candle_core::{DType, Device, Result, Shape, Tensor};
use candle_nn::{LayerNorm, Linear};

use crate::bundle::{DenseHeads, DenseLinear, DenseNorm, Weights};

/// Everything up to the heads, and these.
#[derive(Debug)]
pub(super) struct Dense {
    pub(super) word: Tensor,
    pub(super) position: Tensor,
    pub(super) norm: LayerNorm,
    pub(super) layers: Vec<Layer>,
    pub(super) heads: Heads,
}

#[derive(Debug)]
pub(super) struct Layer {
    pub(super) qkv: Linear,
    pub(super) attention_output: Linear,
    pub(super) attention_norm: LayerNorm,
    pub(super) ffn_input: Linear,
    pub(super) ffn_output: Linear,
    pub(super) ffn_norm: LayerNorm,
}

/// In 32 bits: they are small, and the last sums hang on them.
#[derive(Debug)]
pub(super) struct Heads {
    pub(super) query: Tensor,
    pub(super) weight: Tensor,
    pub(super) mean_weight: Tensor,
    pub(super) bias: Tensor,
}

impl Dense {
    /// Uploads `weights`, as `dtype` but for the heads.
    pub(super) fn new(weights: &Weights, device: &Device, dtype: DType) -> Result<Self> {
        let shape = weights.shape();
        let rows = |data: Vec<f32>| uploaded_rows(data, shape.hidden, dtype, device);
        let norm = |norm: DenseNorm| -> Result<LayerNorm> {
            let weight = uploaded(norm.weight, shape.hidden, dtype, device)?;
            let bias = uploaded(norm.bias, shape.hidden, dtype, device)?;
            Ok(LayerNorm::new(weight, bias, f64::from(shape.norm_epsilon)))
        };
        let linear = |linear: DenseLinear| -> Result<Linear> {
            let weight = uploaded(linear.weight, (linear.n, linear.k), dtype, device)?;
            Ok(Linear::new(weight, Some(uploaded(linear.bias, linear.n, dtype, device)?)))
        };
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
            .collect::<Result<_>>()?;
        let embeddings = weights.dense_embeddings();
        Ok(Self {
            word: rows(embeddings.word)?,
            position: rows(embeddings.position)?,
            norm: norm(embeddings.norm)?,
            layers,
            heads: Heads::new(weights.dense_heads(), shape.hidden, device)?,
        })
    }
}

impl Heads {
    /// Uploads heads that read states of this width.
    pub(super) fn new(heads: DenseHeads, hidden: usize, device: &Device) -> Result<Self> {
        let rows = |data: Vec<f32>| uploaded_rows(data, hidden, DType::F32, device);
        let outputs = heads.bias.len();
        Ok(Self {
            query: rows(heads.query)?,
            weight: rows(heads.weight)?,
            mean_weight: rows(heads.mean_weight)?,
            bias: uploaded(heads.bias, outputs, DType::F32, device)?,
        })
    }
}

fn uploaded_rows(data: Vec<f32>, width: usize, dtype: DType, device: &Device) -> Result<Tensor> {
    let rows = data.len() / width.max(1);
    uploaded(data, (rows, width), dtype, device)
}

fn uploaded(data: Vec<f32>, shape: impl Into<Shape>, dtype: DType, device: &Device) -> Result<Tensor> {
    // Narrowed before it travels.
    Tensor::from_vec(data, shape.into(), &Device::Cpu)?.to_dtype(dtype)?.to_device(device)
}
