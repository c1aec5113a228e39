//! The index, the manifest, and the weights behind them: any bytes are a clear error or a bundle that can be used.
//!
//! The first byte chooses the reader, so that one corpus serves all four.
#![no_main]

use std::io::Write as _;

use libfuzzer_sys::fuzz_target;
use portcullis::bundle::{Bytes, HashedWeights, Index, Manifest, ModelShape, Weights};

/// A small model, so that whole weights of it can be found by mutation.
const MANIFEST: &str = include_str!("small_manifest.toml");
/// A small hashed model.
const HASHED: &str = include_str!("small_hashed_manifest.toml");

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = data.split_first() else { return };
    match kind % 4 {
        0 => {
            if let Ok(text) = std::str::from_utf8(rest)
                && let Ok(index) = Index::parse(text, "index.toml")
            {
                let _ = index.default_bundle().map(portcullis::bundle::BundleEntry::digest);
            }
        }
        1 => {
            if let Ok(text) = std::str::from_utf8(rest) {
                let _ = Manifest::parse(text);
            }
        }
        2 => weights(rest),
        _ => hashed(rest),
    }
});

fn mapped(bytes: &[u8]) -> Option<Bytes> {
    let mut file = tempfile::NamedTempFile::new_in("/dev/shm").ok()?;
    file.write_all(bytes).ok()?;
    Bytes::map(file.path()).ok()
}

fn hashed(bytes: &[u8]) {
    let manifest = Manifest::parse(HASHED).expect("the small manifest is valid");
    let ModelShape::Hashed(shape) = &manifest.model else { unreachable!("it has [hashed]") };
    let Some(bytes) = mapped(bytes) else { return };
    let Ok(weights) = HashedWeights::open(bytes, &manifest.weights, manifest.heads.len(), *shape) else { return };
    assert_eq!(weights.table().len(), shape.buckets * weights.heads());
    assert_eq!((weights.scale().len(), weights.bias().len()), (weights.heads(), weights.heads()));
}

fn weights(bytes: &[u8]) {
    let Some(bytes) = mapped(bytes) else { return };
    let manifest = Manifest::parse(MANIFEST).expect("the small manifest is valid");
    let ModelShape::Encoder { shape, .. } = &manifest.model else { unreachable!("it has [encoder]") };
    let Ok(weights) = Weights::open_hostile(bytes, &manifest, *shape) else { return };
    // What opens has to hand out every part with the shape it was checked for.
    weights.embeddings().expect("embeddings");
    for layer in 0..shape.layers {
        weights.attention(layer).expect("a layer").expect("attention");
        weights.feed_forward(layer).expect("a layer").expect("feed-forward");
    }
    weights.heads().expect("heads");
}
