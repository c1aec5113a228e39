//! Values that no trained model has: they give a defined result, and a broken one shows.

use portcullis_kernels::{Kernels, Level, Scratch};

use crate::model::{Linear, Model, Random, Shape, bits};

const BROKEN: [f32; 5] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -f32::NAN, f32::MAX];

/// A broken activation anywhere in a sequence makes every logit of that sequence non-finite, and no other's.
#[test]
fn a_broken_activation_shows_in_the_logits() {
    let model = Model::new(31, &Shape::SMALL);
    let (hidden, heads) = (model.hidden, model.heads);
    let x = Random::new(32).floats(20 * hidden, Random::normal);
    for level in Level::supported() {
        let kernels = Kernels::new(level).unwrap();
        let run = |mut x: Vec<f32>| {
            let scratch = &mut Scratch::new();
            let bounds = [0, 9, 20];
            for layer in &model.layers {
                kernels.attention_block(&model.attention(layer), &bounds, &mut x, scratch).unwrap();
                kernels.feed_forward_block(&model.feed_forward(layer), &mut x, scratch).unwrap();
            }
            let (mut pooled, mut logits) = (vec![0.0; 2 * hidden], vec![0.0; 2 * heads]);
            let heads = model.head_weights();
            kernels.pool_heads(&heads, &bounds, &x, &mut pooled, &mut logits, None, scratch).unwrap();
            logits
        };
        let sound = run(x.clone());
        assert!(sound.iter().all(|logit| logit.is_finite()));
        for broken in BROKEN {
            for at in [0, 17, hidden * 9 - 1] {
                let mut x = x.clone();
                x[at] = broken;
                // The largest float alone is finite; only its negative beside it makes the range overflow.
                x[(at + 1) % (9 * hidden)] = -broken;
                let logits = run(x);
                assert!(logits[..heads].iter().all(|logit| !logit.is_finite()), "{level}: {broken}");
                assert_eq!(bits(&logits[heads..]), bits(&sound[heads..]), "{level}: {broken}");
            }
        }
    }
}

#[test]
fn a_broken_row_is_wholly_nan_after_a_linear_layer() {
    let r = &mut Random::new(33);
    let linear = Linear::new(r, 32, 20);
    for level in Level::supported() {
        for broken in &BROKEN[..4] {
            for at in 0..20 {
                let mut x = r.floats(3 * 20, Random::normal);
                x[20 + at] = *broken;
                let mut out = vec![0.0; 3 * 32];
                let kernels = Kernels::new(level).unwrap();
                kernels.linear(&linear.view(), &x, &mut out, &mut Scratch::new()).unwrap();
                let nans: Vec<bool> = out.chunks(32).map(|row| row.iter().all(|y| y.is_nan())).collect();
                assert_eq!(nans, [false, true, false], "{level}: {broken} at {at}");
            }
        }
    }
}

/// Rows of zeros and of denormals give the bias.
#[test]
fn rows_without_size_give_the_bias() {
    let linear = Linear::new(&mut Random::new(34), 48, 36);
    for level in Level::supported() {
        for size in [0.0, -0.0, f32::from_bits(1), 1e-38, -1e-31] {
            let mut out = vec![9.0; 48];
            let kernels = Kernels::new(level).unwrap();
            kernels.linear(&linear.view(), &[size; 36], &mut out, &mut Scratch::new()).unwrap();
            assert_eq!(bits(&out), bits(&linear.bias), "{level}: {size}");
        }
    }
}

/// Constant rows, huge rows, weights that are all zero or broken: no panic, and the same bits on every level.
#[test]
fn odd_weights_and_rows_are_the_same_everywhere() {
    let shape = Shape::SMALL;
    let sizes = [0.0, 1.0, -3.5, 1e30, -1e38, 1e-40, f32::MIN_POSITIVE];
    for case in 0..6 {
        let mut model = Model::new(35, &shape);
        match case {
            0 => model.layers[0].qkv.scale.fill(0.0),
            1 => model.layers[0].ffn_input.scale[3] = f32::NAN,
            2 => model.layers[1].output.scale.fill(f32::INFINITY),
            3 => model.layers[0].ffn_output.sum.fill(i32::MIN),
            4 => model.layers[0].attention_norm.weight.fill(f32::MAX),
            _ => model.query.fill(f32::MAX),
        }
        for (size, rows) in sizes.into_iter().flat_map(|size| [(size, 7), (size, 37)]) {
            let mut wanted = None;
            for level in Level::supported() {
                let kernels = Kernels::new(level).unwrap();
                let scratch = &mut Scratch::new();
                let mut x = vec![size; rows * shape.hidden];
                for layer in &model.layers {
                    kernels.attention_block(&model.attention(layer), &[0, rows], &mut x, scratch).unwrap();
                    kernels.feed_forward_block(&model.feed_forward(layer), &mut x, scratch).unwrap();
                }
                let (mut pooled, mut logits) = (vec![0.0; shape.hidden], vec![0.0; shape.heads]);
                let heads = model.head_weights();
                kernels.pool_heads(&heads, &[0, rows], &x, &mut pooled, &mut logits, None, scratch).unwrap();
                let found = (bits(&x), bits(&pooled), bits(&logits));
                assert!(
                    *wanted.get_or_insert_with(|| found.clone()) == found,
                    "{level}: case {case}, {size}, {rows} rows"
                );
            }
        }
    }
}
