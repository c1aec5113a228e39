//! What kind of trouble an error of a device is, told by the names that its driver gives to it.

use std::error::Error;

use portcullis_kernels::device::{Failure, FailureKind};

/// Names of statuses of CUDA, its libraries and Metal, and what they mean. The first that an error names decides.
const NAMES: [(&str, FailureKind); 27] = [
    ("CUDA_ERROR_OUT_OF_MEMORY", FailureKind::OutOfMemory),
    ("CUBLAS_STATUS_ALLOC_FAILED", FailureKind::OutOfMemory),
    ("kIOGPUCommandBufferCallbackErrorOutOfMemory", FailureKind::OutOfMemory),
    ("CUDA_ERROR_NO_DEVICE", FailureKind::NoDevice),
    ("CUDA_ERROR_INVALID_DEVICE", FailureKind::NoDevice),
    ("CUDA_ERROR_NOT_INITIALIZED", FailureKind::NoDriver),
    ("CUDA_ERROR_STUB_LIBRARY", FailureKind::NoDriver),
    ("CUDA_ERROR_SYSTEM_NOT_READY", FailureKind::NoDriver),
    ("CUDA_ERROR_SYSTEM_DRIVER_MISMATCH", FailureKind::Mismatch),
    ("CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE", FailureKind::Mismatch),
    ("CUDA_ERROR_NO_BINARY_FOR_GPU", FailureKind::Mismatch),
    ("CUDA_ERROR_UNSUPPORTED_PTX_VERSION", FailureKind::Mismatch),
    ("CUDA_ERROR_INVALID_PTX", FailureKind::Mismatch),
    ("CUBLAS_STATUS_ARCH_MISMATCH", FailureKind::Mismatch),
    ("CUDA_ERROR_DEVICE_UNAVAILABLE", FailureKind::Lost),
    ("CUDA_ERROR_DEINITIALIZED", FailureKind::Lost),
    ("CUDA_ERROR_CONTEXT_IS_DESTROYED", FailureKind::Lost),
    ("CUDA_ERROR_ECC_UNCORRECTABLE", FailureKind::Lost),
    ("CUDA_ERROR_NVLINK_UNCORRECTABLE", FailureKind::Lost),
    ("CUDA_ERROR_HARDWARE_STACK_ERROR", FailureKind::Lost),
    ("CUDA_ERROR_ILLEGAL_ADDRESS", FailureKind::Lost),
    ("CUDA_ERROR_MISALIGNED_ADDRESS", FailureKind::Lost),
    ("CUDA_ERROR_ILLEGAL_INSTRUCTION", FailureKind::Lost),
    ("CUDA_ERROR_LAUNCH_FAILED", FailureKind::Lost),
    ("CUDA_ERROR_LAUNCH_TIMEOUT", FailureKind::Lost),
    ("CUDA_ERROR_UNKNOWN", FailureKind::Lost),
    ("kIOGPUCommandBufferCallbackErrorGPURestart", FailureKind::Lost),
];

/// Most characters kept of what was said.
const MOST_SAID: usize = 500;

/// The failure that an error of candle's graph is.
#[must_use]
pub fn failure(error: &(dyn Error + 'static)) -> Failure {
    let mut said = vec![error.to_string()];
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_said = cause.to_string();
        // Some errors say what their cause says.
        if said.last() != Some(&cause_said) {
            said.push(cause_said);
        }
        source = cause.source();
    }
    // The driver's name of the status may be in the debug form alone.
    let whole = format!("{} {error:?}", said.join(": "));
    let known = NAMES.iter().find(|(name, _)| names(&whole, name));
    let kind = known.map_or(FailureKind::Other, |(_, kind)| *kind);
    // Behind the first line are traces of calls.
    let lines: Vec<&str> = said.iter().filter_map(|said| said.lines().next()).collect();
    let mut message: String = lines.join(": ").chars().take(MOST_SAID).collect();
    if let Some((name, _)) = known.filter(|(name, _)| !message.contains(name)) {
        message = format!("{name}: {message}");
    }
    Failure::new(kind, message)
}

/// Whether the status is named, and not a longer one that begins alike.
fn names(said: &str, name: &str) -> bool {
    let of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    said.match_indices(name)
        .any(|(at, _)| !said.get(at + name.len()..).is_some_and(|rest| rest.starts_with(of_name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(said: &str) -> FailureKind {
        failure(&candle_core::Error::Msg(said.to_owned())).kind
    }

    #[test]
    fn the_status_names_the_kind() {
        let driver = |name: &str| format!("DriverError({name}, \"what the driver says\")");
        for (name, expected) in NAMES {
            assert_eq!(kind(&driver(name)), expected, "{name}");
            assert_eq!(kind(&driver(&format!("{name}_OF_ANOTHER"))), FailureKind::Other, "{name}");
        }
        assert_eq!(kind("shape mismatch in matmul"), FailureKind::Other);
    }

    #[test]
    fn a_cause_is_looked_at_and_told() {
        let error = crate::encode::EncodeError::from(candle_core::Error::Msg(
            "DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")\n   0: a trace".to_owned(),
        ));
        let failure = failure(&error);
        assert_eq!(failure.kind, FailureKind::OutOfMemory);
        assert_eq!(
            failure.to_string(),
            "the device is out of memory: the encoder failed: DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")"
        );
    }
}
