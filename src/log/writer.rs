//! The end of a log: appends under a lock that processes share, closing of segments, and what is done when a write fails.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use blake3::Hash;
use serde::Serialize;

use super::head::{self, HEAD_FILE, Head, Stated};
use super::lines::MAX_LINE;
use super::segment::{self, Header, Tail, VERSION};
use super::{Body, Event, LogError, envelope, now, retain};
use crate::disk;
use crate::installation::{Fsync, LogSettings};
use crate::trust::SigningKey;

/// Bytes of a line beside its body, at most.
const ENVELOPE: usize = 256;

/// What appends to a log.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) folder: PathBuf,
    pub(super) settings: LogSettings,
    pub(super) key: SigningKey,
    pub(super) installation: String,
    /// Locked while the log is read for writing, or written. Closing it would unlock it.
    pub(super) lock: File,
    pub(super) file: File,
    pub(super) path: PathBuf,
    pub(super) tail: Tail,
    /// Whether the file may hold more than `tail` says, since a write failed half way.
    pub(super) uncertain: bool,
    /// Entries that could not be appended, and when the first was.
    pub(super) lost: Option<(u64, String)>,
    /// Why the last flush failed, until an append has said so.
    pub(super) unflushed: Option<std::io::Error>,
    /// Number of the last entry that is signed for.
    pub(super) signed: Option<u64>,
    line: Vec<u8>,
}

