//! The interface between a guard and a library that runs the encoder on an accelerator: plain data and functions of C.
//!
//! The library exports one function, [`SYMBOL`], that returns a [`Table`]. Its first field is the version of this interface and
//! stays where it is; whoever reads the rest has looked at it. Memory belongs to the guard: what the library has to say goes into
//! buffers that it is given, and what it is given it does not keep after the call. No function unwinds.

use std::ffi::c_void;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The version of this interface.
pub const ABI: u32 = 1;

/// The name of the exported function, an [`Entry`].
pub const SYMBOL: &str = "portcullis_device";

/// The exported function. The table lives as long as the library is loaded.
pub type Entry = unsafe extern "C" fn() -> *const Table;

/// What a library offers.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// [`ABI`].
    pub abi: u32,
    /// The version of the package that the library was built from, in UTF-8.
    pub version: *const u8,
    /// Its bytes.
    pub version_length: usize,
    /// Names the devices: one a line, as [`DeviceInfo`] writes itself. Returns a [`FailureKind`] as a number, or 0.
    pub describe: unsafe extern "C" fn(reply: *mut Reply) -> u32,
    /// Loads a model onto a device, and says which kernels compute, where there is a choice. Returns a [`FailureKind`] as a number,
    /// or 0.
    pub open: unsafe extern "C" fn(request: *const OpenRequest, model: *mut Model, reply: *mut Reply) -> u32,
    /// Runs the model. The handle may be used from any thread, and from several at once. Returns a [`FailureKind`] as a number,
    /// or 0.
    pub forward: unsafe extern "C" fn(handle: *mut c_void, call: *mut Call, reply: *mut Reply) -> u32,
    /// Frees what `open` made; nothing uses the handle any more.
    pub close: unsafe extern "C" fn(handle: *mut c_void),
}

// SAFETY: a table is only read: numbers, pointers to functions, and a pointer to text that lives as long as the library.
unsafe impl Send for Table {}
// SAFETY: as for `Send`.
unsafe impl Sync for Table {}

/// A buffer for what a library has to say, in UTF-8: lines of devices, kernels, or why a call failed.
#[repr(C)]
#[derive(Debug)]
pub struct Reply {
    /// Where it goes.
    pub data: *mut u8,
    /// Bytes that there is room for.
    pub capacity: usize,
    /// Bytes that the library wrote.
    pub length: usize,
}

/// What `open` is asked for.
#[repr(C)]
#[derive(Debug)]
pub struct OpenRequest {
    /// A [`DeviceType`] as a number.
    pub device: u32,
    /// Which of the devices of this type, from 0.
    pub ordinal: u32,
    /// A [`Precision`] as a number.
    pub precision: u32,
    /// The bundle's manifest, TOML in UTF-8.
    pub manifest: *const u8,
    /// Its bytes.
    pub manifest_length: usize,
    /// The bundle's weights, safetensors; they begin at a multiple of 8 bytes.
    pub weights: *const u8,
    /// Their bytes.
    pub weights_length: usize,
    /// The numbers of layers after which the means of the states are asked for, ascending, beside those after the last.
    pub after: *const u32,
    /// How many.
    pub after_length: usize,
}

/// A model on a device.
#[repr(C)]
#[derive(Debug)]
pub struct Model {
    /// What `forward` and `close` take.
    pub handle: *mut c_void,
    /// Width of a state.
    pub hidden: usize,
    /// Logits of a sequence.
    pub heads: usize,
    /// Most tokens of a sequence.
    pub positions: usize,
}

/// One call of `forward`.
#[repr(C)]
#[derive(Debug)]
pub struct Call {
    /// Token ids of all sequences, one after another.
    pub ids: *const u32,
    /// How many.
    pub ids_length: usize,
    /// Where each sequence begins, and at last the number of ids.
    pub bounds: *const usize,
    /// How many: one more than there are sequences.
    pub bounds_length: usize,
    /// Where the logits go: `[sequences, heads]`.
    pub logits: *mut f32,
    /// How many.
    pub logits_length: usize,
    /// Where the means of the states go: `[sequences, asked for + 1, hidden]`.
    pub means: *mut f32,
    /// How many.
    pub means_length: usize,
}

/// What a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DeviceType {
    /// The processor, by the graph in floating point: for tests of everything around it.
    CpuFloat,
    /// An NVIDIA GPU.
    Cuda,
    /// An Apple GPU.
    Metal,
}

impl DeviceType {
    /// Every type.
    pub const ALL: [Self; 3] = [Self::CpuFloat, Self::Cuda, Self::Metal];

    /// Its number in a request.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::CpuFloat => 0,
            Self::Cuda => 1,
            Self::Metal => 2,
        }
    }

    /// The type of this number.
    #[must_use]
    pub fn of(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|device| device.number() == number)
    }

    /// `cpu-float`, `cuda` or `metal`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CpuFloat => "cpu-float",
            Self::Cuda => "cuda",
            Self::Metal => "metal",
        }
    }
}

impl fmt::Display for DeviceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The numbers in which an accelerator holds weights and states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Precision {
    /// 16 bits, 11 of them of precision.
    #[default]
    F16,
    /// 16 bits, 8 of them of precision.
    Bf16,
    /// 32 bits.
    F32,
}

