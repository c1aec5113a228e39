//! Who vouches for a policy bundle: a signed list of its files, with the policy's identity and the time it is meant for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::contents::{Contents, is_below};
use crate::trust::{KeyRing, Purpose, Signature, SigningKey, TrustError};
use crate::verdict::PolicyRef;

/// The only form of a manifest there is.
const FORMAT: u32 = 1;

/// Why a bundle's signature does not hold.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// No signature where one is asked for.
    #[error("{} is not there, expected a signature by a trusted key: this installation asks for one", path.display())]
    Missing {
        /// Where it belongs.
        path: PathBuf,
    },
    /// A file that holds no signature.
    #[error("{} is no signature of a policy: {what}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What was found and what was expected.
        what: String,
    },
    /// A file that was signed and is gone.
    #[error("the bundle has no file {file}, which was signed")]
    Gone {
        /// Its path in the bundle.
        file: String,
    },
    /// A file that is not the one that was signed.
    #[error("the file {file} has been changed since it was signed")]
    Changed {
        /// Its path in the bundle.
        file: String,
    },
    /// A file that was not signed.
    #[error("the bundle has a file {file}, which was not signed")]
    Unlisted {
        /// Its path in the bundle.
        file: String,
    },
    /// A manifest of another policy.
    #[error("the signature is for {signed}, the bundle holds {found}")]
    OtherPolicy {
        /// What was signed.
        signed: String,
        /// What is there.
        found: String,
    },
    /// A bundle before its time.
    #[error("the bundle is not to be used before {not_before}, and it is {now}")]
    NotYet {
        /// When it may be used.
        not_before: String,
        /// The time it is here.
        now: String,
    },
    /// A bundle after its time.
    #[error("the bundle expired at {expires}, and it is {now}")]
    Expired {
        /// When it ended.
        expires: String,
        /// The time it is here.
        now: String,
    },
    /// A time for which nothing can be used.
    #[error("the bundle would expire at {expires}, expected a time after {not_before}")]
    NeverValid {
        /// When it may be used.
        not_before: String,
        /// When it ends.
        expires: String,
    },
    /// A key or a signature that does not hold.
    #[error(transparent)]
    Trust(#[from] TrustError),
}

/// A signed list of what a bundle holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The form of this manifest, 1.
    format: u32,
    /// The policy, with the digest that verdicts name it by.
    pub policy: PolicyRef,
    /// Its revision.
    pub revision: u64,
    /// From when on it may be used, RFC 3339; at any time where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<String>,
    /// From when on it may not be used, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// Every file, sorted by path.
    pub files: Vec<ListedFile>,
}

/// A file of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedFile {
    /// Its path in the bundle, with `/`.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its BLAKE3 in hex.
    pub blake3: String,
}

/// What a signature's file holds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    manifest: Manifest,
    signature: Signature,
}

/// When a bundle may be used.
#[derive(Clone, Copy, Debug, Default)]
pub struct Validity {
    /// From when on.
    pub not_before: Option<Timestamp>,
    /// Until when.
    pub expires: Option<Timestamp>,
}

/// Who vouches for a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Vouched {
    /// Nobody.
    Unsigned,
    /// Somebody whose key is not trusted here, so that it cannot be told.
    Unknown {
        /// The name that the signature gives.
        by: String,
    },
    /// The owner of a trusted key.
    Signed {
        /// The key's name.
        by: String,
    },
}

impl Vouched {
    /// The name of the trusted key.
    #[must_use]
    pub fn signed_by(&self) -> Option<&str> {
        match self {
            Self::Signed { by } => Some(by),
            Self::Unsigned | Self::Unknown { .. } => None,
        }
    }
}

impl Manifest {
    /// The list of what `contents` hold.
    pub(super) fn of(contents: &Contents, policy: PolicyRef, revision: u64, validity: Validity) -> Self {
        Self {
            format: FORMAT,
            policy,
            revision,
            not_before: validity.not_before.map(|time| time.to_string()),
            expires: validity.expires.map(|time| time.to_string()),
            files: contents
                .files
                .iter()
                .map(|(path, bytes)| ListedFile {
                    path: path.clone(),
                    bytes: bytes.len() as u64,
                    blake3: blake3::hash(bytes).to_hex().to_string(),
                })
                .collect(),
        }
    }

