//! How fast a linear layer, a block and a whole encoder are at each level of this CPU, on one thread.
//!
//! Throughput of `linear` is in operations, two a multiply-add: its Gelem/s are GOPS. `clock` gives the cycles a
//! second to hold them against: `DESIGN.md` has each level's floor in multiply-adds a cycle.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a bench fails by panicking")]

#[allow(dead_code, reason = "shared with the tests, which use all of it")]
#[path = "../tests/kernels/model.rs"]
mod model;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use portcullis_kernels::{Kernels, Level, Scratch};

use model::{Linear, Model, Random, Shape};

const MINILM: Shape = Shape {
    hidden: 384,
    attention_heads: 12,
    inner: 1536,
    layers: 6,
    heads: 10,
    vocabulary: 1000,
    word_width: 384,
    positions: 512,
};

/// Levels worth timing: the scalar one is there to be correct.
fn levels() -> impl Iterator<Item = (Level, Kernels)> {
    let fast = Level::supported().into_iter().filter(|level| *level != Level::Scalar);
    fast.filter_map(|level| Some((level, Kernels::new(level)?)))
}

fn clock(c: &mut Criterion) {
    const STEPS: u64 = 1000;
    let mut group = c.benchmark_group("clock");
    // A dependent 64-bit multiplication takes three cycles on every x86 core of the last ten years.
    group.throughput(Throughput::Elements(3 * STEPS));
    group.bench_function("cycles", |b| {
        b.iter(|| (0..STEPS).fold(black_box(3u64), |x, _| black_box(x).wrapping_mul(x)));
    });
}

fn linear(c: &mut Criterion) {
    let mut group = c.benchmark_group("linear");
    let scratch = &mut Scratch::new();
    for (n, k) in [(1152, 384), (384, 384), (1536, 384), (384, 1536)] {
        let r = &mut Random::new(1);
        let weights = Linear::new(r, n, k);
        for rows in [1, 4, 8, 16, 32, 64, 128] {
            let x = r.floats(rows * k, Random::normal);
            let mut out = vec![0.0; rows * n];
            group.throughput(Throughput::Elements(2 * (rows * n * k) as u64));
            for (level, kernels) in levels() {
                group.bench_function(BenchmarkId::new(format!("{level}/{n}x{k}"), rows), |b| {
                    b.iter(|| kernels.linear(&weights.view(), &x, &mut out, scratch));
                });
            }
        }
    }
}

fn encoder(c: &mut Criterion) {
    let mut group = c.benchmark_group("encoder");
    let model = Model::new(1, &MINILM);
    let layers: Vec<_> =
        model.layers.iter().map(|layer| (model.attention(layer), model.feed_forward(layer))).collect();
    let (embeddings, heads) = (model.embeddings(), model.head_weights());
    let scratch = &mut Scratch::new();
    for tokens in [8, 16, 32, 64, 128, 256, 512] {
        let ids = model.ids(&mut Random::new(2), tokens);
        let bounds = [0, tokens];
        let mut x = vec![0.0; tokens * MINILM.hidden];
        let (mut pooled, mut logits) = (vec![0.0; MINILM.hidden], vec![0.0; MINILM.heads]);
        group.throughput(Throughput::Elements(tokens as u64));
        for (level, kernels) in levels() {
            group.bench_function(BenchmarkId::new(level.name(), tokens), |b| {
                b.iter(|| {
                    kernels.embed(&embeddings, &ids, &bounds, &mut x)?;
                    for (attention, feed_forward) in &layers {
                        kernels.attention_block(attention, &bounds, &mut x, scratch)?;
                        kernels.feed_forward_block(feed_forward, &mut x, scratch)?;
                    }
                    kernels.pool_heads(&heads, &bounds, &x, &mut pooled, &mut logits, None, scratch)
                });
            });
        }
    }
}

criterion_group!(benches, clock, linear, encoder);
criterion_main!(benches);
