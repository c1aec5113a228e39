//! Writes `manifest.toml`: shapes from the tensors, the rest from the manifest that is already there.

use std::fs;

use anyhow::{Context, Result, ensure};
use portcullis::bundle::{
    Cascade, CoverageLimits, EncoderShape, HashedShape, Head, Manifest, ModelShape, TokenizerFile,
    TokenizerKind, WindowShape, WordsExit,
};
use safetensors::SafeTensors;

use super::Arguments;

const HEADER: &str = "\
# What the model is and which file holds what. Written by `cargo xtask bundle`, which keeps the description, the
# windows and the coverage limits found here.

";
/// Layer normalization of every BERT; no tensor tells it.
const NORM_EPSILON: f32 = 1e-12;
/// How training cuts texts; a model reads longer windows worse.
const WINDOW: WindowShape = WindowShape { tokens: 128, overlap: 32 };
/// How the words' exit of an encoder cuts them: shorter, since what is hidden in a document drowns in many words.
const WORDS_WINDOW: WindowShape = WindowShape { tokens: 64, overlap: 16 };

/// Writes the manifest of the bundle with these weights, and those of its words' exit, and returns it.
pub(super) fn write(arguments: &Arguments, weights: &[u8], words: Option<&[u8]>) -> Result<Manifest> {
    let path = arguments.out.join("manifest.toml");
    // One that cannot be read is not replaced unseen: it holds what people chose.
    let before = match path.exists() {
        true => {
            let text =
                fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            Some(Manifest::parse(&text).with_context(|| format!("{} is not a manifest", path.display()))?)
        }
        false => None,
    };
    let kind =
        if is_hashed(weights)? { hashed(weights)? } else { encoder(weights, arguments.attention_heads)? };
    let chosen = before.as_ref().and_then(|manifest| manifest.cascade.as_ref()?.words.as_ref());
    let words_window =
        chosen.map_or(WORDS_WINDOW, |words| WindowShape { tokens: words.tokens, overlap: words.overlap });
    let (description, windows, coverage) = match before {
        Some(manifest) => (manifest.description, manifest.windows, manifest.coverage),
        None => {
            let (description, windows, coverage) = proposed(arguments.heads.len(), &kind.model);
            println!(
                "manifest.toml: new, with windows of {} tokens that share {}",
                windows.tokens, windows.overlap
            );
            (description, windows, coverage)
        }
    };
    for name in &arguments.experimental {
        ensure!(arguments.heads.contains(name), "--experimental names {name}, which is no head");
    }
    let heads: Vec<Head> = arguments
        .heads
        .iter()
        .map(|name| Head { name: name.clone(), experimental: arguments.experimental.contains(name) })
        .collect();
    let rows = dimension(&open(weights)?, kind.bias, 0)?;
    ensure!(rows == heads.len(), "{} has {rows} rows, but --heads names {}", kind.bias, heads.len());

    let manifest = Manifest {
        id: arguments.id.clone(),
        version: arguments.version.clone(),
        description,
        weights: "weights.safetensors".to_owned(),
        calibration: "calibration.toml".to_owned(),
        model: kind.model,
        windows,
        coverage,
        cascade: if is_hashed(weights)? { None } else { cascade(weights, words, words_window)? },
        heads,
    };
    let text = toml::to_string(&manifest).context("cannot write the manifest as TOML")?;
    super::write(&path, format!("{HEADER}{text}").as_bytes())?;
    Ok(manifest)
}

/// What the tensors tell of a model, and which of them has an entry a head.
struct Kind {
    model: ModelShape,
    bias: &'static str,
}

/// Whether the weights say of themselves that they are a hashed model's.
pub(super) fn is_hashed(weights: &[u8]) -> Result<bool> {
    let (_, metadata) =
        SafeTensors::read_metadata(weights).context("weights.safetensors is not a safetensors file")?;
    let format = metadata.metadata().as_ref().and_then(|words| words.get("format"));
    Ok(format.is_some_and(|format| format == "portcullis-hashed"))
}

fn hashed(weights: &[u8]) -> Result<Kind> {
    let buckets = dimension(&open(weights)?, "hashed.table", 0)?;
    Ok(Kind { model: ModelShape::Hashed(HashedShape { buckets }), bias: "hashed.bias" })
}

fn encoder(weights: &[u8], attention_heads: usize) -> Result<Kind> {
    let tensors = open(weights)?;
    let layers = (0..).take_while(|layer| tensors.tensor(&format!("layers.{layer}.qkv.q")).is_ok()).count();
    let shape = EncoderShape {
        layers,
        hidden: dimension(&tensors, "embeddings.position.q", 1)?,
        attention_heads,
        intermediate: dimension(&tensors, "layers.0.ffn_input.bias", 0)?,
        vocabulary: dimension(&tensors, "embeddings.word.q", 0)?,
        word_width: dimension(&tensors, "embeddings.projection", 0).ok(),
        positions: dimension(&tensors, "embeddings.position.q", 0)?,
        norm_epsilon: NORM_EPSILON,
    };
    let tokenizer = TokenizerFile { kind: TokenizerKind::WordPiece, file: "vocab.bin".to_owned() };
    Ok(Kind { model: ModelShape::Encoder { shape, tokenizer }, bias: "heads.bias" })
}

/// The exits that the tensors have heads for; `None` where there are none and no exit of the words.
fn cascade(weights: &[u8], words: Option<&[u8]>, window: WindowShape) -> Result<Option<Cascade>> {
    let tensors = open(weights)?;
    let exit = |name: &str| name.strip_prefix("exits.")?.strip_suffix(".bias")?.parse().ok();
    let mut exits: Vec<usize> = tensors.names().into_iter().filter_map(exit).collect();
    exits.sort_unstable();
    let words = words
        .map(|words| -> Result<WordsExit> {
            let WindowShape { tokens, overlap } = window;
            let buckets = dimension(&open(words)?, "hashed.table", 0)?;
            Ok(WordsExit { weights: super::WORDS.to_owned(), buckets, tokens, overlap })
        })
        .transpose()?;
    Ok((!exits.is_empty() || words.is_some()).then_some(Cascade { exits, words }))
}

/// What a new manifest says where no tensor does.
fn proposed(heads: usize, model: &ModelShape) -> (String, WindowShape, CoverageLimits) {
    let coverage = CoverageLimits { unknown_share: 0.3, unreadable_share: None };
    match model {
        ModelShape::Encoder { shape, .. } => (
            format!("{heads} safety heads on a {}-layer encoder, int8", shape.layers),
            WindowShape { tokens: WINDOW.tokens.min(shape.positions), ..WINDOW },
            coverage,
        ),
        ModelShape::Hashed(shape) => (
            format!("{heads} safety heads on hashed pieces of words in {} buckets, int8", shape.buckets),
            WINDOW,
            coverage,
        ),
    }
}

fn open(weights: &[u8]) -> Result<SafeTensors<'_>> {
    SafeTensors::deserialize(weights).context("weights.safetensors is not a safetensors file")
}

fn dimension(tensors: &SafeTensors<'_>, name: &str, axis: usize) -> Result<usize> {
    let tensor = tensors.tensor(name).with_context(|| format!("weights.safetensors has no tensor {name}"))?;
    tensor.shape().get(axis).copied().with_context(|| format!("{name} has no dimension {axis}"))
}
