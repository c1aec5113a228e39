//! Dequantized copies of the tensors, for devices and tests that compute in f32.

use super::weights::{HeadsPlace, LinearPlace, NormPlace, Rows, Weights};

/// A linear layer in f32: `y = x Wᵀ + bias`.
#[derive(Debug)]
pub struct DenseLinear {
    /// `W`, row-major `[n, k]`.
    pub weight: Vec<f32>,
    /// `[n]`.
    pub bias: Vec<f32>,
    /// Outputs.
    pub n: usize,
    /// Inputs.
    pub k: usize,
}

/// A layer normalization's parameters, each `[hidden]`.
#[derive(Debug)]
pub struct DenseNorm {
    /// Multiplied.
    pub weight: Vec<f32>,
    /// Added.
    pub bias: Vec<f32>,
}

/// The embedding tables, row-major `[rows, hidden]`.
#[derive(Debug)]
pub struct DenseEmbeddings {
    /// Word rows.
    pub word: Vec<f32>,
    /// Position rows, the token type's row added.
    pub position: Vec<f32>,
    /// The normalization that follows.
    pub norm: DenseNorm,
}

/// One transformer layer in f32.
#[derive(Debug)]
pub struct DenseLayer {
    /// Queries (scaled by `1/√d`), keys and values, stacked.
    pub qkv: DenseLinear,
    /// Attention's output projection.
    pub attention_output: DenseLinear,
    /// Normalization after attention.
    pub attention_norm: DenseNorm,
    /// Feed-forward, first half.
    pub ffn_input: DenseLinear,
    /// Feed-forward, second half.
    pub ffn_output: DenseLinear,
    /// Normalization after the feed-forward block.
    pub ffn_norm: DenseNorm,
}

/// Pooling and heads, `[heads, hidden]` each but for the bias.
#[derive(Debug)]
pub struct DenseHeads {
    /// Attention queries.
    pub query: Vec<f32>,
    /// Weights on the attended state.
    pub weight: Vec<f32>,
    /// Weights on the mean state.
    pub mean_weight: Vec<f32>,
    /// `[heads]`.
    pub bias: Vec<f32>,
}

impl Weights {
    /// The embedding tables, dequantized.
    #[must_use]
    pub fn dense_embeddings(&self) -> DenseEmbeddings {
        DenseEmbeddings {
            word: self.dense_words(),
            position: self.dense_rows(&self.position),
            norm: self.dense_norm(&self.norm),
        }
    }

    /// Layer `layer`, dequantized; `None` past the last one.
    #[must_use]
    pub fn dense_layer(&self, layer: usize) -> Option<DenseLayer> {
        let place = self.layers.get(layer)?;
        Some(DenseLayer {
            qkv: self.dense_linear(&place.qkv),
            attention_output: self.dense_linear(&place.attention_output),
            attention_norm: self.dense_norm(&place.attention_norm),
            ffn_input: self.dense_linear(&place.ffn_input),
            ffn_output: self.dense_linear(&place.ffn_output),
            ffn_norm: self.dense_norm(&place.ffn_norm),
        })
    }

    /// Pooling and heads.
    #[must_use]
    pub fn dense_heads(&self) -> DenseHeads {
        self.dense(&self.heads)
    }

    /// Pooling and heads of every exit, each with the number of layers before it, ascending.
    pub fn dense_exits(&self) -> impl Iterator<Item = (usize, DenseHeads)> {
        self.exits.iter().map(|(layers, place)| (*layers, self.dense(place)))
    }

    fn dense(&self, place: &HeadsPlace) -> DenseHeads {
        DenseHeads {
            query: self.slice(&place.query).to_vec(),
            weight: self.slice(&place.weight).to_vec(),
            mean_weight: self.slice(&place.mean_weight).to_vec(),
            bias: self.slice(&place.bias).to_vec(),
        }
    }

    fn dense_norm(&self, place: &NormPlace) -> DenseNorm {
        DenseNorm { weight: self.slice(&place.weight).to_vec(), bias: self.slice(&place.bias).to_vec() }
    }

    /// The word rows, widened.
    fn dense_words(&self) -> Vec<f32> {
        let rows = self.dense_rows(&self.word);
        let Some(projection) = &self.projection else { return rows };
        let (projection, hidden) = (self.slice::<f32>(projection), self.shape().hidden);
        let width = projection.len().checked_div(hidden).unwrap_or(0).max(1);
        let mut wide = vec![0.0; rows.len() / width * hidden];
        for (out, row) in wide.chunks_exact_mut(hidden).zip(rows.chunks_exact(width)) {
            for (value, direction) in row.iter().zip(projection.chunks_exact(hidden)) {
                for (out, direction) in out.iter_mut().zip(direction) {
                    *out += value * direction;
                }
            }
        }
        wide
    }

    fn dense_rows(&self, place: &Rows) -> Vec<f32> {
        let (q, scale) = (self.slice::<i8>(&place.q), self.slice::<f32>(&place.scale));
        let width = q.len().checked_div(scale.len()).unwrap_or(0).max(1);
        q.chunks_exact(width)
            .zip(scale)
            .flat_map(|(row, scale)| row.iter().map(move |q| f32::from(*q) * scale))
            .collect()
    }

    /// Undoes the panel layout `[n/16, k/4, 16, 4]`, with the input scales in the weights.
    fn dense_linear(&self, place: &LinearPlace) -> DenseLinear {
        let (n, k) = (place.n, place.k);
        let scale = self.slice::<f32>(&place.scale);
        let input = self.slice::<f32>(&place.input);
        let mut weight = vec![0.0; n * k];
        let panels = self.slice::<i8>(&place.q).chunks_exact(16 * k);
        for ((rows, panel), scales) in weight.chunks_exact_mut(16 * k).zip(panels).zip(scale.chunks_exact(16))
        {
            for ((channel, row), scale) in rows.chunks_exact_mut(k).enumerate().zip(scales) {
                let groups = panel.chunks_exact(4).skip(channel).step_by(16);
                for ((out, q), input) in row.iter_mut().zip(groups.flatten()).zip(input) {
                    *out = f32::from(*q) * scale * input;
                }
            }
        }
        DenseLinear { weight, bias: self.slice(&place.bias).to_vec(), n, k }
    }
}
