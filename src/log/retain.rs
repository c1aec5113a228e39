//! Retention: whole closed segments are removed when they are old enough, and a signed statement says so.

use std::fs;
use std::time::{Duration, SystemTime};

use serde::Deserialize;

use super::head::{self, Head, KEPT_FILE, Kept};
use super::segment::{self, Header};
use super::writer::{Writer, open_segment};
use super::{LogError, envelope};

/// Removes the segments that were closed longer ago than the settings keep them. The lock is held.
pub(super) fn remove_old(writer: &mut Writer) -> Result<(), LogError> {
    let days = writer.settings.retain_days;
    let age = Duration::from_secs(u64::from(days) * 86_400);
    let Some(before) = SystemTime::now().checked_sub(age).filter(|_| days > 0) else { return Ok(()) };
    // Times of one form are in the order of their letters.
    remove_before(writer, &crate::record::timestamp(before)?)
}

/// Removes the segments that were closed before this time.
pub(super) fn remove_before(writer: &mut Writer, before: &str) -> Result<(), LogError> {
    let numbers = segment::list(&writer.folder)?;
    let closed = numbers.iter().copied().filter(|number| *number < writer.tail.segment);
    let mut old = Vec::new();
    for number in closed {
        match closed_at(writer, number)? {
            Some(time) if time.as_str() < before => old.push(number),
            _ => break,
        }
    }
    let Some(last) = old.last() else { return Ok(()) };
    let path = segment::path(&writer.folder, last + 1);
    let Header { number, first, previous, .. } = segment::read_header(&mut open_segment(&path)?, &path)?;
    let previous = blake3::Hash::from_hex(&previous)
        .map_err(|_| LogError::corrupt(&path, "its header names no hash".to_owned()))?;
    // First the statement: what is then left of the old segments is known to be on its way out.
    let kept = Kept::sign(&writer.key, number, first, &previous, super::now()?);
    head::write(&writer.folder.join(KEPT_FILE), &kept, true)?;
    for number in old {
        let path = segment::path(&writer.folder, number);
        fs::remove_file(&path).map_err(|source| LogError::io("remove", &path, source))?;
    }
    Ok(())
}

/// When a segment was closed; nothing where it is not.
fn closed_at(writer: &Writer, number: u64) -> Result<Option<String>, LogError> {
    #[derive(Deserialize)]
    struct Line {
        head: Head,
    }
    let path = segment::path(&writer.folder, number);
    let mut file = open_segment(&path)?;
    let Some((line, _, _)) = segment::last_line(&mut file, &path)? else { return Ok(None) };
    let sealed = envelope::open(&line).ok().filter(envelope::Sealed::is_head);
    Ok(sealed.and_then(|sealed| serde_json::from_slice::<Line>(sealed.body).ok()).map(|line| line.head.time))
}
