//! Where a guard's policy comes from: a path, what is in force in a state directory, or the program.

use std::path::PathBuf;

use super::GuardError;
use crate::policy::Policy;
use crate::store::{self, Store, Trust};

/// Where a policy comes from, and what it must be signed by.
#[derive(Clone, Debug, Default)]
pub(crate) struct PolicySource {
    /// The policy itself; before everything else.
    pub(crate) given: Option<Policy>,
    /// The policy's file or bundle; before what is in force.
    pub(crate) path: Option<PathBuf>,
    /// The state directory.
    pub(crate) state: Option<PathBuf>,
    /// Whether it is the program's, whatever is in force.
    pub(crate) embedded: bool,
    /// Whether a signature is asked for, whatever the installation says.
    pub(crate) require_signed: bool,
}

impl PolicySource {
    /// Reads the policy: of the path, else the one in force, else the program's own.
    pub(crate) fn read(&self) -> Result<Policy, GuardError> {
        if let Some(policy) = &self.given {
            Trust::of(self.state.as_deref(), false)?.check_heads(policy)?;
            return Ok(policy.clone());
        }
        if self.embedded {
            return Ok(Policy::embedded()?);
        }
        let trust = Trust::of(self.state.as_deref(), self.require_signed)?;
        if let Some(path) = &self.path {
            return Ok(store::open(path, &trust)?.policy);
        }
        let active = match &self.state {
            Some(state) => Store::open(state)?.open_active(&trust)?,
            None => None,
        };
        match active {
            Some((_, policy)) => Ok(policy),
            // The program's own needs nobody to vouch for it: whoever changed it could change the check.
            None => Ok(Policy::embedded()?),
        }
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
