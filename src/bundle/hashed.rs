//! The table of a hashed model, in place: a row of int8 weights a bucket, a scale and a bias a head.

use std::ops::Range;

use bytemuck::AnyBitPattern;
use safetensors::tensor::Dtype;

use super::finder::Finder;
use super::{BundleError, Bytes, HashedShape};

/// What the file's `__metadata__` must say; `features` names the rules that make buckets of a text.
const METADATA: [(&str, &str); 3] =
    [("format", "portcullis-hashed"), ("version", "1"), ("features", "words-pairs-pieces")];

/// The tensors of a hashed model.
#[derive(Debug)]
pub struct HashedWeights {
    bytes: Bytes,
    shape: HashedShape,
    heads: usize,
    table: Range<usize>,
    scale: Range<usize>,
    bias: Range<usize>,
}

impl HashedWeights {
    /// Locates the tensors of `heads` heads and this `shape` in the file named `file`: `hashed.table` int8
    /// `[buckets, heads]`, `hashed.scale` and `hashed.bias` f32 `[heads]`.
    ///
    /// # Errors
    /// [`BundleError::Safetensors`], [`BundleError::MissingTensor`], and [`BundleError::Tensor`] also for a scale or
    /// bias that is not finite.
    pub fn open(bytes: Bytes, file: &str, heads: usize, shape: HashedShape) -> Result<Self, BundleError> {
        let finder = Finder::new(&bytes, file, &METADATA)?;
        let weights = Self {
            table: finder.tensor("hashed.table", Dtype::I8, &[shape.buckets, heads])?,
            scale: finder.tensor("hashed.scale", Dtype::F32, &[heads])?,
            bias: finder.tensor("hashed.bias", Dtype::F32, &[heads])?,
            heads,
            shape,
            bytes,
        };
        for (tensor, values) in [("hashed.scale", weights.scale()), ("hashed.bias", weights.bias())] {
            if let Some(value) = values.iter().find(|value| !value.is_finite()) {
                return Err(BundleError::Tensor {
                    file: file.to_owned(),
                    tensor: tensor.to_owned(),
                    found: format!("the value {value}"),
                    expected: "finite values".to_owned(),
                });
            }
        }
        Ok(weights)
    }

    /// The shape the tensors were checked against.
    #[must_use]
    pub const fn shape(&self) -> HashedShape {
        self.shape
    }

    /// Heads: the width of a row of the table.
    #[must_use]
    pub const fn heads(&self) -> usize {
        self.heads
    }

    /// Bytes of the whole file.
    #[must_use]
    pub fn byte_len(&self) -> usize {
        self.bytes.as_ref().len()
    }

    /// Weights, row-major `[buckets, heads]`.
    #[must_use]
    pub fn table(&self) -> &[i8] {
        self.slice(&self.table)
    }

    /// What a head's sums are multiplied by, `[heads]`.
    #[must_use]
    pub fn scale(&self) -> &[f32] {
        self.slice(&self.scale)
    }

    /// What is added to a head's logit, `[heads]`.
    #[must_use]
    pub fn bias(&self) -> &[f32] {
        self.slice(&self.bias)
    }

    /// The elements in `range`, which [`Finder`] has checked for size and alignment.
    fn slice<T: AnyBitPattern>(&self, range: &Range<usize>) -> &[T] {
        let bytes = self.bytes.as_ref().get(range.clone()).unwrap_or_default();
        bytemuck::try_cast_slice(bytes).unwrap_or_default()
    }
}
