//! `manifest.toml`: what the model is, and which file holds what.

use serde::{Deserialize, Serialize};

use super::{BundleError, MANIFEST_FILE};

const SCHEMA: u32 = 1;
/// Most words in a window of a hashed model.
const LONGEST_HASHED: usize = 8192;

/// The contents of `manifest.toml`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(into = "File")]
pub struct Manifest {
    /// Identifier of the bundle.
    pub id: String,
    /// Version of the bundle.
    pub version: String,
    /// One line for people.
    pub description: String,
    /// Weights file.
    pub weights: String,
    /// Calibration file.
    pub calibration: String,
    /// What kind of model it is.
    pub model: ModelShape,
    /// How long texts are cut.
    pub windows: WindowShape,
    /// When the model does not know the text's language.
    pub coverage: CoverageLimits,
    /// Where the model can answer before its end; an encoder's only.
    pub cascade: Option<Cascade>,
    /// The heads, in the order of the logits.
    pub heads: Vec<Head>,
}

/// The kinds of model, each with what describes it.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelShape {
    /// `[encoder]` and `[tokenizer]`: a transformer over the tokens.
    Encoder {
        /// The trunk.
        shape: EncoderShape,
        /// The tokenizer.
        tokenizer: TokenizerFile,
    },
    /// `[hashed]`: a linear model over hashed pieces of the words.
    Hashed(HashedShape),
}

/// The file as it is written: of the tables that describe a kind of model, those of one kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    schema: u32,
    id: String,
    version: String,
    description: String,
    weights: String,
    calibration: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    encoder: Option<EncoderShape>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tokenizer: Option<TokenizerFile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hashed: Option<HashedShape>,
    windows: WindowShape,
    coverage: CoverageLimits,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cascade: Option<Cascade>,
    #[serde(rename = "head")]
    heads: Vec<Head>,
}

impl From<Manifest> for File {
    fn from(manifest: Manifest) -> Self {
        let (encoder, tokenizer, hashed) = match manifest.model {
            ModelShape::Encoder { shape, tokenizer } => (Some(shape), Some(tokenizer), None),
            ModelShape::Hashed(shape) => (None, None, Some(shape)),
        };
        Self {
            schema: SCHEMA,
            id: manifest.id,
            version: manifest.version,
            description: manifest.description,
            weights: manifest.weights,
            calibration: manifest.calibration,
            encoder,
            tokenizer,
            hashed,
            windows: manifest.windows,
            coverage: manifest.coverage,
            cascade: manifest.cascade,
            heads: manifest.heads,
        }
    }
}

impl TryFrom<File> for Manifest {
    type Error = BundleError;

    fn try_from(file: File) -> Result<Self, BundleError> {
        range("schema", file.schema as usize, SCHEMA as usize, SCHEMA as usize)?;
        let tables = [
            ("[encoder]", file.encoder.is_some()),
            ("[tokenizer]", file.tokenizer.is_some()),
            ("[hashed]", file.hashed.is_some()),
        ];
        let found = tables.iter().filter_map(|(name, found)| found.then_some(*name)).collect::<Vec<_>>();
        let model = match (file.encoder, file.tokenizer, file.hashed) {
            (Some(shape), Some(tokenizer), None) => ModelShape::Encoder { shape, tokenizer },
            (None, None, Some(shape)) => ModelShape::Hashed(shape),
            _ => {
                let found = if found.is_empty() { "nothing".to_owned() } else { found.join(", ") };
                return Err(value("kind of model", found, "[encoder] with [tokenizer], or [hashed]"));
            }
        };
        let manifest = Self {
            id: file.id,
            version: file.version,
            description: file.description,
            weights: file.weights,
            calibration: file.calibration,
            model,
            windows: file.windows,
            coverage: file.coverage,
            cascade: file.cascade,
            heads: file.heads,
        };
        manifest.check()?;
        Ok(manifest)
    }
}

/// Shape of a linear model over hashed features.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HashedShape {
    /// Rows of the table, a power of two: a feature's bucket is the upper bits of its key.
    pub buckets: usize,
}

