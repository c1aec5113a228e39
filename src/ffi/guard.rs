//! The guard for C: opened once, shared by threads, asked what it is made of.

use std::mem::MaybeUninit;

use super::boundary::{Fault, answer, free, given, slot, value};
use super::bytes::{OwnedText, Str};
use super::options::Options;
use super::status::{Error, Status};

/// A guard: a model and a policy, opened once. It does not change, and may be used from many threads at once.
///
/// A policy that is put in force later is taken up by a guard that is opened then.
pub struct Guard(pub(super) crate::Guard);

/// Opens a guard; `options` may be NULL for the defaults.
///
/// `*guard` is the caller's, who frees it with `portcullis_guard_free`. On a failure it is NULL: a part that cannot be opened is
/// never replaced by another.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_guard_open(
    options: Option<&Options>,
    guard: Option<&mut MaybeUninit<Option<Box<Guard>>>>,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    answer(error, || {
        let guard = slot(guard, "guard")?;
        let builder = options.map(Options::builder).unwrap_or_default();
        let opened = builder.build().map_err(|error| Fault::open(&error))?;
        *guard = Some(Box::new(Guard(opened)));
        Ok(())
    })
}

/// The same guard once more, at no cost, to be freed on its own with `portcullis_guard_free`; NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_guard_clone(guard: Option<&Guard>) -> Option<Box<Guard>> {
    value(None, || Some(Some(Box::new(Guard(guard?.0.clone())))))
}

/// Frees a guard; NULL is passed over. Its clones, verdicts and streams stay usable. No other call may be using it.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_guard_free(guard: Option<Box<Guard>>) {
    free(guard);
}

/// The BLAKE3 digest of the policy in hexadecimal, which lives as long as `guard`; none for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_guard_policy_digest(guard: Option<&Guard>) -> Str {
    value(Str::NONE, || Some(guard?.0.policy().policy().digest().into()))
}

/// The BLAKE3 digest of the model in hexadecimal, which lives as long as `guard`; none for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_guard_model_digest(guard: Option<&Guard>) -> Str {
    value(Str::NONE, || Some(guard?.0.model().digest.as_str().into()))
}

/// Reports what the guard is made of, as `portcullis inspect --json` does, hashing the model's files on the way.
///
/// `*json` is the caller's, who frees it with `portcullis_string_free`; NULL on a failure.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_guard_inspect(
    guard: Option<&Guard>,
    json: Option<&mut MaybeUninit<Option<Box<OwnedText>>>>,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    answer(error, || {
        let json = slot(json, "json")?;
        let guard = given(guard, "guard")?;
        *json = OwnedText::json(&guard.0.inspect())?;
        Ok(())
    })
}