impl Precision {
    /// Every precision.
    pub const ALL: [Self; 3] = [Self::F16, Self::Bf16, Self::F32];

    /// Its number in a request.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::F16 => 0,
            Self::Bf16 => 1,
            Self::F32 => 2,
        }
    }

    /// The precision of this number.
    #[must_use]
    pub fn of(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|precision| precision.number() == number)
    }

    /// `f16`, `bf16` or `f32`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::F32 => "f32",
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that names no precision.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("unknown precision: expected f16, bf16 or f32")]
pub struct UnknownPrecision;

impl FromStr for Precision {
    type Err = UnknownPrecision;

    fn from_str(word: &str) -> Result<Self, UnknownPrecision> {
        Self::ALL.into_iter().find(|precision| precision.as_str() == word).ok_or(UnknownPrecision)
    }
}

/// A device, as a library names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// What it is.
    pub device: DeviceType,
    /// Which of its type, from 0.
    pub ordinal: u32,
    /// Its name.
    pub name: String,
    /// Bytes of its memory; 0 where that is not known.
    pub memory: u64,
    /// The version of its driver; empty where it has none.
    pub driver: String,
}

impl fmt::Display for DeviceInfo {
    /// One line, its fields parted by tabulators.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { device, ordinal, memory, .. } = self;
        let [name, driver] = [&self.name, &self.driver].map(|text| text.replace(char::is_control, " "));
        write!(f, "{device}\t{ordinal}\t{memory}\t{driver}\t{name}")
    }
}

impl DeviceInfo {
    /// Reads a line that a library wrote; nothing where it is none.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let mut fields = line.splitn(5, '\t');
        let word = fields.next()?;
        let device = DeviceType::ALL.into_iter().find(|device| device.as_str() == word)?;
        let (ordinal, memory) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        let (driver, name) = (fields.next()?.to_owned(), fields.next()?.to_owned());
        Some(Self { device, ordinal, name, memory, driver })
    }
}

/// What kind of trouble an accelerator has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// Anything else.
    Other,
    /// There is no driver, or one that does not start.
    NoDriver,
    /// There is a driver, and no such device.
    NoDevice,
    /// The device has too little memory for what was asked.
    OutOfMemory,
    /// The device answers no more.
    Lost,
    /// The driver or the device is too old for the library.
    Mismatch,
}

impl FailureKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Other, Self::NoDriver, Self::NoDevice, Self::OutOfMemory, Self::Lost, Self::Mismatch];

    /// Its number as a status; never 0.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Other => 1,
            Self::NoDriver => 2,
            Self::NoDevice => 3,
            Self::OutOfMemory => 4,
            Self::Lost => 5,
            Self::Mismatch => 6,
        }
    }

    /// The kind of a status that is not 0.
    #[must_use]
    pub fn of(status: u32) -> Self {
        Self::ALL.into_iter().find(|kind| kind.number() == status).unwrap_or(Self::Other)
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Other => "the device failed",
            Self::NoDriver => "there is no driver",
            Self::NoDevice => "there is no such device",
            Self::OutOfMemory => "the device is out of memory",
            Self::Lost => "the device is lost",
            Self::Mismatch => "the driver or the device does not fit the library",
        })
    }
}

/// Why an accelerator did not do what it was asked.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{kind}: {message}")]
pub struct Failure {
    /// The kind of trouble.
    pub kind: FailureKind,
    /// What was said of it; never a text that is judged.
    pub message: String,
}

impl Failure {
    /// A failure of this kind.
    #[must_use]
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_read_as_it_is_written() {
        let device = DeviceInfo {
            device: DeviceType::Cuda,
            ordinal: 1,
            name: "NVIDIA\tH100 80GB\nHBM3".to_owned(),
            memory: 85_520_809_984,
            driver: "13.0".to_owned(),
        };
        let line = device.to_string();
        assert_eq!(line, "cuda\t1\t85520809984\t13.0\tNVIDIA H100 80GB HBM3");
        let expected = DeviceInfo { name: "NVIDIA H100 80GB HBM3".to_owned(), ..device };
        assert_eq!(DeviceInfo::parse(&line), Some(expected));
        for broken in
            ["", "cuda", "abacus\t0\t0\t\tname", "cuda\tx\t0\t\tname", "cuda\t0\t-1\t\tname", "cuda\t0\t0"]
        {
            assert_eq!(DeviceInfo::parse(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn numbers_name_one_thing_each() {
        for device in DeviceType::ALL {
            assert_eq!(DeviceType::of(device.number()), Some(device));
        }
        for precision in Precision::ALL {
            assert_eq!(Precision::of(precision.number()), Some(precision));
            assert_eq!(precision.as_str().parse(), Ok(precision));
        }
        for kind in FailureKind::ALL {
            assert!(kind.number() != 0 && FailureKind::of(kind.number()) == kind);
        }
        assert_eq!((DeviceType::of(99), Precision::of(99)), (None, None));
        assert_eq!(FailureKind::of(99), FailureKind::Other);
    }
}