/// Shape of a BERT-style encoder with post-layer normalization.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EncoderShape {
    /// Transformer layers.
    pub layers: usize,
    /// Width of a hidden state.
    pub hidden: usize,
    /// Attention heads a layer; divides `hidden`.
    pub attention_heads: usize,
    /// Width of the feed-forward layer.
    pub intermediate: usize,
    /// Rows of the word embedding.
    pub vocabulary: usize,
    /// Width of a word row that a projection widens to `hidden`; rows are whole where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub word_width: Option<usize>,
    /// Rows of the position embedding: the longest window in tokens.
    pub positions: usize,
    /// Added to the variance in layer normalization.
    pub norm_epsilon: f32,
}

/// Where the tokenizer is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenizerFile {
    /// How to read it.
    pub kind: TokenizerKind,
    /// The file.
    pub file: String,
}

/// Kinds of tokenizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenizerKind {
    /// A compiled WordPiece vocabulary, used from the mapped bytes.
    #[serde(rename = "wordpiece")]
    WordPiece,
    /// A Hugging Face `tokenizer.json`.
    #[serde(rename = "huggingface")]
    HuggingFace,
}

/// How a text longer than one window is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowShape {
    /// Tokens a window, the two special ones included; words where the model is hashed, which has no special ones.
    pub tokens: usize,
    /// Tokens that neighbours share.
    pub overlap: usize,
}

/// Limits of what the model can judge.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoverageLimits {
    /// Share of characters outside the vocabulary, in `0..=1`, above which a text counts as unsupported.
    pub unknown_share: f32,
    /// Share of characters in words that the vocabulary takes apart into crumbs, in `0..=1`, above which a text counts as
    /// unreadable; no limit where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreadable_share: Option<f32>,
}

/// Places before an encoder's end that answer already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cascade {
    /// Numbers of layers after which the weights file has heads (`exits.2.weight` and so on), ascending.
    #[serde(default)]
    pub exits: Vec<usize>,
    /// A hashed model that reads the text's words before the encoder reads its tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<WordsExit>,
}

/// A hashed model with the same heads, as the first exit of an encoder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WordsExit {
    /// Its weights file.
    pub weights: String,
    /// Rows of its table, a power of two.
    pub buckets: usize,
    /// Words a window.
    pub tokens: usize,
    /// Words that neighbours share.
    pub overlap: usize,
}

/// An exit, in the order of [`Manifest::stages`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The hashed model on the words.
    Words,
    /// The heads after this many layers.
    Layer(usize),
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Words => f.write_str("words"),
            Self::Layer(layer) => write!(f, "layer-{layer}"),
        }
    }
}

/// One classifier head.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Name, which is also the category of its detections.
    pub name: String,
    /// Too few labelled examples to stand behind: scores are reported, the default policy has no rule on it.
    #[serde(default)]
    pub experimental: bool,
}

impl Manifest {
    /// Parses the text of a manifest.
    ///
    /// # Errors
    /// [`BundleError::Toml`] and [`BundleError::Value`].
    pub fn parse(text: &str) -> Result<Self, BundleError> {
        let file: File = toml::from_str(text)
            .map_err(|e| BundleError::Toml { file: MANIFEST_FILE.to_owned(), message: e.to_string() })?;
        Self::try_from(file)
    }

    /// The exits, the earliest first.
    #[must_use]
    pub fn stages(&self) -> Vec<Stage> {
        let Some(cascade) = &self.cascade else { return Vec::new() };
        let words = cascade.words.as_ref().map(|_| Stage::Words);
        words.into_iter().chain(cascade.exits.iter().copied().map(Stage::Layer)).collect()
    }

