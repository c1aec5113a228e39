//! Lines of bytes with a limit: a line over it is passed over without being held in memory.

use std::io::{self, BufRead};

/// A line with more bytes than the limit; what it held was passed over.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong {
    /// The limit in bytes.
    pub(super) limit: usize,
}

/// The next line without its `\n`, or nothing at the end. The last line may lack the `\n`.
///
/// # Errors
/// When the input cannot be read.
pub(super) fn read_line(
    input: &mut impl BufRead,
    limit: usize,
) -> io::Result<Option<Result<Vec<u8>, TooLong>>> {
    let mut line = Vec::new();
    let mut too_long = false;
    let mut started = false;
    loop {
        let chunk = match input.fill_buf() {
            Ok(chunk) => chunk,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if chunk.is_empty() && !started {
            return Ok(None);
        }
        started = true;
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let part = chunk.get(..end.unwrap_or(chunk.len())).unwrap_or_default();
        if !too_long && line.len() + part.len() <= limit {
            line.extend_from_slice(part);
        } else {
            too_long = true;
            line = Vec::new();
        }
        let ended = end.is_some() || chunk.is_empty();
        let used = part.len() + usize::from(end.is_some());
        input.consume(used);
        if ended {
            return Ok(Some(if too_long { Err(TooLong { limit }) } else { Ok(line) }));
        }
    }
}

#[cfg(test)]
mod tests;
