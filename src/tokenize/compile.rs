//! `tokenizer.json` to a compiled vocabulary.

use super::error::TokenizeError;
use super::format::{
    ALIGN, CONTINUES, HEADER_LEN, Hash, Header, MAX_COUNT, MAX_PROBE, MAX_TOKEN_BYTES, MAX_WORD_CHARS, Rules,
    hash,
};
use serde_json::Value;

const PREFIX: &str = "##";

/// Writes the vocabulary of a Hugging Face `tokenizer.json` in the form that [`WordPiece`](super::WordPiece) opens.
///
/// The same input gives the same bytes. The truncation and padding that the file may ask for are left out: windows take their
/// place.
///
/// # Errors
///
/// [`TokenizeError::Json`] if the file is not JSON; [`TokenizeError::Unsupported`], with the part, if its pipeline is not
/// BERT's normalizer and pre-tokenizer, WordPiece and one special token at either end, or if it adds tokens that are not
/// special; [`TokenizeError::SparseIds`] if ids are missing or doubled.
pub fn compile(tokenizer_json: &[u8]) -> Result<Vec<u8>, TokenizeError> {
    let root: Value = serde_json::from_slice(tokenizer_json)?;
    let part = |path: &'static str| Part { path, value: root.pointer(path).unwrap_or(&Value::Null) };

    part("/version").must_be("1.0")?;
    part("/normalizer/type").must_be("BertNormalizer")?;
    part("/pre_tokenizer/type").must_be("BertPreTokenizer")?;
    part("/model/type").must_be("WordPiece")?;
    part("/model/continuing_subword_prefix").must_be(PREFIX)?;
    let lowercase = part("/normalizer/lowercase").flag()?;
    let rules = Rules {
        clean_text: part("/normalizer/clean_text").flag()?,
        handle_chinese_chars: part("/normalizer/handle_chinese_chars").flag()?,
        strip_accents: match part("/normalizer/strip_accents") {
            Part { value: Value::Null, .. } => lowercase,
            given => given.flag()?,
        },
        lowercase,
    };
    let max_word_chars = part("/model/max_input_chars_per_word").number()?;
    if !(1..=MAX_WORD_CHARS).contains(&max_word_chars) {
        return Err(part("/model/max_input_chars_per_word").refused("1 to 65536"));
    }

    let tokens = vocabulary(&part("/model/vocab"))?;
    let id_of = |name: &Part<'_>| -> Result<u32, TokenizeError> {
        let word = name.value.as_str();
        let id = tokens.iter().position(|&token| Some(token) == word);
        id.and_then(|id| u32::try_from(id).ok()).ok_or_else(|| name.refused("a token of the vocabulary"))
    };
    let unknown = id_of(&part("/model/unk_token"))?;
    added_tokens(&part("/added_tokens"), &tokens)?;
    let [cls, sep] = ends(&root)?;
    if [cls, sep].iter().any(|&id| id as usize >= tokens.len()) {
        return Err(part("/post_processor").refused("ids of the vocabulary"));
    }
    write(
        &tokens,
        Header {
            file_len: 0,
            rules,
            max_word_chars,
            count: tokens.len() as u32,
            unknown,
            cls,
            sep,
            slots_log2: 0,
            max_probe: 0,
            max_initial_bytes: 0,
            max_continuing_bytes: 0,
            slots: 0,
            offsets: 0,
            strings: 0,
            strings_len: 0,
        },
    )
}

/// A place in the file.
struct Part<'a> {
    path: &'static str,
    value: &'a Value,
}

impl<'a> Part<'a> {
    fn refused(&self, expected: &'static str) -> TokenizeError {
        let found = match self.value {
            Value::Null => "absent".into(),
            Value::Array(items) => format!("a list of {}", items.len()),
            Value::Object(fields) => format!("an object of {}", fields.len()),
            plain => plain.to_string().chars().take(60).collect(),
        };
        TokenizeError::Unsupported { part: self.path, found, expected }
    }

    fn must_be(&self, word: &'static str) -> Result<(), TokenizeError> {
        if self.value.as_str() == Some(word) { Ok(()) } else { Err(self.refused(word)) }
    }

    fn flag(&self) -> Result<bool, TokenizeError> {
        self.value.as_bool().ok_or_else(|| self.refused("true or false"))
    }

    fn number(&self) -> Result<u32, TokenizeError> {
        let number = self.value.as_u64().and_then(|number| u32::try_from(number).ok());
        number.ok_or_else(|| self.refused("a whole number below 2^32"))
    }

    fn list(&self) -> Result<&'a [Value], TokenizeError> {
        self.value.as_array().map(Vec::as_slice).ok_or_else(|| self.refused("a list"))
    }
}

/// The tokens by id.
fn vocabulary<'a>(part: &Part<'a>) -> Result<Vec<&'a str>, TokenizeError> {
    let Value::Object(fields) = part.value else { return Err(part.refused("an object of tokens and ids")) };
    let count = fields.len();
    if count == 0 || count > MAX_COUNT as usize {
        return Err(part.refused("1 to 16777216 tokens"));
    }
    let mut tokens = vec![None; count];
    for (token, id) in fields {
        let id = id.as_u64().ok_or_else(|| part.refused("whole numbers as ids"))?;
        if token.len() > MAX_TOKEN_BYTES as usize {
            return Err(part.refused("tokens of at most 1024 bytes"));
        }
        if let Some(place) = usize::try_from(id).ok().and_then(|id| tokens.get_mut(id)) {
            *place = Some(token.as_str());
        }
    }
    let missing = tokens.iter().position(Option::is_none);
    match missing {
        Some(missing) => Err(TokenizeError::SparseIds { missing, count }),
        None => Ok(tokens.into_iter().flatten().collect()),
    }
}

