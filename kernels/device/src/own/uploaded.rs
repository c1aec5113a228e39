//! The model's weights on the device, in the forms in which the kernels read them.

use portcullis::bundle::{DenseLinear, DenseNorm, Weights};
use portcullis_kernels::device::{Failure, FailureKind};

use super::driver::Driver;
use super::pack::{halves, packed};

/// The model, by places in the device's memory.
#[derive(Debug)]
pub(super) struct Uploaded {
    pub(super) words: u64,
    pub(super) places: u64,
    pub(super) norm: Pair,
    pub(super) layers: Vec<Layer>,
    /// Queries, weights and weights of the mean of all heads.
    pub(super) asked: u64,
    pub(super) head_bias: u64,
    pub(super) heads: usize,
    pub(super) epsilon: f32,
}

/// A weight and its bias.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    pub(super) weight: u64,
    pub(super) bias: u64,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Layer {
    pub(super) qkv: Pair,
    pub(super) mix: Pair,
    pub(super) mix_norm: Pair,
    pub(super) up: Pair,
    pub(super) down: Pair,
    pub(super) down_norm: Pair,
    /// For the kernel of a whole layer; 0 where there is none.
    pub(super) packed: u64,
}

/// What is to be copied, as one piece.
#[derive(Default)]
struct Image {
    bytes: Vec<u8>,
}

impl Image {
    /// Adds numbers at a multiple of 256 bytes, and says where.
    fn add<T: Copy, const N: usize>(&mut self, numbers: &[T], bytes: impl Fn(T) -> [u8; N]) -> u64 {
        let at = self.bytes.len().next_multiple_of(256);
        self.bytes.resize(at + numbers.len() * N, 0);
        let room = self.bytes.get_mut(at..).unwrap_or_default();
        for (room, number) in room.chunks_exact_mut(N).zip(numbers) {
            room.copy_from_slice(&bytes(*number));
        }
        at as u64
    }

    fn halves(&mut self, numbers: &[u16]) -> u64 {
        self.add(numbers, u16::to_le_bytes)
    }

    fn floats(&mut self, numbers: &[f32]) -> u64 {
        self.add(numbers, f32::to_le_bytes)
    }

    fn norm(&mut self, norm: &DenseNorm) -> Pair {
        Pair { weight: self.floats(&norm.weight), bias: self.floats(&norm.bias) }
    }

    fn linear(&mut self, weight: &[u16], linear: &DenseLinear) -> Pair {
        Pair { weight: self.halves(weight), bias: self.floats(&linear.bias) }
    }
}

impl Uploaded {
    /// Copies `weights` to the device; with `whole` also for the kernel of a whole layer.
    ///
    /// # Errors
    /// [`Failure`].
    pub(super) fn new(driver: &Driver, weights: &Weights, whole: bool) -> Result<Self, Failure> {
        let mut image = Image::default();
        let embeddings = weights.dense_embeddings();
        let words = image.halves(&halves(&embeddings.word));
        let places = image.halves(&halves(&embeddings.position));
        let norm = image.norm(&embeddings.norm);
        let heads = weights.dense_heads();
        let asked = image.floats(&[heads.query, heads.weight, heads.mean_weight].concat());
        let head_bias = image.floats(&heads.bias);
        let mut layers = Vec::new();
        let mut next = weights.dense_layer(0);
        let mut next_qkv = next.as_ref().map(|layer| halves(&layer.qkv.weight));
        while let Some((layer, qkv)) = next.take().zip(next_qkv.take()) {
            next = weights.dense_layer(layers.len() + 1);
            next_qkv = next.as_ref().map(|layer| halves(&layer.qkv.weight));
            let [mix, up, down] = [&layer.attention_output, &layer.ffn_input, &layer.ffn_output]
                .map(|linear| halves(&linear.weight));
            layers.push(Layer {
                qkv: image.linear(&qkv, &layer.qkv),
                mix: image.linear(&mix, &layer.attention_output),
                mix_norm: image.norm(&layer.attention_norm),
                up: image.linear(&up, &layer.ffn_input),
                down: image.linear(&down, &layer.ffn_output),
                down_norm: image.norm(&layer.ffn_norm),
                packed: if whole { image.halves(&packed(&mix, &up, &down, next_qkv.as_deref())) } else { 0 },
            });
        }
        if layers.is_empty() {
            return Err(Failure::new(FailureKind::Other, "the model has no layers"));
        }
        let at = driver.room(image.bytes.len())?.at;
        driver.write(&image.bytes, at)?;
        let pair = |pair: Pair| Pair { weight: at + pair.weight, bias: at + pair.bias };
        let layer = |layer: &Layer| Layer {
            qkv: pair(layer.qkv),
            mix: pair(layer.mix),
            mix_norm: pair(layer.mix_norm),
            up: pair(layer.up),
            down: pair(layer.down),
            down_norm: pair(layer.down_norm),
            packed: at + layer.packed,
        };
        Ok(Self {
            words: at + words,
            places: at + places,
            norm: pair(norm),
            layers: layers.iter().map(layer).collect(),
            asked: at + asked,
            head_bias: at + head_bias,
            heads: heads.bias.len(),
            epsilon: weights.shape().norm_epsilon,
        })
    }
}
