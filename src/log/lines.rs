//! The lines of a segment, read one at a time and never more than an entry may have.

use std::io::{self, BufRead, Read as _};

/// Most bytes of an entry's line, its line feed included.
pub(super) const MAX_LINE: u64 = 64 << 20;

/// A line as it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A line; the buffer holds it without its line feed.
    Line,
    /// Bytes without a line feed at the end of the file.
    Torn,
    /// More bytes than a line may have.
    TooLong,
    /// The end of the file.
    End,
}

/// Reads the next line into `line`, in the place of what it held.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn next(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Found> {
    line.clear();
    let read = input.by_ref().take(MAX_LINE).read_until(b'\n', line)?;
    Ok(match line.last() {
        None => Found::End,
        Some(b'\n') => {
            line.pop();
            Found::Line
        }
        Some(_) if read as u64 == MAX_LINE => Found::TooLong,
        Some(_) => Found::Torn,
    })
}
