//! The bundle: model, tokenizer and calibration, opened from a directory or from the program's own image.
//!
//! Everything here is read as hostile. Sizes and digests are checked before a file is parsed, shapes before a
//! tensor is used, and nothing is copied: the encoder computes from the mapped bytes.

mod bytes;
mod dense;
mod embedded;
mod error;
mod finder;
mod hashed;
mod index;
mod manifest;
mod weights;

pub use bytes::Bytes;
pub use dense::{DenseEmbeddings, DenseHeads, DenseLayer, DenseLinear, DenseNorm};
pub use error::BundleError;
pub use hashed::HashedWeights;
pub use index::{BundleEntry, FileEntry, Index};
pub use manifest::{
    Cascade, CoverageLimits, EncoderShape, HashedShape, Head, Manifest, ModelShape, Stage, TokenizerFile,
    TokenizerKind, WindowShape, WordsExit,
};
pub use weights::Weights;

use std::path::Path;

use portcullis_calibration::Calibration;

use crate::threads::Threads;
use crate::tokenize::{HuggingFace, TokenizeError, Tokenizer, Tokens, WordPiece, Words};

/// Name of the manifest among a bundle's files.
pub const MANIFEST_FILE: &str = "manifest.toml";

/// Name of the index file inside a models directory.
pub const INDEX_FILE: &str = "index.toml";

/// An opened bundle whose parts agree with each other.
#[derive(Debug)]
pub struct Bundle {
    entry: BundleEntry,
    manifest: Manifest,
    model: Model,
    calibration: Calibration,
    files: Vec<(FileEntry, Bytes)>,
}

/// The model of a bundle, by kind.
#[derive(Debug)]
pub enum Model {
    /// A transformer over the tokens of a text.
    Encoder {
        /// Its weights.
        weights: Box<Weights>,
        /// Its tokenizer.
        tokenizer: Tokenizer<Bytes>,
        /// The hashed model that is its first exit, where it has one.
        words: Option<HashedWeights>,
    },
    /// A linear model over hashed pieces of a text's words.
    Hashed(HashedWeights),
}

/// Whether the codes of weights are known to keep their bound, or have to be looked through.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trust {
    Image,
    Outside,
}

impl Bundle {
    /// Opens the bundle inside this program.
    ///
    /// Its files are part of the image, trusted as the code is; [`Bundle::verify`] hashes them all the same.
    ///
    /// # Errors
    /// [`BundleError`] when the program was built without a bundle or with a broken one.
    pub fn embedded() -> Result<Self, BundleError> {
        if cfg!(not(feature = "embedded")) {
            return Err(BundleError::NoneEmbedded);
        }
        let index = Index::parse(embedded::INDEX, INDEX_FILE)?;
        let entry = index.default_bundle()?.clone();
        let mut files = Vec::with_capacity(entry.files.len());
        for file in &entry.files {
            if let Some(bytes) = embedded::file(&file.path) {
                files.push((file.clone(), Bytes::from_static(bytes)));
            }
        }
        Self::assemble(entry, files, Trust::Image)
    }

    /// The words that this program knows without a bundle: the vocabulary of its default one.
    ///
    /// # Errors
    /// [`BundleError`] when the program was built with a broken vocabulary.
    pub(crate) fn embedded_words() -> Result<WordPiece<Bytes>, BundleError> {
        let bytes = embedded::file("vocab.bin").unwrap_or_default();
        WordPiece::open(Bytes::from_static(bytes)).map_err(BundleError::Tokenizer)
    }

    /// [`Bundle::open_on`] of the default bundle, on the calling thread.
    ///
    /// # Errors
    /// As [`Bundle::open_on`].
    pub fn open(dir: &Path) -> Result<Self, BundleError> {
        Self::open_on(dir, None, &Threads::new(1))
    }

    /// [`Bundle::open_on`] of the bundle `id`, on the calling thread.
    ///
    /// # Errors
    /// As [`Bundle::open_on`].
    pub fn open_named(dir: &Path, id: &str) -> Result<Self, BundleError> {
        Self::open_on(dir, Some(id), &Threads::new(1))
    }

    /// Maps the bundle `id`, or without one the default bundle, of the directory `dir`, which holds an `index.toml`.
    ///
    /// Every file's size and BLAKE3 digest is checked before it is parsed, on `threads`, and the bound of the weights' codes after.
    ///
    /// # Errors
    /// [`BundleError`] for a bundle that is not listed, and for a file that is missing, of the wrong size or digest, or
    /// malformed.
    pub fn open_on(dir: &Path, id: Option<&str>, threads: &Threads) -> Result<Self, BundleError> {
        let index = Index::read(dir)?;
        let entry = match id {
            Some(id) => index.bundle(id)?,
            None => index.default_bundle()?,
        };
        let mut files = Vec::with_capacity(entry.files.len());
        for file in &entry.files {
            let bytes = Bytes::map(&dir.join(&entry.directory).join(&file.path))?;
            file.check(&bytes, threads)?;
            files.push((file.clone(), bytes));
        }
        Self::assemble(entry.clone(), files, Trust::Outside)
    }

