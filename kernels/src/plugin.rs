//! Libraries that run the encoder on an accelerator, opened when one is asked for.
//!
//! # What the caller must know
//!
//! A library that is opened runs as part of this process, with all its rights. [`Plugin::load`] refuses one that others than the
//! user of the process and root could have changed; beyond that the caller vouches for the file, as it does for the program.
//! A library stays loaded until the process ends: its driver has threads of its own.

mod owner;

use std::ffi::c_void;
use std::fmt;
use std::path::{Path, PathBuf};
use std::ptr;

use libloading::Library;
use thiserror::Error;

use crate::device::{
    ABI, Call, DeviceInfo, DeviceType, Entry, Failure, FailureKind, Model, OpenRequest, Precision, Reply,
    SYMBOL, Table,
};

/// Most bytes that a library may say at once.
const MOST_SAID: usize = 1 << 14;

/// Why a library cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PluginError {
    /// There is no such file, or it cannot be looked at.
    #[error("no device library at {}", path.display())]
    Absent {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Others could have changed it.
    #[error("the device library {} is not used: {why}", path.display())]
    Untrusted {
        /// The file.
        path: PathBuf,
        /// Who, and how.
        why: String,
    },
    /// A library that it needs is missing: the driver, or a part of the toolkit.
    #[error("the device library {} cannot be loaded: there is no {missing}, which comes with {of}", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// The library that it needs.
        missing: String,
        /// What that is a part of.
        of: &'static str,
    },
    /// The system cannot load it.
    #[error("the device library {} cannot be loaded: {why}", path.display())]
    Load {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// Another version of the interface.
    #[error("the device library {} has the interface {found}, expected {ABI}", path.display())]
    Interface {
        /// The file.
        path: PathBuf,
        /// Its interface.
        found: u32,
    },
    /// Built from another version.
    #[error("the device library {} is of version {found}, expected {expected}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: String,
        /// That of this guard.
        expected: &'static str,
    },
}

/// A library that was opened.
#[derive(Clone, Copy)]
pub struct Plugin {
    table: &'static Table,
}

impl Plugin {
    /// Opens the library at `path`.
    ///
    /// # Errors
    /// [`PluginError`].
    pub fn load(path: &Path) -> Result<Self, PluginError> {
        let absent = |source| PluginError::Absent { path: path.to_owned(), source };
        // What is looked at is what is loaded, whatever links lead there.
        let file = path.canonicalize().map_err(absent)?;
        if let Some(why) = owner::objection(&file).map_err(absent)? {
            return Err(PluginError::Untrusted { path: path.to_owned(), why });
        }
        // SAFETY: what the file does when it is loaded is the caller's to vouch for, as the module's documentation says.
        let library = unsafe { Library::new(&file) }.map_err(|error| not_loaded(path, &error))?;
        // SAFETY: the type is that of the function of this name in every version of the interface.
        let entry = unsafe { library.get::<Entry>(SYMBOL) }.map_err(|error| PluginError::Load {
            path: path.to_owned(),
            why: format!("it has no {SYMBOL}: {error}"),
        })?;
        // SAFETY: the function takes nothing and returns a pointer.
        let table = unsafe { entry() };
        // The table has to live as long as what uses it, and the driver's threads as long as the process.
        std::mem::forget(library);
        // SAFETY: a pointer to a table, or null; the version of the interface is its first field in every version of it.
        let abi = unsafe { table.cast::<u32>().as_ref() };
        match abi {
            Some(&ABI) => {}
            Some(&found) => return Err(PluginError::Interface { path: path.to_owned(), found }),
            None => {
                let why = format!("its {SYMBOL} returns no table");
                return Err(PluginError::Load { path: path.to_owned(), why });
            }
        }
        // SAFETY: not null, of this version, and of a library that is never unloaded.
        let table: &'static Table = unsafe { &*table };
        let plugin = Self { table };
        let (found, expected) = (plugin.version(), env!("CARGO_PKG_VERSION"));
        if found != expected {
            return Err(PluginError::Version { path: path.to_owned(), found, expected });
        }
        Ok(plugin)
    }

