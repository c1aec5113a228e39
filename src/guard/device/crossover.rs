//! From which size of a batch a device is faster than the CPU, as it was measured on this machine.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::disk::{self, Flush, Readers};
use crate::encode::{DeviceInfo, DeviceType, Precision};

/// Its file in the state directory.
pub const CROSSOVER_FILE: &str = "device.toml";

/// Most bytes that are read of it.
const LIMIT: u64 = 1 << 16;

/// Why a measurement cannot be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CrossoverError {
    /// The file.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is not a measurement.
    #[error("{} is not a measurement of a device", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What was found, what was expected, and where.
        source: Box<toml::de::Error>,
    },
    /// It cannot be written as TOML.
    #[error("the measurement cannot be written as TOML")]
    Toml(#[from] toml::ser::Error),
}

/// A measurement. It holds for one device with one driver, one library and one model; under any other it is not used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crossover {
    /// The form of the file.
    pub format: u32,
    /// `cuda`, `metal` or `cpu-float`.
    pub kind: String,
    /// The device's name.
    pub name: String,
    /// The version of its driver.
    pub driver: String,
    /// BLAKE3 of its library in hex, or the version of the guard that it is part of.
    pub maker: String,
    /// BLAKE3 of the model's bundle in hex.
    pub model: String,
    /// The numbers that it computed in.
    pub precision: String,
    /// Tokens of a batch from which the device was faster at every size that was measured; absent where it never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_tokens: Option<usize>,
    /// Threads of the CPU that it was measured against.
    pub threads: usize,
    /// When, RFC 3339.
    pub measured: String,
}

impl Crossover {
    /// The form that is written.
    pub const FORMAT: u32 = 1;

    /// A measurement of this device.
    #[must_use]
    pub fn new(
        info: &DeviceInfo,
        maker: String,
        model: String,
        precision: Precision,
        from_tokens: Option<usize>,
        threads: usize,
        measured: String,
    ) -> Self {
        Self {
            format: Self::FORMAT,
            kind: info.device.to_string(),
            name: info.name.clone(),
            driver: info.driver.clone(),
            maker,
            model,
            precision: precision.to_string(),
            from_tokens,
            threads,
            measured,
        }
    }

    /// The measurement of the state directory; nothing where it has none.
    ///
    /// # Errors
    /// [`CrossoverError`].
    pub fn read(state: &Path) -> Result<Option<Self>, CrossoverError> {
        let path = state.join(CROSSOVER_FILE);
        let failed = |source| CrossoverError::Io { action: "read", path: path.clone(), source };
        let Some(bytes) = disk::read(&path, LIMIT).map_err(failed)? else { return Ok(None) };
        let parsed = toml::from_slice(&bytes);
        parsed.map(Some).map_err(|source| CrossoverError::Invalid { path, source: Box::new(source) })
    }

    /// Writes it into the state directory, in place of the one that is there.
    ///
    /// # Errors
    /// [`CrossoverError`].
    pub fn write(&self, state: &Path) -> Result<PathBuf, CrossoverError> {
        let path = state.join(CROSSOVER_FILE);
        let text = toml::to_string(self)?;
        let written = disk::make_folder(state).and_then(|()| {
            let new = state.join(format!("{CROSSOVER_FILE}.new"));
            disk::replace(&path, &new, text.as_bytes(), Readers::Owner, Flush::First)
        });
        match written {
            Ok(()) => Ok(path),
            Err(source) => Err(CrossoverError::Io { action: "write", path, source }),
        }
    }

    /// What device it is of.
    ///
    /// # Errors
    /// Why it is none, for a person.
    pub(super) fn device(&self) -> Result<DeviceType, String> {
        let known = DeviceType::ALL.into_iter().find(|device| device.as_str() == self.kind);
        known
            .ok_or_else(|| format!("{CROSSOVER_FILE} is of {:?}, expected a device that there is", self.kind))
    }

    /// Whether it is of this device with this driver.
    #[cfg(any(feature = "cuda", test))]
    pub(super) fn is_of(&self, info: &DeviceInfo) -> bool {
        info.device.as_str() == self.kind && info.name == self.name && info.driver == self.driver
    }

    /// Whether it was measured with what would run now.
    ///
    /// # Errors
    /// What differs, for a person.
    pub(super) fn fits(&self, maker: &str, model: &str, precision: Precision) -> Result<(), String> {
        let other = |what: &str| Err(format!("the crossover was measured with {what}: see `bench --device`"));
        match () {
            () if self.format != Self::FORMAT => other("another version"),
            () if self.maker != maker => other("another device library"),
            () if self.model != model => other("another model"),
            () if self.precision != precision.as_str() => other("another precision"),
            () => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured() -> (Crossover, DeviceInfo) {
        let info = DeviceInfo {
            device: DeviceType::Cuda,
            ordinal: 0,
            name: "NVIDIA H100".to_owned(),
            memory: 1,
            driver: "13.0".to_owned(),
        };
        let word = str::to_owned;
        let time = word("2031-05-09T14:03:59Z");
        (Crossover::new(&info, word("ab"), word("cd"), Precision::F16, Some(4096), 16, time), info)
    }

    #[test]
    fn what_is_written_is_read() {
        let state = tempfile::tempdir().unwrap();
        assert_eq!(Crossover::read(state.path()).unwrap(), None);
        let (crossover, _) = measured();
        let path = crossover.write(&state.path().join("new")).unwrap();
        assert_eq!(path, state.path().join("new").join(CROSSOVER_FILE));
        assert_eq!(Crossover::read(&state.path().join("new")).unwrap(), Some(crossover.clone()));
        let never = Crossover { from_tokens: None, ..crossover };
        never.write(&state.path().join("new")).unwrap();
        assert_eq!(Crossover::read(&state.path().join("new")).unwrap(), Some(never));
    }

    #[test]
    fn a_file_that_is_none_is_an_error() {
        let state = tempfile::tempdir().unwrap();
        for text in ["", "format = 1", "from_tokens = -1", "\u{feff}x", "[[["] {
            std::fs::write(state.path().join(CROSSOVER_FILE), text).unwrap();
            assert!(matches!(Crossover::read(state.path()), Err(CrossoverError::Invalid { .. })), "{text:?}");
        }
        std::fs::write(state.path().join(CROSSOVER_FILE), vec![b'#'; 70_000]).unwrap();
        assert!(matches!(Crossover::read(state.path()), Err(CrossoverError::Io { .. })));
    }

    #[test]
    fn it_holds_for_what_was_measured_only() {
        let (crossover, info) = measured();
        assert_eq!(crossover.fits("ab", "cd", Precision::F16), Ok(()));
        for (maker, model, precision) in
            [("xx", "cd", Precision::F16), ("ab", "xx", Precision::F16), ("ab", "cd", Precision::F32)]
        {
            assert!(crossover.fits(maker, model, precision).is_err());
        }
        assert!(Crossover { format: 2, ..crossover.clone() }.fits("ab", "cd", Precision::F16).is_err());
        assert!(crossover.is_of(&info));
        assert!(!crossover.is_of(&DeviceInfo { driver: "12.4".to_owned(), ..info.clone() }));
        assert!(!crossover.is_of(&DeviceInfo { name: "another".to_owned(), ..info }));
        assert!(Crossover { kind: "abacus".to_owned(), ..crossover }.device().is_err());
    }
}
