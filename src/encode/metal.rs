//! The Apple GPU of this machine, by candle's Metal device. Untested on hardware: see `docs/device.md`.

use candle_core::Device;

use super::{DeviceError, DeviceInfo, DeviceType, Local, Precision, failure};
use crate::bundle::Weights;

/// The model on the machine's first Apple GPU, to average the states after each of `after` layers on the way.
///
/// # Errors
/// [`DeviceError::Failure`].
pub fn metal(weights: &Weights, precision: Precision, after: &[usize]) -> Result<Local, DeviceError> {
    let device = Device::new_metal(0).map_err(|error| failure(&error))?;
    Ok(Local::new(metal_device(), &device, precision, weights, after)?)
}

/// What is known of it before it is opened.
#[must_use]
pub fn metal_device() -> DeviceInfo {
    DeviceInfo {
        device: DeviceType::Metal,
        ordinal: 0,
        name: "Apple GPU".to_owned(),
        memory: 0,
        driver: String::new(),
    }
}
