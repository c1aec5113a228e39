//! Every level against the scalar one, bit by bit.

#![expect(clippy::print_stdout, reason = "a run on another machine shows what it has covered")]

use portcullis_kernels::{Kernels, Level, Scratch};

use crate::model::{Linear, Model, Random, Shape, bits, bounds_of};

/// Runs `of` at the scalar level and at every other one, and compares the bits of what it gives.
fn hold(operation: &str, mut of: impl FnMut(Level) -> Vec<f32>) {
    let wanted = bits(&of(Level::Scalar));
    for level in Level::supported() {
        assert!(bits(&of(level)) == wanted, "{operation} differs at {level}");
        println!("PASS {level} {operation}");
    }
}

#[test]
fn quantized_rows() {
    for k in [4, 12, 16, 20, 64, 100, 384] {
        let r = &mut Random::new(k as u64);
        let x = r.floats(17 * k, Random::normal);
        let input = r.floats(k, |r| 1.0 + 0.7 * r.unit());
        hold(&format!("quantize k={k}"), |level| {
            let (mut codes, mut scale, mut zero) = (vec![0; x.len()], vec![0.0; 17], vec![0; 17]);
            Kernels::new(level)
                .unwrap()
                .quantize_rows(&x, &input, &mut codes, &mut scale, &mut zero, &mut Scratch::new())
                .unwrap();
            scale.extend(codes.into_iter().chain(zero).map(f32::from));
            scale
        });
    }
}

#[test]
fn linear_layers() {
    for (rows, n, k) in [
        (1, 16, 4),
        (2, 48, 20),
        (5, 32, 64),
        (13, 80, 132),
        (31, 16, 384),
        (26, 112, 96),
        (70, 96, 1536),
        (33, 48, 196),
        (17, 32, 2060),
    ] {
        let r = &mut Random::new((rows * n * k) as u64);
        let linear = Linear::new(r, n, k);
        let x = r.floats(rows * k, Random::normal);
        hold(&format!("linear {rows}x{n}x{k}"), |level| apply(level, &linear, &x));
    }
}

/// Quads at the ends of what the format allows, where a saturating instruction would show.
#[test]
fn extreme_codes() {
    let quads: [[i8; 4]; 7] = [
        [127, 1, 0, 0],
        [0, 0, 1, 127],
        [32, 32, 32, 32],
        [-128, 0, 0, 0],
        [-64, 0, 0, -64],
        [64, -128, 64, 0],
        [-32, -32, -32, -32],
    ];
    for first in 0..quads.len() {
        let k = 516;
        // Inputs 0, 1, 4 and 5 of a run are one quad, 2, 3, 6 and 7 the other.
        let of = |i: usize| quads[(first + i % k / 8 * (i / k % 3)) % quads.len()][i % 8 / 4 * 2 + i % 2];
        let q: Vec<i8> = (0..32 * k).map(of).collect();
        let linear = Linear::from_codes(q, vec![0.5; 32], vec![0.25; 32], 32, k);
        let x: Vec<f32> = (0..7 * k).map(|i| if i / k % 2 == 0 { 3.0 } else { [-1.0, 2.0][i % 2] }).collect();
        hold(&format!("extreme codes {first}"), |level| apply(level, &linear, &x));
    }
}

/// Every count of rows that a tile can have, and the seams between blocks.
#[test]
fn every_row_count() {
    let r = &mut Random::new(7);
    for (k, most) in [(32, 40), (128, 70)] {
        let linear = Linear::new(r, 48, k);
        for rows in 1..=most {
            let x = r.floats(rows * k, Random::normal);
            hold(&format!("linear k={k} rows={rows}"), |level| apply(level, &linear, &x));
        }
    }
}

#[test]
fn encoders() {
    let model = Model::new(3, &Shape::SMALL);
    for lengths in [&[1][..], &[2], &[15], &[16], &[17], &[80], &[3, 1, 33, 16, 7]] {
        let bounds = bounds_of(lengths);
        let ids = model.ids(&mut Random::new(5), bounds[bounds.len() - 1]);
        hold(&format!("encoder {lengths:?}"), |level| {
            let encoded = model.encode(level, &ids, &bounds);
            [encoded.x, encoded.pooled, encoded.logits, encoded.attention].concat()
        });
    }
}

/// Heads of every width up to more than a step of a matrix unit, and of an odd number of panels.
#[test]
fn widths_of_heads() {
    for (hidden, attention_heads) in [(96, 6), (96, 2), (128, 2), (160, 2), (256, 1)] {
        let model =
            Model::new(9, &Shape { hidden, attention_heads, layers: 1, word_width: hidden, ..Shape::SMALL });
        let bounds = bounds_of(&[37, 66, 14]);
        let ids = model.ids(&mut Random::new(10), bounds[3]);
        hold(&format!("heads of {}", hidden / attention_heads), |level| model.encode(level, &ids, &bounds).x);
    }
}

/// More rows than a block of either kind holds at once.
#[test]
fn long_batches() {
    let model = Model::new(4, &Shape { layers: 1, ..Shape::SMALL });
    let bounds = bounds_of(&[80, 79, 78, 77, 1, 76]);
    let ids = model.ids(&mut Random::new(6), bounds[6]);
    hold("long batch", |level| model.encode(level, &ids, &bounds).x);
}

/// Rows from a wide range of sizes, with exact zeros and denormals among them.
#[test]
fn uneven_rows() {
    let r = &mut Random::new(8);
    let linear = Linear::new(r, 32, 48);
    let mut x = r.floats(64 * 48, Random::normal);
    for (row, x) in x.chunks_mut(48).enumerate() {
        let size = 10f32.powi(row as i32 - 40);
        x.iter_mut().for_each(|x| *x *= size);
        x[row % 48] = 0.0;
    }
    hold("uneven rows", |level| apply(level, &linear, &x));
}

fn apply(level: Level, linear: &Linear, x: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; x.len() / linear.k * linear.n];
    Kernels::new(level).unwrap().linear(&linear.view(), x, &mut out, &mut Scratch::new()).unwrap();
    out
}
