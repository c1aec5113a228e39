//! Which version of the library and of its interface is in use.

use std::ffi::c_char;

/// The version of the interface that this header describes, and the number in the shared library's name. It is raised when a
/// program that was compiled against an older header would no longer work.
pub const PORTCULLIS_ABI_VERSION: u32 = 0;

/// The version of the interface that the library has, to be compared with `PORTCULLIS_ABI_VERSION`. From any thread.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_abi_version() -> u32 {
    PORTCULLIS_ABI_VERSION
}

/// The version of the library, such as `0.1.0`; ends with NUL and is never freed. From any thread.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}
