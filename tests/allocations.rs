//! How often memory is asked for when a warm guard checks a short text that it allows, by step.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking, and says what it measured")]

use allocation_counter::measure;
use portcullis::{Decision, Guard, Request, Role};

#[test]
fn counts() {
    let guard = Guard::builder().threads(1).build().unwrap();
    let request = Request::new("Could you tell me when the library opens on Saturday?", Role::User).unwrap();
    let decision = guard.check(&request).decision;
    assert_eq!(decision, Decision::Allow);
    for _ in 0..3 {
        let info = measure(|| {
            let _ = guard.check(&request);
        });
        println!("check: {} allocations, {} bytes", info.count_total, info.bytes_total);
    }
    for _ in 0..2 {
        let info = measure(|| {
            let _ = guard.encode_ids(&[101, 2071, 2017, 2425, 2033, 2043, 1996, 3075, 7480, 2006, 5095, 1029, 102]);
        });
        println!("encode_ids: {} allocations, {} bytes", info.count_total, info.bytes_total);
        let info = measure(|| {
            let _ = guard.detect(&request.text);
        });
        println!("detect: {} allocations, {} bytes", info.count_total, info.bytes_total);
        let info = measure(|| {
            let _ = guard.foreign(&portcullis::normalize::Normalized::new(&request.text));
        });
        println!("normalize+foreign: {} allocations, {} bytes", info.count_total, info.bytes_total);
        let info = measure(|| {
            let _ = portcullis::normalize::Normalized::new(&request.text);
        });
        println!("normalize: {} allocations, {} bytes", info.count_total, info.bytes_total);
        let normalized = portcullis::normalize::Normalized::new(&request.text);
        let info = measure(|| {
            let _ = portcullis::reading::Readings::new(&request.text, &normalized, guard.bundle().tokenizer().unwrap(), 3);
        });
        println!("readings: {} allocations, {} bytes", info.count_total, info.bytes_total);
        let info = measure(|| {
            let _ = guard.scores(&[&request.text]);
        });
        println!("scores: {} allocations, {} bytes", info.count_total, info.bytes_total);
    }
}
