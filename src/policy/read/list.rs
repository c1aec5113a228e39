//! The reader of `[[list]]`: word lists in the policy itself or in files beside it.

use std::collections::HashMap;
use std::ops::Range;

use super::file::{self, Folder};
use crate::normalize::Normalized;
use crate::policy::error::PolicyError;
use crate::policy::source::Source;
use crate::policy::table::{Found, Table, shorten, wrong_value};
use crate::policy::{MAX_LIST_BYTES, MAX_LISTS, MAX_WORD_BYTES, MAX_WORDS};
use crate::rails::list::{Matching, WordList};

const KEYS: [&str; 5] = ["id", "words", "file", "allow", "match"];
const MATCHES: [(&str, Matching); 2] = [("word", Matching::Word), ("substring", Matching::Substring)];
const WORD: &str = "a word or phrase of 1 to 256 bytes, without control characters";

/// A list, where it stands, and what its file held.
pub(super) struct Read {
    pub(super) words: WordList,
    pub(super) place: Range<usize>,
    /// BLAKE3 of the file, where the list has one.
    file: Option<blake3::Hash>,
}

pub(super) fn lists(
    root: &Table<'_, '_>,
    source: &Source,
    folder: Folder<'_>,
    found: &mut Found,
) -> Vec<Read> {
    let Some(value) = root.value("list") else { return Vec::new() };
    let expected = "list of tables, each under `[[list]]`";
    let Some(items) = value.get_ref().as_array() else {
        let error = PolicyError::WrongType { key: "list", found: value.get_ref().type_str(), expected };
        found.push((value.span(), error));
        return Vec::new();
    };
    if items.len() > MAX_LISTS {
        let error = PolicyError::TooMany { what: "word lists", found: items.len(), limit: MAX_LISTS };
        found.push((value.span(), error));
        return Vec::new();
    }
    let mut lists: Vec<Read> = Vec::new();
    let mut seen: HashMap<String, usize> = HashMap::new();
    for item in items.iter() {
        let Some(entries) = item.get_ref().as_table() else {
            let error = PolicyError::WrongType { key: "list", found: item.get_ref().type_str(), expected };
            found.push((item.span(), error));
            continue;
        };
        let table = Table { name: "this list", entries, place: item.span() };
        let Some(list) = list(&table, folder, found) else { continue };
        let place = table.value("id").map_or(list.place.clone(), |id| id.span());
        match seen.get(&list.words.id) {
            Some(&first) => {
                found.push((place, PolicyError::DuplicateList { id: shorten(&list.words.id), first }));
            }
            None => _ = seen.insert(list.words.id.clone(), source.line(place.start)),
        }
        lists.push(list);
    }
    let words = lists.iter().map(|list| list.words.words.len() + list.words.allow.len()).sum();
    if words > MAX_WORDS {
        let error = PolicyError::TooMany { what: "words in its lists", found: words, limit: MAX_WORDS };
        found.push((value.span(), error));
    }
    lists
}

/// The files of the lists, each under its list's id.
pub(super) fn files(lists: &[Read]) -> impl Iterator<Item = (&str, &blake3::Hash)> {
    lists.iter().filter_map(|list| Some((list.words.id.as_str(), list.file.as_ref()?)))
}

fn list(table: &Table<'_, '_>, folder: Folder<'_>, found: &mut Found) -> Option<Read> {
    table.only(&KEYS, found);
    table.require("id", "a name", found);
    let id = table.string("id", found).and_then(|(id, place)| {
        let fits = (1..=64).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        let expected = "1 to 64 lower-case letters, digits and `_`: its detector is `list.` and the id";
        if fits { Some(id) } else { wrong_value("id", id, expected, place, found) }
    });
    let matching = table.word("match", &MATCHES, found).map_or(Matching::Word, |(matching, _)| matching);
    let mut words = words("words", table, found);
    let allow = self::words("allow", table, found);
    let mut digest = None;
    if let Some((file, place)) = table.string("file", found) {
        match read(file, folder) {
            Ok((listed, hash)) => {
                words.extend(listed);
                digest = Some(hash);
            }
            Err(what) => found.push((place, PolicyError::ListFile { file: shorten(file), what })),
        }
    } else if !table.has("file") && words.is_empty() {
        let expected = "at least one word, or a `file` of words";
        match table.value("words") {
            Some(value) if value.get_ref().as_array().is_some_and(|array| array.is_empty()) => {
                found.push((
                    value.span(),
                    PolicyError::WrongValue {
                        key: "words",
                        found: "[]".to_owned(),
                        expected: expected.to_owned(),
                    },
                ));
            }
            Some(_) => {}
            None => table.require("words", expected, found),
        }
    }
    let words = WordList { id: id?.to_owned(), words, allow, matching };
    Some(Read { words, place: table.place.clone(), file: digest })
}

fn words(key: &'static str, table: &Table<'_, '_>, found: &mut Found) -> Vec<String> {
    let mut words = Vec::new();
    for (word, place) in table.strings(key, found) {
        match is_word(word) {
            true => words.push(word.trim().to_owned()),
            false => _ = wrong_value::<()>(key, word, WORD, place, found),
        }
    }
    words
}

fn is_word(word: &str) -> bool {
    let visible = !Normalized::new(word).text().trim().is_empty();
    visible && word.len() <= MAX_WORD_BYTES && !word.contains(char::is_control)
}

/// The words of a file, one a line, and the file's BLAKE3. Empty lines and those that begin with `#` are passed over.
fn read(file: &str, folder: Folder<'_>) -> Result<(Vec<String>, blake3::Hash), String> {
    let bytes = file::read(file, folder, "`words`", "a list", MAX_LIST_BYTES)?;
    let hash = blake3::hash(&bytes);
    let mut words = Vec::new();
    for (number, line) in bytes.split(|b| *b == b'\n').enumerate() {
        let number = number + 1;
        let line = std::str::from_utf8(line).map_err(|error| {
            format!(
                "line {number} is not UTF-8 from byte {} on, expected UTF-8 text",
                error.valid_up_to() + 1
            )
        })?;
        let word = line.trim_start_matches('\u{feff}').trim();
        if word.is_empty() || word.starts_with('#') {
            continue;
        }
        if !is_word(word) {
            return Err(format!(
                "line {number} holds {} bytes that are no word, expected {WORD}",
                word.len()
            ));
        }
        if words.len() == MAX_WORDS {
            return Err(format!("line {number} is one word too many, expected at most {MAX_WORDS}"));
        }
        words.push(word.to_owned());
    }
    if words.is_empty() {
        return Err("it holds no word, expected one a line".to_owned());
    }
    Ok((words, hash))
}
