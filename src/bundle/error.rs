//! Why a bundle cannot be used.

use std::path::PathBuf;

use thiserror::Error;

use crate::tokenize::TokenizeError;

/// Why a bundle cannot be used. A bundle that cannot be used is never skipped: opening fails.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BundleError {
    /// The default bundle is asked for, and the program was built without the feature `embedded`.
    #[error("this program holds no model bundle, expected a models directory")]
    NoneEmbedded,
    /// The file cannot be opened or mapped.
    #[error("cannot open {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is longer or shorter than the index says.
    #[error("{file} has {found} bytes, expected {expected}: it is truncated or was changed")]
    Size {
        /// The file.
        file: String,
        /// Its size.
        found: u64,
        /// The size in the index.
        expected: u64,
    },
    /// The digest differs from the index.
    #[error("{file} has the BLAKE3 digest {found}, expected {expected}: it is corrupt or was changed")]
    Digest {
        /// The file.
        file: String,
        /// Its digest in hex.
        found: String,
        /// The digest in the index.
        expected: String,
    },
    /// A text file is larger than its reader takes.
    #[error("{file} has {found} bytes, more than the {limit} that such a file may have")]
    TooLong {
        /// The file.
        file: String,
        /// Its size.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// A text file that is not UTF-8.
    #[error("{file} is not UTF-8 at byte {at}")]
    NotText {
        /// The file.
        file: String,
        /// First bad byte.
        at: usize,
    },
    /// TOML that does not parse or has the wrong shape.
    #[error("{file}: {message}")]
    Toml {
        /// The file.
        file: String,
        /// What was found, with line and column.
        message: String,
    },
    /// A value out of its range.
    #[error("{file}: {field} is {found}, expected {expected}")]
    Value {
        /// The file.
        file: String,
        /// The key.
        field: String,
        /// What it holds.
        found: String,
        /// What it may hold.
        expected: String,
    },
    /// The index names no such bundle or file.
    #[error("{file} is not listed for the bundle {bundle} in index.toml")]
    NotListed {
        /// The file.
        file: String,
        /// The bundle.
        bundle: String,
    },
    /// The index lists no bundle of this name.
    #[error("there is no bundle {id:?} in index.toml, expected one of: {listed}")]
    NoBundle {
        /// What was asked for.
        id: String,
        /// What is there.
        listed: String,
    },
    /// The program holds its default bundle only.
    #[error("the program holds {embedded} only, not {id:?}: name the directory of the other bundles too")]
    NotEmbedded {
        /// What was asked for.
        id: String,
        /// What is there.
        embedded: String,
    },
    /// Two parts of the bundle contradict each other.
    #[error("the parts of the bundle disagree on the {what}: {left}, but {right}")]
    Disagree {
        /// On what.
        what: &'static str,
        /// One part's word.
        left: String,
        /// The other's.
        right: String,
    },
    /// The safetensors header is malformed.
    #[error("{file}: not a valid safetensors file: {message}")]
    Safetensors {
        /// The file.
        file: String,
        /// What the reader found.
        message: String,
    },
    /// A tensor is missing.
    #[error("{file}: the tensor {tensor} is missing")]
    MissingTensor {
        /// The file.
        file: String,
        /// The tensor.
        tensor: String,
    },
    /// A tensor of the wrong type, shape or position.
    #[error("{file}: the tensor {tensor} has {found}, expected {expected}")]
    Tensor {
        /// The file.
        file: String,
        /// The tensor.
        tensor: String,
        /// What it has.
        found: String,
        /// What the manifest calls for.
        expected: String,
    },
    /// The tokenizer.
    #[error("cannot read the tokenizer")]
    Tokenizer(#[from] TokenizeError),
    /// The calibration.
    #[error("cannot read the calibration {file}")]
    Calibration {
        /// The file.
        file: String,
        /// What the reader found.
        source: portcullis_calibration::CalibrationError,
    },
}
