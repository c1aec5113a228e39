//! Passwords in addresses: `postgres://user:password@host` and every other scheme (RFC 3986 section 3.2.1).

use super::super::near::{run, run_back};
use super::{CATEGORY, Detector, Hit, PLACEHOLDER, Trigger};
use crate::span::Span;

pub(in crate::rails::pattern) const DETECTOR: Detector = Detector {
    name: "secret.connection_string",
    category: CATEGORY,
    placeholder: PLACEHOLDER,
    trigger: Trigger::Literals(&["://"]),
    at,
};

/// Scheme, user, password and host.
const PASSWORD: f32 = 0.95;
/// A password that stands for one: `user:password@host`.
const EXAMPLE: f32 = 0.3;

const MOST_SCHEME: usize = 24;
const MOST_AUTHORITY: usize = 512;
const MOST_USER: usize = 128;

/// What examples write for a password, wholly.
const WORDS: [&str; 20] = [
    "admin",
    "changeme",
    "credential",
    "credentials",
    "key",
    "mypass",
    "mypassword",
    "pass",
    "passwd",
    "password",
    "postgres",
    "pw",
    "pwd",
    "root",
    "secret",
    "test",
    "token",
    "user",
    "xxx",
    "yourpassword",
];

/// The span is that of the password alone: what remains says where it belongs.
fn at(text: &str, at: usize, floor: usize) -> Option<Hit> {
    let bytes = text.as_bytes();
    let scheme = run_back(bytes, at, MOST_SCHEME, 0, |b| b.is_ascii_alphanumeric() || b"+.-".contains(&b));
    if scheme == 0 {
        return None;
    }
    let from = at + 3;
    // `?` and `#` should be encoded in a password, and often are not.
    let length = run(bytes, from, MOST_AUTHORITY, |b| !b.is_ascii_whitespace() && !b"/\"'`\\<>".contains(&b));
    let authority = text.get(from..from + length)?;
    // A password may hold an `@` that should have been encoded: the last one parts it from the host.
    let (login, host) = authority.rsplit_once('@')?;
    let (user, password) = login.split_once(':').filter(|(user, _)| !user.contains(['?', '#', '=']))?;
    let start = from + login.len() - password.len();
    let is_host = host.starts_with(|c: char| c.is_ascii_alphanumeric() || "[$".contains(c));
    if user.len() > MOST_USER || !is_host || start < floor || password.is_empty() || is_placeholder(password)
    {
        return None;
    }
    let lower = password.to_ascii_lowercase();
    let example =
        WORDS.contains(&lower.trim_end_matches(|c: char| c.is_ascii_digit())) || lower.contains("example");
    let score = if example { EXAMPLE } else { PASSWORD };
    Some(Hit::new(Span::new(start, start + password.len()), score))
}

/// Whether a program, or a redaction, has a place for the password there.
fn is_placeholder(password: &str) -> bool {
    password.starts_with(['$', '{', '[', '%', '*', '.', '…'])
        && !password.ends_with(|c: char| c.is_ascii_digit())
        || password.contains("${")
        || password.contains("{{")
        || password.bytes().all(|b| b"*x.X".contains(&b))
}
