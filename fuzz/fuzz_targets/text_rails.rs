//! The rails that need no model: any text gives scores in range and spans on character boundaries, the same again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::rails::list::{Matching, WordList};
use portcullis::rails::text::TextRails;
use portcullis::rails::url::Hosts;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let list = WordList {
        id: "l".to_owned(),
        words: vec!["a".to_owned(), "é b".to_owned()],
        allow: vec!["aa".to_owned()],
        matching: Matching::Substring,
    };
    let hosts = Hosts { allow: vec!["a.example".to_owned()], deny: vec!["b.example".to_owned()] };
    let rails = TextRails::new(&[list], &hosts).expect("one list");
    let scan = || {
        let mut found = Vec::new();
        rails.scan(text, &mut found);
        found
    };
    let found = scan();
    assert_eq!(found, scan());
    for detection in found {
        assert!((0.0..=1.0).contains(&detection.score));
        for span in detection.spans {
            assert!(!span.is_empty() && text.get(span.start..span.end).is_some());
        }
    }
});
