//! Whether what a policy brings is signed, where the installation asks for that.

use std::path::Path;

use super::GuardError;
use crate::installation::Installation;
use crate::policy::Policy;
use crate::trust::KeyRing;

/// The folder of the trusted keys in the state directory.
const KEYS: &str = "keys";

/// Refuses heads that no trusted key has signed, where the settings of the state directory say so. Without a state directory
/// nothing asks for signatures.
pub(super) fn check_heads(policy: &Policy, state: Option<&Path>) -> Result<(), GuardError> {
    let Some(state) = state.filter(|_| policy.heads().len() > 0) else { return Ok(()) };
    if Installation::read(state)?.trust.require_signed_heads {
        policy.check_signatures(&KeyRing::read_dir(&state.join(KEYS))?)?;
    }
    Ok(())
}
