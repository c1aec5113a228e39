//! A live stream token by token, beside one check of the whole text, one thread.
#![expect(clippy::expect_used, reason = "a benchmark without its bundle cannot go on")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use portcullis::{Guard, Request, Role};

/// An everyday answer.
const ANSWER: &str = include_str!("../src/cli/bench/answer.txt");
/// Bytes of a token.
const TOKEN: usize = 4;

fn stream(criterion: &mut Criterion) {
    let guard = Guard::builder().threads(1).build().expect("the embedded bundle opens");
    let mut group = criterion.benchmark_group("stream");
    group.sample_size(10).throughput(Throughput::Bytes(ANSWER.len() as u64));
    group.bench_function("token by token", |bencher| {
        bencher.iter(|| {
            let mut stream = guard.stream(Role::Assistant);
            let mut pieces = 0;
            for token in ANSWER.as_bytes().chunks(TOKEN) {
                pieces += stream.push(token).len();
            }
            pieces + stream.finish().len()
        });
    });
    let request = Request::new(ANSWER, Role::Assistant).expect("the text is not empty");
    group.bench_function("whole text once", |bencher| bencher.iter(|| guard.check(&request)));
    group.finish();
}

criterion_group!(benches, stream);
criterion_main!(benches);
