//! The NDJSON reader: any line is a request with a text to judge, or an error that quotes none of the line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::Request;

fuzz_target!(|data: &[u8]| {
    match Request::from_json_line(data) {
        Ok(request) => {
            assert!(!request.text.is_empty());
            assert!(!request.text.contains('\0'));
        }
        Err(error) => {
            let message = error.to_string();
            assert!(!message.is_empty() && message.len() < 300, "{message}");
        }
    }
});
