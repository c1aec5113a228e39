//! The wall between C and Rust: no panic crosses it, and a failure becomes a status and an error object.

use std::cell::Cell;
use std::ffi::c_char;
use std::mem::{MaybeUninit, forget};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::slice;

use thiserror::Error;

use super::status::{Error, Status};
use crate::guard::{GuardError, full_message};
use crate::request::RequestError;

/// Where a C function puts an object: memory that need not hold anything yet, or NULL.
pub(super) type Slot<'a, T> = Option<&'a mut MaybeUninit<Option<Box<T>>>>;

/// Why a C function does not do what it is asked for. Messages never hold the judged text.
#[derive(Debug, Error)]
pub(super) enum Fault {
    /// A pointer that has to point somewhere.
    #[error("the argument `{argument}` is NULL")]
    Null { argument: &'static str },
    /// More than any memory holds.
    #[error("the argument `{argument}` has a length of {found}, more than memory can hold")]
    Length { argument: &'static str, found: usize },
    /// A number that is no role.
    #[error("unknown role {found}: expected a portcullis_role")]
    Role { found: i32 },
    /// A setting with a value that it cannot have.
    #[error("the setting `{setting}` cannot be this: {reason}")]
    Setting { setting: &'static str, reason: String },
    /// A name or path that has to be text.
    #[error("the argument `{argument}` is invalid UTF-8 at byte {at}")]
    NotText { argument: &'static str, at: usize },
    /// The text or the request.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// A text among others.
    #[error("text {index} of the batch, counted from 0: {fault}")]
    InBatch { index: usize, fault: Box<Self> },
    /// A part of the guard cannot be opened.
    #[error("{0}")]
    Open(String),
    /// The encoder.
    #[error("{0}")]
    Judge(String),
    /// A stream that takes no more.
    #[error("the stream is closed: it releases nothing more")]
    Closed,
    /// A mistake in this library.
    #[error("the guard panicked{}: a defect of this library; nothing was judged", .place.as_deref().unwrap_or_default())]
    Panic { place: Option<String> },
}

impl Fault {
    pub(super) fn open(error: &GuardError) -> Self {
        Self::Open(full_message(error))
    }

    pub(super) fn judge(error: &GuardError) -> Self {
        Self::Judge(full_message(error))
    }

    pub(super) fn status(&self) -> Status {
        match self {
            Self::Null { .. } | Self::Length { .. } | Self::Role { .. } | Self::Setting { .. } => {
                Status::InvalidArgument
            }
            Self::NotText { .. } | Self::Request(RequestError::InvalidUtf8 { .. }) => Status::InvalidUtf8,
            Self::Request(RequestError::EmptyText) => Status::EmptyText,
            Self::Request(_) => Status::InvalidRequest,
            Self::InBatch { fault, .. } => fault.status(),
            Self::Open(_) => Status::OpenFailed,
            Self::Judge(_) => Status::JudgeFailed,
            Self::Closed => Status::Closed,
            Self::Panic { .. } => Status::Panic,
        }
    }
}

/// Runs the body of a C function that can fail; `error` is told why it did, or set to NULL.
pub(super) fn answer(error: Slot<'_, Error>, body: impl FnOnce() -> Result<(), Fault>) -> Status {
    let fault = caught(body).unwrap_or_else(Err).err();
    let status = fault.as_ref().map_or(Status::Ok, Fault::status);
    if let Some(error) = error {
        error.write(fault.map(|fault| Box::new(Error::new(&fault))));
    }
    status
}

/// Runs the body of a C function that answers with a value: `otherwise` where there is none.
pub(super) fn value<T>(otherwise: T, body: impl FnOnce() -> Option<T>) -> T {
    caught(body).ok().flatten().unwrap_or(otherwise)
}

/// Frees an object; NULL is passed over.
pub(super) fn free<T>(object: Option<Box<T>>) {
    value((), || {
        drop(object);
        Some(())
    });
}

/// Where the object goes, NULL until then. Done before anything can fail, so that a caller never finds what was there before.
pub(super) fn slot<'a, T>(
    slot: Slot<'a, T>,
    argument: &'static str,
) -> Result<&'a mut Option<Box<T>>, Fault> {
    slot.map(|slot| slot.write(None)).ok_or(Fault::Null { argument })
}

/// What a pointer points to, which may not be NULL.
pub(super) fn given<T>(pointer: Option<T>, argument: &'static str) -> Result<T, Fault> {
    pointer.ok_or(Fault::Null { argument })
}

/// The bytes of a C string with a length; NULL is the empty string where the length is 0.
///
/// # Safety
/// `data` is NULL, or may be read for `len` bytes that nothing changes during `'a`.
pub(super) unsafe fn bytes<'a>(
    data: *const c_char,
    len: usize,
    argument: &'static str,
) -> Result<&'a [u8], Fault> {
    // SAFETY: the caller's promise; any byte is a u8.
    unsafe { elements(data.cast(), len, argument) }
}

