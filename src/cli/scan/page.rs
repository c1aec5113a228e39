//! The stretch of a file that places are told in, and the texts to judge that lie in it.

use portcullis::{Request, Span};
use serde::Serialize;
use std::sync::{Arc, OnceLock};

/// A whole file, or one line of a file of rows.
pub(super) struct Page {
    /// The file, its parts joined by `/`.
    pub(super) path: Arc<str>,
    text: String,
    /// The offset in the file of the first byte.
    start: usize,
    /// The line in the file of the first byte, from 1.
    line: usize,
    /// Where each line begins.
    lines: OnceLock<Vec<usize>>,
}

/// Where something is in a file: lines and characters from 1, bytes from 0; the end lies behind the last of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) end_line: usize,
    pub(super) end_column: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// A text to judge: a section of a file, or a string in its JSON.
pub(super) struct Text {
    pub(super) page: Arc<Page>,
    pub(super) request: Request,
    /// The string's JSON pointer, where it is one.
    pub(super) pointer: Option<Arc<str>>,
    /// Whether other texts hold parts of the same string or file.
    pub(super) is_section: bool,
    pub(super) map: Map,
}

/// From bytes of a text to those of its page.
#[derive(Clone)]
pub(super) struct Map {
    /// Places from which the two run on side by side, in order: bytes of the string, bytes of the page.
    steps: Arc<[(usize, usize)]>,
    /// Where in the string the text begins.
    from: usize,
}

impl Page {
    /// A page that begins at the byte `start`, in the line `line`.
    pub(super) fn new(path: Arc<str>, text: String, start: usize, line: usize) -> Self {
        Self { path, text, start, line, lines: OnceLock::new() }
    }

    /// Its text.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Where these bytes of it are in the file.
    pub(super) fn place(&self, span: Span) -> Place {
        let ((line, column), (end_line, end_column)) = (self.position(span.start), self.position(span.end));
        Place {
            line,
            column,
            end_line,
            end_column,
            start: self.start + span.start,
            end: self.start + span.end,
        }
    }

    fn position(&self, at: usize) -> (usize, usize) {
        let lines = self.lines.get_or_init(|| {
            let ends = self.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
            std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect()
        });
        let number = lines.partition_point(|start| *start <= at).max(1);
        let start = lines.get(number - 1).copied().unwrap_or_default();
        let before = self.text.get(start..at.min(self.text.len())).unwrap_or_default();
        (self.line + number - 1, before.chars().count() + 1)
    }
}

impl Text {
    /// Where these bytes of it are in the file.
    pub(super) fn place(&self, span: Span) -> Place {
        self.page.place(self.map.to_page(span))
    }

    /// Where all of it is.
    pub(super) fn whole(&self) -> Place {
        self.place(Span::new(0, self.request.text.len()))
    }
}

impl Map {
    /// Of a string with these steps, the first of which is its beginning.
    pub(super) fn new(steps: Vec<(usize, usize)>) -> Self {
        Self { steps: steps.into(), from: 0 }
    }

    /// Of the part of the string from `from` on.
    pub(super) fn part(&self, from: usize) -> Self {
        Self { steps: Arc::clone(&self.steps), from }
    }

    fn to_page(&self, span: Span) -> Span {
        let place = |at: usize| {
            let at = self.from + at;
            let after = self.steps.partition_point(|(string, _)| *string <= at);
            let (string, page) =
                after.checked_sub(1).and_then(|step| self.steps.get(step)).copied().unwrap_or_default();
            page + (at - string)
        };
        Span::new(place(span.start), place(span.end))
    }
}
