//! Segments: their names, their first lines, and where they end.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use blake3::Hash;
use serde::{Deserialize, Serialize};

use super::LogError;
use super::envelope::{self, Sealed};
use super::lines::MAX_LINE;

/// The version of the format that is written and read.
pub(super) const VERSION: u32 = 1;
/// The largest number of an entry or a segment that is gone on from.
const MOST: u64 = u64::MAX >> 1;
/// Bytes read at once from the end of a segment.
const BLOCK: u64 = 1 << 14;
/// Most bytes of a header's line.
const HEADER_LIMIT: usize = 4096;

/// What the first line of a segment says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    pub(super) version: u32,
    /// Number of the segment, from 1.
    pub(super) number: u64,
    /// Number of its first entry, this one.
    pub(super) first: u64,
    /// The hash of the last entry of the segment before; zeros where there is none.
    pub(super) previous: String,
    /// The installation: see [`crate::record::InstallationKey::id`].
    pub(super) installation: String,
    pub(super) time: String,
}

/// Where a segment ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tail {
    /// Number of the segment.
    pub(super) segment: u64,
    /// Number of its first entry.
    pub(super) first: u64,
    /// Number of its last entry.
    pub(super) last: u64,
    /// The hash of that.
    pub(super) hash: Hash,
    /// Bytes up to the end of that.
    pub(super) end: u64,
    /// Whether that is the signature that closes the segment.
    pub(super) closed: bool,
    /// Bytes after it that are no whole line.
    pub(super) torn: u64,
}

/// The path of a segment.
pub(super) fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:06}.jsonl"))
}

/// The numbers of the segments in the folder, in order; none where there is no folder.
pub(super) fn list(folder: &Path) -> Result<Vec<u64>, LogError> {
    let failed = |source| LogError::io("read", folder, source);
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut numbers = Vec::new();
    for entry in entries {
        let name = entry.map_err(failed)?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".jsonl")).and_then(|n| n.parse().ok());
        // Only the name that is written for a number counts.
        numbers.extend(number.filter(|number| path(folder, *number).file_name() == Some(name.as_os_str())));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// The header of a segment, from its entry; nothing where it is none.
pub(super) fn header_of(sealed: &Sealed<'_>) -> Option<Header> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Line {
        segment: Header,
    }
    serde_json::from_slice::<Line>(sealed.body).ok().map(|line| line.segment)
}

/// The header that a segment's file begins with.
pub(super) fn read_header(file: &mut File, path: &Path) -> Result<Header, LogError> {
    let failed = |source| LogError::io("read", path, source);
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    let mut start = Vec::with_capacity(HEADER_LIMIT);
    file.by_ref().take(HEADER_LIMIT as u64).read_to_end(&mut start).map_err(failed)?;
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let header = envelope::open(line).ok().and_then(|sealed| header_of(&sealed));
    header.ok_or_else(|| LogError::corrupt(path, "its first line is no header of a segment".to_owned()))
}

/// Where a segment's file ends; nothing where it has no whole line. The last line must hold.
pub(super) fn tail(file: &mut File, number: u64, path: &Path) -> Result<Option<Tail>, LogError> {
    let Some((line, end, torn)) = last_line(file, path)? else { return Ok(None) };
    let what = |what: &str| LogError::corrupt(path, format!("its last line is damaged: {what}"));
    let sealed = envelope::open(&line).map_err(what)?;
    if sealed.seq > MOST || number > MOST {
        return Err(what("its number is larger than any that is written"));
    }
    if !sealed.holds() {
        return Err(what("its hash is not that of what it holds"));
    }
    let (last, hash, closed) = (sealed.seq, sealed.hash, sealed.is_head());
    let header = read_header(file, path)?;
    if header.number != number || header.version != VERSION {
        let Header { version, number: found, .. } = header;
        let what = format!(
            "its header has the version {version} and the number {found}, expected {VERSION} and {number}"
        );
        return Err(LogError::corrupt(path, what));
    }
    Ok(Some(Tail { segment: number, first: header.first, last, hash, end, closed, torn }))
}

/// The last whole line of the file without its line feed, the bytes up to its end, and how many follow.
pub(super) fn last_line(file: &mut File, path: &Path) -> Result<Option<(Vec<u8>, u64, u64)>, LogError> {
    let failed = |source| LogError::io("read", path, source);
    let length = file.seek(SeekFrom::End(0)).map_err(failed)?;
    let mut from = length;
    // The end of the file from `from` on.
    let mut read: Vec<u8> = Vec::new();
    loop {
        let feeds: Vec<usize> = memchr::memrchr_iter(b'\n', &read).take(2).collect();
        let (end, start) = match feeds.as_slice() {
            [end, start] => (Some(*end), Some(start + 1)),
            [end] if from == 0 => (Some(*end), Some(0)),
            other => (other.first().copied(), None),
        };
        if let (Some(end), Some(start)) = (end, start) {
            let line = read.get(start..end).unwrap_or_default().to_vec();
            let end = from + end as u64 + 1;
            return Ok(Some((line, end, length - end)));
        }
        if from == 0 {
            return Ok(None);
        }
        if length - from > 2 * MAX_LINE {
            return Err(LogError::corrupt(path, format!("its last line has more than {MAX_LINE} bytes")));
        }
        let block = BLOCK.max(length - from).min(from);
        from -= block;
        file.seek(SeekFrom::Start(from)).map_err(failed)?;
        let mut more = Vec::new();
        file.by_ref().take(block).read_to_end(&mut more).map_err(failed)?;
        more.extend_from_slice(&read);
        read = more;
    }
}
