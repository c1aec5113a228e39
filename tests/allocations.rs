//! How often memory is asked for once a guard is warm: bounds on counts, which are the same on every run.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

use allocation_counter::measure;
use portcullis::{Decision, Guard, GuardBuilder, Request, Role};

/// Most allocations of a check of the text below; `docs/library.md` tells the count that was measured.
const CHECK: u64 = 150;
/// Most allocations of one pass of the encoder, all of them candle's, for its tensors.
const PASS: u64 = 50;

fn guard(builder: GuardBuilder) -> Guard {
    builder.threads(1).build().unwrap()
}

fn counted(mut what: impl FnMut()) -> u64 {
    // What is kept from one text for the next is there after the first.
    what();
    what();
    let counts: Vec<u64> = (0..3).map(|_| measure(&mut what).count_total).collect();
    assert!(counts.iter().all(|count| *count == counts[0]), "{counts:?}");
    counts[0]
}

#[test]
fn a_check_of_a_plain_text() {
    let guard = guard(Guard::builder());
    let request = Request::new("Could you tell me when the library opens on Saturday?", Role::User).unwrap();
    assert_eq!(guard.check(&request).decision, Decision::Allow);
    let scores = counted(|| drop(guard.scores(&[&request.text])));
    let rails = counted(|| drop(guard.detect(&request.text)));
    let check = counted(|| drop(guard.check(&request)));
    println!("check {check}, of these scores {scores}, patterns {rails}");
    assert!(check <= CHECK, "{check}");
    assert_eq!(rails, 0);
}

#[test]
fn a_layer_of_the_encoder() {
    let models = concat!(env!("CARGO_MANIFEST_DIR"), "/models");
    let ids: Vec<u32> = std::iter::once(101).chain((2000..2020).map(|id| id + 7)).chain([102]).collect();
    let count = |builder| {
        let guard = guard(builder);
        counted(|| drop(guard.encode_ids(&ids).unwrap()))
    };
    let six = count(Guard::builder());
    let three = count(Guard::builder().models_dir(models).model("portcullis-small"));
    println!("a pass {six}");
    // candle makes one list for each of the two blocks of a layer; the kernels work in memory that is there.
    assert!(six - three <= 2 * 3, "{six} with six layers, {three} with three");
    assert!(six <= PASS, "{six}");
}
