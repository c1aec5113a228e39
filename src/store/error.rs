//! Why a policy cannot be put in force.

use std::path::PathBuf;

use jiff::civil::Date;
use thiserror::Error;

use super::manifest::SignatureError;
use crate::installation::InstallationError;
use crate::log::LogError;
use crate::policy::PolicyOpenError;
use crate::trust::TrustError;

/// Why a bundle cannot be read or put in force, or what is in force cannot be told.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A file or folder that cannot be opened, created, read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// Something in a bundle that a bundle may not hold.
    #[error("{} cannot be part of a policy bundle: {what}", path.display())]
    Unfit {
        /// Its path.
        path: PathBuf,
        /// What was found and what was expected.
        what: String,
    },
    /// A policy that cannot be read, or has mistakes in it.
    #[error(transparent)]
    Policy(#[from] PolicyOpenError),
    /// A signature that is missing or does not hold.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// Keys that cannot be read.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// Settings of the installation that cannot be read.
    #[error(transparent)]
    Installation(#[from] InstallationError),
    /// A name or reason that cannot be recorded.
    #[error("{what} has {found} characters, expected 1 to {limit} that can be printed")]
    Words {
        /// Which one.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The most it may have.
        limit: usize,
    },
    /// A file of the store that says something that it cannot say.
    #[error("{} is damaged: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found and what was expected.
        what: String,
    },
    /// A stored bundle that is no longer what was put in force.
    #[error("{} has been changed since it was stored: its digest is {found}, expected {expected}", path.display())]
    Tampered {
        /// The bundle.
        path: PathBuf,
        /// The digest of what is there.
        found: String,
        /// The digest of what was stored.
        expected: String,
    },
    /// A bundle that was written to while it was read.
    #[error("{} changed while it was read, expected a bundle at rest", path.display())]
    Moving {
        /// The bundle.
        path: PathBuf,
    },
    /// A revision below the one in force.
    #[error(
        "the bundle has revision {found}, the policy in force has {active}: expected a higher one, or a rollback"
    )]
    LowerRevision {
        /// The bundle's.
        found: u64,
        /// That of the policy in force.
        active: u64,
    },
    /// A revision that something else had.
    #[error(
        "revision {revision} of {id} was put in force with other content, expected a revision above {active}"
    )]
    SameRevision {
        /// The policy.
        id: String,
        /// Its revision.
        revision: u64,
        /// The revision in force.
        active: u64,
    },
    /// Another policy than the one in force.
    #[error(
        "the bundle is of the policy {found}, the policy in force is {active}: expected the same, or to replace it"
    )]
    OtherPolicy {
        /// The bundle's id.
        found: String,
        /// The id of the policy in force.
        active: String,
    },
    /// A policy before the days that it is for.
    #[error("the policy takes effect on {effective}, and it is {today}")]
    NotEffective {
        /// Its first day.
        effective: Date,
        /// The day it is here, in UTC.
        today: Date,
    },
    /// A policy after the days that it is for.
    #[error("the policy expired on {expired}, and it is {today}")]
    Expired {
        /// The first day after its last.
        expired: Date,
        /// The day it is here, in UTC.
        today: Date,
    },
    /// A policy that the guard cannot work with.
    #[error("the guard cannot use the policy: {what}")]
    Unusable {
        /// Why not.
        what: String,
    },
    /// Nothing to roll back from.
    #[error("no policy was put in force in {}, expected one", path.display())]
    NoneActive {
        /// The folder.
        path: PathBuf,
    },
    /// Nothing to roll back to.
    #[error("no policy was in force before revision {active}, expected one to go back to")]
    NoEarlier {
        /// The revision in force.
        active: u64,
    },
    /// A revision that was never in force.
    #[error("revision {found} was never in force, expected one of {known}")]
    NoSuchRevision {
        /// The revision asked for.
        found: u64,
        /// Those that were.
        known: String,
    },
    /// The policy in force was changed, and the log does not say so yet: the next change writes it.
    #[error("the policy is in force, but the log cannot say so")]
    Log(#[from] LogError),
}
