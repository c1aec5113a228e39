//! The safetensors file of a bundle: every tensor located, typed and shaped before the first one is used.

use std::ops::Range;

use bytemuck::AnyBitPattern;
use portcullis_kernels::{
    AttentionWeights, Embeddings, FeedForwardWeights, HeadWeights, Kernels, Level, Norm, PackedLinear,
    ShapeError,
};
use safetensors::tensor::Dtype;

use super::finder::Finder;
use super::{BundleError, Bytes, EncoderShape, Manifest};

/// What the file's `__metadata__` must say.
const METADATA: [(&str, &str); 4] =
    [("format", "portcullis-int8"), ("version", "2"), ("layout", "n16k4"), ("bound", "quad128")];
/// Output channels in a packed panel.
const PANEL: usize = 16;
/// Inputs in a packed group.
const GROUP: usize = 4;

/// The tensors of a bundle, in place.
#[derive(Debug)]
pub struct Weights {
    bytes: Bytes,
    shape: EncoderShape,
    pub(super) word: Rows,
    pub(super) projection: Option<Range<usize>>,
    pub(super) position: Rows,
    pub(super) norm: NormPlace,
    pub(super) layers: Vec<LayerPlace>,
    pub(super) heads: HeadsPlace,
    /// Heads after a number of layers, ascending.
    pub(super) exits: Vec<(usize, HeadsPlace)>,
}

#[derive(Debug)]
pub(super) struct HeadsPlace {
    pub(super) query: Range<usize>,
    pub(super) weight: Range<usize>,
    pub(super) mean_weight: Range<usize>,
    pub(super) bias: Range<usize>,
}

#[derive(Debug)]
pub(super) struct Rows {
    pub(super) q: Range<usize>,
    pub(super) scale: Range<usize>,
}

#[derive(Debug)]
pub(super) struct NormPlace {
    pub(super) weight: Range<usize>,
    pub(super) bias: Range<usize>,
}

#[derive(Debug)]
pub(super) struct LinearPlace {
    pub(super) q: Range<usize>,
    pub(super) scale: Range<usize>,
    pub(super) bias: Range<usize>,
    sum: Range<usize>,
    pub(super) input: Range<usize>,
    pub(super) n: usize,
    pub(super) k: usize,
}

#[derive(Debug)]
pub(super) struct LayerPlace {
    pub(super) qkv: LinearPlace,
    pub(super) attention_output: LinearPlace,
    pub(super) attention_norm: NormPlace,
    pub(super) ffn_input: LinearPlace,
    pub(super) ffn_output: LinearPlace,
    pub(super) ffn_norm: NormPlace,
}

impl Weights {
    /// Locates every tensor that `manifest` and its encoder's `shape` call for, in a file that is known to keep the bound of its codes.
    ///
    /// # Errors
    /// [`BundleError::Safetensors`], [`BundleError::MissingTensor`] and [`BundleError::Tensor`].
    pub fn open(bytes: Bytes, manifest: &Manifest, shape: EncoderShape) -> Result<Self, BundleError> {
        let finder = Finder::new(&bytes, &manifest.weights, &METADATA)?;
        let (h, heads) = (shape.hidden, manifest.heads.len());
        let layers = (0..shape.layers)
            .map(|layer| {
                let at = |part: &str| format!("layers.{layer}.{part}");
                Ok(LayerPlace {
                    qkv: finder.linear(&at("qkv"), 3 * h, h)?,
                    attention_output: finder.linear(&at("attention_output"), h, h)?,
                    attention_norm: finder.norm(&at("attention_norm"), h)?,
                    ffn_input: finder.linear(&at("ffn_input"), shape.intermediate, h)?,
                    ffn_output: finder.linear(&at("ffn_output"), h, shape.intermediate)?,
                    ffn_norm: finder.norm(&at("ffn_norm"), h)?,
                })
            })
            .collect::<Result<_, BundleError>>()?;
        let weights = Self {
            word: finder.rows("embeddings.word", shape.vocabulary, shape.word_width.unwrap_or(h))?,
            projection: shape
                .word_width
                .map(|width| finder.tensor("embeddings.projection", Dtype::F32, &[width, h]))
                .transpose()?,
            position: finder.rows("embeddings.position", shape.positions, h)?,
            norm: finder.norm("embeddings.norm", h)?,
            layers,
            heads: finder.heads("heads", heads, h)?,
            exits: manifest
                .cascade
                .iter()
                .flat_map(|cascade| &cascade.exits)
                .map(|&layer| Ok((layer, finder.heads(&format!("exits.{layer}"), heads, h)?)))
                .collect::<Result<_, BundleError>>()?,
            shape,
            bytes,
        };
        Ok(weights)
    }

