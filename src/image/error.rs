//! Why a packed program cannot be read or written.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::bundle::BundleError;
use crate::store::StoreError;
use crate::trust::TrustError;

/// Why a packed program cannot be read or written. What cannot be read whole is not used in part.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ImageError {
    /// A file that cannot be opened, read, mapped or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A file without a trailer.
    #[error(
        "{} has no packed files at its end: it is not packed, was cut short, or lost them to a tool such as strip",
        path.display()
    )]
    NotPacked {
        /// The file.
        path: PathBuf,
    },
    /// A key to trust, and nothing packed that it could have signed.
    #[error("a key is given that has to have signed the packed files, and there are none")]
    NothingToTrust,
    /// A trailer of another version.
    #[error("{} is packed in format {found}, expected {expected}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The format that is read.
        expected: u32,
    },
    /// A trailer or an index that says what cannot be.
    #[error("{} is damaged at byte {at}: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the part begins that is wrong, in bytes of the whole file.
        at: u64,
        /// What was found and what was expected.
        what: String,
    },
    /// A packed file that is not what was packed.
    #[error(
        "{} is damaged or was changed: {file}, at byte {at}, has the BLAKE3 digest {found}, expected {expected}",
        path.display()
    )]
    Changed {
        /// The packed program.
        path: PathBuf,
        /// The file in it; `program` for what is before them all.
        file: String,
        /// Where it begins, in bytes of the whole file.
        at: u64,
        /// Its digest in hex.
        found: String,
        /// The digest in the index.
        expected: String,
    },
    /// No signature where one is asked for.
    #[error("{} is not signed, expected a signature by {expected}", path.display())]
    Unsigned {
        /// The file.
        path: PathBuf,
        /// Who should have signed.
        expected: String,
    },
    /// A key or a signature that does not hold.
    #[error("cannot trust {}: {source}", path.display())]
    Signature {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: TrustError,
    },
    /// A file to be packed into that is no such program.
    #[error(
        "{} cannot be packed into: found {found} marks of a portcullis program, expected exactly one",
        path.display()
    )]
    NoProgram {
        /// The file.
        path: PathBuf,
        /// How many marks it has.
        found: usize,
    },
    /// What cannot be packed.
    #[error("cannot pack {file}: {what}")]
    Unfit {
        /// Its name in the packed program.
        file: String,
        /// What was found and what was expected.
        what: String,
    },
    /// The model.
    #[error("cannot use the model bundle")]
    Bundle(#[from] BundleError),
    /// The policy.
    #[error(transparent)]
    Policy(#[from] StoreError),
}
