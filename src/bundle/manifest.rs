//! `manifest.toml`: what the model is, and which file holds what.

use serde::{Deserialize, Serialize};

use super::BundleError;

/// Name of the manifest inside a bundle.
pub(super) const FILE: &str = "manifest.toml";
const SCHEMA: u32 = 1;

/// The contents of `manifest.toml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Format version: 1.
    pub schema: u32,
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
    /// The trunk.
    pub encoder: EncoderShape,
    /// The tokenizer.
    pub tokenizer: TokenizerFile,
    /// How long texts are cut.
    pub windows: WindowShape,
    /// When the model does not know the text's language.
    pub coverage: CoverageLimits,
    /// The heads, in the order of the logits.
    #[serde(rename = "head")]
    pub heads: Vec<Head>,
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
    /// Tokens a window, the two special ones included.
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
        let manifest: Self = toml::from_str(text)
            .map_err(|e| BundleError::Toml { file: FILE.to_owned(), message: e.to_string() })?;
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), BundleError> {
        let e = &self.encoder;
        let range = |field: &str, found: usize, low: usize, high: usize| {
            if (low..=high).contains(&found) {
                Ok(())
            } else {
                Err(value(field, found, format!("{low} to {high}")))
            }
        };
        let multiple = |field: &str, found: usize, of: usize| {
            if of != 0 && found.is_multiple_of(of) {
                Ok(())
            } else {
                Err(value(field, found, format!("a multiple of {of}")))
            }
        };
        range("schema", self.schema as usize, SCHEMA as usize, SCHEMA as usize)?;
        range("encoder.layers", e.layers, 1, 48)?;
        range("encoder.hidden", e.hidden, 16, 4096)?;
        multiple("encoder.hidden", e.hidden, 16)?;
        range("encoder.attention_heads", e.attention_heads, 1, 64)?;
        multiple("encoder.hidden", e.hidden, e.attention_heads)?;
        multiple("encoder.hidden / encoder.attention_heads", e.hidden / e.attention_heads, 16)?;
        range("encoder.intermediate", e.intermediate, 16, 16384)?;
        multiple("encoder.intermediate", e.intermediate, 16)?;
        range("encoder.vocabulary", e.vocabulary, 1, 1 << 20)?;
        if let Some(width) = e.word_width {
            range("encoder.word_width", width, 16, e.hidden)?;
            multiple("encoder.word_width", width, 16)?;
        }
        range("encoder.positions", e.positions, 8, 8192)?;
        if !(e.norm_epsilon.is_finite() && (0.0..=1e-3).contains(&e.norm_epsilon)) {
            return Err(value("encoder.norm_epsilon", e.norm_epsilon, "0 to 0.001"));
        }
        range("windows.tokens", self.windows.tokens, 8, e.positions)?;
        range("windows.overlap", self.windows.overlap, 0, self.windows.tokens / 2)?;
        if !(0.0..=1.0).contains(&self.coverage.unknown_share) {
            return Err(value("coverage.unknown_share", self.coverage.unknown_share, "0 to 1"));
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

fn value(field: &str, found: impl ToString, expected: impl Into<String>) -> BundleError {
    BundleError::Value {
        file: FILE.to_owned(),
        field: field.to_owned(),
        found: found.to_string(),
        expected: expected.into(),
    }
}
