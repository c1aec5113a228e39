//! How a log is opened: where it ends, and what has become of its end since it was last written.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::head::{self, HEAD_FILE, Head, Stated};
use super::segment::{self, Tail};
use super::writer::{Writer, begin, open_segment};
use super::{Event, FOLDER, KEY_FILE, LogError, PUBLIC_KEY_FILE, envelope, retain};
use crate::disk;
use crate::installation::LogSettings;
use crate::record::InstallationKey;
use crate::trust::{SigningKey, TrustError};

/// The file that processes lock.
const LOCK_FILE: &str = "lock";

/// Opens the log of the state directory, or begins one.
pub(super) fn open(state: &Path, settings: &LogSettings) -> Result<Writer, LogError> {
    let installation = InstallationKey::load_or_create(state)?.id();
    let folder = state.join(FOLDER);
    disk::make_folder(&folder).map_err(|source| LogError::io("create", &folder, source))?;
    let key = signing_key(state, &installation)?;
    let lock = folder.join(LOCK_FILE);
    let lock = disk::lock_file(&lock).map_err(|source| LogError::io("open", &lock, source))?;
    let failed = |source| LogError::io("lock", &folder, source);
    lock.lock().map_err(failed)?;
    let end = end(&folder, &installation)?;
    let begun = end.begun;
    let newest = (end.file, end.path, end.tail);
    let mut writer = Writer::new(folder.clone(), settings.clone(), key, installation, lock, newest);
    mend(&mut writer, begun)?;
    retain::remove_old(&mut writer)?;
    writer.lock.unlock().map_err(failed)?;
    Ok(writer)
}

/// The newest segment, open.
struct End {
    file: File,
    path: PathBuf,
    tail: Tail,
    /// Whether it was just begun, as the log's first.
    begun: bool,
}

fn end(folder: &Path, installation: &str) -> Result<End, LogError> {
    let numbers = segment::list(folder)?;
    let Some(newest) = numbers.last().copied() else {
        let (file, path, tail) = begin(folder, 1, 0, &envelope::NOTHING, installation)?;
        return Ok(End { file, path, tail, begun: true });
    };
    let path = segment::path(folder, newest);
    let mut file = open_segment(&path)?;
    if let Some(tail) = segment::tail(&mut file, newest, &path)? {
        return Ok(End { file, path, tail, begun: false });
    }
    // Its maker died before it had a first line: the log ends with the segment before.
    let Some(before) = numbers.iter().rev().nth(1).copied() else {
        let (file, path, tail) = begin(folder, newest, 0, &envelope::NOTHING, installation)?;
        return Ok(End { file, path, tail, begun: true });
    };
    let path = segment::path(folder, before);
    let mut file = open_segment(&path)?;
    match segment::tail(&mut file, before, &path)? {
        Some(tail) if tail.closed && newest.checked_sub(1) == Some(before) => {
            Ok(End { file, path, tail, begun: false })
        }
        _ => Err(LogError::corrupt(&path, format!("segment {newest} follows it, and it is not closed"))),
    }
}

/// Says by events what was lost at the end of the log, so that it stays known, and signs for what is there. The lock is held.
fn mend(writer: &mut Writer, begun: bool) -> Result<(), LogError> {
    let found = head::read::<Head>(&writer.folder.join(HEAD_FILE))?;
    let last = writer.tail.last;
    writer.cut()?;
    let event = match found {
        Stated::Said(head) if begun || head.last > last => {
            Some(Event::LogEntriesLost { last: if begun { None } else { Some(last) }, signed: head.last })
        }
        Stated::Said(_) => None,
        Stated::Unreadable => Some(Event::LogHeadLost {}),
        // A log that has only begun may not have been signed for yet.
        Stated::Absent if last == writer.tail.first && writer.tail.segment == 1 => None,
        Stated::Absent => Some(Event::LogHeadLost {}),
    };
    let missing = event.is_some() || begun;
    if let Some(event) = event {
        if writer.tail.closed {
            writer.rotate()?;
        }
        writer.put_event(event)?;
    }
    if missing { writer.write_head(true) } else { Ok(()) }
}

fn signing_key(state: &Path, installation: &str) -> Result<SigningKey, LogError> {
    let key = SigningKey::read_or_generate(&state.join(KEY_FILE), &format!("log-{installation}"))?;
    let public = state.join(PUBLIC_KEY_FILE);
    if !public.exists() {
        match key.public().write(&public) {
            Err(TrustError::Io { source, .. }) if source.kind() == std::io::ErrorKind::AlreadyExists => {}
            other => other?,
        }
    }
    Ok(key)
}
