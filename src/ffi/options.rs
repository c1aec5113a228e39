//! Settings of a guard to be, for C.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::path::PathBuf;
use std::time::Duration;

use super::boundary::{Fault, Slot, answer, bytes, free, given, text, value};
use super::status::{Error, Status};
use crate::guard::GuardBuilder;

/// Settings of a guard to be. Without any, it is the model and the policy inside the library on all cores.
///
/// The caller frees them with `portcullis_options_free`, also after a guard was opened with them. They are for one thread at a
/// time.
#[derive(Default)]
pub struct Options(GuardBuilder);

impl Options {
    pub(super) fn builder(&self) -> GuardBuilder {
        self.0.clone()
    }
}

/// Settings of which each has its default; NULL only where the library has a defect.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_options_new() -> Option<Box<Options>> {
    value(None, || Some(Some(Box::default())))
}

/// Frees settings; NULL is passed over. Guards that were opened with them stay as they are.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_options_free(options: Option<Box<Options>>) {
    free(options);
}

/// Maps the default model of the directory, which holds an `index.toml`, in place of the one inside the library. `path` is `len` bytes,
/// read during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn portcullis_options_set_models_dir(
    options: Option<&mut Options>,
    path: *const c_char,
    len: usize,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    // SAFETY: the caller's promise: `path` may be read for `len` bytes.
    let path = || unsafe { path_of(path, len) };
    change(options, error, |builder| Ok(builder.models_dir(path()?)))
}

/// Opens the model of this name, such as `portcullis-small`, of the directory of models. `name` is `len` bytes of UTF-8, read during the
/// call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn portcullis_options_set_model(
    options: Option<&mut Options>,
    name: *const c_char,
    len: usize,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    // SAFETY: the caller's promise: `name` may be read for `len` bytes.
    let name = || unsafe { text(name, len, "name") };
    change(options, error, |builder| Ok(builder.model(name()?)))
}

/// Reads the calibration from the file, as `portcullis calibrate` writes it, in place of the model's own. `path` is `len` bytes, read
/// during the call; the file is read when a guard is opened.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn portcullis_options_set_calibration_file(
    options: Option<&mut Options>,
    path: *const c_char,
    len: usize,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    // SAFETY: the caller's promise: `path` may be read for `len` bytes.
    let path = || unsafe { path_of(path, len) };
    change(options, error, |builder| Ok(builder.calibration_file(path()?)))
}

/// Reads the policy from the TOML file, or from the `policy.toml` of the folder. `path` is `len` bytes, read during the call; the
/// policy is read when a guard is opened.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn portcullis_options_set_policy_file(
    options: Option<&mut Options>,
    path: *const c_char,
    len: usize,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    // SAFETY: the caller's promise: `path` may be read for `len` bytes.
    let path = || unsafe { path_of(path, len) };
    change(options, error, |builder| Ok(builder.policy_file(path()?)))
}

/// Uses the state directory: its settings, the policy in force there, its trusted keys, and its decision log. `path` is `len` bytes, read
/// during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn portcullis_options_set_state_dir(
    options: Option<&mut Options>,
    path: *const c_char,
    len: usize,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    // SAFETY: the caller's promise: `path` may be read for `len` bytes.
    let path = || unsafe { path_of(path, len) };
    change(options, error, |builder| Ok(builder.state_dir(path()?)))
}

/// Reads the key for rules with the modes `hash` and `synthetic` from the file, of at least 16 bytes. `path` is `len` bytes, read during
/// the call; the key is read when a guard is opened.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn portcullis_options_set_hash_key_file(
    options: Option<&mut Options>,
    path: *const c_char,
    len: usize,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    // SAFETY: the caller's promise: `path` may be read for `len` bytes.
    let path = || unsafe { path_of(path, len) };
    change(options, error, |builder| Ok(builder.hash_key_file(path()?)))
}