    fn check(&self) -> Result<(), BundleError> {
        if let Some(cascade) = &self.cascade {
            let ModelShape::Encoder { shape, .. } = &self.model else {
                return Err(value("[cascade]", "a hashed model", "an encoder"));
            };
            cascade.check(shape.layers)?;
        }
        let longest = match &self.model {
            ModelShape::Encoder { shape, .. } => {
                shape.check()?;
                shape.positions
            }
            ModelShape::Hashed(shape) => {
                shape.check()?;
                LONGEST_HASHED
            }
        };
        range("windows.tokens", self.windows.tokens, 8, longest)?;
        range("windows.overlap", self.windows.overlap, 0, self.windows.tokens / 2)?;
        if !(0.0..=1.0).contains(&self.coverage.unknown_share) {
            return Err(value("coverage.unknown_share", self.coverage.unknown_share, "0 to 1"));
        }
        if let Some(share) = self.coverage.unreadable_share.filter(|share| !(0.0..=1.0).contains(share)) {
            return Err(value("coverage.unreadable_share", share, "0 to 1"));
        }
        range("number of heads", self.heads.len(), 1, 64)?;
        for (i, head) in self.heads.iter().enumerate() {
            let plain =
                !head.name.is_empty() && head.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            if !plain {
                return Err(value("head.name", format!("{:?}", head.name), "lower-case letters and `_`"));
            }
            if self.heads.iter().take(i).any(|other| other.name == head.name) {
                return Err(value("head.name", format!("{:?} twice", head.name), "each name once"));
            }
        }
        Ok(())
    }
}

impl Cascade {
    fn check(&self, layers: usize) -> Result<(), BundleError> {
        let mut least = 1;
        for &exit in &self.exits {
            range("cascade.exits", exit, least, layers.saturating_sub(1))?;
            least = exit + 1;
        }
        let Some(words) = &self.words else { return Ok(()) };
        HashedShape { buckets: words.buckets }.check()?;
        range("cascade.words.tokens", words.tokens, 8, LONGEST_HASHED)?;
        range("cascade.words.overlap", words.overlap, 0, words.tokens / 2)
    }
}

impl EncoderShape {
    fn check(&self) -> Result<(), BundleError> {
        let multiple = |field: &str, found: usize, of: usize| {
            if of != 0 && found.is_multiple_of(of) {
                Ok(())
            } else {
                Err(value(field, found, format!("a multiple of {of}")))
            }
        };
        range("encoder.layers", self.layers, 1, 48)?;
        range("encoder.hidden", self.hidden, 16, 4096)?;
        multiple("encoder.hidden", self.hidden, 16)?;
        range("encoder.attention_heads", self.attention_heads, 1, 64)?;
        multiple("encoder.hidden", self.hidden, self.attention_heads)?;
        multiple("encoder.hidden / encoder.attention_heads", self.hidden / self.attention_heads, 16)?;
        range("encoder.intermediate", self.intermediate, 16, 16384)?;
        multiple("encoder.intermediate", self.intermediate, 16)?;
        range("encoder.vocabulary", self.vocabulary, 1, 1 << 20)?;
        if let Some(width) = self.word_width {
            range("encoder.word_width", width, 16, self.hidden)?;
            multiple("encoder.word_width", width, 16)?;
        }
        range("encoder.positions", self.positions, 8, 8192)?;
        if !(self.norm_epsilon.is_finite() && (0.0..=1e-3).contains(&self.norm_epsilon)) {
            return Err(value("encoder.norm_epsilon", self.norm_epsilon, "0 to 0.001"));
        }
        Ok(())
    }
}

impl HashedShape {
    fn check(self) -> Result<(), BundleError> {
        range("hashed.buckets", self.buckets, 1 << 8, 1 << 20)?;
        if !self.buckets.is_power_of_two() {
            return Err(value("hashed.buckets", self.buckets, "a power of two"));
        }
        Ok(())
    }
}

fn range(field: &str, found: usize, low: usize, high: usize) -> Result<(), BundleError> {
    if (low..=high).contains(&found) { Ok(()) } else { Err(value(field, found, format!("{low} to {high}"))) }
}

fn value(field: &str, found: impl ToString, expected: impl Into<String>) -> BundleError {
    BundleError::Value {
        file: MANIFEST_FILE.to_owned(),
        field: field.to_owned(),
        found: found.to_string(),
        expected: expected.into(),
    }
}
