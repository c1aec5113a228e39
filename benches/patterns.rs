//! The pattern rail on texts of three lengths: the throughput of a linear scan does not fall with the length.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use portcullis::rails::pattern::PatternRail;

/// What is repeated: nothing to find, a match a word, and numbers that are no match.
const UNITS: [(&str, &str); 5] = [
    ("prose", "the kettle is on and the garden is quiet this morning, "),
    ("addresses", "192.168.1.1 "),
    ("phones", "+44 20 7946 0958, "),
    ("mail", "jo@example.org "),
    ("numbers", "order 1234567 and 12 of 30, "),
];
const LENGTHS: [usize; 3] = [1 << 14, 1 << 17, 1 << 20];

fn scan(criterion: &mut Criterion) {
    let rail = PatternRail::new();
    let mut group = criterion.benchmark_group("patterns");
    group.sample_size(10);
    for (name, unit) in UNITS {
        for length in LENGTHS {
            let text = unit.repeat(length / unit.len());
            group.throughput(Throughput::Bytes(text.len() as u64));
            group.bench_function(BenchmarkId::new(name, length), |bencher| {
                bencher.iter(|| {
                    let mut found = Vec::new();
                    rail.scan(&text, &mut found);
                    found
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, scan);
criterion_main!(benches);
