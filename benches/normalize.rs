//! Normalization and the search for readings: what a text without disguise costs, and what those with one do.
#![expect(clippy::expect_used, reason = "a benchmark without its bundle cannot go on")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use portcullis::bundle::Bundle;
use portcullis::normalize::Normalized;
use portcullis::reading::Readings;

/// What is read: everyday texts first, then disguised ones.
const TEXTS: [(&str, &str); 7] = [
    (
        "english",
        "Could you help me plan a week of vegetarian dinners for two people? We don't like mushrooms.",
    ),
    ("russian", "Дети пошли к реке ловить рубу, а потом ели оладьи с вареньем, пока не стемнело."),
    (
        "code",
        "if (x1 == y2 && z3 != 0) { return foo(a[i], b[j]); } // O(n log n) <div class=\"a\">&amp;</div>",
    ),
    ("leetspeak", "y0u 4r3 4n 1d107 4nd 1 h473 3v3ry7h1ng y0u h4v3 3v3r wr1773n"),
    ("homoglyphs", "Υоu аrе аn іdіоt аnd І hаtе еvеrуthіng уоu hаvе еvеr wrіttеn"),
    ("base64", "WW91IGFyZSBhbiBpZGlvdCBhbmQgSSBoYXRlIGV2ZXJ5dGhpbmcgeW91IGhhdmUgZXZlciB3cml0dGVu"),
    ("rot13", "Lbh ner na vqvbg naq V ungr rirelguvat lbh unir rire jevggra"),
];
const LONG: usize = 1 << 20;

fn normalize(criterion: &mut Criterion) {
    let bundle = Bundle::embedded().expect("the embedded bundle opens");
    let words = bundle.tokenizer().expect("it has a vocabulary");
    for (group, length) in [("normalize", 0), ("normalize 1 MiB", LONG)] {
        let mut group = criterion.benchmark_group(group);
        group.sample_size(if length == 0 { 100 } else { 10 });
        for (name, text) in TEXTS {
            let text = format!("{text} ").repeat((length / text.len()).max(1));
            group.throughput(Throughput::Bytes(text.len() as u64));
            group.bench_function(BenchmarkId::new("normalized", name), |bencher| {
                bencher.iter(|| Normalized::new(&text));
            });
            let normalized = Normalized::new(&text);
            group.bench_function(BenchmarkId::new("readings", name), |bencher| {
                bencher.iter(|| Readings::new(&text, &normalized, words, 3));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, normalize);
criterion_main!(benches);