/// Added tokens are cut out of a text before anything else, unless they are special: those a guard does not look for.
fn added_tokens(part: &Part<'_>, tokens: &[&str]) -> Result<(), TokenizeError> {
    if part.value.is_null() {
        return Ok(());
    }
    for added in part.list()? {
        let content = added.get("content").and_then(Value::as_str);
        let id = added.get("id").and_then(Value::as_u64).and_then(|id| usize::try_from(id).ok());
        let known = id.and_then(|id| tokens.get(id).copied()).is_some_and(|token| Some(token) == content);
        if !known || added.get("special").and_then(Value::as_bool) != Some(true) {
            return Err(part.refused("special tokens of the vocabulary only"));
        }
    }
    Ok(())
}

/// The ids of the special tokens before and behind a text.
fn ends(root: &Value) -> Result<[u32; 2], TokenizeError> {
    let part =
        Part { path: "/post_processor", value: root.pointer("/post_processor").unwrap_or(&Value::Null) };
    let processor = part.value;
    let found = match processor.get("type").and_then(Value::as_str) {
        Some("BertProcessing") => {
            ["/cls/1", "/sep/1"].map(|path| processor.pointer(path).and_then(Value::as_u64))
        }
        Some("TemplateProcessing") => template(processor).unwrap_or_default(),
        _ => [None; 2],
    };
    match found.map(|id| id.and_then(|id| u32::try_from(id).ok())) {
        [Some(cls), Some(sep)] => Ok([cls, sep]),
        _ => Err(part.refused("one special token before and one behind the text, of type 0")),
    }
}

fn template(processor: &Value) -> Option<[Option<u64>; 2]> {
    let [first, text, last] = processor.get("single")?.as_array()?.as_slice() else { return None };
    let of_type_0 = |piece: &Value| piece.get("type_id").and_then(Value::as_u64) == Some(0);
    let sequence = text.get("Sequence")?;
    if sequence.get("id")?.as_str()? != "A" || !of_type_0(sequence) {
        return None;
    }
    Some([first, last].map(|piece| {
        let special = piece.get("SpecialToken").filter(|special| of_type_0(special))?;
        let ids = processor.get("special_tokens")?.get(special.get("id")?.as_str()?)?.get("ids")?;
        match ids.as_array()?.as_slice() {
            [id] => id.as_u64(),
            _ => None,
        }
    }))
}

/// Lays out the file.
fn write(tokens: &[&str], mut header: Header) -> Result<Vec<u8>, TokenizeError> {
    // A token that is the prefix alone continues nothing.
    let pieces: Vec<(&str, bool)> = tokens
        .iter()
        .map(|token| match token.strip_prefix(PREFIX) {
            Some(rest) if !rest.is_empty() => (rest, true),
            _ => (*token, false),
        })
        .collect();
    let longest =
        |kind| pieces.iter().filter(|&&(_, continues)| continues == kind).map(|(token, _)| token.len()).max();
    header.max_initial_bytes = longest(false).unwrap_or(0) as u32;
    header.max_continuing_bytes = longest(true).unwrap_or(0) as u32;

    let hashes: Vec<(Hash, bool)> =
        pieces.iter().map(|&(token, continues)| (hash(token.as_bytes(), continues), continues)).collect();
    // At most half full, so that a miss is short.
    header.slots_log2 = (2 * hashes.len()).next_power_of_two().ilog2();
    let (slots, max_probe) = slots(&hashes, header.slots_log2);
    header.max_probe = max_probe;
    if max_probe > MAX_PROBE {
        return Err(TokenizeError::Header {
            field: "max probe",
            found: max_probe.into(),
            expected: "1 to 128",
        });
    }

    let mut offsets = vec![0_u32];
    let mut strings = Vec::new();
    for (token, _) in &pieces {
        strings.extend_from_slice(token.as_bytes());
        let end = strings.len() as u64;
        let narrow = u32::try_from(end);
        offsets.push(narrow.map_err(|_| TokenizeError::Header {
            field: "strings length",
            found: end,
            expected: "below 2^32",
        })?);
    }
    let align = |len: usize| len.next_multiple_of(ALIGN);
    let slots_at = HEADER_LEN;
    let offsets_at = align(slots_at + 8 * slots.len());
    let strings_at = align(offsets_at + 4 * offsets.len());
    header.slots = slots_at as u64;
    header.offsets = offsets_at as u64;
    header.strings = strings_at as u64;
    header.strings_len = strings.len() as u64;
    let file_len = align(strings_at + strings.len());
    header.file_len = file_len as u64;

    let mut file = header.to_bytes();
    file.extend(slots.iter().flatten().flat_map(|number| number.to_le_bytes()));
    file.resize(offsets_at, 0);
    file.extend(offsets.iter().flat_map(|number| number.to_le_bytes()));
    file.resize(strings_at, 0);
    file.extend(strings);
    file.resize(file_len, 0);
    Ok(file)
}

/// The hash table and the longest way to a token.
fn slots(hashes: &[(Hash, bool)], slots_log2: u32) -> (Vec<[u32; 2]>, u32) {
    let count = 1_usize << slots_log2;
    let mut slots = vec![[0_u32; 2]; count];
    let mut max_probe = 1;
    for (entry, &(hash, continues)) in (1_u32..).zip(hashes) {
        let first = hash.slot(slots_log2);
        for probe in 0..count {
            let Some(slot) = slots.get_mut((first + probe) % count) else { continue };
            if *slot == [0; 2] {
                *slot = [hash.tag(), if continues { entry | CONTINUES } else { entry }];
                max_probe = max_probe.max(probe as u32 + 1);
                break;
            }
        }
    }
    (slots, max_probe)
}
