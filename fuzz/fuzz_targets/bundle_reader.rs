//! The index, the manifest, and the weights behind them: any bytes are a clear error or a bundle that can be used.
//!
//! The first byte chooses the reader, so that one corpus serves all three.
#![no_main]

use std::io::Write as _;

use libfuzzer_sys::fuzz_target;
use portcullis::bundle::{Bytes, Index, Manifest, Weights};

/// A small model, so that whole weights of it can be found by mutation.
const MANIFEST: &str = include_str!("small_manifest.toml");

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = data.split_first() else { return };
    match kind % 3 {
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
        _ => weights(rest),
    }
});

fn weights(bytes: &[u8]) {
    let Ok(mut file) = tempfile::NamedTempFile::new_in("/dev/shm") else { return };
    if file.write_all(bytes).is_err() {
        return;
    }
    let Ok(bytes) = Bytes::map(file.path()) else { return };
    let manifest = Manifest::parse(MANIFEST).expect("the small manifest is valid");
    let Ok(weights) = Weights::open_hostile(bytes, &manifest) else { return };
    // What opens has to hand out every part with the shape it was checked for.
    weights.embeddings().expect("embeddings");
    for layer in 0..manifest.encoder.layers {
        weights.attention(layer).expect("a layer").expect("attention");
        weights.feed_forward(layer).expect("a layer").expect("feed-forward");
    }
    weights.heads().expect("heads");
}
