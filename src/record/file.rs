//! The file that decision records are appended to.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::{DecisionRecord, RecordError};
use crate::disk;

/// A file of JSON lines, open for appending; may be shared between threads, and the file between processes.
#[derive(Debug)]
pub struct RecordFile {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    /// Whether the last line has no end: a write or a process was cut short.
    torn: bool,
}

impl RecordFile {
    /// Opens or creates `path`; a new file is its owner's only (mode 600 on Unix).
    ///
    /// # Errors
    /// [`RecordError::Io`].
    pub fn append(path: &Path) -> Result<Self, RecordError> {
        let failed = |action| move |source| RecordError::Io { action, path: path.to_owned(), source };
        let opened = disk::private().append(true).read(true).create(true).open(path);
        let mut file = opened.map_err(failed("open"))?;
        let torn = ends_inside_a_line(&mut file).map_err(failed("read"))?;
        Ok(Self { path: path.to_owned(), state: Mutex::new(State { file, torn }) })
    }

    /// Appends the record as one line in one write: lines of several writers do not mix on a local file system. The
    /// line is handed to the system, not flushed to the disk.
    ///
    /// # Errors
    /// [`RecordError::Json`], [`RecordError::Io`] and [`RecordError::ShortWrite`]. The record is then not in the
    /// file, or only the beginning of it, on a line of its own.
    pub fn write(&self, record: &DecisionRecord) -> Result<(), RecordError> {
        let mut line = Vec::with_capacity(1024);
        // A panic cannot leave the state half changed: it is written last.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.torn {
            line.push(b'\n');
        }
        serde_json::to_writer(&mut line, record).map_err(|source| RecordError::Json { source })?;
        line.push(b'\n');
        let written = loop {
            match state.file.write(&line) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                outcome => break outcome,
            }
        };
        match written {
            Ok(written) if written == line.len() => {
                state.torn = false;
                Ok(())
            }
            Ok(written) => {
                state.torn |= written > 0;
                Err(RecordError::ShortWrite { path: self.path.clone(), written, expected: line.len() })
            }
            Err(source) => Err(RecordError::Io { action: "append to", path: self.path.clone(), source }),
        }
    }
}

fn ends_inside_a_line(file: &mut File) -> std::io::Result<bool> {
    // A pipe or a terminal has no end to look at.
    if !file.metadata()?.is_file() || file.seek(SeekFrom::End(0))? == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}
