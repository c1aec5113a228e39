//! The calibration reader: any bytes are a clear error, or a calibration that writes and reads back to itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis_calibration::Calibration;

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
});
