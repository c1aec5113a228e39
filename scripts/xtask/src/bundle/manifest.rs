//! Writes `manifest.toml`: shapes from the tensors, the rest from the manifest that is already there.

use std::fs;

use anyhow::{Context, Result, ensure};
use portcullis::bundle::{
    CoverageLimits, EncoderShape, Head, Manifest, TokenizerFile, TokenizerKind, WindowShape,
};
use safetensors::SafeTensors;

use super::Arguments;

const HEADER: &str = "\
# What the model is and which file holds what. Written by `cargo xtask bundle`, which keeps the description, the
# windows and the coverage limits found here.

";
/// Layer normalization of every BERT; no tensor tells it.
const NORM_EPSILON: f32 = 1e-12;

/// Writes the manifest of the bundle with these weights and returns it.
pub(super) fn write(arguments: &Arguments, weights: &[u8]) -> Result<Manifest> {
    let path = arguments.out.join("manifest.toml");
    let before = fs::read_to_string(&path).ok().and_then(|text| Manifest::parse(&text).ok());
    let encoder = shape(weights, arguments.attention_heads)?;
    let (description, windows, coverage) = match before {
        Some(manifest) => (manifest.description, manifest.windows, manifest.coverage),
        None => (
            format!("{} safety heads on a {}-layer encoder, int8", arguments.heads.len(), encoder.layers),
            WindowShape { tokens: encoder.positions, overlap: encoder.positions / 8 },
            CoverageLimits { unknown_share: 0.3 },
        ),
    };
    for name in &arguments.experimental {
        ensure!(arguments.heads.contains(name), "--experimental names {name}, which is no head");
    }
    let heads: Vec<Head> = arguments
        .heads
        .iter()
        .map(|name| Head { name: name.clone(), experimental: arguments.experimental.contains(name) })
        .collect();
    let rows = dimension(&open(weights)?, "heads.bias", 0)?;
    ensure!(rows == heads.len(), "heads.bias has {rows} rows, but --heads names {}", heads.len());

    let manifest = Manifest {
        schema: 1,
        id: arguments.id.clone(),
        version: arguments.version.clone(),
        description,
        weights: "weights.safetensors".to_owned(),
        calibration: "calibration.toml".to_owned(),
        encoder,
        tokenizer: TokenizerFile { kind: TokenizerKind::WordPiece, file: "vocab.bin".to_owned() },
        windows,
        coverage,
        heads,
    };
    let text = toml::to_string(&manifest).context("cannot write the manifest as TOML")?;
    super::write(&path, format!("{HEADER}{text}").as_bytes())?;
    Ok(manifest)
}

fn shape(weights: &[u8], attention_heads: usize) -> Result<EncoderShape> {
    let tensors = open(weights)?;
    let layers = (0..).take_while(|layer| tensors.tensor(&format!("layers.{layer}.qkv.q")).is_ok()).count();
    Ok(EncoderShape {
        layers,
        hidden: dimension(&tensors, "embeddings.position.q", 1)?,
        attention_heads,
        intermediate: dimension(&tensors, "layers.0.ffn_input.bias", 0)?,
        vocabulary: dimension(&tensors, "embeddings.word.q", 0)?,
        word_width: dimension(&tensors, "embeddings.projection", 0).ok(),
        positions: dimension(&tensors, "embeddings.position.q", 0)?,
        norm_epsilon: NORM_EPSILON,
    })
}

fn open(weights: &[u8]) -> Result<SafeTensors<'_>> {
    SafeTensors::deserialize(weights).context("weights.safetensors is not a safetensors file")
}

fn dimension(tensors: &SafeTensors<'_>, name: &str, axis: usize) -> Result<usize> {
    let tensor = tensors.tensor(name).with_context(|| format!("weights.safetensors has no tensor {name}"))?;
    tensor.shape().get(axis).copied().with_context(|| format!("{name} has no dimension {axis}"))
}
