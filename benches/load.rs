//! What opening a guard costs: from the program's own image, and from a directory that is mapped and hashed first.
#![expect(clippy::expect_used, reason = "a benchmark without its bundle cannot go on")]

use criterion::{Criterion, criterion_group, criterion_main};
use portcullis::{Guard, Request, Role};

const MODELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models");

fn load(criterion: &mut Criterion) {
    let request = Request::new("Is the museum open on Mondays?", Role::User).expect("the text is not empty");
    let embedded = || Guard::builder().threads(1).build().expect("the embedded bundle opens");
    let mapped = || Guard::builder().models_dir(MODELS).threads(1).build().expect("the directory opens");

    let mut group = criterion.benchmark_group("load");
    group.sample_size(20);
    group.bench_function("embedded", |bencher| bencher.iter(embedded));
    group.bench_function("mapped directory", |bencher| bencher.iter(mapped));
    group.bench_function("embedded, to the first verdict", |bencher| {
        bencher.iter(|| embedded().check(&request))
    });
    group.finish();
}

criterion_group!(benches, load);
criterion_main!(benches);
