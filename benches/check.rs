//! The whole way of a text: request, normalization, rails, calibration, policy, decision and rewrite, one thread.
#![expect(clippy::expect_used, reason = "a benchmark without its bundle cannot go on")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use portcullis::{Guard, Request, Role};

const PARAGRAPH: &str = "Could you help me plan a week of vegetarian dinners for two people? We don't like mushrooms, \
    the budget is $60.50, and on Thursday there's only 20 minutes to cook something unfussy.";

fn request(words: usize) -> Request {
    let text = PARAGRAPH.split(' ').cycle().take(words).collect::<Vec<_>>().join(" ");
    Request::new(text, Role::User).expect("the text is not empty")
}

fn check(criterion: &mut Criterion) {
    let guard = Guard::builder().threads(1).build().expect("the embedded bundle opens");
    let mut group = criterion.benchmark_group("check");
    group.sample_size(20);
    for words in [30, 300] {
        let request = request(words);
        group.throughput(Throughput::Bytes(request.text.len() as u64));
        group.bench_function(format!("{words} words"), |bencher| bencher.iter(|| guard.check(&request)));
    }
    let requests: Vec<Request> = (0..32).map(|extra| request(20 + extra)).collect();
    group.throughput(Throughput::Elements(requests.len() as u64));
    group.bench_function("32 texts together", |bencher| bencher.iter(|| guard.check_batch(&requests)));
    group.finish();
}

criterion_group!(benches, check);
criterion_main!(benches);
