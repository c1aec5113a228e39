//! The reader of exceptions: any text is a mistake, or an exception that can be signed and reads the same then; nothing is trusted without
//! a signature by a key of the ring.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::exception::{Exception, sign};
use portcullis::trust::{KeyRing, SigningKey};
use std::sync::LazyLock;

static KEY: LazyLock<(SigningKey, KeyRing)> = LazyLock::new(|| {
    let key = SigningKey::generate("ana").expect("random bytes");
    let ring = KeyRing::new(vec![key.public()]).expect("one key");
    (key, ring)
});

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (key, ring) = &*KEY;
    assert!(Exception::parse_trusted(text, ring).is_err());
    if let Ok(signed) = sign(text, key) {
        let trusted = Exception::parse_trusted(&signed, ring).expect("what was signed is trusted");
        assert_eq!(trusted, Exception::parse(&signed).expect("and reads the same"));
        assert!(Exception::parse_trusted(&signed, &KeyRing::default()).is_err());
    }
});
