//! Hostile vocabularies: one test for each rule of the format, and damage that no rule sees.

use super::format::{CONTINUES, HEADER_LEN, Header};
use super::{TokenizeError, Tokens, WordPiece, compile};
use proptest::prelude::*;
use serde_json::json;

const TOKENS: [&str; 10] = ["[UNK]", "[CLS]", "[SEP]", "a", "##b", "word", "##s", "é", "##", "漢"];

/// Places of numbers in the header.
const MAX_WORD_CHARS: usize = 28;
const COUNT: usize = 32;
const UNKNOWN: usize = 36;
const SLOTS_LOG2: usize = 48;
const MAX_PROBE: usize = 52;
const MAX_INITIAL_BYTES: usize = 56;
const SLOTS_AT: usize = 64;
const OFFSETS_AT: usize = 72;
const STRINGS_AT: usize = 80;
const STRINGS_LEN: usize = 88;
const RESERVED: usize = 96;

fn small() -> Vec<u8> {
    let vocab: serde_json::Map<_, _> =
        TOKENS.iter().zip(0..).map(|(&token, id)| (token.into(), json!(id))).collect();
    let file = json!({
        "version": "1.0",
        "added_tokens": [],
        "normalizer": {
            "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": false,
            "lowercase": true
        },
        "pre_tokenizer": { "type": "BertPreTokenizer" },
        "post_processor": { "type": "BertProcessing", "cls": ["[CLS]", 1], "sep": ["[SEP]", 2] },
        "model": {
            "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": vocab
        },
    });
    compile(file.to_string().as_bytes()).expect("compiles")
}

fn with_u32(at: usize, number: u32) -> Vec<u8> {
    let mut file = small();
    file[at..at + 4].copy_from_slice(&number.to_le_bytes());
    file
}

fn with_u64(at: usize, number: u64) -> Vec<u8> {
    let mut file = small();
    file[at..at + 8].copy_from_slice(&number.to_le_bytes());
    file
}

fn refusal(file: &[u8]) -> TokenizeError {
    WordPiece::open(file).expect_err("refused")
}

/// Encodes something in every path; ids must stay below the count.
fn survives(file: &[u8]) -> Vec<u32> {
    let wordpiece = WordPiece::open(file).expect("opens");
    let mut tokens = Tokens::new();
    wordpiece.encode("a ab words wordsx é 漢字 ## x aé 漢b", &mut tokens);
    assert!(tokens.ids.iter().all(|&id| (id as usize) < wordpiece.vocabulary_size()));
    assert_eq!(tokens.ids.len(), tokens.spans.len());
    tokens.ids
}

#[test]
fn the_file_itself_is_sound() {
    assert_eq!(survives(&small()), [3, 3, 4, 5, 6, 0, 7, 9, 0, 0, 0, 0, 0, 9, 0]);
    let (header, _) = Header::read(&small()).expect("a header");
    assert_eq!(header.to_bytes(), small()[..HEADER_LEN]);
}

#[test]
fn truncated_or_too_long() {
    let file = small();
    for len in 0..file.len() {
        let error = refusal(&file[..len]);
        assert!(matches!(error, TokenizeError::Length { .. }), "{len}: {error}");
    }
    let mut longer = file;
    longer.push(0);
    assert!(matches!(refusal(&longer), TokenizeError::Length { .. }));
}

#[test]
fn another_kind_of_file() {
    let mut file = small();
    file[0] = b'X';
    assert!(matches!(refusal(&file), TokenizeError::Magic));
    assert!(matches!(refusal(&with_u32(8, 2)), TokenizeError::Version { found: 2, expected: 1 }));
}

#[test]
fn numbers_out_of_range() {
    let cases = [
        (12, 64),
        (24, 16),
        (MAX_WORD_CHARS, 0),
        (MAX_WORD_CHARS, u32::MAX),
        (COUNT, 0),
        (COUNT, u32::MAX),
        (UNKNOWN, TOKENS.len() as u32),
        (SLOTS_LOG2, 0),
        (SLOTS_LOG2, 64),
        (MAX_PROBE, 0),
        (MAX_PROBE, 1_000_000),
        (MAX_INITIAL_BYTES, u32::MAX),
        (RESERVED, 1),
        (HEADER_LEN - 4, 1 << 24),
    ];
    for (at, number) in cases {
        let error = refusal(&with_u32(at, number));
        assert!(matches!(error, TokenizeError::Header { .. }), "{at}: {error}");
    }
}

#[test]
fn sections_out_of_place() {
    for at in [SLOTS_AT, OFFSETS_AT, STRINGS_AT] {
        for place in [0, 1, 129, small().len() as u64, u64::MAX] {
            let error = refusal(&with_u64(at, place));
            assert!(matches!(error, TokenizeError::Section { .. }), "{at} {place}: {error}");
        }
    }
    for len in [1 << 20, u64::MAX] {
        assert!(matches!(
            refusal(&with_u64(STRINGS_LEN, len)),
            TokenizeError::Section { section: "strings", .. }
        ));
    }
    // More tokens or slots than the file has room for.
    assert!(matches!(refusal(&with_u32(COUNT, 1000)), TokenizeError::Section { section: "offsets", .. }));
    assert!(matches!(refusal(&with_u32(SLOTS_LOG2, 20)), TokenizeError::Section { section: "slots", .. }));
}

#[test]
fn a_wrong_count_or_limit_only_loses_tokens() {
    survives(&with_u32(COUNT, 4));
    survives(&with_u32(SLOTS_LOG2, 1));
    survives(&with_u32(MAX_PROBE, 1));
    assert!(survives(&with_u32(MAX_INITIAL_BYTES, 0)).iter().all(|&id| id == 0));
}

/// Every entry of the section set to one value.
fn filled(section: fn(&Header) -> (u64, usize), entry: &[u8]) -> Vec<u8> {
    let mut file = small();
    let (header, _) = Header::read(&file).expect("a header");
    let (start, len) = section(&header);
    for place in file[start as usize..][..len].chunks_exact_mut(entry.len()) {
        place.copy_from_slice(entry);
    }
    file
}

fn slots(header: &Header) -> (u64, usize) {
    (header.slots, 8 << header.slots_log2)
}

fn offsets(header: &Header) -> (u64, usize) {
    (header.offsets, 4 * (header.count as usize + 1))
}

#[test]
fn a_full_table_ends_the_search() {
    for entry in [1, TOKENS.len() as u32, 4000, u32::MAX, CONTINUES, CONTINUES | 5] {
        let mut slot = [0; 8];
        slot[4..].copy_from_slice(&entry.to_le_bytes());
        survives(&filled(slots, &slot));
    }
}

#[test]
fn offsets_that_lead_nowhere() {
    for offset in [0, 1, u32::MAX] {
        assert!(survives(&filled(offsets, &offset.to_le_bytes())).iter().all(|&id| id == 0));
    }
    // Falling instead of rising.
    let mut file = small();
    let (header, sections) = Header::read(&file).expect("a header");
    for (place, offset) in file[sections.offsets].chunks_exact_mut(4).zip((0..=header.count).rev()) {
        place.copy_from_slice(&offset.to_le_bytes());
    }
    survives(&file);
}

proptest! {
    #[test]
    fn any_damage_is_survived(at in any::<prop::sample::Index>(), bytes in prop::collection::vec(any::<u8>(), 1..40)) {
        let mut file = small();
        let at = at.index(file.len());
        for (place, byte) in file[at..].iter_mut().zip(bytes) {
            *place = byte;
        }
        if WordPiece::open(&file).is_ok() {
            survives(&file);
        }
    }
}
