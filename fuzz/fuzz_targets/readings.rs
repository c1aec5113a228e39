//! The readings of any text: each is another text, and every part of it maps to a range of the caller's, in order.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use portcullis::normalize::Normalized;
use portcullis::reading::Readings;
use portcullis::span::NormalizedSpan;
use portcullis::tokenize::{WordPiece, compile};

static WORDS: LazyLock<WordPiece<Vec<u8>>> = LazyLock::new(|| {
    let vocabulary = compile(include_bytes!("small_tokenizer.json")).expect("the small vocabulary compiles");
    WordPiece::open(vocabulary).expect("it opens")
});

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let normalized = Normalized::new(text);
    for reading in Readings::new(text, &normalized, &*WORDS, 8).list() {
        assert_ne!(reading.text(), normalized.text());
        let mut end = 0;
        for (at, c) in reading.text().char_indices() {
            let span = reading.to_caller(NormalizedSpan::new(at, at + c.len_utf8()));
            assert!(span.start < span.end && end <= span.end);
            assert!(text.get(span.start..span.end).is_some());
            end = span.end;
        }
    }
});
