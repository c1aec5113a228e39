//! The devices of this machine that this build can use.

#[cfg(feature = "cuda")]
mod cuda;

use candle_core::Device;
use portcullis_kernels::device::{DeviceInfo, DeviceType, Failure, FailureKind};

/// All of them.
///
/// # Errors
/// [`Failure`], where the driver does not start or has no device.
pub(crate) fn all() -> Result<Vec<DeviceInfo>, Failure> {
    #[cfg(feature = "cuda")]
    return cuda::all();
    #[cfg(not(feature = "cuda"))]
    Ok(vec![processor()])
}

/// Opens one.
///
/// # Errors
/// [`Failure`].
pub(crate) fn open(device: DeviceType, ordinal: u32) -> Result<(DeviceInfo, Device), Failure> {
    let absent =
        || Failure::new(FailureKind::NoDevice, format!("{device} {ordinal} is not one of this library's"));
    let is_it = |info: &DeviceInfo| info.device == device && info.ordinal == ordinal;
    let info = all()?.into_iter().find(is_it).ok_or_else(absent)?;
    let opened = match device {
        #[cfg(feature = "cuda")]
        DeviceType::Cuda => cuda::open(ordinal)?,
        DeviceType::CpuFloat => Device::Cpu,
        _ => return Err(absent()),
    };
    Ok((info, opened))
}

#[cfg(not(feature = "cuda"))]
fn processor() -> DeviceInfo {
    DeviceInfo {
        device: DeviceType::CpuFloat,
        ordinal: 0,
        name: "processor, in floating point".to_owned(),
        memory: 0,
        driver: String::new(),
    }
}
