//! The readers of calibrations and of taught heads: any bytes are a clear error, or what writes and reads back to itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis_calibration::{Calibration, TaughtHead};

fuzz_target!(|data: &[u8]| {
    match Calibration::parse(data) {
        Ok(calibration) => {
            let again =
                Calibration::parse(calibration.to_toml().as_bytes()).expect("what is written can be read");
            assert_eq!(calibration, again);
            for head in calibration.heads() {
                for logit in [f32::MIN, -1.0, 0.0, 1.0, f32::MAX] {
                    assert!((0.0..=1.0).contains(&head.curve.apply(logit)));
                }
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    match TaughtHead::parse(data) {
        Ok(head) => {
            let again = TaughtHead::parse(head.to_toml().as_bytes()).expect("what is written can be read");
            assert_eq!(head, again);
            assert!(!head.logit(&vec![1.0; head.width()]).is_nan());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