    /// The bytes of a signature's file.
    pub(super) fn sign(self, key: &SigningKey) -> Result<Vec<u8>, SignatureError> {
        if let (Some(not_before), Some(expires)) = (&self.not_before, &self.expires)
            && time(Path::new(""), expires)? <= time(Path::new(""), not_before)?
        {
            return Err(SignatureError::NeverValid {
                not_before: not_before.clone(),
                expires: expires.clone(),
            });
        }
        let signature = key.sign(Purpose::Policy, &self.message());
        let signed = Signed { manifest: self, signature };
        let mut bytes = serde_json::to_vec_pretty(&signed).unwrap_or_default();
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// What is signed: the manifest as JSON without spaces, its keys in their order here.
    fn message(&self) -> Vec<u8> {
        // A structure of strings and numbers can always be written.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Checks a bundle at the time `now`: every file as it was signed, none beside them, the signature, and the dates.
    pub(super) fn verify(
        contents: &Contents,
        policy: &PolicyRef,
        revision: u64,
        required: bool,
        keys: &KeyRing,
        now: Timestamp,
    ) -> Result<(Vouched, Option<Self>), SignatureError> {
        let path = contents.location.signature();
        let Some(bytes) = &contents.signature else {
            return if required {
                Err(SignatureError::Missing { path })
            } else {
                Ok((Vouched::Unsigned, None))
            };
        };
        let Signed { manifest, signature } = serde_json::from_slice(bytes).map_err(|error| {
            let what = format!(
                "line {} column {}: expected an object of `manifest` and `signature`",
                error.line(),
                error.column()
            );
            SignatureError::Malformed { path: path.clone(), what }
        })?;
        if manifest.format != FORMAT {
            let what = format!("format {}, expected {FORMAT}", manifest.format);
            return Err(SignatureError::Malformed { path, what });
        }
        manifest.check_files(contents, &path)?;
        let vouched = match keys.verify(Purpose::Policy, &manifest.message(), &signature) {
            Ok(key) => Vouched::Signed { by: key.name().to_owned() },
            Err(TrustError::Untrusted { name, .. }) if !required => Vouched::Unknown { by: name },
            Err(error) => return Err(error.into()),
        };
        if manifest.policy != *policy || manifest.revision != revision {
            return Err(SignatureError::OtherPolicy {
                signed: told(&manifest.policy, manifest.revision),
                found: told(policy, revision),
            });
        }
        manifest.check_time(&path, now)?;
        Ok((vouched, Some(manifest)))
    }

    fn check_files(&self, contents: &Contents, path: &Path) -> Result<(), SignatureError> {
        let malformed =
            |what: &str| SignatureError::Malformed { path: path.to_owned(), what: what.to_owned() };
        let mut listed = BTreeMap::new();
        for file in &self.files {
            if !is_below(&file.path) {
                return Err(malformed("it lists a path outside the bundle"));
            }
            if listed.insert(file.path.as_str(), file).is_some() {
                return Err(malformed("it lists a path twice"));
            }
        }
        if let Some(file) = listed.keys().find(|file| !contents.files.contains_key(**file)) {
            return Err(SignatureError::Gone { file: (*file).to_owned() });
        }
        for (file, bytes) in &contents.files {
            let Some(listed) = listed.get(file.as_str()) else {
                return Err(SignatureError::Unlisted { file: file.clone() });
            };
            let digest = blake3::hash(bytes).to_hex();
            if listed.bytes != bytes.len() as u64 || listed.blake3 != digest.as_str() {
                return Err(SignatureError::Changed { file: file.clone() });
            }
        }
        Ok(())
    }

    fn check_time(&self, path: &Path, now: Timestamp) -> Result<(), SignatureError> {
        if let Some(not_before) = &self.not_before
            && now < time(path, not_before)?
        {
            return Err(SignatureError::NotYet { not_before: not_before.clone(), now: now.to_string() });
        }
        if let Some(expires) = &self.expires
            && now >= time(path, expires)?
        {
            return Err(SignatureError::Expired { expires: expires.clone(), now: now.to_string() });
        }
        Ok(())
    }
}

fn time(path: &Path, text: &str) -> Result<Timestamp, SignatureError> {
    text.parse().map_err(|_| SignatureError::Malformed {
        path: path.to_owned(),
        what: "expected times such as 2031-05-09T14:00:00Z (RFC 3339)".to_owned(),
    })
}

fn told(policy: &PolicyRef, revision: u64) -> String {
    let digest = policy.digest.get(..12).unwrap_or(&policy.digest);
    format!("{} {} revision {revision} ({digest})", policy.id, policy.version)
}
