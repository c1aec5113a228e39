//! From files to texts: sections of a text, strings of JSON, rows of JSON lines; and what of them cannot be judged.

use portcullis::{Decision, Guard, Request, RequestError, Role, Span};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::found::Found;
use super::page::{Map, Page, Text};
use super::sections::sections;
use super::strings::{Field, strings};
use crate::cli::lines;

/// Texts judged together, and the bytes from which a batch takes no more.
const BATCH: usize = 64;
const BATCH_BYTES: usize = 128 << 10;
/// Bytes at a file's beginning that show whether it is text.
const SNIFFED: usize = 8 << 10;
const MOST_LINE_BYTES: usize = 16 << 20;
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// What is to be read, and how.
pub(super) struct Settings {
    pub(super) role: Role,
    pub(super) slice: Option<String>,
    /// The strings of JSON that are judged; all where there are none.
    pub(super) fields: Vec<Field>,
    /// The most bytes of a file that is no file of rows.
    pub(super) most_bytes: u64,
    /// Whether what is skipped counts as not judged.
    pub(super) strict: bool,
    /// What becomes of what cannot be judged.
    pub(super) on_fault: Decision,
    /// The most bytes that the policy judges at once.
    pub(super) limit: usize,
    /// Whether the policy judges a text's form, which a section does not have.
    pub(super) whole: bool,
}

/// What was read.
pub(super) enum Entry {
    Text(Text),
    Unjudged(Found),
    Ended(Ended),
}

/// The end of a file.
pub(super) struct Ended {
    pub(super) path: Arc<str>,
    pub(super) kind: Kind,
    pub(super) fields: Fields,
}

/// What the fields that are asked for have named.
#[derive(Clone, Copy, Default)]
pub(super) struct Fields {
    /// Strings.
    pub(super) strings: usize,
    /// Rows, and files of JSON, without any.
    pub(super) without: usize,
}

impl Fields {
    pub(super) fn add(&mut self, other: Self) {
        self.strings += other.strings;
        self.without += other.without;
    }
}

/// What a file was.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    /// Nothing but white space.
    Empty,
    Binary,
    /// It could not be read.
    Unread,
}

impl Settings {
    /// The settings that a guard's policy sets.
    pub(super) fn of(guard: &Guard, role: Role, slice: Option<String>) -> Self {
        let policy = guard.policy().policy();
        Self {
            role,
            slice,
            fields: Vec::new(),
            most_bytes: u64::MAX,
            strict: false,
            on_fault: policy.on_fault(),
            limit: policy.max_bytes(),
            whole: !policy.schemas().is_empty(),
        }
    }
}

/// Reads file after file, batch by batch.
pub(super) struct Reader {
    settings: Settings,
    files: std::vec::IntoIter<PathBuf>,
    rows: Option<Rows>,
    ready: VecDeque<Entry>,
}

/// A file of rows that is being read.
struct Rows {
    input: BufReader<File>,
    path: Arc<str>,
    line: usize,
    start: usize,
    fields: Fields,
}

impl Reader {
    /// A reader of these files.
    pub(super) fn new(files: Vec<PathBuf>, settings: Settings) -> Self {
        Self { settings, files: files.into_iter(), rows: None, ready: VecDeque::new() }
    }

    /// The next batch; nothing at the end.
    pub(super) fn next_batch(&mut self) -> Option<Vec<Entry>> {
        let (mut batch, mut texts, mut bytes) = (Vec::new(), 0, 0);
        while texts < BATCH && bytes < BATCH_BYTES {
            let Some(entry) = self.ready.pop_front() else { if self.advance() { continue } else { break } };
            if let Entry::Text(text) = &entry {
                (texts, bytes) = (texts + 1, bytes + text.request.text.len());
            }
            batch.push(entry);
        }
        (!batch.is_empty()).then_some(batch)
    }

    /// Reads the next row, or the next file; false at the end.
    fn advance(&mut self) -> bool {
        if let Some(mut rows) = self.rows.take() {
            match lines::read_line(&mut rows.input, MOST_LINE_BYTES) {
                Ok(Some(line)) => {
                    self.row(&mut rows, line);
                    self.rows = Some(rows);
                }
                Ok(None) => self.end(rows, Kind::Read),
                Err(error) => {
                    let what = format!("cannot read after line {}: {error}", rows.line);
                    self.fault(&rows.path, what);
                    self.end(rows, Kind::Unread);
                }
            }
            return true;
        }
        let Some(file) = self.files.next() else { return false };
        let path: Arc<str> = shown(&file).into();
        let (kind, fields) = match self.open(&file, &path) {
            Ok(Some(read)) => read,
            // Its rows come one by one.
            Ok(None) => return true,
            Err(error) => {
                self.fault(&path, format!("cannot read it: {error}"));
                (Kind::Unread, Fields::default())
            }
        };
        self.ready.push_back(Entry::Ended(Ended { path, kind, fields }));
        true
    }

