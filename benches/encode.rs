//! The encoder with its heads, one thread, by number of tokens and instruction level.
#![expect(clippy::expect_used, reason = "a benchmark without its bundle cannot go on")]

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use portcullis::{Guard, Level};

const LENGTHS: [u32; 7] = [8, 16, 32, 64, 128, 256, 512];

/// Ids of a sequence of `length` tokens: words between the two special ones.
fn ids(length: u32) -> Vec<u32> {
    let words = (0..length - 2).map(|at| 2000 + at * 37 % 5000);
    std::iter::once(101).chain(words).chain([102]).collect()
}

fn encode(criterion: &mut Criterion) {
    for level in Level::supported() {
        let guard = Guard::builder().level(level).threads(1).build().expect("the embedded bundle opens");
        let mut group = criterion.benchmark_group(format!("encode/{level}"));
        group
            .sample_size(20)
            .measurement_time(Duration::from_secs(2))
            .warm_up_time(Duration::from_millis(500));
        for length in LENGTHS {
            let ids = ids(length);
            group.throughput(Throughput::Elements(u64::from(length)));
            group.bench_function(BenchmarkId::from_parameter(length), |bencher| {
                bencher.iter(|| guard.encode_ids(&ids).expect("the ids are in the vocabulary"));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, encode);
criterion_main!(benches);