    /// As [`Weights::open`], for a file of which nothing is known: looks through all codes.
    ///
    /// # Errors
    /// As [`Weights::open`], and [`BundleError::Tensor`] for codes beyond the bound.
    pub fn open_hostile(bytes: Bytes, manifest: &Manifest, shape: EncoderShape) -> Result<Self, BundleError> {
        let weights = Self::open(bytes, manifest, shape)?;
        weights.check_bound(&manifest.weights)?;
        Ok(weights)
    }

    /// The shape the tensors were checked against.
    #[must_use]
    pub const fn shape(&self) -> EncoderShape {
        self.shape
    }

    /// Bytes of the whole file.
    #[must_use]
    pub fn byte_len(&self) -> usize {
        self.bytes.as_ref().len()
    }

    /// Looks through all codes of the layers: do they keep the bound that the file claims?
    ///
    /// [`PackedLinear`] says what the bound is for. Codes beyond it would give other scores on some processors.
    ///
    /// # Errors
    /// [`BundleError::Tensor`] for the first linear layer that does not.
    pub fn check_bound(&self, file: &str) -> Result<(), BundleError> {
        let kernels = Kernels::new(Level::best());
        for (number, layer) in self.layers.iter().enumerate() {
            let linears = [
                ("qkv", &layer.qkv),
                ("attention_output", &layer.attention_output),
                ("ffn_input", &layer.ffn_input),
                ("ffn_output", &layer.ffn_output),
            ];
            for (name, place) in linears {
                if !kernels.is_some_and(|kernels| kernels.keeps_bound(self.slice(&place.q), place.k)) {
                    return Err(BundleError::Tensor {
                        file: file.to_owned(),
                        tensor: format!("layers.{number}.{name}.q"),
                        found: "codes beyond the bound quad128".to_owned(),
                        expected: "codes of one sign to sum to at most 128 in each quad".to_owned(),
                    });
                }
            }
        }
        Ok(())
    }

