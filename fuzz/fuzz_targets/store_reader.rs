//! The store's readers: any bytes as a signature, as what is in force or as a history are an error or are read, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::store::{self, Store, Trust};

const POLICY: &str = "schema = 1\nid = \"p\"\nversion = \"1.0.0\"\n[[rule]]\nid = \"r\"\ndetector = \"pii.email\"\nthreshold = 0.5\n\
                      action = \"veto\"\n";

fuzz_target!(|data: &[u8]| {
    let Some((which, bytes)) = data.split_first() else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (bundle, policies) = (folder.path().join("bundle"), folder.path().join("policies"));
    for folder in [&bundle, &policies] {
        std::fs::create_dir_all(folder).expect("a folder in it");
    }
    std::fs::write(bundle.join("policy.toml"), POLICY).expect("a policy in it");
    let place = match which % 3 {
        0 => bundle.join(store::SIGNATURE_FILE),
        1 => policies.join("active.toml"),
        _ => policies.join("history.jsonl"),
    };
    std::fs::write(&place, bytes).expect("a file in it");
    // No key is trusted, so that nothing is vouched for.
    if let Ok(opened) = store::open(&bundle, &Trust::default()) {
        assert!(opened.vouched.signed_by().is_none());
    }
    let store = Store::open(folder.path()).expect("a folder");
    assert!(!matches!(store.open_active(&Trust::default()), Ok(Some(_))), "no bundle is stored");
    let _ = store.history();
});
