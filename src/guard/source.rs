//! Where a guard's policy comes from: a path, what is in force in a state directory, a packed program, or the program.

use std::path::PathBuf;

use super::GuardError;
use crate::image::Image;
use crate::policy::Policy;
use crate::store::{self, Store, Trust, Vouched};
use crate::trust::{KeyRing, PublicKey};

/// Where a policy comes from, and what it must be signed by.
#[derive(Clone, Debug, Default)]
pub(crate) struct PolicySource {
    /// The policy itself; before everything else.
    pub(crate) given: Option<Policy>,
    /// The policy's file or bundle; before what is in force.
    pub(crate) path: Option<PathBuf>,
    /// The state directory.
    pub(crate) state: Option<PathBuf>,
    /// A packed program; before the embedded policy.
    pub(crate) image: Option<PathBuf>,
    /// The public key that has to have signed what is packed.
    pub(crate) image_key: Option<PathBuf>,
    /// Whether it is the program's, whatever is in force.
    pub(crate) embedded: bool,
    /// Whether a signature is asked for, whatever the installation says.
    pub(crate) require_signed: bool,
}

impl PolicySource {
    /// Reads the policy: of the path, else the one in force, else the packed one, else the program's own.
    pub(crate) fn read(&self) -> Result<Policy, GuardError> {
        let image = self.image.as_deref().map(Image::open).transpose()?;
        self.read_with(image.as_ref())
    }

    /// The same where the packed program is open.
    pub(super) fn read_with(&self, image: Option<&Image>) -> Result<Policy, GuardError> {
        if let Some(policy) = &self.given {
            Trust::of(self.state.as_deref(), false)?.check_heads(policy)?;
            return Ok(policy.clone());
        }
        if self.embedded {
            return match image {
                Some(image) => Ok(image.policy(&Vouched::Unsigned, &Trust::default())?),
                None => Ok(Policy::embedded()?),
            };
        }
        let trust = Trust::of(self.state.as_deref(), self.require_signed)?;
        if let Some(path) = &self.path {
            return Ok(store::open(path, &trust)?.policy);
        }
        let active = match &self.state {
            Some(state) => Store::open(state)?.open_active(&trust)?,
            None => None,
        };
        match (active, image) {
            (Some((_, policy)), _) => Ok(policy),
            (None, Some(image)) => Ok(image.policy(&self.vouched(image)?, &trust)?),
            // The program's own needs nobody to vouch for it: whoever changed it could change the check.
            (None, None) => Ok(Policy::embedded()?),
        }
    }

    /// Checks the signature of a packed program: the key that is given must have made it, or else, where it is of a key that the
    /// installation trusts, that one.
    pub(super) fn vouched(&self, image: &Image) -> Result<Vouched, GuardError> {
        let Some(path) = &self.image_key else {
            return Ok(image.vouched(&Trust::of(self.state.as_deref(), false)?.keys)?);
        };
        let keys = PublicKey::read(path).and_then(|key| KeyRing::new(vec![key]));
        Ok(Vouched::Signed { by: image.signed_by(&keys.map_err(GuardError::ImageKey)?)? })
    }

    /// The files whose change may mean another policy.
    pub(crate) fn watched(&self) -> Vec<PathBuf> {
        match (&self.path, &self.state) {
            _ if self.embedded || self.given.is_some() => Vec::new(),
            (Some(path), _) => store::watched(path),
            (None, Some(state)) => Store::open(state).map(|store| store.watched()).unwrap_or_default(),
            (None, None) => Vec::new(),
        }
    }
}
