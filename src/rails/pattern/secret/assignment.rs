//! Assignments to a name that says it is secret: `password = …`, `"api_key": "…"`, `--token …`, "my password is …".

use super::super::near::{before, byte, run, run_back};
use super::entropy::entropy;
use super::token::is_example;
use super::{CATEGORY, Detector, Hit, PLACEHOLDER, Trigger};
use crate::span::Span;

pub(in crate::rails::pattern) const DETECTOR: Detector = Detector {
    name: "secret.generic",
    category: CATEGORY,
    placeholder: PLACEHOLDER,
    trigger: Trigger::Literals(&NAMES),
    at,
};

/// Sixteen or more characters that look random.
const RANDOM: f32 = 0.9;
/// A password of several kinds of characters.
const PASSWORD: f32 = 0.7;
/// The same after "is" in a sentence.
const SPOKEN: f32 = 0.6;
/// Shorter or plainer: a name as well as a secret.
const PLAIN: f32 = 0.4;

/// The longest first where one begins another.
const NAMES: [&str; 30] = [
    "passphrase",
    "passwort",
    "passwd",
    "password",
    "passcode",
    "pwd",
    "contraseña",
    "mot de passe",
    "secret",
    "token",
    "api_key",
    "api-key",
    "apikey",
    "api key",
    "access_key",
    "access-key",
    "accesskey",
    "access key",
    "auth_key",
    "authkey",
    "private_key",
    "privatekey",
    "encryption_key",
    "encryption key",
    "signing_key",
    "account_key",
    "credential",
    "bearer",
    "basic",
    "client_id_secret",
];
/// Names whose values people choose.
const CHOSEN: [&str; 9] = [
    "passphrase",
    "passwort",
    "passwd",
    "password",
    "passcode",
    "pwd",
    "contraseña",
    "mot de passe",
    "secret",
];
/// Names before a value with nothing between, as in HTTP headers.
const SCHEMES: [&str; 2] = ["bearer", "basic"];

const MOST_SUFFIX: usize = 24;
const MOST_VALUE: usize = 256;
const LEAST_VALUE: usize = 6;
const LEAST_RANDOM: usize = 16;
/// Least entropy of sixteen random characters of a narrow alphabet, in thousandths of a bit.
const RANDOM_ENTROPY: u32 = 3000;

/// Values, or their beginnings, that a program or a form has in the place of a secret.
const STAND_INS: [&str; 34] = [
    "changeme",
    "change_me",
    "config",
    "dummy",
    "empty",
    "encrypted",
    "env",
    "false",
    "fake",
    "hidden",
    "hunter2example",
    "insert",
    "int",
    "len(",
    "mock",
    "my",
    "new",
    "none",
    "null",
    "optional",
    "os.",
    "pass",
    "placeholder",
    "process.",
    "redacted",
    "replace",
    "required",
    "sample",
    "self",
    "str",
    "test",
    "true",
    "undefined",
    "your",
];

/// What makes a name that of something about a secret: `password_length`, `token_url`.
const ABOUT: [&str; 22] = [
    "age", "change", "count", "endpoint", "error", "event", "expir", "fail", "field", "file", "hint", "_id",
    "input", "len", "name", "path", "policy", "reset", "type", "uri", "url", "valid",
];

/// How a value stands to its name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Join {
    /// `=`, `:`, `=>`, `>` of an element, or a flag's space.
    Assigned,
    /// "is", "was".
    Spoken,
    /// An HTTP scheme's space.
    Scheme,
}

fn at(text: &str, at: usize, floor: usize) -> Option<Hit> {
    let bytes = text.as_bytes();
    let name = NAMES.iter().find(|name| {
        let here = bytes.get(at..at + name.len());
        here.is_some_and(|here| here.eq_ignore_ascii_case(name.as_bytes()))
    })?;
    let (place, join) = joint(text, at, name, floor)?;
    let (start, end, quoted) = value(text, place, is_query(bytes, at, floor), join == Join::Spoken)?;
    let value = text.get(start..end)?;
    let score = score(value, name, join, quoted)?;
    (start >= floor).then(|| Hit::new(Span::new(start, end), score))
}

