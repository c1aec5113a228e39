//! NVIDIA's GPUs, as their driver tells of them.

use candle_core::Device;
use candle_core::cuda_backend::cudarc::driver::sys::CUdevice_attribute::{
    CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR,
};
use candle_core::cuda_backend::cudarc::driver::{DriverError, result};
use portcullis::encode::failure;
use portcullis_kernels::device::{DeviceInfo, DeviceType, Failure, FailureKind};

/// All GPUs that the driver shows.
pub(super) fn all() -> Result<Vec<DeviceInfo>, Failure> {
    result::init().map_err(|error| unusable(&error))?;
    let count = result::device::get_count().map_err(|error| unusable(&error))?;
    if count == 0 {
        return Err(Failure::new(FailureKind::NoDevice, "the driver shows no GPU"));
    }
    let driver = driver_version();
    (0..count)
        .map(|ordinal| {
            let device = result::device::get(ordinal).map_err(|error| unusable(&error))?;
            let name = result::device::get_name(device).map_err(|error| unusable(&error))?;
            // SAFETY: the device is one that the driver just named.
            let memory = unsafe { result::device::total_mem(device) }.map_err(|error| unusable(&error))?;
            // SAFETY: as above.
            let major = unsafe {
                result::device::get_attribute(device, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
            };
            // SAFETY: as above.
            let minor = unsafe {
                result::device::get_attribute(device, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)
            };
            let capability = match (major, minor) {
                (Ok(major), Ok(minor)) => format!(" (compute {major}.{minor})"),
                _ => String::new(),
            };
            Ok(DeviceInfo {
                device: DeviceType::Cuda,
                ordinal: u32::try_from(ordinal).unwrap_or_default(),
                name: format!("{name}{capability}"),
                memory: memory as u64,
                driver: driver.clone(),
            })
        })
        .collect()
}

/// Opens the GPU of this number.
pub(super) fn open(ordinal: u32) -> Result<Device, Failure> {
    let ordinal = usize::try_from(ordinal).unwrap_or(usize::MAX);
    // A stream of its own, so that what is done by several models does not wait for each other.
    Device::new_cuda_with_stream(ordinal).map_err(|error| failure(&error))
}

/// The newest version of CUDA that the driver speaks, such as `13.0`.
fn driver_version() -> String {
    let mut version = 0;
    // SAFETY: the driver writes one number to where the pointer points.
    let status =
        unsafe { candle_core::cuda_backend::cudarc::driver::sys::cuDriverGetVersion(&raw mut version) };
    match status.result() {
        Ok(()) => format!("{}.{}", version / 1000, version % 1000 / 10),
        Err(_) => String::new(),
    }
}

fn unusable(error: &DriverError) -> Failure {
    failure(error)
}