    /// The bundle of `entry`, whose files are those of a packed program and have their digests.
    ///
    /// # Errors
    /// As [`Bundle::open_named`].
    pub(crate) fn packed(entry: BundleEntry, files: Vec<(FileEntry, Bytes)>) -> Result<Self, BundleError> {
        Self::assemble(entry, files, Trust::Outside)
    }

    fn assemble(
        entry: BundleEntry,
        files: Vec<(FileEntry, Bytes)>,
        trust: Trust,
    ) -> Result<Self, BundleError> {
        let find = |path: &str| {
            files
                .iter()
                .find_map(|(file, bytes)| (file.path == path).then(|| bytes.clone()))
                .ok_or_else(|| BundleError::NotListed { file: path.to_owned(), bundle: entry.id.clone() })
        };
        let manifest = Manifest::parse(find(MANIFEST_FILE)?.text(MANIFEST_FILE)?)?;
        if manifest.id != entry.id {
            return Err(BundleError::Disagree {
                what: "bundle id",
                left: format!("{} in {INDEX_FILE}", entry.id),
                right: format!("{} in {}", manifest.id, MANIFEST_FILE),
            });
        }
        let model = match &manifest.model {
            ModelShape::Encoder { shape, tokenizer } => {
                let weights = find(&manifest.weights)?;
                let weights = match trust {
                    Trust::Image => Weights::open(weights, &manifest, *shape)?,
                    Trust::Outside => Weights::open_hostile(weights, &manifest, *shape)?,
                };
                let tokenizer = open_tokenizer(tokenizer, find(&tokenizer.file)?, shape.vocabulary)?;
                let words = manifest.cascade.as_ref().and_then(|cascade| cascade.words.as_ref());
                let words = words
                    .map(|words| {
                        let shape = HashedShape { buckets: words.buckets };
                        HashedWeights::open(
                            find(&words.weights)?,
                            &words.weights,
                            manifest.heads.len(),
                            shape,
                        )
                    })
                    .transpose()?;
                Model::Encoder { weights: Box::new(weights), tokenizer, words }
            }
            ModelShape::Hashed(shape) => {
                let file = &manifest.weights;
                Model::Hashed(HashedWeights::open(find(file)?, file, manifest.heads.len(), *shape)?)
            }
        };
        let calibration = Calibration::parse(find(&manifest.calibration)?.as_ref())
            .map_err(|source| BundleError::Calibration { file: manifest.calibration.clone(), source })?;
        let bundle = Self { entry, manifest, model, calibration, files };
        bundle.check_calibration()?;
        Ok(bundle)
    }

    /// The calibration must name exactly the heads of the manifest, in order, and the weights it was fitted on.
    fn check_calibration(&self) -> Result<(), BundleError> {
        let heads: Vec<&str> = self.manifest.heads.iter().map(|head| head.name.as_str()).collect();
        let curves: Vec<&str> = self.calibration.heads().iter().map(|head| head.name.as_str()).collect();
        if heads != curves {
            return Err(BundleError::Disagree {
                what: "heads",
                left: format!("{} in {}", heads.join(", "), MANIFEST_FILE),
                right: format!("{} in {}", curves.join(", "), self.manifest.calibration),
            });
        }
        let weights = self.weights_digest();
        if weights != self.calibration.model_digest() {
            return Err(BundleError::Disagree {
                what: "weights digest",
                left: format!("{weights} in {INDEX_FILE}"),
                right: format!("{} in {}", self.calibration.model_digest(), self.manifest.calibration),
            });
        }
        self.check_exits()
    }

    /// A calibration has nothing to say of the exits, or speaks of exactly those that there are.
    fn check_exits(&self) -> Result<(), BundleError> {
        let exits = self.calibration.exits();
        if exits.is_empty() {
            return Ok(());
        }
        let there: Vec<String> = self.manifest.stages().iter().map(Stage::to_string).collect();
        let calibrated: Vec<&str> = exits.iter().map(|exit| exit.stage.as_str()).collect();
        if there != calibrated {
            return Err(BundleError::Disagree {
                what: "exits",
                left: format!("{} in {}", there.join(", "), MANIFEST_FILE),
                right: format!("{} in {}", calibrated.join(", "), self.manifest.calibration),
            });
        }
        let words = self.manifest.cascade.as_ref().and_then(|cascade| cascade.words.as_ref());
        let files = self.manifest.stages().into_iter().map(|stage| match stage {
            Stage::Words => words.and_then(|words| self.file(&words.weights)),
            Stage::Layer(_) => None,
        });
        for (exit, file) in exits.iter().zip(files) {
            let found = file.map_or("", |file| file.blake3.as_str());
            let expected = exit.weights_digest.as_deref().unwrap_or_default();
            if found != expected {
                return Err(BundleError::Disagree {
                    what: "digest of an exit's weights",
                    left: format!("{found:?} in {INDEX_FILE}"),
                    right: format!("{expected:?} for {} in {}", exit.stage, self.manifest.calibration),
                });
            }
        }
        Ok(())
    }

