//! The entries of a log, one after the other.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use super::lines::{self, Found};
use super::{Entry, FOLDER, LogError, envelope, segment};

/// The entries of the state directory's log, oldest first; none where there is no log.
///
/// Lines are read as they stand: whether they are what was written is for [`Verifier`](super::Verifier) to say. A last line that
/// has no end yet is left out. After an error the reading goes on with the next line.
///
/// # Errors
/// [`LogError`].
pub fn read(state: &Path) -> Result<Entries, LogError> {
    let folder = state.join(FOLDER);
    let mut waiting = segment::list(&folder)?;
    waiting.reverse();
    Ok(Entries { folder, waiting, open: None, buffer: Vec::new() })
}

/// An iterator over the entries of a log.
#[derive(Debug)]
pub struct Entries {
    folder: PathBuf,
    /// Segments to come, the next one last.
    waiting: Vec<u64>,
    open: Option<Open>,
    buffer: Vec<u8>,
}

#[derive(Debug)]
struct Open {
    input: BufReader<File>,
    path: PathBuf,
    line: u64,
}

impl Iterator for Entries {
    type Item = Result<Entry, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(open) = &mut self.open else {
                let path = segment::path(&self.folder, self.waiting.pop()?);
                match File::open(&path) {
                    Ok(file) => {
                        self.open =
                            Some(Open { input: BufReader::with_capacity(1 << 16, file), path, line: 0 });
                    }
                    // Removed because of its age, since the folder was read.
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    Err(source) => return Some(Err(LogError::io("open", &path, source))),
                }
                continue;
            };
            open.line += 1;
            match lines::next(&mut open.input, &mut self.buffer) {
                Ok(Found::Line) => match entry(&self.buffer) {
                    Ok(Some(entry)) => return Some(Ok(entry)),
                    Ok(None) => {}
                    Err(what) => {
                        return Some(Err(LogError::Entry { path: open.path.clone(), line: open.line, what }));
                    }
                },
                Ok(Found::Torn | Found::End) => self.open = None,
                Ok(Found::TooLong) => {
                    let error = LogError::Entry {
                        path: open.path.clone(),
                        line: open.line,
                        what: format!("the line has more than {} bytes", lines::MAX_LINE),
                    };
                    self.open = None;
                    return Some(Err(error));
                }
                Err(source) => {
                    let error = LogError::io("read", &open.path, source);
                    self.open = None;
                    return Some(Err(error));
                }
            }
        }
    }
}

/// The entry of a line; nothing for one that begins or closes a segment.
fn entry(line: &[u8]) -> Result<Option<Entry>, String> {
    let sealed = envelope::open(line)?;
    if sealed.is_header() || sealed.is_head() {
        return Ok(None);
    }
    // A message of serde's may quote what it found.
    let body = serde_json::from_slice(sealed.body).map_err(|error| body_error(&error))?;
    Ok(Some(Entry { seq: sealed.seq, body }))
}

/// Why a body is none, without a word of it.
pub(super) fn body_error(error: &serde_json::Error) -> String {
    let kind = match error.classify() {
        serde_json::error::Category::Data => "an entry of another kind, or without its keys",
        _ => "no JSON",
    };
    format!("the body is {kind} (column {}), expected a decision or an event", error.column())
}