    /// The version of the package that it was built from.
    #[must_use]
    pub fn version(&self) -> String {
        if self.table.version.is_null() {
            return String::new();
        }
        let length = self.table.version_length.min(MOST_SAID);
        // SAFETY: the table says that so many bytes are there, as long as the library is loaded.
        let bytes = unsafe { std::slice::from_raw_parts(self.table.version, length) };
        String::from_utf8_lossy(bytes).into_owned()
    }

    /// The devices that it can use.
    ///
    /// # Errors
    /// [`Failure`], such as for a driver that does not start.
    pub fn devices(&self) -> Result<Vec<DeviceInfo>, Failure> {
        // SAFETY: the reply is one, with room for what it says.
        let (status, said) = said(|reply| unsafe { (self.table.describe)(reply) });
        if status != 0 {
            return Err(Failure::new(FailureKind::of(status), said));
        }
        said.lines()
            .map(|line| {
                let unread =
                    || Failure::new(FailureKind::Other, "the device library names a device in another form");
                DeviceInfo::parse(line).ok_or_else(unread)
            })
            .collect()
    }

    /// Loads a model onto a device.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn open(&self, opening: &Opening<'_>) -> Result<OpenModel, Failure> {
        let request = OpenRequest {
            device: opening.device.number(),
            ordinal: opening.ordinal,
            precision: opening.precision.number(),
            manifest: opening.manifest.as_ptr(),
            manifest_length: opening.manifest.len(),
            weights: opening.weights.as_ptr(),
            weights_length: opening.weights.len(),
            after: opening.after.as_ptr(),
            after_length: opening.after.len(),
        };
        let mut model = Model { handle: ptr::null_mut(), hidden: 0, heads: 0, positions: 0 };
        // SAFETY: the request's pointers are those of slices with these lengths, which outlive the call; the model and the reply
        // are there to be written.
        let (status, said) = said(|reply| unsafe { (self.table.open)(&request, &mut model, reply) });
        match status {
            0 if model.handle.is_null() => {
                Err(Failure::new(FailureKind::Other, "the device library opened nothing"))
            }
            0 => {
                let means = opening.after.len() + 1;
                Ok(OpenModel { table: self.table, model, means, kernels: said })
            }
            status => Err(Failure::new(FailureKind::of(status), said)),
        }
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin").field("version", &self.version()).finish_non_exhaustive()
    }
}

/// What is loaded onto which device.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// The type of the device.
    pub device: DeviceType,
    /// Which of its type, from 0.
    pub ordinal: u32,
    /// In which numbers it computes.
    pub precision: Precision,
    /// The bundle's manifest.
    pub manifest: &'a str,
    /// The bundle's weights, at a multiple of 8 bytes.
    pub weights: &'a [u8],
    /// After how many layers the means of the states are asked for, beside those after the last.
    pub after: &'a [u32],
}

/// A model on a device, freed when it is dropped.
pub struct OpenModel {
    table: &'static Table,
    model: Model,
    /// Means of states for each sequence.
    means: usize,
    kernels: String,
}

// SAFETY: the interface says that a handle may be used from any thread; the rest is plain data.
unsafe impl Send for OpenModel {}
// SAFETY: the interface says that a handle may be used from several threads at once.
unsafe impl Sync for OpenModel {}

impl OpenModel {
    /// Logits of a sequence.
    #[must_use]
    pub const fn heads(&self) -> usize {
        self.model.heads
    }

    /// Width of a state.
    #[must_use]
    pub const fn hidden(&self) -> usize {
        self.model.hidden
    }

    /// Most tokens of a sequence.
    #[must_use]
    pub const fn positions(&self) -> usize {
        self.model.positions
    }

    /// Which kernels compute, in words; empty where the library has no choice.
    #[must_use]
    pub fn kernels(&self) -> &str {
        &self.kernels
    }

