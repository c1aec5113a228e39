//! `index.toml`: which bundles a models directory holds, with the size, digest and licence of every file.
//!
//! Documentation beside them, such as a model card, is not listed: an edit of it does not make another model.

use std::path::{Component, Path};

use serde::{Deserialize, Serialize};

use super::{BundleError, Bytes, INDEX_FILE};
use crate::threads::Threads;

const SCHEMA: u32 = 1;

/// The contents of `index.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    /// Format version: 1.
    pub schema: u32,
    /// Identifier of the bundle that is opened when none is named.
    pub default: String,
    /// The bundles.
    #[serde(rename = "bundle")]
    pub bundles: Vec<BundleEntry>,
}

/// One bundle of an [`Index`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleEntry {
    /// Identifier, equal to the manifest's.
    pub id: String,
    /// Folder inside the models directory: one plain name.
    pub directory: String,
    /// Licence of the weights (SPDX).
    pub licence: String,
    /// The model's files; documentation in the same folder is not listed.
    #[serde(rename = "file")]
    pub files: Vec<FileEntry>,
}

/// One file of a [`BundleEntry`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Name inside the bundle's folder: one plain name.
    pub path: String,
    /// Exact size.
    pub bytes: u64,
    /// BLAKE3 digest, 64 lower-case hex digits.
    pub blake3: String,
    /// Licence (SPDX).
    pub licence: String,
}

impl Index {
    /// Reads `index.toml` in `dir`.
    ///
    /// # Errors
    /// [`BundleError`] when it cannot be opened or is malformed.
    pub fn read(dir: &Path) -> Result<Self, BundleError> {
        let path = dir.join(INDEX_FILE);
        let name = path.display().to_string();
        Self::parse(Bytes::map(&path)?.text(&name)?, &name)
    }

    /// Parses the text of an index; `file` names it in errors.
    ///
    /// # Errors
    /// [`BundleError::Toml`] and [`BundleError::Value`].
    pub fn parse(text: &str, file: &str) -> Result<Self, BundleError> {
        let index: Self = toml::from_str(text)
            .map_err(|e| BundleError::Toml { file: file.to_owned(), message: e.to_string() })?;
        let bad = |field: String, found: String, expected: &str| BundleError::Value {
            file: file.to_owned(),
            field,
            found,
            expected: expected.to_owned(),
        };
        if index.schema != SCHEMA {
            return Err(bad("schema".into(), index.schema.to_string(), "1"));
        }
        for bundle in &index.bundles {
            if !is_plain_name(&bundle.directory) {
                return Err(bad(
                    "directory".into(),
                    format!("{:?}", bundle.directory),
                    "one plain folder name",
                ));
            }
            for entry in &bundle.files {
                if !is_plain_name(&entry.path) {
                    return Err(bad("path".into(), format!("{:?}", entry.path), "one plain file name"));
                }
                let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
                if entry.blake3.len() != 64 || !entry.blake3.bytes().all(hex) {
                    let field = format!("blake3 of {}", entry.path);
                    return Err(bad(field, format!("{:?}", entry.blake3), "64 lower-case hex digits"));
                }
            }
        }
        Ok(index)
    }

    /// The bundle that `default` names.
    ///
    /// # Errors
    /// [`BundleError::Value`] when there is none.
    pub fn default_bundle(&self) -> Result<&BundleEntry, BundleError> {
        self.find(&self.default).ok_or_else(|| BundleError::Value {
            file: INDEX_FILE.to_owned(),
            field: "default".to_owned(),
            found: format!("{:?}", self.default),
            expected: format!("the id of a listed bundle ({})", self.listed()),
        })
    }

    /// The bundle `id`.
    ///
    /// # Errors
    /// [`BundleError::NoBundle`] when it is not listed.
    pub fn bundle(&self, id: &str) -> Result<&BundleEntry, BundleError> {
        self.find(id).ok_or_else(|| BundleError::NoBundle { id: id.to_owned(), listed: self.listed() })
    }

    fn find(&self, id: &str) -> Option<&BundleEntry> {
        self.bundles.iter().find(|bundle| bundle.id == id)
    }

    fn listed(&self) -> String {
        self.bundles.iter().map(|bundle| bundle.id.as_str()).collect::<Vec<_>>().join(", ")
    }
}

impl BundleEntry {
    /// BLAKE3 over the names and digests of the files, in hex: the identity of the whole bundle.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for file in &self.files {
            hasher.update(file.path.as_bytes());
            hasher.update(b"\0");
            hasher.update(file.blake3.as_bytes());
            hasher.update(b"\n");
        }
        hasher.finalize().to_hex().to_string()
    }
}

impl FileEntry {
    /// Compares size and digest of `bytes` with this entry, on `threads`.
    ///
    /// # Errors
    /// [`BundleError::Size`] and [`BundleError::Digest`].
    pub fn check(&self, bytes: &Bytes, threads: &Threads) -> Result<(), BundleError> {
        let bytes = bytes.as_ref();
        let found = bytes.len() as u64;
        if found != self.bytes {
            return Err(BundleError::Size { file: self.path.clone(), found, expected: self.bytes });
        }
        let digest = threads.blake3(bytes).to_hex();
        if digest.as_str() != self.blake3 {
            return Err(BundleError::Digest {
                file: self.path.clone(),
                found: digest.to_string(),
                expected: self.blake3.clone(),
            });
        }
        Ok(())
    }
}

/// A single normal path component: an index must not reach outside its directory.
fn is_plain_name(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!((parts.next(), parts.next()), (Some(Component::Normal(part)), None) if part == name)
        && !name.contains('\\')
}
