//! A row of digit groups with what stands between them.

use crate::rails::pattern::near::byte;

/// More digits than any telephone number has, with its international prefix.
const MOST_DIGITS: usize = 18;
const MOST_GROUPS: usize = 8;
const MOST_EXTENSION: usize = 6;

/// One group of digits.
pub(super) struct Group {
    pub(super) start: usize,
    pub(super) end: usize,
    /// What parts it from the group before: `b' '`, `b'-'`, `b'.'`, `b'/'`, or `0` where only a parenthesis does.
    pub(super) after: u8,
    /// Whether it stands in parentheses.
    pub(super) enclosed: bool,
}

/// A row of digit groups on one line.
pub(super) struct Run {
    /// Whether a `+` opens it.
    pub(super) plus: bool,
    /// From one to [`MOST_GROUPS`] groups.
    pub(super) groups: Vec<Group>,
}

impl Run {
    /// Reads the row that begins at byte `at`; `None` when that is no row or a group is too long for a number.
    pub(super) fn read(text: &str, at: usize) -> Option<Self> {
        let bytes = text.as_bytes();
        let plus = byte(bytes, at) == b'+';
        let mut place = at + usize::from(plus);
        let mut groups: Vec<Group> = Vec::new();
        let (mut after, mut digits) = (0, 0);
        loop {
            let enclosed = byte(bytes, place) == b'(';
            let start = place + usize::from(enclosed);
            let mut end = start;
            while end - start <= MOST_DIGITS && byte(bytes, end).is_ascii_digit() {
                end += 1;
            }
            digits += end - start;
            let unclosed = enclosed && byte(bytes, end) != b')';
            if end == start || unclosed || digits > MOST_DIGITS || groups.len() == MOST_GROUPS {
                break;
            }
            groups.push(Group { start, end, after, enclosed });
            let (next, kind) = separator(text, end + usize::from(enclosed));
            if kind == 0 && !enclosed && byte(bytes, next) != b'(' {
                break;
            }
            (place, after) = (next, kind);
        }
        (!groups.is_empty()).then_some(Self { plus, groups })
    }

    /// Whether something but a space follows its first group, or encloses it.
    pub(super) fn opens_punctuated(&self) -> bool {
        self.punctuated_before(2)
    }

    /// Whether anything but spaces parts the first `count` groups.
    pub(super) fn punctuated_before(&self, count: usize) -> bool {
        let mut groups = self.groups.iter().take(count);
        groups.any(|group| b"-./".contains(&group.after) || group.enclosed)
    }
}

/// The end of the separator at `at`, and its kind: at most three characters, of which one is not a space.
fn separator(text: &str, at: usize) -> (usize, u8) {
    let mut kind = 0;
    let mut end = at;
    for c in text.get(at..).unwrap_or_default().chars().take(3) {
        let this = match c {
            ' ' | '\u{a0}' | '\u{202f}' => b' ',
            '-' | '\u{2010}' | '\u{2011}' | '\u{2013}' => b'-',
            '.' => b'.',
            '/' => b'/',
            _ => break,
        };
        if this != b' ' && kind != 0 && kind != b' ' {
            break;
        }
        kind = if this == b' ' && kind != 0 { kind } else { this };
        end += c.len_utf8();
    }
    (end, kind)
}

/// The end of an extension such as `x123` or ` ext. 45` at byte `end`, or `end` where there is none.
pub(super) fn extension(bytes: &[u8], end: usize) -> usize {
    let skip_spaces = |mut at: usize| {
        while byte(bytes, at) == b' ' && at < end + 8 {
            at += 1;
        }
        at
    };
    let mark = skip_spaces(end);
    let word = [&b"extension"[..], b"ext.", b"ext", b"x"].into_iter().find(|word| {
        bytes.get(mark..mark + word.len()).is_some_and(|found| found.eq_ignore_ascii_case(word))
    });
    let Some(word) = word else { return end };
    let start = skip_spaces(mark + word.len());
    let mut last = start;
    while last - start <= MOST_EXTENSION && byte(bytes, last).is_ascii_digit() {
        last += 1;
    }
    let whole = last > start && last - start <= MOST_EXTENSION && !byte(bytes, last).is_ascii_alphanumeric();
    if whole { last } else { end }
}
