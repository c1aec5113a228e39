//! The document behind the messages: lines, columns and an excerpt that is safe to print.

use std::fmt::{self, Write as _};
use std::ops::Range;
use std::sync::Arc;

/// Most characters of a line that an excerpt shows.
const EXCERPT: usize = 100;
/// Characters shown before the place when a line is cut.
const LEAD: usize = 40;

/// A document and the starts of its lines.
#[derive(Clone)]
pub(super) struct Source {
    file: Arc<str>,
    text: Arc<str>,
    /// Byte offsets, the first one 0.
    lines: Arc<[usize]>,
}

impl Source {
    pub(super) fn new(text: &str, file: &str) -> Self {
        let starts = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at + 1);
        Self {
            file: printable(file).into(),
            text: text.into(),
            lines: std::iter::once(0).chain(starts).collect(),
        }
    }

    pub(super) fn file(&self) -> &str {
        &self.file
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Line of a byte offset, from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|&start| start <= at).max(1)
    }

    /// Line and column of a byte offset, both from 1; the column counts characters, in time linear in the line.
    pub(super) fn position(&self, at: usize) -> (usize, usize) {
        let line = self.line(at);
        let start = self.line_start(line);
        let column = self.text.get(start..at).map_or(1, |before| before.chars().count() + 1);
        (line, column)
    }

    /// The line of `place` and below it carets under `place`, control characters made visible, long lines cut.
    pub(super) fn excerpt(&self, place: &Range<usize>) -> String {
        let (line, column) = self.position(place.start);
        let start = self.line_start(line);
        let end = self.lines.get(line).map_or(self.text.len(), |next| next - 1);
        let full = self.text.get(start..end).unwrap_or_default().trim_end_matches('\r');
        let skipped = if column > EXCERPT - LEAD { column - LEAD } else { 0 };
        let shown = printable(&full.chars().skip(skipped).take(EXCERPT).collect::<String>());
        let marked = self.text.get(place.start..place.end.min(end)).map_or(1, |text| text.chars().count());
        let room = EXCERPT - (column - 1 - skipped).min(EXCERPT - 1);
        let number = line.to_string();
        let mut out = format!("{number} | {shown}\n");
        // Writing to a string does not fail.
        let _ = write!(
            out,
            "{:margin$} | {:indent$}{:^<marks$}",
            "",
            "",
            "^",
            margin = number.len(),
            indent = column - 1 - skipped,
            marks = marked.clamp(1, room),
        );
        out
    }

    fn line_start(&self, line: usize) -> usize {
        self.lines.get(line - 1).copied().unwrap_or_default()
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("file", &self.file).field("bytes", &self.text.len()).finish()
    }
}

/// The text with every control and invisible character replaced, one for one: a policy must not drive the terminal
/// it is reported on.
pub(super) fn printable(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.chars()
        .map(|c| {
            if c == '\t' {
                ' '
            } else if hidden(c) {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}
