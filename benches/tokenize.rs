//! Tokens of short and long texts, and what opening a tokenizer costs, each beside the `tokenizers` crate.
#![expect(clippy::expect_used, reason = "a benchmark without its fixtures cannot go on")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use portcullis::normalize::Normalized;
use portcullis::tokenize::{Tokens, WordPiece, compile};
use std::hint::black_box;

const TOKENIZER_JSON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models/portcullis-base/tokenizer.json");

const PARAGRAPH: &str = "Could you help me plan a week of vegetarian dinners for two people? We don't like mushrooms, \
    the budget is $60.50, and on Thursday there's only 20 minutes to cook something unfussy.";

fn words(count: usize) -> String {
    PARAGRAPH.split(' ').cycle().take(count).collect::<Vec<_>>().join(" ")
}

fn tokenize(criterion: &mut Criterion) {
    let json = std::fs::read(TOKENIZER_JSON).expect("the bundle's tokenizer");
    let compiled = compile(&json).expect("compiles");
    let wordpiece = WordPiece::open(&compiled).expect("opens");
    let mut reference = tokenizers::Tokenizer::from_bytes(&json).expect("loads");
    reference.with_truncation(None).expect("can be off").with_padding(None);

    let texts = [
        ("30 words", words(30)),
        ("300 words", words(300)),
        ("300 words, accents and quotes", words(300).replace('e', "é").replace('\'', "’")),
    ];
    for (name, text) in &texts {
        let mut group = criterion.benchmark_group(format!("tokenize/{name}"));
        group.throughput(Throughput::Bytes(text.len() as u64));
        let mut tokens = Tokens::new();
        group.bench_function("wordpiece", |bencher| {
            bencher.iter(|| wordpiece.encode(black_box(text), &mut tokens))
        });
        group.bench_function("tokenizers", |bencher| {
            bencher.iter(|| reference.encode(black_box(text.as_str()), false))
        });
        group.bench_function("normalize", |bencher| {
            bencher.iter(|| Normalized::new(black_box(text)).text().len())
        });
        group.finish();
    }

    let mut group = criterion.benchmark_group("tokenize/open");
    group.sample_size(20);
    group.bench_function("wordpiece", |bencher| {
        bencher.iter(|| WordPiece::open(black_box(&compiled)).expect("opens"))
    });
    group.bench_function("tokenizers", |bencher| {
        bencher.iter(|| tokenizers::Tokenizer::from_bytes(black_box(&json)).expect("loads"));
    });
    group.bench_function("compile", |bencher| bencher.iter(|| compile(black_box(&json)).expect("compiles")));
    group.finish();
}

criterion_group!(benches, tokenize);
criterion_main!(benches);
