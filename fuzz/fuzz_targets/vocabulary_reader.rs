//! The compiled vocabulary: what opens also encodes, with ids below its size and ranges inside the text.
//!
//! The input is an edit script on a small valid vocabulary (position, new bytes), because a hash table is hard to
//! reach from nothing; a first byte of 255 takes the rest as a whole file instead.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use portcullis::tokenize::{Tokens, WordPiece, compile};

static SMALL: LazyLock<Vec<u8>> =
    LazyLock::new(|| compile(include_bytes!("small_tokenizer.json")).expect("the small vocabulary compiles"));
const TEXT: &str = "an unaffable naïve answer, isn't it? 42 [SEP] 你好";

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    if *first == 255 {
        encode(rest);
        return;
    }
    let mut file = SMALL.clone();
    for edit in data.chunks_exact(3) {
        let [high, low, byte] = edit else { continue };
        let at = usize::from(u16::from_be_bytes([*high, *low])) % file.len();
        if let Some(place) = file.get_mut(at) {
            *place = *byte;
        }
    }
    encode(&file);
});

fn encode(file: &[u8]) {
    let Ok(tokenizer) = WordPiece::open(file) else { return };
    let mut tokens = Tokens::new();
    tokenizer.encode(TEXT, &mut tokens);
    assert!(tokens.ids.iter().all(|&id| (id as usize) < tokenizer.vocabulary_size()));
    assert_eq!(tokens.ids.len(), tokens.spans.len());
}
