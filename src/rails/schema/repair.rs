//! Mends what assistants commonly break in JSON: words and fences around it, comments, commas before a closing bracket,
//! quotes of another kind, Python's literals, brackets that are missing at the end.
//!
//! A text is mended only where one value in it can be read and turns out valid. Nothing is guessed: a string that does
//! not end, brackets that do not match and a second valid value leave the text as it is. Time is linear.

use crate::verdict::Edit;

/// Deepest nesting, that of the JSON reader.
const DEEPEST: usize = 127;

/// The edits that make `text` the one value in it for which `is_valid` holds, in order, without overlap and none empty.
pub(super) fn repair(text: &str, is_valid: impl Fn(&str) -> bool) -> Option<Vec<Edit>> {
    let mut mended = None;
    let mut from = 0;
    while let Some(start) = text.get(from..)?.find(['{', '[']).map(|at| from + at) {
        from = match Reader::new(text, start).read() {
            Err(at) => at,
            Ok(body) => {
                if is_valid(&body.text(text, start)) {
                    if mended.is_some() {
                        return None;
                    }
                    mended = Some((start, body.end, body.edits));
                }
                body.end
            }
        };
    }
    let (start, end, edits) = mended?;
    let is_more = |range: &str| !range.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    let cut = |start: usize, end: usize| {
        let is_more = text.get(start..end).is_some_and(is_more);
        is_more.then(|| Edit { start, end, replacement: String::new() })
    };
    Some(cut(0, start).into_iter().chain(edits).chain(cut(end, text.len())).collect())
}

/// One value with what is wrong in it.
struct Body {
    end: usize,
    edits: Vec<Edit>,
}

impl Body {
    /// The mended value, which begins at `start` of `text`.
    fn text(&self, text: &str, start: usize) -> String {
        let mut mended = String::new();
        let mut done = start;
        for edit in &self.edits {
            mended.push_str(text.get(done..edit.start).unwrap_or_default());
            mended.push_str(&edit.replacement);
            done = edit.end;
        }
        mended.push_str(text.get(done..self.end).unwrap_or_default());
        mended
    }
}

/// Reads one value token by token. Whether the tokens make a value is the JSON reader's to say.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// The brackets that are to come, the last one first.
    open: Vec<char>,
    edits: Vec<Edit>,
    /// The last token that is no comment.
    last: (usize, usize),
    /// Whether that is a comma.
    comma: bool,
}

impl<'a> Reader<'a> {
    const fn new(text: &'a str, start: usize) -> Self {
        Self { text, at: start, open: Vec::new(), edits: Vec::new(), last: (start, start), comma: false }
    }

    /// The value, or the byte from which on another may begin.
    fn read(mut self) -> Result<Body, usize> {
        while let Some(c) = self.rest().chars().next().filter(|_| !self.rest().starts_with("```")) {
            let start = self.at;
            match c {
                ' ' | '\t' | '\n' | '\r' => self.at += 1,
                c if c.is_whitespace() || c == '\u{feff}' => {
                    self.at += c.len_utf8();
                    self.edit(start, " ");
                }
                '/' | '#' => self.comment()?,
                '{' | '[' => {
                    if self.open.len() == DEEPEST {
                        return Err(start + 1);
                    }
                    self.open.push(if c == '{' { '}' } else { ']' });
                    self.at += 1;
                    self.token(start);
                }
                '}' | ']' => {
                    if self.open.pop() != Some(c) {
                        return Err(start + 1);
                    }
                    self.drop_comma();
                    self.at += 1;
                    self.token(start);
                    if self.open.is_empty() {
                        return Ok(self.body(start + 1));
                    }
                }
                ',' | ':' => {
                    self.at += 1;
                    self.token(start);
                    self.comma = c == ',';
                }
                '"' | '\'' | '“' | '”' | '„' | '‘' | '’' => {
                    self.string(c)?;
                    self.token(start);
                }
                _ => self.word()?,
            }
        }
        // The text or its fence ends first.
        self.drop_comma();
        let closing: String = self.open.iter().rev().collect();
        let (start, end) = self.last;
        let start = self
            .text
            .get(start..end)
            .and_then(|token| token.char_indices().next_back())
            .map_or(start, |(at, _)| start + at);
        match self.edits.iter_mut().find(|edit| edit.end == end) {
            Some(edit) => edit.replacement.push_str(&closing),
            None => {
                let replacement = self.text.get(start..end).unwrap_or_default().to_owned() + &closing;
                self.edits.push(Edit { start, end, replacement });
            }
        }
        let end = self.at;
        Ok(self.body(end))
    }

