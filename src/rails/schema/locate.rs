//! Where the value that a JSON pointer names stands in a text.

use crate::span::Span;

/// The bytes of the value at `pointer` (RFC 6901) in `text`, which is valid JSON; `None` where there is no such value.
pub(super) fn locate(text: &str, pointer: &str) -> Option<Span> {
    let mut cursor = Cursor { text, at: 0 };
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        match cursor.significant()? {
            b'{' => cursor.enter_member(&token)?,
            b'[' => cursor.enter_item(token.parse().ok()?)?,
            _ => return None,
        }
    }
    cursor.significant()?;
    let start = cursor.at;
    cursor.skip_value()?;
    Some(Span::new(start, cursor.at))
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Steps over white space; the byte that follows.
    fn significant(&mut self) -> Option<u8> {
        while self.peek()?.is_ascii_whitespace() {
            self.at += 1;
        }
        self.peek()
    }

    /// From an object's brace to its member's value.
    fn enter_member(&mut self, name: &str) -> Option<()> {
        self.at += 1;
        while self.significant()? != b'}' {
            let start = self.at;
            self.skip_string()?;
            let key: String = serde_json::from_str(self.text.get(start..self.at)?).ok()?;
            self.significant()?;
            self.at += 1;
            if key == name {
                return Some(());
            }
            self.skip_value()?;
            self.skip_comma()?;
        }
        None
    }

    /// From an array's bracket to its item's value.
    fn enter_item(&mut self, index: usize) -> Option<()> {
        self.at += 1;
        for _ in 0..index {
            if self.significant()? == b']' {
                return None;
            }
            self.skip_value()?;
            self.skip_comma()?;
        }
        (self.significant()? != b']').then_some(())
    }

    fn skip_comma(&mut self) -> Option<()> {
        self.at += usize::from(self.significant()? == b',');
        Some(())
    }

    fn skip_value(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        self.significant()?;
        loop {
            match self.peek() {
                Some(b'"') => self.skip_string()?,
                Some(b'{' | b'[') => {
                    depth += 1;
                    self.at += 1;
                }
                Some(b'}' | b']') if depth > 0 => {
                    depth -= 1;
                    self.at += 1;
                }
                Some(b'}' | b']' | b',') | None if depth == 0 => return Some(()),
                Some(byte) if depth == 0 && byte.is_ascii_whitespace() => return Some(()),
                Some(_) if depth == 0 => {
                    self.at += 1;
                    continue;
                }
                Some(_) => self.at += 1,
                None => return None,
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    fn skip_string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        Some(())
    }
}
