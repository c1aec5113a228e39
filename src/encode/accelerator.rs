//! A device beside the CPU that runs the whole model over a batch at once, in floating point.

mod failure;

use std::fmt;
use std::sync::{Mutex, PoisonError};

use candle_core::Device;
use portcullis_kernels::device::{DeviceInfo, Failure, Precision};

use super::batched::{Answers, Batched};
use super::{Batch, EncodeError};
use crate::bundle::Weights;
pub use failure::failure;

/// A device with the model on it.
///
/// What it says of a text is within a tolerance of what the CPU says, and not the same bits: it computes in floating point, in
/// another order, and what it says of a text may hang on the texts beside it.
pub trait Accelerator: Send + Sync + fmt::Debug {
    /// The device.
    fn info(&self) -> &DeviceInfo;

    /// The numbers that it computes in.
    fn precision(&self) -> Precision;

    /// Which kernels compute, where the device has a choice; empty where it has none.
    fn kernels(&self) -> &str {
        ""
    }

    /// What the whole model says of each sequence.
    ///
    /// # Errors
    /// [`Failure`].
    fn answer(&self, batch: &Batch) -> Result<Answers, Failure>;
}

/// A device of candle's, in this process. Where that is the processor, it shares rayon's global pool with whoever uses that, so it is not
/// to be asked from that pool's threads.
#[derive(Debug)]
pub struct Local {
    info: DeviceInfo,
    precision: Precision,
    /// One batch at a time: two would share the device's memory out.
    graph: Mutex<Batched>,
}

impl Local {
    /// Uploads `weights` to `device`, to average the states after each of `after` layers on the way.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn new(
        info: DeviceInfo,
        device: &Device,
        precision: Precision,
        weights: &Weights,
        after: &[usize],
    ) -> Result<Self, Failure> {
        let graph = Batched::new(weights, device, precision, after).map_err(|error| failure(&error))?;
        Ok(Self { info, precision, graph: Mutex::new(graph) })
    }
}

impl Accelerator for Local {
    fn info(&self) -> &DeviceInfo {
        &self.info
    }

    fn precision(&self) -> Precision {
        self.precision
    }

    fn answer(&self, batch: &Batch) -> Result<Answers, Failure> {
        let graph = self.graph.lock().unwrap_or_else(PoisonError::into_inner);
        graph.answer(batch).map_err(|error: EncodeError| failure(&error))
    }
}
