//! The encoder on an accelerator, as a library that the guard opens when it is asked to: see `portcullis_kernels::device`.
//!
//! With the feature `cuda` it has NVIDIA's GPUs; without, the processor in floating point, so that everything around it can be
//! tested where there is no GPU.

// A panic has to be caught here: it becomes a failure, and the guard's processor judges.
#[cfg(panic = "abort")]
compile_error!("the device library has to be built with a profile that unwinds");

mod devices;
mod given;
mod model;
// Without a GPU what can be tested of it is tested.
#[cfg(any(feature = "cuda", test))]
#[cfg_attr(
    not(feature = "cuda"),
    allow(dead_code, reason = "what a GPU is asked for is made up and not asked for")
)]
mod own;

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};

use given::{reply, slice, slice_mut};
use model::LoadedModel;
use portcullis_kernels::device::{ABI, Call, Failure, FailureKind, Model, OpenRequest, Reply, Table};

const VERSION: &str = env!("CARGO_PKG_VERSION");

static TABLE: Table = Table {
    abi: ABI,
    version: VERSION.as_ptr(),
    version_length: VERSION.len(),
    describe,
    open,
    forward,
    close,
};

/// The table of what this library offers.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_device() -> *const Table {
    // A panic is told as a failure. The hook is that of the library's own standard library, not of the program's.
    std::panic::set_hook(Box::new(|_| {}));
    &raw const TABLE
}

unsafe extern "C" fn describe(to: *mut Reply) -> u32 {
    answered(to, || {
        let devices = devices::all()?;
        Ok(devices.iter().map(|device| format!("{device}\n")).collect())
    })
}

unsafe extern "C" fn open(request: *const OpenRequest, model: *mut Model, to: *mut Reply) -> u32 {
    answered(to, || {
        // SAFETY: the caller gives a request that it does not change meanwhile, or null.
        let request = unsafe { request.as_ref() }.ok_or_else(|| refused("no request"))?;
        // SAFETY: the caller gives a model to be written that nothing else looks at, or null.
        let model = unsafe { model.as_mut() }.ok_or_else(|| refused("no place for the model"))?;
        // SAFETY: the request's pointers are those of so many elements, which live for the call.
        let manifest = unsafe { slice(request.manifest, request.manifest_length) }?;
        // SAFETY: as above.
        let weights = unsafe { slice(request.weights, request.weights_length) }?;
        // SAFETY: as above.
        let after = unsafe { slice(request.after, request.after_length) }?;
        let loaded =
            LoadedModel::open(request.device, request.ordinal, request.precision, manifest, weights, after)?;
        (model.hidden, model.heads, model.positions) = (loaded.hidden(), loaded.heads(), loaded.positions());
        let kernels = loaded.kernels().to_owned();
        model.handle = Box::into_raw(Box::new(loaded)).cast();
        Ok(kernels)
    })
}

unsafe extern "C" fn forward(handle: *mut c_void, call: *mut Call, to: *mut Reply) -> u32 {
    answered(to, || {
        // SAFETY: the caller gives a handle of `open` that is not closed, or null; it is only read.
        let model = unsafe { handle.cast::<LoadedModel>().as_ref() }.ok_or_else(|| refused("no model"))?;
        // SAFETY: the caller gives a call that nothing else looks at, or null.
        let call = unsafe { call.as_mut() }.ok_or_else(|| refused("no call"))?;
        // SAFETY: the call's pointers are those of so many elements, which live for the call.
        let ids = unsafe { slice(call.ids, call.ids_length) }?;
        // SAFETY: as above.
        let bounds = unsafe { slice(call.bounds, call.bounds_length) }?;
        // SAFETY: as above, and nothing else is a view of what is written.
        let logits = unsafe { slice_mut(call.logits, call.logits_length) }?;
        // SAFETY: as above.
        let means = unsafe { slice_mut(call.means, call.means_length) }?;
        model.forward(ids, bounds, logits, means)?;
        Ok(String::new())
    })
}

unsafe extern "C" fn close(handle: *mut c_void) {
    if handle.is_null() {
        return;
    }
    // A device that is lost may fail at freeing, too; there is nobody to be told.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: a handle is a box of `open`, and the caller uses it no more.
        drop(unsafe { Box::from_raw(handle.cast::<LoadedModel>()) });
    }));
}

/// Runs `call`, says what it said, and answers the status. A panic is a failure.
fn answered(to: *mut Reply, call: impl FnOnce() -> Result<String, Failure>) -> u32 {
    let result = catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|_| Err(Failure::new(FailureKind::Other, "the device library panicked")));
    let (status, said) = match result {
        Ok(said) => (0, said),
        Err(failure) => (failure.kind.number(), failure.message),
    };
    // SAFETY: the caller gives a reply with room for `capacity` bytes that nothing else looks at, or null.
    unsafe { reply(to, &said) };
    status
}

/// What the caller did wrong.
fn refused(what: &str) -> Failure {
    Failure::new(FailureKind::Other, format!("the device library was given {what}"))
}
