//! Writes a bundle's entry in `index.toml`: every file of the model with its size, digest and licence.

use std::path::Path;

use anyhow::{Context, Result};
use portcullis::bundle::{BundleEntry, FileEntry, INDEX_FILE, Index};

const HEADER: &str = "\
# Every bundle in this directory with the size, BLAKE3 digest and licence of its files.
# Written by `cargo xtask bundle` and `cargo xtask calibrate`; the guard opens no file that differs from it.

";

/// Files that come from the trunk or are trained from it, under the licence of the weights.
const OF_THE_WEIGHTS: [&str; 4] = ["weights.safetensors", "words.safetensors", "tokenizer.json", "vocab.bin"];
/// Files that the project wrote.
const OF_THE_PROJECT: [&str; 2] = ["manifest.toml", "calibration.toml"];
const PROJECT_LICENCE: &str = "MIT OR Apache-2.0";

/// Rewrites the entry `id` of the index in `models` from the files in `folder`; other entries stay.
pub(crate) fn rewrite(models: &Path, folder: &str, id: &str, licence: &str) -> Result<BundleEntry> {
    let path = models.join(INDEX_FILE);
    let mut index = match path.exists() {
        true => Index::read(models).with_context(|| format!("cannot read {}", path.display()))?,
        false => Index { schema: 1, default: id.to_owned(), bundles: Vec::new() },
    };
    let entry = BundleEntry {
        id: id.to_owned(),
        directory: folder.to_owned(),
        licence: licence.to_owned(),
        files: files(&models.join(folder), licence)?,
    };
    match index.bundles.iter_mut().find(|other| other.id == id) {
        Some(other) => *other = entry.clone(),
        None => index.bundles.push(entry.clone()),
    }
    let text = toml::to_string(&index).context("cannot write the index as TOML")?;
    super::write(&path, format!("{HEADER}{text}").as_bytes())?;
    Ok(entry)
}

fn files(dir: &Path, licence: &str) -> Result<Vec<FileEntry>> {
    let of_the_weights = OF_THE_WEIGHTS.iter().map(|name| (*name, licence));
    let of_the_project = OF_THE_PROJECT.iter().map(|name| (*name, PROJECT_LICENCE));
    // A hashed model has no tokenizer; what a manifest calls for and is not there keeps the bundle from opening.
    of_the_weights
        .chain(of_the_project)
        .filter(|(name, _)| dir.join(name).exists())
        .map(|(name, licence)| {
            let bytes = super::read(&dir.join(name))?;
            Ok(FileEntry {
                path: name.to_owned(),
                bytes: bytes.len() as u64,
                blake3: blake3::hash(&bytes).to_hex().to_string(),
                licence: licence.to_owned(),
            })
        })
        .collect()
}