    /// The same bundle with the calibration of the file `path` in place of its own: the curves and thresholds fitted
    /// elsewhere on the same weights. The bundle's digest then names that file too.
    ///
    /// # Errors
    /// [`BundleError`] for a file that cannot be read, is malformed, or belongs to other heads or weights.
    pub fn with_calibration(mut self, path: &Path) -> Result<Self, BundleError> {
        let bytes = Bytes::map(path)?;
        let name = path.display().to_string();
        self.calibration = Calibration::parse(bytes.as_ref())
            .map_err(|source| BundleError::Calibration { file: name, source })?;
        self.check_calibration()?;
        let blake3 = blake3::hash(bytes.as_ref()).to_hex().to_string();
        let length = bytes.as_ref().len() as u64;
        let listed = self.entry.files.iter_mut().chain(self.files.iter_mut().map(|(file, _)| file));
        for file in listed.filter(|file| file.path == self.manifest.calibration) {
            file.bytes = length;
            file.blake3.clone_from(&blake3);
        }
        if let Some((_, old)) = self.files.iter_mut().find(|(file, _)| file.path == self.manifest.calibration)
        {
            *old = bytes;
        }
        Ok(self)
    }

    /// Hashes every file again, on `threads`, and compares with the index, and checks the bound of the weights' codes.
    ///
    /// # Errors
    /// [`BundleError::Digest`] or [`BundleError::Size`] for the first file that differs, [`BundleError::Tensor`] for codes
    /// beyond the bound.
    pub fn verify(&self, threads: &Threads) -> Result<(), BundleError> {
        self.files.iter().try_for_each(|(file, bytes)| file.check(bytes, threads))?;
        match &self.model {
            Model::Encoder { weights, .. } => weights.check_bound(&self.manifest.weights),
            Model::Hashed(_) => Ok(()),
        }
    }

    /// BLAKE3 of the weights, 64 lower-case hex digits.
    #[must_use]
    pub fn weights_digest(&self) -> &str {
        self.file(&self.manifest.weights).map_or("", |file| file.blake3.as_str())
    }

    /// BLAKE3 of the calibration's file, in hex.
    #[must_use]
    pub fn calibration_digest(&self) -> &str {
        self.file(&self.manifest().calibration).map_or("", |file| file.blake3.as_str())
    }

    /// The index entry of the file `path`.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&FileEntry> {
        self.files.iter().find_map(|(file, _)| (file.path == path).then_some(file))
    }

    /// The files in use, with their bytes.
    #[must_use]
    pub fn files(&self) -> &[(FileEntry, Bytes)] {
        &self.files
    }

    /// The bundle's entry in the index.
    #[must_use]
    pub const fn entry(&self) -> &BundleEntry {
        &self.entry
    }

    /// The manifest.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The model.
    #[must_use]
    pub const fn model(&self) -> &Model {
        &self.model
    }

    /// The encoder's weights; none where the model is of another kind.
    #[must_use]
    pub const fn weights(&self) -> Option<&Weights> {
        match &self.model {
            Model::Encoder { weights, .. } => Some(weights),
            Model::Hashed(_) => None,
        }
    }

    /// The encoder's tokenizer; none where the model is of another kind.
    #[must_use]
    pub const fn tokenizer(&self) -> Option<&Tokenizer<Bytes>> {
        match &self.model {
            Model::Encoder { tokenizer, .. } => Some(tokenizer),
            Model::Hashed(_) => None,
        }
    }

    /// How long a normalized text is to the model: its tokens, special ones not counted, or its words.
    ///
    /// # Errors
    /// [`TokenizeError`] when the tokenizer refuses the text.
    pub fn length(&self, text: &str) -> Result<usize, TokenizeError> {
        match &self.model {
            Model::Encoder { tokenizer, .. } => {
                let mut tokens = Tokens::new();
                tokenizer.encode(text, &mut tokens)?;
                Ok(tokens.len())
            }
            Model::Hashed(_) => {
                let mut words = Words::new();
                words.split(text);
                Ok(words.len())
            }
        }
    }

    /// The calibration.
    #[must_use]
    pub const fn calibration(&self) -> &Calibration {
        &self.calibration
    }
}

/// The tokenizer in `bytes`, all of whose ids have a row in the encoder's vocabulary.
fn open_tokenizer(
    file: &TokenizerFile,
    bytes: Bytes,
    vocabulary: usize,
) -> Result<Tokenizer<Bytes>, BundleError> {
    let tokenizer = match file.kind {
        TokenizerKind::WordPiece => Tokenizer::WordPiece(WordPiece::open(bytes)?),
        TokenizerKind::HuggingFace => {
            Tokenizer::HuggingFace(Box::new(HuggingFace::from_bytes(bytes.as_ref())?))
        }
    };
    if tokenizer.vocabulary_size() > vocabulary {
        return Err(BundleError::Disagree {
            what: "vocabulary size",
            left: format!("{} in {}", tokenizer.vocabulary_size(), file.file),
            right: format!("{vocabulary} in {}", MANIFEST_FILE),
        });
    }
    Ok(tokenizer)
}
