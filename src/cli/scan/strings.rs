//! The strings of a JSON text, each with its JSON pointer and its place.

use portcullis::Span;

use super::page::Map;

/// A JSON pointer (RFC 6901) in which `*` stands for every item or member. It names the string there, or all strings below.
#[derive(Clone, Debug)]
pub(super) struct Field(Vec<String>);

/// A string that stands in a JSON text.
pub(super) struct Found {
    /// Its pointer; of a key, that of the value.
    pub(super) pointer: String,
    /// Its bytes in the JSON text, the quotes left out.
    pub(super) span: Span,
    /// What it says; nothing where escapes in it stand for no text.
    pub(super) text: Option<(String, Map)>,
}

impl Field {
    /// Reads a pointer.
    ///
    /// # Errors
    /// Where it does not begin with `/`.
    pub(super) fn parse(pointer: &str) -> Result<Self, String> {
        let Some(tokens) = pointer.strip_prefix('/') else {
            return Err("expected a JSON pointer such as /text or /messages/*/content".to_owned());
        };
        Ok(Self(tokens.split('/').map(|token| token.replace("~1", "/").replace("~0", "~")).collect()))
    }

    fn holds(&self, frames: &[Frame]) -> bool {
        let is_same = |(token, frame): (&String, &Frame)| token == "*" || *token == frame.token();
        self.0.len() <= frames.len() && self.0.iter().zip(frames).all(is_same)
    }
}

/// Where in the JSON a value is: the last token of its pointer.
enum Frame {
    Member(Option<String>),
    Item(usize),
}

impl Frame {
    fn token(&self) -> String {
        match self {
            Self::Member(key) => key.clone().unwrap_or_default(),
            Self::Item(index) => index.to_string(),
        }
    }
}

/// The strings of `json`, which is valid, that one of the fields names; without fields all of them, and the keys that hold a space: a
/// key of one word names something, and asks for nothing.
pub(super) fn strings(json: &str, fields: &[Field]) -> Vec<Found> {
    let mut found = Vec::new();
    let mut frames: Vec<Frame> = Vec::new();
    let mut at = 0;
    while let Some(byte) = json.as_bytes().get(at) {
        match byte {
            b'{' => frames.push(Frame::Member(None)),
            b'[' => frames.push(Frame::Item(0)),
            b'}' | b']' => {
                frames.pop();
            }
            b',' => match frames.last_mut() {
                Some(Frame::Member(key)) => *key = None,
                Some(Frame::Item(index)) => *index += 1,
                None => {}
            },
            b'"' => {
                let end = end_of_string(json, at);
                let span = Span::new(at + 1, end - 1);
                let text = decode(json, span);
                at = end;
                if let Some(Frame::Member(key @ None)) = frames.last_mut() {
                    *key = Some(text.as_ref().map_or_else(String::new, |(text, _)| text.clone()));
                    let is_read =
                        text.as_ref().is_none_or(|(text, _)| text.trim().contains(char::is_whitespace));
                    if !(fields.is_empty() && is_read) {
                        continue;
                    }
                } else if !(fields.is_empty() || fields.iter().any(|field| field.holds(&frames))) {
                    continue;
                }
                found.push(Found { pointer: pointer(&frames), span, text });
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

fn pointer(frames: &[Frame]) -> String {
    let tokens = frames.iter().map(|frame| frame.token().replace('~', "~0").replace('/', "~1"));
    tokens.fold(String::new(), |pointer, token| pointer + "/" + &token)
}

/// One past the closing quote of the string that opens at `at`.
fn end_of_string(json: &str, at: usize) -> usize {
    let mut end = at + 1;
    while let Some(byte) = json.as_bytes().get(end) {
        match byte {
            b'"' => return end + 1,
            b'\\' => end += 2,
            _ => end += 1,
        }
    }
    json.len().max(at + 2)
}

/// What the string between the quotes says, and where its bytes stand.
fn decode(json: &str, span: Span) -> Option<(String, Map)> {
    let raw = json.get(span.start..span.end)?;
    let mut steps = vec![(0, span.start)];
    if !raw.contains('\\') {
        return Some((raw.to_owned(), Map::new(steps)));
    }
    let text: String = serde_json::from_str(json.get(span.start - 1..span.end + 1)?).ok()?;
    let (mut at, mut said) = (0, 0);
    while let Some(byte) = raw.as_bytes().get(at) {
        if *byte != b'\\' {
            (at, said) = (at + 1, said + 1);
            continue;
        }
        let character = text.get(said..)?.chars().next()?.len_utf8();
        at += match (raw.as_bytes().get(at + 1)?, character) {
            (b'u', 4) => 12,
            (b'u', _) => 6,
            _ => 2,
        };
        said += character;
        steps.push((said, span.start + at));
    }
    Some((text, Map::new(steps)))
}

#[cfg(test)]
mod tests;