/// Lowers the instruction level: `scalar`, `avx2`, `avx-vnni`, `avx512-vnni`, `amx-int8`, `neon`, `neon-dotprod` or `neon-i8mm`. One above
/// what the CPU has is lowered to that. Verdicts do not depend on it. `name` is `len` bytes, read during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn portcullis_options_set_level(
    options: Option<&mut Options>,
    name: *const c_char,
    len: usize,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    // SAFETY: the caller's promise: `name` may be read for `len` bytes.
    let name = || unsafe { text(name, len, "name") };
    change(options, error, |builder| Ok(builder.level(word("level", name()?)?)))
}

/// Where the encoder runs: `auto`, `cpu`, `cuda`, `metal` or `cpu-float`. `name` is `len` bytes, read during the call. A device that is not
/// there is an error when a guard is opened.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn portcullis_options_set_device(
    options: Option<&mut Options>,
    name: *const c_char,
    len: usize,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    // SAFETY: the caller's promise: `name` may be read for `len` bytes.
    let name = || unsafe { text(name, len, "name") };
    change(options, error, |builder| Ok(builder.device(word("device", name()?)?)))
}

/// The library that runs the encoder on a device; a library for C that was built without the feature `cuda` opens none. It becomes part of
/// the process. `path` is `len` bytes, read during the call; the library is opened when a guard is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn portcullis_options_set_device_library(
    options: Option<&mut Options>,
    path: *const c_char,
    len: usize,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    // SAFETY: the caller's promise: `path` may be read for `len` bytes.
    let path = || unsafe { path_of(path, len) };
    change(options, error, |builder| Ok(builder.device_library(path()?)))
}

/// The most threads that a batch may use, at least 1; by default one a core. Verdicts do not depend on it.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_options_set_threads(
    options: Option<&mut Options>,
    threads: usize,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    change(options, error, |builder| match threads {
        0 => Err(Fault::Setting { setting: "threads", reason: "found 0, expected at least 1".to_owned() }),
        threads => Ok(builder.threads(threads)),
    })
}

/// The time allowed for a text whose request names none, in milliseconds. A text that it does not suffice for is judged by the policy's
/// `on_deadline`, and never released for it.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_options_set_deadline_ms(
    options: Option<&mut Options>,
    milliseconds: u64,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    change(options, error, |builder| Ok(builder.deadline(Duration::from_millis(milliseconds))))
}

/// Whether a text may leave at an exit of the model that finds it harmless by a wide margin, which is faster on everyday texts; by
/// default not.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_options_set_cascade(
    options: Option<&mut Options>,
    cascade: bool,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    change(options, error, |builder| Ok(builder.cascade(cascade)))
}

/// Whether findings of classifiers name the words that drove the score, which costs time on texts with such findings; by default they
/// do. Decisions do not depend on it.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_options_set_attribution(
    options: Option<&mut Options>,
    attribution: bool,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    change(options, error, |builder| Ok(builder.attribution(attribution)))
}

/// Changes one setting. The settings stay as they were where that fails.
fn change(
    options: Option<&mut Options>,
    error: Slot<'_, Error>,
    set: impl FnOnce(GuardBuilder) -> Result<GuardBuilder, Fault>,
) -> Status {
    answer(error, || {
        let options = given(options, "options")?;
        options.0 = set(options.builder())?;
        Ok(())
    })
}

fn word<T: std::str::FromStr<Err: std::fmt::Display>>(setting: &'static str, word: &str) -> Result<T, Fault> {
    word.parse().map_err(|error: T::Err| Fault::Setting { setting, reason: error.to_string() })
}

/// A path of any bytes but NUL.
///
/// # Safety
/// As for [`bytes`].
unsafe fn path_of(path: *const c_char, len: usize) -> Result<PathBuf, Fault> {
    // SAFETY: the caller's promise.
    let path = unsafe { bytes(path, len, "path") }?;
    let refused = |reason: &str| Fault::Setting { setting: "path", reason: reason.to_owned() };
    if path.is_empty() {
        return Err(refused("it is empty"));
    }
    if path.contains(&0) {
        return Err(refused("it holds NUL"));
    }
    #[cfg(unix)]
    return Ok(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(path).into());
    #[cfg(not(unix))]
    str::from_utf8(path)
        .map(PathBuf::from)
        .map_err(|error| Fault::NotText { argument: "path", at: error.valid_up_to() })
}
