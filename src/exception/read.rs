//! From the signed part of a file to an exception.

use std::time::SystemTime;

use regex::RegexBuilder;
use serde::Deserialize;
use toml::value::Datetime;

use super::{
    Exception, ExceptionError, LONGEST, MAX_ENTRIES, MAX_PATTERN_BYTES, MAX_REASON_BYTES, Pattern, Scope,
    moment,
};
use crate::request::Role;

/// The only schema there is.
const SCHEMA: u64 = 1;
/// Most bytes of a compiled pattern, and of the tables made while it is used.
const PATTERN_SIZE: usize = 1 << 20;
/// How deep groups of a pattern may be nested.
const PATTERN_DEPTH: u32 = 50;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    schema: u64,
    id: String,
    reason: String,
    rules: Vec<String>,
    texts: Option<Vec<String>>,
    pattern: Option<String>,
    roles: Option<Vec<Role>>,
    slices: Option<Vec<String>>,
    locales: Option<Vec<String>>,
    effective: Datetime,
    expires: Datetime,
    approved_by: String,
}

/// The exception in this TOML.
pub(super) fn exception(body: &str) -> Result<Exception, ExceptionError> {
    let wire: Wire = toml::from_str(body).map_err(|error| syntax(body, 0, &error))?;
    if wire.schema != SCHEMA {
        return Err(value("schema", format!("found {}, expected {SCHEMA}", wire.schema)));
    }
    check_id(&wire.id)?;
    let reason = wire.reason.trim();
    if reason.is_empty() || reason.len() > MAX_REASON_BYTES || reason.chars().any(char::is_control) {
        return Err(value("reason", format!("expected one line of 1 to {MAX_REASON_BYTES} bytes")));
    }
    check_name("approved_by", &wire.approved_by)?;
    entries("rules", Some(&wire.rules))?;
    entries("texts", wire.texts.as_deref())?;
    entries("slices", wire.slices.as_deref())?;
    entries("locales", wire.locales.as_deref())?;
    if wire.roles.as_ref().is_some_and(Vec::is_empty) {
        return Err(value("roles", EMPTY.to_owned()));
    }
    let is_digest =
        |text: &String| text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if !wire.texts.iter().flatten().all(is_digest) {
        return Err(value("texts", "expected digests of 64 hexadecimal digits in lower case".to_owned()));
    }
    let (effective, expires) = (time("effective", &wire.effective)?, time("expires", &wire.expires)?);
    match expires.duration_since(effective) {
        Ok(length) if !length.is_zero() && length <= LONGEST => {}
        _ => {
            let what = format!(
                "found {}, expected a time after `effective`, {}, by at most 366 days",
                moment(expires),
                moment(effective)
            );
            return Err(value("expires", what));
        }
    }
    Ok(Exception {
        id: wire.id,
        reason: reason.to_owned(),
        scope: Scope {
            rules: wire.rules,
            texts: wire.texts,
            pattern: wire.pattern.map(pattern).transpose()?,
            roles: wire.roles,
            slices: wire.slices,
            locales: wire.locales,
        },
        effective,
        expires,
        approved_by: wire.approved_by,
    })
}

/// An error of the TOML reader with its line; `before` lines stand above `text` in the file.
pub(super) fn syntax(text: &str, before: usize, error: &toml::de::Error) -> ExceptionError {
    let at = error.span().map_or(0, |span| span.start);
    let line = before + text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
    ExceptionError::Syntax { line, what: shown(error.message()) }
}

pub(super) fn value(key: &'static str, what: String) -> ExceptionError {
    ExceptionError::Value { key, what }
}

/// A name that may also be that of a file.
pub(super) fn check_id(id: &str) -> Result<(), ExceptionError> {
    check_name("id", id)?;
    if id.starts_with('.') {
        return Err(value("id", "found one that begins with a dot, expected a letter or digit".to_owned()));
    }
    Ok(())
}

fn check_name(key: &'static str, name: &str) -> Result<(), ExceptionError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._@-".contains(&byte);
    if (1..=64).contains(&name.len()) && name.bytes().all(fits) && (key != "id" || !name.contains('@')) {
        return Ok(());
    }
    let also = if key == "id" { "`.`, `_` and `-`" } else { "`.`, `_`, `@` and `-`" };
    Err(value(key, format!("found {:?}, expected 1 to 64 ASCII letters, digits, {also}", shown(name))))
}

const EMPTY: &str = "found an empty list, which is for nothing: leave the key out where every one is meant";

fn entries(key: &'static str, list: Option<&[String]>) -> Result<(), ExceptionError> {
    let Some(list) = list else { return Ok(()) };
    if list.is_empty() {
        return Err(value(key, EMPTY.to_owned()));
    }
    if list.len() > MAX_ENTRIES {
        return Err(value(key, format!("found {} entries, expected at most {MAX_ENTRIES}", list.len())));
    }
    let fits = |entry: &String| (1..=256).contains(&entry.len()) && !entry.contains(char::is_control);
    if !list.iter().all(fits) {
        return Err(value(key, "expected entries of 1 to 256 bytes without control characters".to_owned()));
    }
    Ok(())
}

fn time(key: &'static str, time: &Datetime) -> Result<SystemTime, ExceptionError> {
    let stamp: jiff::Timestamp = time.to_string().parse().map_err(|_| {
        value(
            key,
            format!("found {time}, expected a date and time with an offset, such as 2031-05-09T00:00:00Z"),
        )
    })?;
    Ok(SystemTime::from(stamp))
}

fn pattern(source: String) -> Result<Pattern, ExceptionError> {
    if source.is_empty() || source.len() > MAX_PATTERN_BYTES {
        let what = format!("found {} bytes, expected 1 to {MAX_PATTERN_BYTES}", source.len());
        return Err(value("pattern", what));
    }
    let compile = |source: &str| {
        RegexBuilder::new(source)
            .size_limit(PATTERN_SIZE)
            .dfa_size_limit(PATTERN_SIZE)
            .nest_limit(PATTERN_DEPTH)
            .build()
    };
    let refused = |error: regex::Error| {
        let what = match error {
            regex::Error::CompiledTooBig(limit) => format!("it compiles to more than {limit} bytes"),
            // The message draws a picture of several lines; its last line says what is wrong.
            other => {
                shown(other.to_string().lines().last().unwrap_or_default().trim_start_matches("error: "))
            }
        };
        value("pattern", format!("not a regular expression that can be used: {what}"))
    };
    // Alone first: what only closes the group below must not pass.
    compile(&source).map_err(refused)?;
    let whole = compile(&format!(r"\A(?:{source})\z")).map_err(refused)?;
    Ok(Pattern { source, whole })
}

/// Something from a file, as a message may show it.
pub(super) fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect()
}
