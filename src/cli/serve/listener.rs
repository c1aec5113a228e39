//! The socket at its path: made for its owner only, put there at once, and removed at the end.

use anyhow::{Context as _, bail};
use std::fs::{self, DirBuilder, File, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The longest wait for another server that is being started in the same folder.
const PATIENCE: Duration = Duration::from_secs(5);

/// A socket that listens; its file goes with it.
pub(super) struct Socket {
    listener: UnixListener,
    path: PathBuf,
    /// Device and inode of the file.
    file: (u64, u64),
}

impl Socket {
    /// Listens at this path. A socket that nobody answers at is replaced.
    ///
    /// # Errors
    /// When a server answers there, something else is there, or the socket cannot be made.
    pub(super) fn bind(path: &Path) -> anyhow::Result<Self> {
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let _turn =
            take_turn(folder).with_context(|| format!("cannot use the folder {}", folder.display()))?;
        clear(path)?;
        let made = make(path, folder);
        let (listener, file) = made.with_context(|| format!("cannot make the socket {}", path.display()))?;
        Ok(Self { listener, path: path.to_owned(), file })
    }

    /// The listening end.
    ///
    /// # Errors
    /// When the system has no descriptor left.
    pub(super) fn listener(&self) -> anyhow::Result<UnixListener> {
        self.listener.try_clone().context("cannot use the socket")
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Another server may have taken the place.
        if fs::symlink_metadata(&self.path).is_ok_and(|found| (found.dev(), found.ino()) == self.file) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Takes the folder's lock: of two servers that start at once, the second finds the first.
fn take_turn(folder: &Path) -> io::Result<File> {
    let folder = File::open(folder)?;
    let begin = Instant::now();
    loop {
        match folder.try_lock() {
            Ok(()) => return Ok(folder),
            Err(TryLockError::WouldBlock) if begin.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Makes sure that nobody answers at this path, and that nothing but a socket is there.
fn clear(path: &Path) -> anyhow::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("cannot look at {}", path.display())),
        Ok(found) if !found.file_type().is_socket() => {
            bail!("{} is there and is no socket: it stays as it is", path.display())
        }
        Ok(_) => match UnixStream::connect(path) {
            Ok(_) => bail!("a server answers at {} already", path.display()),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
            Err(error) => {
                Err(error).with_context(|| format!("cannot tell whether a server is at {}", path.display()))
            }
        },
    }
}

/// Makes the socket where nobody else can see it, and moves it to its place when its mode is set and it listens.
fn make(path: &Path, folder: &Path) -> io::Result<(UnixListener, (u64, u64))> {
    let private = folder.join(format!(".{:08x}", getrandom::u32().map_err(io::Error::other)?));
    DirBuilder::new().mode(0o700).create(&private)?;
    let new = private.join("s");
    let made = UnixListener::bind(&new).and_then(|listener| {
        fs::set_permissions(&new, Permissions::from_mode(0o600))?;
        let found = fs::symlink_metadata(&new)?;
        fs::rename(&new, path)?;
        Ok((listener, (found.dev(), found.ino())))
    });
    if made.is_err() {
        let _ = fs::remove_file(&new);
    }
    let _ = fs::remove_dir(&private);
    made
}
