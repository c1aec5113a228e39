//! What a C function answers: a status, and an object that says why.

use std::ffi::{CString, c_char};

use super::boundary::{Fault, free, value};

/// What became of a call. Later versions may add values: take any that is not `PORTCULLIS_STATUS_OK` for a failure.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Done.
    Ok = 0,
    /// A pointer that may not be NULL is, or a number or word has no meaning.
    InvalidArgument = 1,
    /// Text that is not UTF-8.
    InvalidUtf8 = 2,
    /// A text without a character.
    EmptyText = 3,
    /// A text that holds NUL, or a request that is no JSON object of the expected form.
    InvalidRequest = 4,
    /// The model, the policy or the state directory cannot be opened.
    OpenFailed = 5,
    /// The model failed where there is no verdict to say so.
    JudgeFailed = 6,
    /// The stream has ended and takes nothing more.
    Closed = 7,
    /// A defect of this library, stopped before it reached the caller. What was called for was not done.
    Panic = 8,
}

/// Why a call failed. It is the caller's, who frees it with `portcullis_error_free`. May be read from many threads.
pub struct Error {
    status: Status,
    message: CString,
}

impl Error {
    pub(super) fn new(fault: &Fault) -> Self {
        let message = fault.to_string().replace('\0', "\u{fffd}");
        Self { status: fault.status(), message: CString::new(message).unwrap_or_default() }
    }
}

/// The status that the failed call answered; `PORTCULLIS_STATUS_INVALID_ARGUMENT` for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_error_status(error: Option<&Error>) -> Status {
    value(Status::InvalidArgument, || Some(error?.status))
}

/// What went wrong, ended by NUL; never a part of the judged text. It lives as long as `error`; empty for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_error_message(error: Option<&Error>) -> *const c_char {
    value(c"".as_ptr(), || Some(error?.message.as_ptr()))
}

/// Frees an error; NULL is passed over.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_error_free(error: Option<Box<Error>>) {
    free(error);
}