    /// The logits `[sequences, heads]` of the sequences of `ids` between `bounds`, and their states' means
    /// `[sequences, asked for + 1, hidden]`.
    ///
    /// # Errors
    /// [`Failure`], also for bounds that are none.
    pub fn forward(&self, ids: &[u32], bounds: &[usize]) -> Result<(Vec<f32>, Vec<f32>), Failure> {
        let sequences = bounds.len().saturating_sub(1);
        // A number that is not written stands out.
        let mut logits = vec![f32::NAN; sequences * self.model.heads];
        let mut means = vec![f32::NAN; sequences * self.means * self.model.hidden];
        let mut call = Call {
            ids: ids.as_ptr(),
            ids_length: ids.len(),
            bounds: bounds.as_ptr(),
            bounds_length: bounds.len(),
            logits: logits.as_mut_ptr(),
            logits_length: logits.len(),
            means: means.as_mut_ptr(),
            means_length: means.len(),
        };
        let handle = self.model.handle;
        // SAFETY: the handle is one of `open` and not closed; the call's pointers are those of slices with these lengths, which
        // outlive it, and of those that are written nothing else is a view.
        let (status, said) = said(|reply| unsafe { (self.table.forward)(handle, &mut call, reply) });
        match status {
            0 => Ok((logits, means)),
            status => Err(Failure::new(FailureKind::of(status), said)),
        }
    }
}

impl Drop for OpenModel {
    fn drop(&mut self) {
        let handle: *mut c_void = self.model.handle;
        // SAFETY: the handle is one of `open`, and nothing uses it after this.
        unsafe { (self.table.close)(handle) };
    }
}

impl fmt::Debug for OpenModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenModel").field("model", &self.model).finish_non_exhaustive()
    }
}

/// What `call` returns, and what it wrote.
fn said(call: impl FnOnce(*mut Reply) -> u32) -> (u32, String) {
    let mut bytes = vec![0_u8; MOST_SAID];
    let mut reply = Reply { data: bytes.as_mut_ptr(), capacity: bytes.len(), length: 0 };
    let status = call(&raw mut reply);
    let said = bytes.get(..reply.length.min(MOST_SAID)).unwrap_or_default();
    (status, String::from_utf8_lossy(said).into_owned())
}

/// Why the system did not load the library, told apart where the driver or a part of the toolkit is missing.
fn not_loaded(path: &Path, error: &libloading::Error) -> PluginError {
    let mut why = error.to_string();
    if let Some(source) = std::error::Error::source(error) {
        why = format!("{why}: {source}");
    }
    match missing(&why) {
        Some(name) if !path.ends_with(name) => PluginError::Missing {
            path: path.to_owned(),
            missing: name.to_owned(),
            of: if name.starts_with("libcuda.") { "NVIDIA's driver" } else { "NVIDIA's toolkit" },
        },
        _ => PluginError::Load { path: path.to_owned(), why },
    }
}

/// The library that the loader says it did not find.
fn missing(why: &str) -> Option<&str> {
    let name = why.split(": cannot open shared object file").next().filter(|name| name.len() < why.len())?;
    name.rsplit([' ', '/']).next().filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_missing_library_is_named() {
        let why = "libcuda.so.1: cannot open shared object file: No such file or directory";
        assert_eq!(missing(why), Some("libcuda.so.1"));
        assert_eq!(
            missing("dlopen failed: libcublas.so.13: cannot open shared object file: x"),
            Some("libcublas.so.13")
        );
        assert_eq!(missing("invalid ELF header"), None);
    }

    #[test]
    fn what_is_no_library_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("libportcullis_cuda.so");
        assert!(matches!(Plugin::load(&path), Err(PluginError::Absent { .. })));
        std::fs::write(&path, "no library").unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        }
        assert!(matches!(Plugin::load(&path), Err(PluginError::Load { .. })), "{:?}", Plugin::load(&path));
    }
}
