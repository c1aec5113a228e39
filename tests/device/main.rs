//! The graph for accelerators against the oracle, and guards whose classifiers run on an accelerator.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::panic,
    clippy::string_slice,
    reason = "a test fails by panicking, and tells its figures"
)]

mod failure;
mod graph;
#[cfg(any(feature = "cuda", all(feature = "metal", target_os = "macos")))]
mod hardware;
mod verdicts;

use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use portcullis::bundle::Bundle;
use portcullis::encode::{
    Accelerator, Answers, Batch, DeviceInfo, DeviceType, Failure, FailureKind, Local, Precision,
};
use portcullis::rails::classifier::ClassifierRail;
use portcullis::{Guard, GuardBuilder};

/// Texts of many kinds and lengths, from the fixture of the parity tests.
pub(crate) fn texts(count: usize) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/parity.jsonl.gz");
    let mut rows = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut rows).unwrap();
    let text = |row: &str| {
        let row: serde_json::Value = serde_json::from_str(row).unwrap();
        row["text"].as_str().unwrap().to_owned()
    };
    rows.lines().take(count).map(text).collect()
}

/// The processor in floating point as an accelerator.
pub(crate) fn info() -> DeviceInfo {
    DeviceInfo {
        device: DeviceType::CpuFloat,
        ordinal: 0,
        name: "a processor".to_owned(),
        memory: 0,
        driver: String::new(),
    }
}

pub(crate) fn local(bundle: &Bundle, precision: Precision) -> Local {
    let after = ClassifierRail::states_after(bundle);
    Local::new(info(), &candle_core::Device::Cpu, precision, bundle.weights().unwrap(), &after).unwrap()
}

/// An accelerator that counts its calls, and fails as it is told.
#[derive(Clone, Debug)]
pub(crate) struct Failing(Arc<Told>);

#[derive(Debug)]
struct Told {
    info: DeviceInfo,
    guard: Guard,
    /// Made when it answers for the first time.
    inner: OnceLock<Local>,
    calls: AtomicUsize,
    largest: AtomicUsize,
    how: Mutex<How>,
}

/// How an accelerator answers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum How {
    Well,
    /// Runs out of memory for more sequences than this.
    MemoryFor(usize),
    Always(FailureKind),
    /// Scores that are no numbers.
    Nan,
    /// An answer too few.
    Short,
}

impl Failing {
    pub(crate) fn new(guard: &Guard, how: How) -> Self {
        let (calls, largest) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let (guard, inner) = (guard.clone(), OnceLock::new());
        Self(Arc::new(Told { info: info(), guard, inner, calls, largest, how: Mutex::new(how) }))
    }

    pub(crate) fn calls(&self) -> usize {
        self.0.calls.load(Ordering::Relaxed)
    }

    /// Sequences of the largest batch that it was asked for.
    pub(crate) fn largest(&self) -> usize {
        self.0.largest.load(Ordering::Relaxed)
    }

    pub(crate) fn becomes(&self, how: How) {
        *self.0.how.lock().unwrap() = how;
    }
}

impl Accelerator for Failing {
    fn info(&self) -> &DeviceInfo {
        &self.0.info
    }

    fn precision(&self) -> Precision {
        Precision::F32
    }

    fn answer(&self, batch: &Batch) -> Result<Answers, Failure> {
        self.0.calls.fetch_add(1, Ordering::Relaxed);
        self.0.largest.fetch_max(batch.len(), Ordering::Relaxed);
        let how = *self.0.how.lock().unwrap();
        match how {
            How::MemoryFor(most) if batch.len() > most => {
                return Err(Failure::new(FailureKind::OutOfMemory, "too much"));
            }
            How::Always(kind) => return Err(Failure::new(kind, "as it was told")),
            _ => {}
        }
        let inner = self.0.inner.get_or_init(|| local(self.0.guard.bundle(), Precision::F32));
        let mut answers = inner.answer(batch)?;
        match how {
            How::Nan => answers.logits.iter_mut().flatten().for_each(|logit| *logit = f32::NAN),
            How::Short => drop(answers.logits.pop()),
            _ => {}
        }
        Ok(answers)
    }
}

/// A guard of this policy on the CPU alone, and the same with an accelerator from so many tokens on.
pub(crate) fn pair(builder: GuardBuilder, how: How, from_tokens: usize) -> (Guard, Guard, Failing) {
    let cpu = builder.threads(1).build().unwrap();
    let failing = Failing::new(&cpu, how);
    let guard = cpu.with_accelerator(Box::new(failing.clone()), from_tokens);
    (cpu, guard, failing)
}
