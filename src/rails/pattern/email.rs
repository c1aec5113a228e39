//! E-mail addresses: the dot-atom form of RFC 5321 as people write it, and its internationalized letters (RFC 6531).

use super::near::{before, byte};
use super::{Detector, Hit, Trigger};
use crate::span::Span;

pub(super) const DETECTOR: Detector = Detector {
    name: "pii.email",
    category: "pii",
    placeholder: "[EMAIL]",
    trigger: Trigger::Bytes(b"@"),
    at,
};

/// A well-formed address.
const ADDRESS: f32 = 1.0;
/// The same shape where it names a login or an account rather than a mailbox: `ssh://git@host`, `git@host:path`,
/// `@name@host`.
const LOGIN: f32 = 0.3;

/// RFC 5321 section 4.5.3.1: most bytes before the `@`, and after it.
const LOCAL_BYTES: usize = 64;
const DOMAIN_BYTES: usize = 255;
const LABEL_BYTES: usize = 63;

/// How far back a `://` is looked for, in bytes.
const SCHEME_WINDOW: usize = 64;

/// File extensions that follow an `@` in file names (`icon@2x.png`) and are no top-level domain.
const FILES: [&str; 14] =
    ["bmp", "css", "gif", "html", "jpeg", "jpg", "js", "json", "pdf", "png", "svg", "txt", "webp", "yaml"];

fn at(text: &str, at: usize, floor: usize) -> Option<Hit> {
    let start = local_start(text, at, floor)?;
    let end = domain_end(text, at + 1)?;
    Some(Hit::new(Span::new(start, end), score(text, start, at, end, floor)))
}

/// Where the part before the `@` begins.
fn local_start(text: &str, at: usize, floor: usize) -> Option<usize> {
    let mut start = at;
    let mut letters = false;
    for c in text.get(floor..at)?.chars().rev() {
        let dot_again = c == '.' && (start == at || byte(text.as_bytes(), start) == b'.');
        if dot_again || !(is_letter(c) || "._%+-'&#~".contains(c)) {
            break;
        }
        start -= c.len_utf8();
        letters |= is_letter(c);
        if at - start > LOCAL_BYTES {
            return None;
        }
    }
    if !letters {
        return None;
    }
    let local = text.get(start..at)?;
    let trimmed = local.trim_start_matches(|c: char| c != '_' && !is_letter(c));
    Some(start + local.len() - trimmed.len())
}

/// Where the part after the `@` ends: the last label that can be a top-level domain.
fn domain_end(text: &str, from: usize) -> Option<usize> {
    let mut limit = text.len().min(from + DOMAIN_BYTES);
    while !text.is_char_boundary(limit) {
        limit -= 1;
    }
    let mut at = from;
    let mut end = None;
    let mut labels = 0;
    loop {
        let rest = text.get(at..limit)?;
        let run = rest.find(|c: char| !is_letter(c) && c != '-').unwrap_or(rest.len());
        let label = rest.get(..run)?.trim_end_matches('-');
        if label.is_empty() || label.len() > LABEL_BYTES || label.starts_with('-') {
            break;
        }
        if labels > 0 {
            end = top_level(label).map(|len| at + len).or(end);
        }
        labels += 1;
        at += run;
        if label.len() != run || byte(text.as_bytes(), at) != b'.' {
            break;
        }
        at += 1;
    }
    end
}

/// Length of the top-level domain that `label` is or, before a hyphen, begins with.
fn top_level(label: &str) -> Option<usize> {
    if label.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("xn--")) {
        return Some(label.len());
    }
    let name = label.split('-').next()?;
    let is_name = name.chars().count() >= 2 && name.chars().all(char::is_alphabetic);
    let is_file = FILES.iter().any(|extension| extension.eq_ignore_ascii_case(name));
    (is_name && !is_file).then_some(name.len())
}

fn score(text: &str, start: usize, at: usize, end: usize, floor: usize) -> f32 {
    let bytes = text.as_bytes();
    let from = start.saturating_sub(SCHEME_WINDOW).max(floor);
    let behind = bytes.get(from..start).unwrap_or_default();
    let token = behind.rsplit(|b| b.is_ascii_whitespace()).next().unwrap_or_default();
    let in_url = token.windows(3).any(|w| w == b"://");
    let handle = before(bytes, start, 1, floor) == b'@';
    let remote = byte(bytes, end) == b':'
        && byte(bytes, end + 1).is_ascii_alphanumeric()
        && text.get(start..at).is_some_and(|local| local.eq_ignore_ascii_case("git"));
    if in_url || handle || remote { LOGIN } else { ADDRESS }
}

/// Letters and digits of scripts that put spaces between words: elsewhere a run of letters is a sentence, not a name.
fn is_letter(c: char) -> bool {
    c.is_ascii_alphanumeric() || (('\u{80}'..'\u{2e80}').contains(&c) && c.is_alphanumeric())
}