/// As [`bytes`], of text.
///
/// # Safety
/// As for [`bytes`].
pub(super) unsafe fn text<'a>(
    data: *const c_char,
    len: usize,
    argument: &'static str,
) -> Result<&'a str, Fault> {
    // SAFETY: the caller's promise.
    let bytes = unsafe { bytes(data, len, argument) }?;
    str::from_utf8(bytes).map_err(|error| Fault::NotText { argument, at: error.valid_up_to() })
}

/// The elements of a C array; NULL is the empty array where the length is 0.
///
/// # Safety
/// `data` is NULL, or is aligned and holds `len` values of `T` that nothing changes during `'a`.
pub(super) unsafe fn elements<'a, T>(
    data: *const T,
    len: usize,
    argument: &'static str,
) -> Result<&'a [T], Fault> {
    check_length::<T>(data.is_null(), len, argument)?;
    if len == 0 {
        return Ok(&[]);
    }
    // SAFETY: `data` is not NULL and the size no more than `isize::MAX`; the rest is the caller's promise.
    Ok(unsafe { slice::from_raw_parts(data, len) })
}

/// The elements of a C array that is to be filled and need not hold anything yet.
///
/// # Safety
/// `data` is NULL, or is aligned and may be written for `len` values of `T`, by nobody else during `'a`.
pub(super) unsafe fn room<'a, T>(
    data: *mut T,
    len: usize,
    argument: &'static str,
) -> Result<&'a mut [MaybeUninit<T>], Fault> {
    check_length::<T>(data.is_null(), len, argument)?;
    if len == 0 {
        return Ok(&mut []);
    }
    // SAFETY: `data` is not NULL and the size no more than `isize::MAX`; the rest is the caller's promise, and nothing is read.
    Ok(unsafe { slice::from_raw_parts_mut(data.cast(), len) })
}

fn check_length<T>(is_null: bool, len: usize, argument: &'static str) -> Result<(), Fault> {
    match isize::try_from(len.saturating_mul(size_of::<T>())) {
        Err(_) => Err(Fault::Length { argument, found: len }),
        Ok(0) => Ok(()),
        Ok(_) if is_null => Err(Fault::Null { argument }),
        Ok(_) => Ok(()),
    }
}

thread_local! {
    /// Where this thread panicked last.
    static PLACE: Cell<Option<String>> = const { Cell::new(None) };
}

/// Runs `body`; a panic in it is a fault that says where, and nothing of what the panic said.
///
/// Objects that it leaves half changed must not be used as if they were whole: a stream notes when it is.
fn caught<T>(body: impl FnOnce() -> T) -> Result<T, Fault> {
    #[cfg(not(test))]
    keep_quiet();
    PLACE.set(None);
    catch_unwind(AssertUnwindSafe(body)).map_err(|payload| {
        // Its destructor is anybody's, and might panic.
        forget(payload);
        Fault::Panic { place: PLACE.take().map(|place| format!(" at {place}")) }
    })
}

/// Has panics of this library noted and not printed: the library prints nothing, and a panic may quote the judged text.
#[cfg(not(test))]
fn keep_quiet() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|panic| PLACE.set(panic.location().map(ToString::to_string))));
    });
}