/// Where the value begins, quotes included, and what joins it to the name.
fn joint(text: &str, at: usize, name: &str, floor: usize) -> Option<(usize, Join)> {
    let bytes = text.as_bytes();
    let mut place = at + name.len();
    if SCHEMES.contains(&name) {
        let one = before(bytes, at, 1, floor);
        let space = run(bytes, place, 2, |b| b == b' ');
        return (space == 1 && !one.is_ascii_alphanumeric()).then_some((place + space, Join::Scheme));
    }
    // `tokens`, `secretary` and `passwordless` are other words; `password_hash` and `tokenValue` are names.
    if byte(bytes, place).is_ascii_lowercase() {
        return None;
    }
    let suffix = run(bytes, place, MOST_SUFFIX, |b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
    let name_end = place + suffix;
    place = name_end;
    let word = run_back(bytes, at, MOST_SUFFIX, floor, |b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    let flag = bytes.get(at - word..at)?.starts_with(b"--");
    let about = text.get(at + name.len()..name_end)?.to_ascii_lowercase();
    if ABOUT.iter().any(|word| about.contains(word)) {
        return None;
    }
    // The closing quote, bracket or tag of the name.
    place += run(bytes, place, 2, |b| b"\"'`*".contains(&b));
    place += usize::from(byte(bytes, place) == b']' && byte(bytes, place - 1) != b']' && place > name_end);
    let spaces = run(bytes, place, 4, |b| b == b' ' || b == b'\t');
    let after = place + spaces;
    let operators: [&[u8]; 6] = [b":=", b"=>", b"===", b"==", b"=", b":"];
    for operator in operators {
        if bytes.get(after..after + operator.len()) == Some(operator) {
            let mut value = after + operator.len();
            value += run(bytes, value, 4, |b| b" \t\xc2\xa0".contains(&b));
            return Some((value, Join::Assigned));
        }
    }
    if byte(bytes, after) == b'>' && spaces == 0 {
        let tag =
            bytes.get(floor..at)?.iter().rev().take(MOST_SUFFIX).take_while(|b| !b.is_ascii_whitespace());
        return tag.into_iter().any(|b| *b == b'<').then_some((after + 1, Join::Assigned));
    }
    if flag && spaces == 1 {
        return Some((after, Join::Assigned));
    }
    let spoken = [&b"is "[..], b"was ", b"is: ", b"to "]
        .into_iter()
        .find(|word| bytes.get(after..after + word.len()) == Some(*word))?;
    (spaces == 1 && suffix == 0).then_some((after + spoken.len(), Join::Spoken))
}

/// Whether the name is a parameter of an address: `?token=…`, `&token=…`.
fn is_query(bytes: &[u8], at: usize, floor: usize) -> bool {
    let word = run_back(bytes, at, MOST_SUFFIX, floor, |b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
    b"?&".contains(&before(bytes, at - word, 1, floor))
}

/// The value at byte `place` without its quotes, and whether it has any; in a query an `&` ends it, in a
/// sentence the sentence's mark.
fn value(text: &str, place: usize, query: bool, spoken: bool) -> Option<(usize, usize, bool)> {
    let bytes = text.as_bytes();
    let escaped = usize::from(byte(bytes, place) == b'\\');
    let quote = byte(bytes, place + escaped);
    if b"\"'`".contains(&quote) {
        let start = place + escaped + 1;
        let length = run(bytes, start, MOST_VALUE, |b| b != quote && b != b'\n' && b != b'\\');
        let closed = matches!(byte(bytes, start + length), b'\\') || byte(bytes, start + length) == quote;
        let inner = text.get(start..start + length)?;
        return (closed && !inner.contains(char::is_whitespace)).then_some((start, start + length, true));
    }
    let length = run(bytes, place, MOST_VALUE, |b| {
        !(b.is_ascii_whitespace() || b"\"'`<>,;)]}|\\".contains(&b) || query && b == b'&')
    });
    let word = text.get(place..place + length)?;
    let word = word.trim_end_matches(['.', ':', '*', '\u{3002}']);
    let word = if spoken { word.trim_end_matches(['.', '!', '?']) } else { word };
    Some((place, place + word.len(), false))
}

fn score(value: &str, name: &str, join: Join, quoted: bool) -> Option<f32> {
    if value.len() < LEAST_VALUE || value.len() >= MOST_VALUE || is_stand_in(value, quoted) {
        return None;
    }
    let has = |kind: fn(&u8) -> bool| value.bytes().any(|b| kind(&b));
    let (digit, letter) = (has(u8::is_ascii_digit), has(u8::is_ascii_alphabetic));
    let symbol = value.chars().any(|c| !c.is_alphanumeric() && !"_-./".contains(c));
    let chosen = CHOSEN.contains(&name);
    let random = value.len() >= LEAST_RANDOM && digit && letter && entropy(value) >= RANDOM_ENTROPY;
    match join {
        _ if is_example(value) => Some(PLAIN),
        _ if random => Some(RANDOM),
        Join::Scheme => None,
        Join::Spoken => (chosen && letter && (digit || symbol)).then_some(SPOKEN),
        Join::Assigned if chosen && letter && (digit || symbol) => Some(PASSWORD),
        Join::Assigned if digit && (letter || quoted) => Some(PLAIN),
        Join::Assigned => (chosen && quoted && value.len() >= 8).then_some(PLAIN),
    }
}

/// Whether the value is a name, a call, a path or a word for a secret and not one.
fn is_stand_in(value: &str, quoted: bool) -> bool {
    let lower = value.to_ascii_lowercase();
    let starts = STAND_INS.iter().any(|word| {
        lower
            .strip_prefix(word)
            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()) || rest.len() <= 2)
    });
    let template = value.starts_with(['$', '{', '<', '[', '%', '*', '(', '@', '#', '/', '.', '…'])
        || value.contains("${")
        || value.contains("{{")
        || value.contains("://")
        || value.contains("...");
    let code = !quoted && (value.contains(['(', '[', '{']) || is_dotted_name(value));
    // snake_case, kebab-case and camelCase of letters only.
    let name = value.chars().all(|c| c.is_alphabetic() || "_-.:/\\".contains(c))
        && (!quoted || value.contains(['_', '-', '.', '/']));
    // `id=npmrc` after a flag, `type=password`.
    let pair = value.split_once('=').is_some_and(|(key, rest)| {
        !rest.trim_matches('=').is_empty() && key.bytes().all(|b| b.is_ascii_alphabetic())
    });
    let one = value.chars().next();
    let repeated = value.chars().all(|c| Some(c) == one);
    starts || template || code || name || pair || repeated
}

/// `self.password`, `request.form.token`.
fn is_dotted_name(value: &str) -> bool {
    value.contains('.')
        && value.split('.').all(|part| {
            part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        })
}
