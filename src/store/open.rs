//! Reading a policy with its signature, as an installation asks for.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::StoreError;
use super::contents::{Contents, Location};
use super::manifest::{Manifest, Validity, Vouched};
use crate::disk;
use crate::installation::Installation;
use crate::policy::Policy;
use crate::trust::{KeyRing, SigningKey};

/// The folder of the state directory that holds the trusted keys.
const KEYS: &str = "keys";

/// Whom an installation trusts, and whether it asks for a signature.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// Whether a policy without a signature by a trusted key is refused.
    pub required: bool,
    /// Whether a head of a policy's own without a signature by a trusted key is refused.
    pub signed_heads: bool,
    /// The trusted keys.
    pub keys: KeyRing,
    /// The time to judge dates by; the system's where there is none.
    pub at: Option<Timestamp>,
}

impl Trust {
    /// What the state directory asks for; nothing and nobody without one. With `required` it is a signature in any case.
    ///
    /// # Errors
    /// [`StoreError::Installation`] and [`StoreError::Trust`].
    pub fn of(state: Option<&Path>, required: bool) -> Result<Self, StoreError> {
        let Some(state) = state else { return Ok(Self { required, ..Self::default() }) };
        let settings = Installation::read(state)?;
        let keys = KeyRing::read_dir(&state.join(KEYS))?;
        let signed_heads = settings.trust.require_signed_heads;
        Ok(Self { required: required || settings.trust.require_signed_policy, signed_heads, keys, at: None })
    }

    /// Refuses heads of the policy's own that no trusted key has signed, where that is asked for.
    ///
    /// # Errors
    /// [`StoreError::Policy`] with every such head.
    pub fn check_heads(&self, policy: &Policy) -> Result<(), StoreError> {
        if self.signed_heads {
            policy.check_signatures(&self.keys).map_err(crate::policy::PolicyOpenError::from)?;
        }
        Ok(())
    }

    /// The time that dates are judged by.
    pub(super) fn now(&self) -> Timestamp {
        self.at.unwrap_or_else(Timestamp::now)
    }
}

/// A policy and who vouches for it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Opened {
    /// The policy.
    pub policy: Policy,
    /// Its revision, 0 where it has none.
    pub revision: u64,
    /// Who vouches for it.
    pub vouched: Vouched,
    /// What was signed.
    pub manifest: Option<Manifest>,
}

/// Reads the policy of a file, or of a folder with a `policy.toml`, and checks its signature.
///
/// A signature that is there must hold, whether one is asked for or not; one by a key that is not trusted is told as
/// [`Vouched::Unknown`], and refused where a signature is asked for.
///
/// # Errors
/// [`StoreError`].
pub fn open(path: &Path, trust: &Trust) -> Result<Opened, StoreError> {
    let location = Location::of(path)?;
    if !trust.required && location.signature().symlink_metadata().is_err() {
        let policy = Policy::open(path)?;
        trust.check_heads(&policy)?;
        let revision = policy.revision();
        return Ok(Opened { policy, revision, vouched: Vouched::Unsigned, manifest: None });
    }
    open_contents(path, &Contents::read(location)?, trust)
}

/// The same of a bundle whose contents are read. The policy is read from the disk once more: its digest, which covers every
/// file it names, must be the one that was signed.
pub(super) fn open_contents(path: &Path, contents: &Contents, trust: &Trust) -> Result<Opened, StoreError> {
    let policy = Policy::open(path)?;
    trust.check_heads(&policy)?;
    let revision = policy.revision();
    let (vouched, manifest) =
        Manifest::verify(contents, &policy.reference(), revision, trust.required, &trust.keys, trust.now())?;
    Ok(Opened { policy, revision, vouched, manifest })
}

/// The same of contents in memory, which somebody who is trusted may have vouched for already.
pub(crate) fn open_among(contents: &Contents, vouched: bool, trust: &Trust) -> Result<Opened, StoreError> {
    let policy = Policy::open_among(&contents.files, &contents.location.entry)?;
    trust.check_heads(&policy)?;
    let revision = policy.revision();
    let required = trust.required && !vouched;
    let (vouched, manifest) =
        Manifest::verify(contents, &policy.reference(), revision, required, &trust.keys, trust.now())?;
    Ok(Opened { policy, revision, vouched, manifest })
}

/// Signs a bundle and answers the path of the signature, which replaces one that is there.
///
/// # Errors
/// [`StoreError`], when the bundle holds what cannot be signed or no valid policy, and when the signature cannot be written.
pub fn sign(path: &Path, key: &SigningKey, validity: Validity) -> Result<PathBuf, StoreError> {
    let policy = Policy::open(path)?;
    let revision = policy.revision();
    let contents = Contents::read(Location::of(path)?)?;
    let signature = contents.location.signature();
    let bytes = Manifest::of(&contents, policy.reference(), revision, validity).sign(key)?;
    disk::replace(
        &signature,
        &signature.with_extension("new"),
        &bytes,
        disk::Readers::All,
        disk::Flush::Named,
    )
    .map_err(|source| StoreError::Io { action: "write", path: signature.clone(), source })?;
    Ok(signature)
}

/// Where the signature of a bundle belongs.
///
/// # Errors
/// [`StoreError::Unfit`] for a path that names no file.
pub fn signature_path(path: &Path) -> Result<PathBuf, StoreError> {
    Ok(Location::of(path)?.signature())
}

/// The files whose change may mean another policy at `path`.
#[must_use]
pub fn watched(path: &Path) -> Vec<PathBuf> {
    let Ok(location) = Location::of(path) else { return vec![path.to_owned()] };
    let files = location.files().unwrap_or_default();
    let mut paths = vec![location.policy(), location.signature()];
    paths.extend(files.iter().map(|file| location.folder.join(file)));
    paths
}

impl From<crate::record::RecordError> for StoreError {
    fn from(error: crate::record::RecordError) -> Self {
        Self::Log(error.into())
    }
}
