//! Texts and requests that a C program has judged.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use super::boundary::{Fault, answer, bytes, elements, given, room, slot};
use super::bytes::{OwnedText, Str};
use super::guard::Guard;
use super::role::role;
use super::status::{Error, Status};
use super::vault::Vault;
use super::verdict::Verdict;
use crate::request::Request;

/// Judges one text of `len` bytes of UTF-8 in the role `role`, a `portcullis_role`. From any thread.
///
/// `text` is read during the call and need not end with NUL. `*verdict` is the caller's, who frees it with
/// `portcullis_verdict_free`; NULL on a failure, when the text was not judged and must not be released. A text that was
/// taken always gets a verdict: what goes wrong then is part of it, and never an allow.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn portcullis_guard_check(
    guard: Option<&Guard>,
    text: *const c_char,
    len: usize,
    role: i32,
    verdict: Option<&mut MaybeUninit<Option<Box<Verdict>>>>,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    answer(error, || {
        let verdict = slot(verdict, "verdict")?;
        let guard = given(guard, "guard")?;
        // SAFETY: the caller's promise: `text` may be read for `len` bytes.
        let text = unsafe { bytes(text, len, "text") }?;
        *verdict = Verdict::boxed(guard.0.check(&request(text, role)?));
        Ok(())
    })
}

/// Judges one request: the JSON object of one line of `portcullis pipe`, with a text or messages, sources, a tool call, a slice, a
/// deadline. From any thread.
///
/// `request` is `len` bytes of UTF-8, read during the call. `*verdict` as for `portcullis_guard_check`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn portcullis_guard_check_json(
    guard: Option<&Guard>,
    request: *const c_char,
    len: usize,
    verdict: Option<&mut MaybeUninit<Option<Box<Verdict>>>>,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    answer(error, || {
        let verdict = slot(verdict, "verdict")?;
        let guard = given(guard, "guard")?;
        // SAFETY: the caller's promise: `request` may be read for `len` bytes.
        let line = unsafe { bytes(request, len, "request") }?;
        *verdict = Verdict::boxed(guard.0.check(&Request::from_json_line(line)?));
        Ok(())
    })
}

/// Judges `count` texts together over the guard's threads, each as `portcullis_guard_check` would. From any thread.
///
/// `texts` and `verdicts` have `count` elements. Each verdict is the caller's, who frees it with `portcullis_verdict_free`. On
/// a failure, such as one text that is not UTF-8, none was judged and all are NULL; the message counts the texts from 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn portcullis_guard_check_batch(
    guard: Option<&Guard>,
    texts: *const Str,
    count: usize,
    role: i32,
    verdicts: *mut Option<Box<Verdict>>,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    answer(error, || {
        // SAFETY: the caller's promise: `verdicts` may be written for `count` pointers.
        let slots = unsafe { room(verdicts, count, "verdicts") }?;
        let slots: Vec<&mut Option<Box<Verdict>>> = slots.iter_mut().map(|slot| slot.write(None)).collect();
        let guard = given(guard, "guard")?;
        // SAFETY: the caller's promise: `texts` may be read for `count` elements.
        let texts = unsafe { elements(texts, count, "texts") }?;
        let requests = texts.iter().enumerate().map(|(index, text)| {
            // SAFETY: the caller's promise: `data` of each element may be read for `len` bytes.
            let bytes = unsafe { bytes(text.data, text.len, "texts") };
            let made = bytes.and_then(|text| request(text, role));
            made.map_err(|fault| Fault::InBatch { index, fault: Box::new(fault) })
        });
        let requests: Vec<Request> = requests.collect::<Result<_, Fault>>()?;
        for (slot, verdict) in slots.into_iter().zip(guard.0.check_batch(&requests)) {
            *slot = Verdict::boxed(verdict);
        }
        Ok(())
    })
}

/// Judges one text and leaves numbered placeholders where it redacts, whose originals the vault keeps. The vault is for one thread at a
/// time, the guard for any.
///
/// `text` and `*verdict` as for `portcullis_guard_check`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn portcullis_guard_redact(
    guard: Option<&Guard>,
    text: *const c_char,
    len: usize,
    role: i32,
    vault: Option<&mut Vault>,
    verdict: Option<&mut MaybeUninit<Option<Box<Verdict>>>>,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    answer(error, || {
        let verdict = slot(verdict, "verdict")?;
        let guard = given(guard, "guard")?;
        let vault = given(vault, "vault")?;
        // SAFETY: the caller's promise: `text` may be read for `len` bytes.
        let text = unsafe { bytes(text, len, "text") }?;
        *verdict = Verdict::boxed(guard.0.redact(&request(text, role)?, &mut vault.0));
        Ok(())
    })
}

/// Judges one text and says what drove the verdict, as `portcullis explain --json` does. From any thread. It costs up to 64 times what
/// judging does.
///
/// `text` as for `portcullis_guard_check`. `*json` is the caller's, who frees it with `portcullis_string_free`; NULL on a
/// failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn portcullis_guard_explain(
    guard: Option<&Guard>,
    text: *const c_char,
    len: usize,
    role: i32,
    json: Option<&mut MaybeUninit<Option<Box<OwnedText>>>>,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    answer(error, || {
        let json = slot(json, "json")?;
        let guard = given(guard, "guard")?;
        // SAFETY: the caller's promise: `text` may be read for `len` bytes.
        let text = unsafe { bytes(text, len, "text") }?;
        let explanation = guard.0.explain(&request(text, role)?);
        *json = OwnedText::json(&explanation.map_err(|error| Fault::judge(&error))?)?;
        Ok(())
    })
}

fn request(text: &[u8], number: i32) -> Result<Request, Fault> {
    Ok(Request::from_bytes(text, role(number)?)?)
}