/// What only the log itself writes.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Own<'a> {
    Segment(&'a Header),
    Head(&'a Head),
}

/// Opens a segment for appending.
pub(super) fn open_segment(path: &Path) -> Result<File, LogError> {
    let opened = disk::private().append(true).read(true).create(true).open(path);
    opened.map_err(|source| LogError::io("open", path, source))
}

impl Writer {
    pub(super) fn new(
        folder: PathBuf,
        settings: LogSettings,
        key: SigningKey,
        installation: String,
        lock: File,
        (file, path, tail): (File, PathBuf, Tail),
    ) -> Self {
        Self {
            folder,
            settings,
            key,
            installation,
            lock,
            file,
            path,
            tail,
            uncertain: false,
            lost: None,
            unflushed: None,
            signed: None,
            line: Vec::with_capacity(4096),
        }
    }

    /// Appends an entry with this body, and before it what was lost.
    pub(super) fn append(&mut self, body: &[u8]) -> Result<(), LogError> {
        let appended = self.try_append(body);
        if appended.is_err() {
            let (count, since) = self.lost.take().unwrap_or_default();
            let since = if since.is_empty() { now().unwrap_or_default() } else { since };
            self.lost = Some((count + 1, since));
        }
        appended
    }

    fn try_append(&mut self, body: &[u8]) -> Result<(), LogError> {
        if body.len() as u64 > MAX_LINE - ENVELOPE as u64 {
            return Err(LogError::TooLarge { found: body.len(), limit: MAX_LINE - ENVELOPE as u64 });
        }
        if let Some(source) = self.unflushed.take() {
            return Err(LogError::io("flush", &self.path, source));
        }
        self.locked(|writer| {
            writer.catch_up()?;
            if writer.tail.closed || writer.tail.end >= writer.settings.segment_bytes {
                writer.rotate()?;
            }
            writer.tell_lost()?;
            writer.put(body)
        })
    }

    /// Says at the end what could not be appended, if it can be now.
    pub(super) fn settle(&mut self) -> Result<(), LogError> {
        if self.lost.is_none() {
            return Ok(());
        }
        self.locked(|writer| {
            writer.catch_up()?;
            if writer.tail.closed {
                writer.rotate()?;
            }
            writer.tell_lost()
        })
    }

    fn tell_lost(&mut self) -> Result<(), LogError> {
        if let Some((count, since)) = self.lost.clone() {
            self.put_event(Event::RecordsLost { count, since })?;
            self.lost = None;
        }
        Ok(())
    }

    /// Does something while no other process writes; waits for one that does.
    pub(super) fn locked<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, LogError>,
    ) -> Result<T, LogError> {
        self.lock.lock().map_err(|source| LogError::io("lock", &self.folder, source))?;
        let done = work(self);
        self.lock.unlock().map_err(|source| LogError::io("unlock", &self.folder, source))?;
        done
    }

    pub(super) fn put_event(&mut self, event: Event) -> Result<(), LogError> {
        let body = Body::Event { time: now()?, event };
        self.put(&serde_json::to_vec(&body).map_err(LogError::json)?)
    }

    /// Takes up what other processes have appended. The lock is held.
    fn catch_up(&mut self) -> Result<(), LogError> {
        let metadata = self.file.metadata().map_err(|source| LogError::io("read", &self.path, source))?;
        let length = metadata.len();
        if length == self.tail.end && !self.uncertain && !self.tail.closed {
            return if is_gone(&metadata) { Err(self.tampered("was removed")) } else { Ok(()) };
        }
        if length < self.tail.end {
            return Err(self.tampered("was made shorter"));
        }
        let mut tail = self.read_tail()?;
        if tail.closed {
            let newest = segment::list(&self.folder)?.pop().unwrap_or(tail.segment);
            if newest > tail.segment {
                let path = segment::path(&self.folder, newest);
                let mut file = open_segment(&path)?;
                match segment::tail(&mut file, newest, &path)? {
                    Some(found) => (self.file, self.path, tail) = (file, path, found),
                    // Its maker died before it had a first line: it is begun again.
                    None if newest.checked_sub(1) == Some(tail.segment) => {}
                    None => return Err(LogError::corrupt(&path, "it has no whole line".to_owned())),
                }
            }
        }
        if tail.segment == self.tail.segment && tail.last < self.tail.last {
            return Err(self.tampered("was rewritten"));
        }
        self.tail = tail;
        self.uncertain = false;
        self.cut()
    }

    fn read_tail(&mut self) -> Result<Tail, LogError> {
        let nothing = || LogError::corrupt(&self.path, "it has no whole line".to_owned());
        segment::tail(&mut self.file, self.tail.segment, &self.path)?.ok_or_else(nothing)
    }

    /// Removes the beginning of a line that has no end, and says so. The lock is held.
    pub(super) fn cut(&mut self) -> Result<(), LogError> {
        let torn = self.tail.torn;
        if torn == 0 {
            return Ok(());
        }
        self.file.set_len(self.tail.end).map_err(|source| LogError::io("cut", &self.path, source))?;
        self.tail.torn = 0;
        if self.tail.closed {
            return Ok(());
        }
        self.put_event(Event::LogTailCut { bytes: torn })
    }

    /// Closes the segment, unless it is, and begins the next. The lock is held.
    pub(super) fn rotate(&mut self) -> Result<(), LogError> {
        if !self.tail.closed {
            let Tail { segment, first, last, hash, .. } = self.tail;
            let head = Head::sign(&self.key, (segment, first, last), &hash, true, now()?);
            let body = serde_json::to_vec(&Own::Head(&head)).map_err(LogError::json)?;
            self.put(&body)?;
            self.tail.closed = true;
            self.sync()?;
        }
        let begun = self.tail;
        let (number, first) = (begun.segment + 1, begun.last + 1);
        let made = begin(&self.folder, number, first, &begun.hash, &self.installation)?;
        (self.file, self.path, self.tail) = made;
        self.sync()?;
        self.write_head(false)?;
        retain::remove_old(self)
    }

    fn sync(&self) -> Result<(), LogError> {
        if self.settings.fsync == Fsync::None {
            return Ok(());
        }
        let synced = self.file.sync_data().and_then(|()| disk::sync_folder(&self.folder));
        synced.map_err(|source| LogError::io("flush", &self.path, source))
    }

    /// Writes one entry in one write; where that fails the file is as before. The lock is held.
    fn put(&mut self, body: &[u8]) -> Result<(), LogError> {
        let seq = self.tail.last + 1;
        let hash = envelope::seal(seq, &self.tail.hash, body, &mut self.line);
        let written = self.file.write_all(&self.line).and_then(|()| match self.settings.fsync {
            Fsync::Each => self.file.sync_data(),
            _ => Ok(()),
        });
        if let Err(source) = written {
            self.uncertain = self.file.set_len(self.tail.end).is_err();
            return Err(LogError::io("append to", &self.path, source));
        }
        self.tail.end += self.line.len() as u64;
        (self.tail.last, self.tail.hash) = (seq, hash);
        Ok(())
    }

    /// Writes the signed head of the open segment, unless a later one is there already. The lock is held.
    pub(super) fn write_head(&mut self, force: bool) -> Result<(), LogError> {
        let path = self.folder.join(HEAD_FILE);
        let Tail { segment, first, last, hash, closed, .. } = self.tail;
        if !force
            && let Stated::Said(found) = head::read::<Head>(&path)?
            && found.last >= last
        {
            self.signed = Some(last);
            return Ok(());
        }
        let head = Head::sign(&self.key, (segment, first, last), &hash, closed, now()?);
        // At intervals it is not waited for the disk with the lock held; what is older is a head as well.
        let sync = force || self.settings.fsync == Fsync::Each;
        head::write(&path, &head, sync)?;
        self.signed = Some(last);
        Ok(())
    }

    fn tampered(&self, what: &'static str) -> LogError {
        LogError::Tampered { path: self.path.clone(), what }
    }
}

/// Begins a segment, in the place of one that has no whole line. The lock is held.
pub(super) fn begin(
    folder: &Path,
    number: u64,
    first: u64,
    previous: &Hash,
    installation: &str,
) -> Result<(File, PathBuf, Tail), LogError> {
    let path = segment::path(folder, number);
    let header = Header {
        version: VERSION,
        number,
        first,
        previous: previous.to_hex().to_string(),
        installation: installation.to_owned(),
        time: now()?,
    };
    let body = serde_json::to_vec(&Own::Segment(&header)).map_err(LogError::json)?;
    let mut line = Vec::new();
    let hash = envelope::seal(first, previous, &body, &mut line);
    let mut file = open_segment(&path)?;
    let written = file.set_len(0).and_then(|()| file.write_all(&line));
    if let Err(source) = written {
        let _ = file.set_len(0);
        return Err(LogError::io("write", &path, source));
    }
    let end = line.len() as u64;
    Ok((file, path, Tail { segment: number, first, last: first, hash, end, closed: false, torn: 0 }))
}

/// Whether the open file has no name any more.
#[cfg(unix)]
fn is_gone(metadata: &std::fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(metadata) == 0
}

#[cfg(not(unix))]
fn is_gone(_: &std::fs::Metadata) -> bool {
    false
}
