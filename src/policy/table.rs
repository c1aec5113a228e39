//! Typed access to the keys of a TOML table, noting every mistake and going on.

use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::PolicyError;
use super::suggest;

/// Mistakes so far, each with its byte range.
pub(super) type Found = Vec<(Range<usize>, PolicyError)>;

/// A value and its byte range.
pub(super) type Placed<T> = (T, Range<usize>);

/// A table under its name in messages.
pub(super) struct Table<'t, 's> {
    pub(super) name: &'static str,
    pub(super) entries: &'t DeTable<'s>,
    pub(super) place: Range<usize>,
}

impl<'t, 's> Table<'t, 's> {
    /// Notes every key that is not in `known`.
    pub(super) fn only(&self, known: &[&'static str], found: &mut Found) {
        for key in self.entries.keys().filter(|key| !known.contains(&key.get_ref().as_ref())) {
            let word = key.get_ref();
            let hint = suggest::hint(word, known.iter().copied());
            found.push((key.span(), PolicyError::UnknownKey { key: shorten(word), table: self.name, hint }));
        }
    }

    pub(super) fn value(&self, key: &str) -> Option<&'t Spanned<DeValue<'s>>> {
        self.entries.get(key)
    }

    /// Whether the key is there, whatever its value.
    pub(super) fn has(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    /// Notes a key that is absent.
    pub(super) fn require(&self, key: &'static str, expected: &'static str, found: &mut Found) {
        if !self.has(key) {
            found.push((self.place.clone(), PolicyError::MissingKey { key, table: self.name, expected }));
        }
    }

    pub(super) fn string(&self, key: &'static str, found: &mut Found) -> Option<Placed<&'t str>> {
        let value = self.value(key)?;
        match value.get_ref().as_str() {
            Some(text) => Some((text, value.span())),
            None => wrong_type(key, value, "string", found),
        }
    }

    pub(super) fn boolean(&self, key: &'static str, found: &mut Found) -> Option<Placed<bool>> {
        let value = self.value(key)?;
        match value.get_ref().as_bool() {
            Some(flag) => Some((flag, value.span())),
            None => wrong_type(key, value, "boolean", found),
        }
    }

    /// A whole number that is not negative.
    pub(super) fn integer(&self, key: &'static str, found: &mut Found) -> Option<Placed<u64>> {
        let value = self.value(key)?;
        let Some(integer) = value.get_ref().as_integer() else {
            return wrong_type(key, value, "integer", found);
        };
        match u64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(number) => Some((number, value.span())),
            Err(_) => wrong_value(key, integer.as_str(), "a whole number from 0 on", value.span(), found),
        }
    }

    /// A finite number for which `allowed` holds; `expected` describes those.
    pub(super) fn number(
        &self,
        key: &'static str,
        allowed: impl Fn(f64) -> bool,
        expected: &str,
        found: &mut Found,
    ) -> Option<Placed<f64>> {
        let value = self.value(key)?;
        let written = match value.get_ref() {
            DeValue::Float(float) => float.as_str(),
            DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str(),
            _ => return wrong_type(key, value, "number", found),
        };
        match written.parse::<f64>().ok().filter(|number| number.is_finite() && allowed(*number)) {
            Some(number) => Some((number, value.span())),
            None => wrong_value(key, written, expected, value.span(), found),
        }
    }

    /// One of some words.
    pub(super) fn word<T: Copy>(
        &self,
        key: &'static str,
        words: &[(&'static str, T)],
        found: &mut Found,
    ) -> Option<Placed<T>> {
        let (text, place) = self.string(key, found)?;
        let meaning = meaning(key, text, words, &place, found)?;
        Some((meaning, place))
    }

    /// A list of some words, each with its range.
    pub(super) fn words<T: Copy>(
        &self,
        key: &'static str,
        words: &[(&'static str, T)],
        found: &mut Found,
    ) -> Option<Placed<Vec<T>>> {
        let value = self.value(key)?;
        let Some(array) = value.get_ref().as_array() else {
            return wrong_type(key, value, "array of strings", found);
        };
        let mut meanings = Vec::new();
        for item in array.iter() {
            match item.get_ref().as_str() {
                Some(text) => meanings.extend(meaning(key, text, words, &item.span(), found)),
                None => _ = wrong_type::<()>(key, item, "array of strings", found),
            }
        }
        Some((meanings, value.span()))
    }

    /// A list of strings, each with its range.
    pub(super) fn strings(&self, key: &'static str, found: &mut Found) -> Vec<Placed<&'t str>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            _ = wrong_type::<()>(key, value, "array of strings", found);
            return Vec::new();
        };
        let mut strings = Vec::new();
        for item in array.iter() {
            match item.get_ref().as_str() {
                Some(text) => strings.push((text, item.span())),
                None => _ = wrong_type::<()>(key, item, "array of strings", found),
            }
        }
        strings
    }
}

fn meaning<T: Copy>(
    key: &'static str,
    text: &str,
    words: &[(&'static str, T)],
    place: &Range<usize>,
    found: &mut Found,
) -> Option<T> {
    match words.iter().find(|(word, _)| *word == text) {
        Some((_, meaning)) => Some(*meaning),
        None => {
            let hint = suggest::hint(text, words.iter().map(|(word, _)| *word));
            wrong_value(key, text, &format!("one of the known words; {hint}"), place.clone(), found)
        }
    }
}

fn wrong_type<T>(
    key: &'static str,
    value: &Spanned<DeValue<'_>>,
    expected: &'static str,
    found: &mut Found,
) -> Option<T> {
    let error = PolicyError::WrongType { key, found: value.get_ref().type_str(), expected };
    found.push((value.span(), error));
    None
}

/// Notes a value that is not allowed; always `None`, for the caller to pass on.
pub(super) fn wrong_value<T>(
    key: &'static str,
    value: &str,
    expected: &str,
    place: Range<usize>,
    found: &mut Found,
) -> Option<T> {
    found
        .push((place, PolicyError::WrongValue { key, found: shorten(value), expected: expected.to_owned() }));
    None
}

/// A value as a message shows it: at most forty characters.
pub(super) fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
