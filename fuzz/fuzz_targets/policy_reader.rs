//! The policy reader: any text is a list of mistakes with places inside it, or a policy that reads the same again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::policy::{KnownDetector, Policy};

const DETECTORS: [KnownDetector<'_>; 3] = [
    KnownDetector { name: "classifier.toxicity", experimental: false },
    KnownDetector { name: "classifier.sexual", experimental: true },
    KnownDetector { name: "pii.email", experimental: false },
];

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Policy::parse(text, "policy.toml") {
        Ok(policy) => {
            let again = Policy::parse(text, "policy.toml").expect("read once, read twice");
            assert_eq!(policy.rules(), again.rules());
            assert_eq!(policy.digest(), again.digest());
            let _ = policy.bind(|_, _| Ok(0.5), &DETECTORS);
        }
        Err(errors) => assert!(!errors.to_string().is_empty()),
    }
});