    /// The embedding tables and their layer normalization.
    ///
    /// # Errors
    /// None after [`Weights::open`] has passed; the kernels check shapes once more.
    pub fn embeddings(&self) -> Result<Embeddings<'_>, ShapeError> {
        Embeddings::new(
            self.slice(&self.word.q),
            self.slice(&self.word.scale),
            self.projection.as_ref().map(|range| self.slice(range)),
            self.slice(&self.position.q),
            self.slice(&self.position.scale),
            self.norm(&self.norm)?,
        )
    }

    /// The attention block of layer `layer`; `None` past the last one.
    ///
    /// # Errors
    /// As [`Weights::embeddings`].
    pub fn attention(&self, layer: usize) -> Option<Result<AttentionWeights<'_>, ShapeError>> {
        let place = self.layers.get(layer)?;
        Some((|| {
            AttentionWeights::new(
                self.linear(&place.qkv)?,
                self.linear(&place.attention_output)?,
                self.norm(&place.attention_norm)?,
                self.shape.attention_heads,
            )
        })())
    }

    /// The feed-forward block of layer `layer`; `None` past the last one.
    ///
    /// # Errors
    /// As [`Weights::embeddings`].
    pub fn feed_forward(&self, layer: usize) -> Option<Result<FeedForwardWeights<'_>, ShapeError>> {
        let place = self.layers.get(layer)?;
        Some((|| {
            FeedForwardWeights::new(
                self.linear(&place.ffn_input)?,
                self.linear(&place.ffn_output)?,
                self.norm(&place.ffn_norm)?,
            )
        })())
    }

    /// Pooling and heads.
    ///
    /// # Errors
    /// As [`Weights::embeddings`].
    pub fn heads(&self) -> Result<HeadWeights<'_>, ShapeError> {
        self.head_weights(&self.heads)
    }

    /// Pooling and heads of the exit after `layers` layers; `None` where there is no exit.
    ///
    /// # Errors
    /// As [`Weights::embeddings`].
    pub fn exit(&self, layers: usize) -> Option<Result<HeadWeights<'_>, ShapeError>> {
        let (_, place) = self.exits.iter().find(|(exit, _)| *exit == layers)?;
        Some(self.head_weights(place))
    }

    fn head_weights(&self, place: &HeadsPlace) -> Result<HeadWeights<'_>, ShapeError> {
        HeadWeights::new(
            self.slice(&place.query),
            self.slice(&place.weight),
            self.slice(&place.mean_weight),
            self.slice(&place.bias),
            self.shape.hidden,
        )
    }

    fn linear(&self, place: &LinearPlace) -> Result<PackedLinear<'_>, ShapeError> {
        PackedLinear::new(
            self.slice(&place.q),
            self.slice(&place.scale),
            self.slice(&place.bias),
            self.slice(&place.sum),
            self.slice(&place.input),
            place.n,
            place.k,
        )
    }

    fn norm(&self, place: &NormPlace) -> Result<Norm<'_>, ShapeError> {
        Norm::new(self.slice(&place.weight), self.slice(&place.bias), self.shape.norm_epsilon)
    }

    /// The elements in `range`, which [`Finder`] has checked for size and alignment; an empty slice otherwise,
    /// which the kernels' own shape checks refuse.
    pub(super) fn slice<T: AnyBitPattern>(&self, range: &Range<usize>) -> &[T] {
        let bytes = self.bytes.as_ref().get(range.clone()).unwrap_or_default();
        bytemuck::try_cast_slice(bytes).unwrap_or_default()
    }
}

impl Finder<'_> {
    fn rows(&self, name: &str, rows: usize, width: usize) -> Result<Rows, BundleError> {
        Ok(Rows {
            q: self.tensor(&format!("{name}.q"), Dtype::I8, &[rows, width])?,
            scale: self.tensor(&format!("{name}.scale"), Dtype::F32, &[rows])?,
        })
    }

    fn heads(&self, name: &str, heads: usize, width: usize) -> Result<HeadsPlace, BundleError> {
        Ok(HeadsPlace {
            query: self.tensor(&format!("{name}.query"), Dtype::F32, &[heads, width])?,
            weight: self.tensor(&format!("{name}.weight"), Dtype::F32, &[heads, width])?,
            mean_weight: self.tensor(&format!("{name}.mean_weight"), Dtype::F32, &[heads, width])?,
            bias: self.tensor(&format!("{name}.bias"), Dtype::F32, &[heads])?,
        })
    }

    fn norm(&self, name: &str, width: usize) -> Result<NormPlace, BundleError> {
        Ok(NormPlace {
            weight: self.tensor(&format!("{name}.weight"), Dtype::F32, &[width])?,
            bias: self.tensor(&format!("{name}.bias"), Dtype::F32, &[width])?,
        })
    }

    fn linear(&self, name: &str, n: usize, k: usize) -> Result<LinearPlace, BundleError> {
        Ok(LinearPlace {
            q: self.tensor(&format!("{name}.q"), Dtype::I8, &[n / PANEL, k / GROUP, PANEL, GROUP])?,
            scale: self.tensor(&format!("{name}.scale"), Dtype::F32, &[n])?,
            bias: self.tensor(&format!("{name}.bias"), Dtype::F32, &[n])?,
            sum: self.tensor(&format!("{name}.sum"), Dtype::I32, &[n])?,
            input: self.tensor(&format!("{name}.input"), Dtype::F32, &[k])?,
            n,
            k,
        })
    }
}
