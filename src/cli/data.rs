//! The rows of a file or of standard input, line by line, with their number and a progress bar.

use super::{lines, terminal};
use anyhow::{Context as _, bail};
use indicatif::ProgressBar;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

const MOST_LINE_BYTES: usize = 16 << 20;

/// Rows that are being read.
pub(super) struct Data {
    /// What messages call them.
    pub(super) name: String,
    input: Box<dyn BufRead>,
    progress: ProgressBar,
    number: u64,
}

impl Data {
    /// Opens a file, or standard input for `-`; `what` is being done with the rows.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub(super) fn open(path: &Path, what: &str) -> anyhow::Result<Self> {
        let standard = path.as_os_str() == "-";
        let name = if standard { "standard input".to_owned() } else { path.display().to_string() };
        let (input, bytes) = open(path, standard).with_context(|| format!("cannot open {name}"))?;
        let progress = bytes.map_or_else(ProgressBar::hidden, |bytes| terminal::progress(what, bytes));
        Ok(Self { name, input, progress, number: 0 })
    }

    /// The next row; nothing at the end.
    ///
    /// # Errors
    /// When the data cannot be read, or a row is too long.
    pub(super) fn next_row(&mut self) -> anyhow::Result<Option<Vec<u8>>> {
        let line = lines::read_line(&mut self.input, MOST_LINE_BYTES)
            .with_context(|| format!("cannot read {}", self.name))?;
        let Some(line) = line else {
            self.progress.finish_and_clear();
            return Ok(None);
        };
        self.number += 1;
        let Ok(line) = line else {
            bail!("{}: more than {MOST_LINE_BYTES} bytes, the most that a row may have", self.place());
        };
        self.progress.inc(line.len() as u64 + 1);
        Ok(Some(line))
    }

    /// The line of the last row, from 1.
    pub(super) fn line(&self) -> u64 {
        self.number
    }

    /// Where the last row stands.
    pub(super) fn place(&self) -> String {
        format!("{} line {}", self.name, self.number)
    }
}

/// The rows and, for a file, its size.
fn open(path: &Path, standard: bool) -> io::Result<(Box<dyn BufRead>, Option<u64>)> {
    if standard {
        return Ok((Box::new(io::stdin().lock()), None));
    }
    let file = File::open(path)?;
    let bytes = file.metadata()?.len();
    Ok((Box::new(BufReader::with_capacity(1 << 16, file)), Some(bytes)))
}
