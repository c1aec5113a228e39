//! The accelerator beside the CPU: which batches it judges, and what is known of its troubles.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::encode::{Accelerator, Answers, Batch, DeviceInfo, Failure, FailureKind, Precision};

/// How often a batch that is too much for the device's memory is halved before that is a failure.
const HALVINGS: u32 = 2;

/// An accelerator, from how many tokens on a batch is worth it, and whether it still answers. Clones are the same one.
#[derive(Clone, Debug)]
pub struct RailDevice(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    accelerator: Box<dyn Accelerator>,
    from_tokens: usize,
    trouble: Mutex<Trouble>,
    told: AtomicBool,
}

#[derive(Debug, Default)]
struct Trouble {
    first: Option<Failure>,
    /// Batches that it did not answer.
    failures: u64,
    /// Whether it is not asked any more.
    is_lost: bool,
}

/// Where a batch is judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Route {
    /// On the device where the batch is large enough for it.
    #[default]
    BySize,
    /// On the device, whatever the size of the batch.
    Device,
    /// On the CPU.
    Cpu,
}

/// What has gone wrong with a device.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeviceTrouble {
    /// The first failure.
    pub first: Failure,
    /// Batches that it did not answer.
    pub failures: u64,
    /// Whether it is not asked any more.
    pub is_lost: bool,
}

impl std::fmt::Display for DeviceTrouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { first, failures, is_lost } = self;
        let times = if *failures == 1 { "batch".to_owned() } else { format!("{failures} batches") };
        write!(f, "{first} ({times} not answered{})", if *is_lost { ", not asked again" } else { "" })
    }
}

impl RailDevice {
    /// A device for batches from `from_tokens` tokens on, the special ones included.
    #[must_use]
    pub fn new(accelerator: Box<dyn Accelerator>, from_tokens: usize) -> Self {
        Self(Arc::new(Inner {
            accelerator,
            from_tokens,
            trouble: Mutex::default(),
            told: AtomicBool::new(false),
        }))
    }

    /// The device.
    #[must_use]
    pub fn info(&self) -> &DeviceInfo {
        self.0.accelerator.info()
    }

    /// The numbers that it computes in.
    #[must_use]
    pub fn precision(&self) -> Precision {
        self.0.accelerator.precision()
    }

    /// Which kernels compute, where it has a choice; empty where it has none.
    #[must_use]
    pub fn kernels(&self) -> &str {
        self.0.accelerator.kernels()
    }

    /// The tokens from which a batch is judged there.
    #[must_use]
    pub fn from_tokens(&self) -> usize {
        self.0.from_tokens
    }

    /// What has gone wrong with it; nothing where nothing has.
    #[must_use]
    pub fn trouble(&self) -> Option<DeviceTrouble> {
        let trouble = self.0.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let Trouble { first, failures, is_lost } = &*trouble;
        first.clone().map(|first| DeviceTrouble { first, failures: *failures, is_lost: *is_lost })
    }

    /// What has gone wrong with it, to the first who asks after something has.
    pub(crate) fn untold_trouble(&self) -> Option<DeviceTrouble> {
        let trouble = self.trouble()?;
        (!self.0.told.swap(true, Ordering::Relaxed)).then_some(trouble)
    }

    /// Whether a batch of so many tokens is its.
    pub(super) fn takes(&self, tokens: usize, route: Route) -> bool {
        match route {
            Route::BySize => tokens >= self.0.from_tokens,
            Route::Device => true,
            Route::Cpu => false,
        }
    }

    /// What the whole model says of each sequence of `batch`.
    ///
    /// A batch that is too much for the device's memory is halved, twice at most. After any other failure the device is not asked
    /// again: most leave its context broken.
    ///
    /// # Errors
    /// [`Failure`].
    pub(super) fn answer(&self, batch: &Batch) -> Result<Answers, Failure> {
        if let Some(DeviceTrouble { first, is_lost: true, .. }) = self.trouble() {
            return Err(first);
        }
        let answers = self.halved(batch, HALVINGS).and_then(|answers| match answers.is_of(batch.len()) {
            true => Ok(answers),
            false => Err(Failure::new(FailureKind::Other, "the device gave another number of answers")),
        });
        if let Err(failure) = &answers {
            let mut trouble = self.0.trouble.lock().unwrap_or_else(PoisonError::into_inner);
            trouble.failures += 1;
            trouble.is_lost |= failure.kind != FailureKind::OutOfMemory;
            trouble.first.get_or_insert_with(|| failure.clone());
        }
        answers
    }

    fn halved(&self, batch: &Batch, halvings: u32) -> Result<Answers, Failure> {
        match self.0.accelerator.answer(batch) {
            Err(Failure { kind: FailureKind::OutOfMemory, .. }) if halvings > 0 && batch.len() > 1 => {
                let (first, second) = batch.halves();
                let mut answers = self.halved(&first, halvings - 1)?;
                let others = self.halved(&second, halvings - 1)?;
                answers.logits.extend(others.logits);
                answers.states.extend(others.states);
                Ok(answers)
            }
            answered => answered,
        }
    }
}

impl Answers {
    /// Whether there are as many as sequences.
    fn is_of(&self, sequences: usize) -> bool {
        self.logits.len() == sequences && self.states.len() == sequences
    }
}
