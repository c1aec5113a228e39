//! Originals of redacted text, kept for C.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use super::boundary::{answer, free, given, slot, text, value};
use super::bytes::OwnedText;
use super::status::{Error, Status};

/// What was redacted in one conversation, to be restored in the model's answer. It is in this process's memory alone and overwritten
/// when it is freed. The caller frees it with `portcullis_vault_free`; it is for one thread at a time.
#[derive(Default)]
pub struct Vault(pub(super) crate::Vault);

/// An empty vault; NULL only where the library has a defect.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_vault_new() -> Option<Box<Vault>> {
    value(None, || Some(Some(Box::default())))
}

/// How many originals are kept; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_vault_len(vault: Option<&Vault>) -> usize {
    value(0, || Some(vault?.0.len()))
}

/// Restores a text of `len` bytes of UTF-8, read during the call: each placeholder of the vault is replaced by its original.
///
/// `*restored` is the caller's, to be kept safe and freed with `portcullis_string_free`, which does not overwrite it; NULL on a
/// failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn portcullis_vault_restore(
    vault: Option<&Vault>,
    text: *const c_char,
    len: usize,
    restored: Option<&mut MaybeUninit<Option<Box<OwnedText>>>>,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    answer(error, || {
        let restored = slot(restored, "restored")?;
        let vault = given(vault, "vault")?;
        // SAFETY: the caller's promise: `text` may be read for `len` bytes.
        let text = unsafe { self::text(text, len, "text") }?;
        *restored = OwnedText::boxed(vault.0.restore(text));
        Ok(())
    })
}

/// Overwrites and frees a vault; NULL is passed over.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_vault_free(vault: Option<Box<Vault>>) {
    free(vault);
}
