//! Text between C and Rust: borrowed, as a pointer with a length, and owned by the caller.

use std::ffi::c_char;
use std::ptr;

use serde::Serialize;

use super::boundary::{Fault, free, value};

/// UTF-8 text that something else owns: `len` bytes from `data` on, without a NUL at the end. Where there is none, `data` is NULL and
/// `len` 0.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Str {
    /// The first byte.
    pub data: *const c_char,
    /// How many bytes.
    pub len: usize,
}

impl Str {
    pub(super) const NONE: Self = Self { data: ptr::null(), len: 0 };
}

impl From<&str> for Str {
    fn from(text: &str) -> Self {
        Self { data: text.as_ptr().cast(), len: text.len() }
    }
}

/// Text that the caller owns and frees with `portcullis_string_free`. May be read from many threads.
pub struct OwnedText(String);

impl OwnedText {
    pub(super) fn boxed(text: String) -> Option<Box<Self>> {
        Some(Box::new(Self(text)))
    }

    pub(super) fn json(answer: &impl Serialize) -> Result<Option<Box<Self>>, Fault> {
        Self::write_json(answer).map(Self::boxed)
    }

    pub(super) fn write_json(answer: &impl Serialize) -> Result<String, Fault> {
        serde_json::to_string(answer).map_err(|error| Fault::Judge(format!("cannot write JSON: {error}")))
    }
}

/// The text, which lives as long as `string`; none for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_string_str(string: Option<&OwnedText>) -> Str {
    value(Str::NONE, || Some(Str::from(string?.0.as_str())))
}

/// Frees a string; NULL is passed over.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_string_free(string: Option<Box<OwnedText>>) {
    free(string);
}
