//! What can be wrong with a tokenizer file or a windowing.

use thiserror::Error;

/// Why a tokenizer could not be compiled, opened or run.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TokenizeError {
    /// The file is not JSON of the expected shape.
    #[error("tokenizer.json cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// The compiled form could not reproduce this part of the pipeline.
    #[error("tokenizer.json: {part} is {found}, expected {expected}")]
    Unsupported {
        /// Path of the part inside the file.
        part: &'static str,
        /// What stands there.
        found: String,
        /// What a compiled WordPiece can reproduce.
        expected: &'static str,
    },
    /// The ids of the vocabulary are not 0, 1, 2 and so on, each once.
    #[error(
        "tokenizer.json: vocabulary of {count} tokens has no token with id {missing}, expected every id below {count}"
    )]
    SparseIds {
        /// First id without a token.
        missing: usize,
        /// How many tokens there are.
        count: usize,
    },
    /// The file is shorter than its header, or not as long as the header says.
    #[error("vocabulary is {found} bytes long, expected {expected}")]
    Length {
        /// Length of the file.
        found: u64,
        /// Length that the header states, or that of the header itself.
        expected: u64,
    },
    /// The file does not begin like a compiled vocabulary.
    #[error("vocabulary does not begin with the mark of a compiled vocabulary")]
    Magic,
    /// The file was compiled by another version of the format.
    #[error("vocabulary has format version {found}, expected {expected}")]
    Version {
        /// Version in the file.
        found: u32,
        /// Version that this build reads.
        expected: u32,
    },
    /// A number in the header is outside its range.
    #[error("vocabulary header: {field} is {found}, expected {expected}")]
    Header {
        /// Name of the field.
        field: &'static str,
        /// Its value.
        found: u64,
        /// The range.
        expected: &'static str,
    },
    /// A section does not lie inside the file, aligned and behind the one before it.
    #[error(
        "vocabulary section {section} lies at {start}..{end}, expected a multiple of 64 in {after}..{file}"
    )]
    Section {
        /// Name of the section.
        section: &'static str,
        /// First byte.
        start: u64,
        /// One past the last byte.
        end: u64,
        /// End of what comes before it.
        after: u64,
        /// Length of the file.
        file: u64,
    },
    /// The `tokenizers` crate cannot load the file.
    #[error("tokenizer.json cannot be loaded: {0}")]
    Load(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The `tokenizers` crate refused a text; its reason could quote the text, so it is not kept.
    #[error("text of {bytes} bytes was refused by the tokenizer")]
    Encode {
        /// Length of the text.
        bytes: usize,
    },
    /// The windows would not advance.
    #[error("windows of {window} tokens cannot overlap by {overlap}, expected an overlap below window - 2")]
    Windowing {
        /// Tokens in a window, with `[CLS]` and `[SEP]`.
        window: usize,
        /// Tokens that neighbours share.
        overlap: usize,
    },
}
