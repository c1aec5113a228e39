//! What reaches standard output: colours, tables, and text made safe for a terminal.

use anstream::ColorChoice;
use anstyle::{AnsiColor, Style};
use comfy_table::{CellAlignment, ContentArrangement, TableComponent, presets};
use indicatif::{ProgressBar, ProgressStyle};
use portcullis::Decision;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};

/// When to colour.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(super) enum Color {
    /// On a terminal.
    Auto,
    /// Also into a file or pipe.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Makes this the choice for everything printed from now on.
    pub(super) fn apply(self) {
        match self {
            Self::Auto => ColorChoice::Auto,
            Self::Always => ColorChoice::Always,
            Self::Never => ColorChoice::Never,
        }
        .write_global();
    }
}

/// Prints to standard output. A reader that has gone away is no failure.
///
/// # Errors
/// When standard output cannot be written for another reason.
pub(super) fn emit(text: &str) -> anyhow::Result<()> {
    let mut output = anstream::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(anyhow::Error::new(error).context("cannot write to standard output"))
        }
        _ => Ok(()),
    }
}

/// Whether a person is looking at standard output.
pub(super) fn is_interactive() -> bool {
    io::stdout().is_terminal()
}

pub(super) const HEADING: Style = Style::new().bold();
pub(super) const FAINT: Style = Style::new().dimmed();

/// The colour of a decision.
pub(super) fn decision_style(decision: Decision) -> Style {
    let color = match decision {
        Decision::Allow => AnsiColor::Green,
        Decision::Rewrite => AnsiColor::Cyan,
        Decision::Escalate => AnsiColor::Yellow,
        Decision::Veto => AnsiColor::Red,
    };
    color.on_default().bold()
}

/// The least width, in characters, into which a table is folded.
const NARROWEST: u16 = 60;

/// Rows under a heading: ruled and folded to the width on a terminal, columns two spaces apart in a pipe.
pub(super) struct Table(comfy_table::Table);

impl Table {
    /// A table with these column names; the columns named in `numeric` are aligned to the right.
    pub(super) fn new(columns: &[&str], numeric: &[&str]) -> Self {
        let mut table = comfy_table::Table::new();
        table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        if is_interactive() {
            table.set_style(TableComponent::HeaderLines, '─');
            table.set_style(TableComponent::MiddleHeaderIntersections, '─');
            // Some terminals claim to have no width.
            if table.width().is_some_and(|width| width >= NARROWEST) {
                table.set_content_arrangement(ContentArrangement::Dynamic);
            }
        }
        table.set_header(columns.iter().copied());
        for (at, name) in columns.iter().enumerate() {
            if let Some(column) = table.column_mut(at) {
                column.set_padding((0, 2));
                if numeric.contains(name) {
                    column.set_cell_alignment(CellAlignment::Right);
                }
            }
        }
        Self(table)
    }

    /// Adds a row.
    pub(super) fn row<T: Into<comfy_table::Cell>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.0.add_row(cells.into_iter().map(Into::into).collect::<Vec<comfy_table::Cell>>());
    }

    /// The table as text, without spaces at the end of a line.
    pub(super) fn render(&self) -> String {
        let mut text = String::new();
        for line in self.0.lines() {
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// A bar on standard error when a person is looking at it, nothing elsewhere.
pub(super) fn progress(what: &str, length: u64) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg} {wide_bar} {percent}% {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style).with_message(what.to_owned())
}

/// Text with its control characters escaped: what is judged may try to drive the terminal that shows it.
pub(super) fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if character == '\n' || character == '\t' || !is_control(character) {
            safe.push(character);
        } else {
            let _ = write!(safe, "{}", character.escape_unicode());
        }
    }
    safe
}

/// Control characters, and the marks that reorder or hide the characters around them.
fn is_control(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}')
}

/// Where a byte offset lies, in lines and characters counted from 1.
pub(super) fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// A size in bytes, as a person reads it.
pub(super) fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
