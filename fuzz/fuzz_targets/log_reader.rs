//! The log's readers: any bytes as a segment, a head or what was kept are findings or are read, never a panic, and a log that is
//! opened for writing all the same can be appended to and read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::installation::{Fsync, LogSettings};
use portcullis::log::{Event, FOLDER, Log, Verifier, read};

fuzz_target!(|data: &[u8]| {
    let Some((which, bytes)) = data.split_first() else { return };
    let state = tempfile::tempdir().expect("a temporary folder");
    let folder = state.path().join(FOLDER);
    std::fs::create_dir(&folder).expect("a folder in it");
    let name = ["000001.jsonl", "head.json", "kept.json"][usize::from(which % 3)];
    std::fs::write(folder.join(name), bytes).expect("a file in it");
    let report = Verifier::new(state.path()).expect("no key to read").verify().expect("files that can be read");
    // Without a key nothing is vouched for.
    assert!(report.signed.is_none());
    for entry in read(state.path()).expect("a folder") {
        let _ = entry;
    }
    let settings = LogSettings { fsync: Fsync::None, ..LogSettings::default() };
    if let Ok(log) = Log::open(state.path(), &settings) {
        log.append_event(Event::LogHeadLost {}).expect("what was opened is appended to");
        drop(log);
        assert!(read(state.path()).expect("a folder").any(|entry| entry.is_ok()));
    }
});