    fn end(&mut self, rows: Rows, kind: Kind) {
        self.ready.push_back(Entry::Ended(Ended { path: rows.path, kind, fields: rows.fields }));
    }

    fn fault(&mut self, path: &Arc<str>, what: String) {
        let fault = Found::fault(Arc::clone(path), None, self.settings.on_fault, what);
        self.ready.push_back(Entry::Unjudged(fault));
    }

    /// Reads a file; nothing where it holds rows.
    fn open(&mut self, file: &Path, path: &Arc<str>) -> io::Result<Option<(Kind, Fields)>> {
        let nothing = Fields::default();
        let mut input = BufReader::with_capacity(1 << 16, File::open(file)?);
        let beginning = sniff(&mut input)?;
        if let Some(mark) = utf16(&beginning) {
            self.fault(
                path,
                format!("the file begins with a byte order mark of {mark}: expected UTF-8 text"),
            );
            return Ok(Some((Kind::Unread, nothing)));
        }
        if beginning.contains(&0) {
            if self.settings.strict {
                self.fault(
                    path,
                    "the file holds NUL characters: expected text, found binary data".to_owned(),
                );
            }
            return Ok(Some((Kind::Binary, nothing)));
        }
        if is_rows(file) {
            // What was looked at is a part of the rows.
            input.rewind()?;
            self.rows = Some(Rows { input, path: Arc::clone(path), line: 0, start: 0, fields: nothing });
            return Ok(None);
        }
        let mut bytes = Vec::new();
        let most = self.settings.most_bytes;
        beginning.as_slice().chain(input).take(most.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > most {
            self.fault(path, format!("the file has more than {most} bytes, the most that are read of one"));
            return Ok(Some((Kind::Unread, nothing)));
        }
        Ok(Some(self.content(path, bytes, is_json(file))))
    }

    fn content(&mut self, path: &Arc<str>, bytes: Vec<u8>, is_json: bool) -> (Kind, Fields) {
        let nothing = Fields::default();
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let (at, bytes) = (error.utf8_error().valid_up_to(), error.as_bytes());
                let what = RequestError::InvalidUtf8 { at }.to_string();
                let fault =
                    Found::fault(Arc::clone(path), None, self.settings.on_fault, what).known_by(bytes);
                self.ready.push_back(Entry::Unjudged(fault));
                return (Kind::Unread, nothing);
            }
        };
        let (text, start) = without_mark(text, 0);
        if text.trim().is_empty() {
            return (Kind::Empty, nothing);
        }
        let page = Arc::new(Page::new(Arc::clone(path), text, start, 1));
        if !is_json {
            self.plain(&page);
            return (Kind::Read, nothing);
        }
        match serde_json::from_str::<serde::de::IgnoredAny>(page.text()) {
            Ok(_) => return (Kind::Read, self.json(&page)),
            // Such as JSON with comments: it is read as the text that it is.
            Err(_) if self.settings.fields.is_empty() => self.plain(&page),
            Err(error) => self.bad_json(&page, &error),
        }
        (Kind::Read, nothing)
    }

    /// A line of a file of rows.
    fn row(&mut self, rows: &mut Rows, line: Result<Vec<u8>, lines::TooLong>) {
        rows.line += 1;
        let start = rows.start;
        let line = match line {
            Ok(line) => line,
            Err(too_long) => {
                let what = RequestError::LineTooLong { limit: too_long.limit }.to_string();
                self.fault(&rows.path, format!("line {}: {what}", rows.line));
                let start = rows.input.stream_position().ok();
                rows.start = start.and_then(|start| start.try_into().ok()).unwrap_or(rows.start);
                return;
            }
        };
        rows.start += line.len() + 1;
        let line = match String::from_utf8(line) {
            Ok(line) => line,
            Err(error) => {
                let (at, bytes) = (error.utf8_error().valid_up_to(), error.as_bytes());
                let what = format!("line {}: {}", rows.line, RequestError::InvalidUtf8 { at });
                let fault = Found::fault(Arc::clone(&rows.path), None, self.settings.on_fault, what);
                self.ready.push_back(Entry::Unjudged(fault.known_by(bytes)));
                return;
            }
        };
        let (line, start) = if rows.line == 1 { without_mark(line, start) } else { (line, start) };
        if line.trim().is_empty() {
            return;
        }
        let page = Arc::new(Page::new(Arc::clone(&rows.path), line, start, rows.line));
        match serde_json::from_str::<serde::de::IgnoredAny>(page.text()) {
            Ok(_) => rows.fields.add(self.json(&page)),
            Err(error) => self.bad_json(&page, &error),
        }
    }

    fn bad_json(&mut self, page: &Arc<Page>, error: &serde_json::Error) {
        let text = page.text();
        // The message of the JSON library may quote the text.
        let what = format!("invalid JSON at column {} of its line: expected JSON", error.column());
        let place = Some(page.place(Span::new(0, text.len())));
        let fault = Found::fault(Arc::clone(&page.path), place, self.settings.on_fault, what);
        self.ready.push_back(Entry::Unjudged(fault.known_by(text.as_bytes())));
    }

    fn plain(&mut self, page: &Arc<Page>) {
        self.texts(page, page.text(), None, &Map::new(vec![(0, 0)]));
    }

    /// The strings of a page of JSON.
    fn json(&mut self, page: &Arc<Page>) -> Fields {
        let found = strings(page.text(), &self.settings.fields);
        let fields = Fields { strings: found.len(), without: usize::from(found.is_empty()) };
        for string in found {
            let pointer: Arc<str> = string.pointer.into();
            match string.text {
                Some((text, map)) if !text.trim().is_empty() => self.texts(page, &text, Some(pointer), &map),
                Some(_) => {}
                None => {
                    let what = "the string has escapes that stand for no character: expected Unicode text";
                    let place = Some(page.place(string.span));
                    let fault =
                        Found::fault(Arc::clone(&page.path), place, self.settings.on_fault, what.to_owned());
                    let fault = Found { pointer: Some(pointer), ..fault };
                    let raw = page.text().get(string.span.start..string.span.end).unwrap_or_default();
                    self.ready.push_back(Entry::Unjudged(fault.known_by(raw.as_bytes())));
                }
            }
        }
        if fields.strings == 0 && self.settings.strict && !self.settings.fields.is_empty() {
            let what = "no string at any --field".to_owned();
            let place = Some(page.place(Span::new(0, page.text().len())));
            let fault = Found::fault(Arc::clone(&page.path), place, self.settings.on_fault, what);
            self.ready.push_back(Entry::Unjudged(fault.known_by(page.text().as_bytes())));
        }
        fields
    }

    fn texts(&mut self, page: &Arc<Page>, text: &str, pointer: Option<Arc<str>>, map: &Map) {
        let settings = &self.settings;
        let sections = sections(text, settings.limit, settings.whole);
        let is_section = sections.len() > 1;
        for section in sections {
            let part = text.get(section.clone()).unwrap_or_default();
            if part.trim().is_empty() {
                continue;
            }
            let (map, page, pointer) = (map.part(section.start), Arc::clone(page), pointer.clone());
            self.ready.push_back(match Request::new(part, settings.role) {
                Ok(request) => {
                    let request = Request { slice: settings.slice.clone(), ..request };
                    Entry::Text(Text { page, request, pointer, is_section, map })
                }
                Err(error) => {
                    let request = Request { text: part.to_owned(), ..Request::default() };
                    let text = Text { page, request, pointer, is_section, map };
                    let path = Arc::clone(&text.page.path);
                    let fault = Found::fault(path, Some(text.whole()), settings.on_fault, error.to_string());
                    let fault = Found { pointer: text.pointer, ..fault };
                    Entry::Unjudged(fault.known_by(part.as_bytes()))
                }
            });
        }
    }
}

