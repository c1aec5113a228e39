//! `cargo xtask bundle`: an export of the training scripts becomes a bundle that the guard opens.
//!
//! The same export gives the same bytes. What people have written into an existing manifest (description, windows,
//! coverage) is kept; what the weights dictate is written anew.

mod index;
mod manifest;
mod neutral;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use portcullis::bundle::Bundle;
use portcullis_calibration::Calibration;

pub(crate) use index::rewrite as rewrite_index;

const WEIGHTS: &str = "weights.safetensors";
const TOKENIZER: &str = "tokenizer.json";
const WORDS: &str = "words.safetensors";
const MODEL_CARD: &str = "MODEL_CARD.md";

/// What `bundle` takes.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Folder with `weights.safetensors`, with `tokenizer.json` for an encoder, and with `MODEL_CARD.md` if there is one.
    ///
    /// An encoder's folder may hold `words.safetensors`, the weights of a hashed model with the same heads: its first exit.
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// Folder of the bundle; its parent is the models directory that holds `index.toml`.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Identifier of the bundle.
    #[arg(long)]
    id: String,
    /// Version of the bundle.
    #[arg(long)]
    version: String,
    /// Names of the heads in the order of the logits.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "toxicity,obscenity,insult,threat,hate,harmful_request,jailbreak,prompt_injection,self_harm,sexual"
    )]
    heads: Vec<String>,
    /// Those of the heads that are shipped for trial only.
    #[arg(long, value_delimiter = ',', default_value = "self_harm,sexual")]
    experimental: Vec<String>,
    /// Attention heads a layer, which no tensor's shape tells.
    #[arg(long, default_value_t = 12)]
    attention_heads: usize,
    /// Licence of the weights and the vocabulary (SPDX).
    #[arg(long, default_value = "Apache-2.0")]
    licence: String,
}

/// Assembles the bundle and opens it once, so that a broken one is never left unnoticed.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let out = &arguments.out;
    let (Some(models), Some(folder)) = (out.parent(), out.file_name().and_then(|name| name.to_str())) else {
        bail!("--out {} has no parent folder to hold the index", out.display());
    };
    fs::create_dir_all(out).with_context(|| format!("cannot create {}", out.display()))?;
    copy(&arguments.from.join(WEIGHTS), &out.join(WEIGHTS))?;
    if arguments.from.join(MODEL_CARD).exists() {
        copy(&arguments.from.join(MODEL_CARD), &out.join(MODEL_CARD))?;
    }
    let weights = read(&out.join(WEIGHTS))?;
    if !manifest::is_hashed(&weights)? {
        copy(&arguments.from.join(TOKENIZER), &out.join(TOKENIZER))?;
        let tokenizer = read(&out.join(TOKENIZER))?;
        let vocabulary =
            portcullis::tokenize::compile(&tokenizer).context("cannot compile the vocabulary")?;
        write(&out.join("vocab.bin"), &vocabulary)?;
        if arguments.from.join(WORDS).exists() {
            copy(&arguments.from.join(WORDS), &out.join(WORDS))?;
        }
    }
    let words = out.join(WORDS);
    let words = if words.exists() { Some(read(&words)?) } else { None };

    let manifest = manifest::write(arguments, &weights, words.as_deref())?;
    let digest = blake3::hash(&weights).to_hex().to_string();
    let of_words = words.as_deref().map(|words| blake3::hash(words).to_hex().to_string());
    if !is_fitted(&out.join("calibration.toml"), &digest, of_words.as_deref()) {
        let calibration = neutral::calibration(&manifest.heads, &digest)?;
        write(&out.join("calibration.toml"), calibration.to_toml().as_bytes())?;
        println!("calibration.toml: neutral, no classifier fires until `cargo xtask calibrate` has run");
    }

    let entry = index::rewrite(models, folder, &arguments.id, &arguments.licence)?;
    for file in &entry.files {
        println!("{:>10}  {}  {}", file.bytes, file.blake3, file.path);
    }
    let bundle =
        Bundle::open_named(models, &arguments.id).context("the bundle was written but does not open")?;
    println!("{} {}: digest {}", arguments.id, arguments.version, bundle.entry().digest());
    Ok(())
}

/// Whether `path` holds a calibration of the weights with this digest, and of these of an exit on the words.
fn is_fitted(path: &Path, digest: &str, words: Option<&str>) -> bool {
    let calibration = fs::read(path).ok().and_then(|bytes| Calibration::parse(&bytes).ok());
    calibration.is_some_and(|calibration| {
        let mut exits = calibration.exits().iter().filter_map(|exit| exit.weights_digest.as_deref());
        calibration.model_digest() == digest && exits.all(|found| Some(found) == words)
    })
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let same =
        fs::canonicalize(from).ok().is_some_and(|from| fs::canonicalize(to).is_ok_and(|to| to == from));
    if same { Ok(()) } else { write(to, &read(from)?) }
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Writes beside the target and renames: a process that has the old file mapped keeps it whole.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let beside = path.with_file_name(name);
    fs::write(&beside, bytes)
        .and_then(|()| fs::rename(&beside, path))
        .with_context(|| format!("cannot write {}", path.display()))
}