    fn body(mut self, end: usize) -> Body {
        self.edits.sort_by_key(|edit| edit.start);
        Body { end, edits: self.edits }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Notes a token that ends here.
    const fn token(&mut self, start: usize) {
        self.last = (start, self.at);
        self.comma = false;
    }

    /// Replaces what was read from `start` on.
    fn edit(&mut self, start: usize, replacement: &str) {
        self.edits.push(Edit { start, end: self.at, replacement: replacement.to_owned() });
    }

    /// Takes out a comma that nothing follows.
    fn drop_comma(&mut self) {
        if std::mem::take(&mut self.comma) {
            let (start, end) = self.last;
            self.edits.push(Edit { start, end, replacement: String::new() });
        }
    }

    fn comment(&mut self) -> Result<(), usize> {
        let (start, rest) = (self.at, self.rest());
        let length = if let Some(inside) = rest.strip_prefix("/*") {
            inside.find("*/").map(|at| at + 4).ok_or(self.text.len())?
        } else if rest.starts_with("//") || rest.starts_with('#') {
            rest.find('\n').unwrap_or(rest.len())
        } else {
            return Err(start + 1);
        };
        self.at += length;
        self.edit(start, "");
        Ok(())
    }

    /// A number or literal.
    fn word(&mut self) -> Result<(), usize> {
        let (start, rest) = (self.at, self.rest());
        let part = |c: char| c.is_alphanumeric() || matches!(c, '+' | '-' | '.' | '_');
        let word = rest.get(..rest.find(|c| !part(c)).unwrap_or(rest.len())).unwrap_or_default();
        let replacement = match word {
            "True" => Some("true"),
            "False" => Some("false"),
            "None" => Some("null"),
            "true" | "false" | "null" => None,
            _ if word.starts_with(|c: char| c == '-' || c.is_ascii_digit()) => None,
            _ => return Err(start + rest.chars().next().map_or(1, char::len_utf8)),
        };
        self.at += word.len();
        self.token(start);
        if let Some(replacement) = replacement {
            self.edit(start, replacement);
        }
        Ok(())
    }

    /// A string that the quote `open` begins.
    fn string(&mut self, open: char) -> Result<(), usize> {
        let closing: &[char] = match open {
            '"' => &['"'],
            '\'' => &['\''],
            '“' | '”' => &['”', '"'],
            '„' => &['“', '”'],
            _ => &['’'],
        };
        let start = self.at;
        self.at += open.len_utf8();
        if open != '"' {
            self.edit(start, "\"");
        }
        while let Some(c) = self.rest().chars().next() {
            let start = self.at;
            self.at += c.len_utf8();
            match c {
                '\\' => {
                    let escaped = self.rest().chars().next();
                    self.at += escaped.map_or(0, char::len_utf8);
                    if escaped == Some('\'') {
                        self.edit(start, "'");
                    }
                }
                c if closing.contains(&c) && (open == '"' || self.is_end()) => {
                    if c != '"' {
                        self.edit(start, "\"");
                    }
                    return Ok(());
                }
                '"' => self.edit(start, "\\\""),
                '\n' => self.edit(start, "\\n"),
                '\r' => self.edit(start, "\\r"),
                '\t' => self.edit(start, "\\t"),
                c if c < ' ' => self.edit(start, &format!("\\u{:04x}", u32::from(c))),
                _ => {}
            }
        }
        Err(self.text.len())
    }

    /// Whether what follows a quote may follow a string: an apostrophe inside one is none.
    fn is_end(&self) -> bool {
        let rest = self.rest().trim_start();
        rest.is_empty()
            || rest.starts_with([',', ':', '}', ']', '#'])
            || rest.starts_with("//")
            || rest.starts_with("```")
    }
}