/// The first bytes of the input, at most as many as are looked at.
fn sniff(input: &mut BufReader<File>) -> io::Result<Vec<u8>> {
    let mut beginning = Vec::new();
    input.by_ref().take(SNIFFED as u64).read_to_end(&mut beginning)?;
    Ok(beginning)
}

/// The encoding that a byte order mark names, if it is another than UTF-8.
fn utf16(beginning: &[u8]) -> Option<&'static str> {
    match beginning {
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => Some("UTF-16"),
        [0, 0, 0xFE, 0xFF, ..] => Some("UTF-32"),
        _ => None,
    }
}

/// The text behind a byte order mark, and where it begins.
fn without_mark(text: String, start: usize) -> (String, usize) {
    match text.strip_prefix(BYTE_ORDER_MARK) {
        Some(rest) => (rest.to_owned(), start + BYTE_ORDER_MARK.len()),
        None => (text, start),
    }
}

fn extension(file: &Path) -> String {
    file.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
}

fn is_rows(file: &Path) -> bool {
    matches!(extension(file).as_str(), "jsonl" | "ndjson")
}

fn is_json(file: &Path) -> bool {
    matches!(extension(file).as_str(), "json" | "ipynb" | "geojson" | "webmanifest")
}

/// The path as it is told: its parts joined by `/`.
pub(super) fn shown(path: &Path) -> String {
    let path = path.to_string_lossy();
    if std::path::MAIN_SEPARATOR == '/' {
        path.into_owned()
    } else {
        path.replace(std::path::MAIN_SEPARATOR, "/")
    }
}
