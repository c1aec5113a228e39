//! Every operation against a naive one in f64.

use portcullis_kernels::{Kernels, Level, Scratch};

use crate::model::{Linear, Model, NormData, Random, Shape, bounds_of};

/// Quantizes as the documentation says, in f64: codes and the step's scale and zero.
fn quantize(x: &[f64]) -> (Vec<f64>, f64, f64) {
    let lo = x.iter().copied().fold(0.0, f64::min);
    let hi = x.iter().copied().fold(0.0, f64::max);
    let scale = (hi - lo) / 255.0;
    if scale == 0.0 {
        return (vec![0.0; x.len()], 0.0, 0.0);
    }
    let zero = (-lo / scale).round_ties_even();
    let codes = x.iter().map(|x| ((x / scale).round_ties_even() + zero).clamp(0.0, 255.0)).collect();
    (codes, scale, zero)
}

fn linear(linear: &Linear, x: &[f64]) -> Vec<f64> {
    let scaled: Vec<f64> = x.iter().zip(&linear.input).map(|(x, input)| x * f64::from(*input)).collect();
    let (codes, scale, zero) = quantize(&scaled);
    let rows = linear.q.chunks(linear.k).zip(&linear.scale).zip(&linear.bias);
    rows.map(|((row, channel), bias)| {
        let sum: f64 = row.iter().zip(&codes).map(|(&q, code)| f64::from(q) * (code - zero)).sum();
        sum * scale * f64::from(*channel) + f64::from(*bias)
    })
    .collect()
}

fn norm(norm: &NormData, x: &mut [f64]) {
    let count = x.len() as f64;
    let mean = x.iter().sum::<f64>() / count;
    let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
    for ((x, weight), bias) in x.iter_mut().zip(&norm.weight).zip(&norm.bias) {
        *x = (*x - mean) / (variance + 1e-12).sqrt() * f64::from(*weight) + f64::from(*bias);
    }
}

/// By the power series, good to 1e-9 where it is used.
fn gelu(x: f64) -> f64 {
    let z = (x / std::f64::consts::SQRT_2).clamp(-4.0, 4.0);
    let (mut term, mut sum) = (z, z);
    for n in 1..200 {
        term *= -z * z / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    x / 2.0 * (1.0 + sum * std::f64::consts::FRAC_2_SQRT_PI)
}

fn softmax(scores: &[f64]) -> Vec<f64> {
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = scores.iter().map(|score| (score - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(x: &mut [f64], y: &[f64]) {
    x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
}

/// Values rounded to 127 equal steps of the largest.
fn symmetric(x: &[f64]) -> Vec<f64> {
    let scale = x.iter().fold(0.0, |most: f64, x| most.max(x.abs())) / 127.0;
    x.iter().map(|x| (x / scale).round() * scale).collect()
}

/// One sequence through embedding and all layers.
fn encode(model: &Model, ids: &[u32]) -> Vec<Vec<f64>> {
    let h = model.hidden;
    let row = |(codes, scales): &(Vec<i8>, Vec<f32>), row: usize| -> Vec<f64> {
        let width = codes.len() / scales.len();
        codes[row * width..][..width].iter().map(|&q| f64::from(q) * f64::from(scales[row])).collect()
    };
    let widened = |row: Vec<f64>| match &model.projection {
        Some(projection) => (0..h)
            .map(|at| {
                let column = projection.iter().skip(at).step_by(h);
                row.iter().zip(column).map(|(value, weight)| value * f64::from(*weight)).sum()
            })
            .collect(),
        None => row,
    };
    let mut x: Vec<Vec<f64>> = ids
        .iter()
        .enumerate()
        .map(|(at, &id)| {
            let mut x = widened(row(&model.word, id as usize));
            add(&mut x, &row(&model.position, at));
            norm(&model.norm, &mut x);
            x
        })
        .collect();
    for layer in &model.layers {
        let qkv: Vec<Vec<f64>> = x.iter().map(|x| linear(&layer.qkv, x)).collect();
        let width = h / model.attention_heads;
        for (x, query) in x.iter_mut().zip(&qkv) {
            let mut context = Vec::new();
            for at in (0..h).step_by(width) {
                // Rounded as the kernels round: queries and keys by token, values by element, weights to 1/255.
                let query = symmetric(&query[at..at + width]);
                let scores: Vec<f64> =
                    qkv.iter().map(|k| dot(&query, &symmetric(&k[h + at..][..width]))).collect();
                let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let weights: Vec<f64> =
                    scores.iter().map(|s| (255.0 * (s - largest).exp()).round()).collect();
                let whole: f64 = weights.iter().sum();
                let element = |e: usize| {
                    let column = symmetric(&qkv.iter().map(|v| v[2 * h + at + e]).collect::<Vec<_>>());
                    dot(&column, &weights) / whole
                };
                context.extend((0..width).map(element));
            }
            add(x, &linear(&layer.output, &context));
            norm(&layer.attention_norm, x);
        }
        for x in &mut x {
            let inner: Vec<f64> = linear(&layer.ffn_input, x).into_iter().map(gelu).collect();
            add(x, &linear(&layer.ffn_output, &inner));
            norm(&layer.ffn_norm, x);
        }
    }
    x
}

#[test]
fn linear_layers_match() {
    for level in Level::supported() {
        for (rows, n, k) in [(1, 16, 4), (3, 48, 20), (7, 32, 384), (13, 80, 132)] {
            let r = &mut Random::new((rows * n * k) as u64);
            let weights = Linear::new(r, n, k);
            let x = r.floats(rows * k, Random::normal);
            let mut out = vec![0.0; rows * n];
            let kernels = Kernels::new(level).unwrap();
            kernels.linear(&weights.view(), &x, &mut out, &mut Scratch::new()).unwrap();
            for (x, out) in x.chunks(k).zip(out.chunks(n)) {
                let x: Vec<f64> = x.iter().copied().map(f64::from).collect();
                for (wanted, found) in linear(&weights, &x).into_iter().zip(out) {
                    // A code may fall to the other side of a tie: 127 steps of one scale at most.
                    assert!((wanted - f64::from(*found)).abs() < 1e-4, "{level}: {wanted} {found}");
                }
            }
        }
    }
}

#[test]
fn codes_are_the_nearest() {
    let k = 100;
    let x = Random::new(1).floats(9 * k, Random::normal);
    for level in Level::supported() {
        let (mut codes, mut scale, mut zero) = (vec![0; x.len()], vec![0.0; 9], vec![0; 9]);
        let kernels = Kernels::new(level).unwrap();
        kernels
            .quantize_rows(&x, &[1.0; 100], &mut codes, &mut scale, &mut zero, &mut Scratch::new())
            .unwrap();
        for (row, (x, codes)) in x.chunks(k).zip(codes.chunks(k)).enumerate() {
            for (x, &code) in x.iter().zip(codes) {
                let value = (f32::from(code) - f32::from(zero[row])) * scale[row];
                // Half a step, and half a step more where the rounded zero point clips an end.
                let (least, most) = (codes.iter().min().unwrap(), codes.iter().max().unwrap());
                let allowed = if code == *least || code == *most { 1.001 } else { 0.501 };
                assert!((value - x).abs() <= allowed * scale[row], "{level}: {x} {value}");
            }
        }
    }
}

#[test]
fn encoders_match() {
    encoder_matches(&Model::new(11, &Shape::SMALL));
}

#[test]
fn encoders_with_narrow_word_rows_match() {
    encoder_matches(&Model::new(13, &Shape::NARROW));
}

fn encoder_matches(model: &Model) {
    let lengths = [1, 2, 17, 40];
    let bounds = bounds_of(&lengths);
    let ids = model.ids(&mut Random::new(12), bounds[4]);
    for level in Level::supported() {
        let found = model.encode(level, &ids, &bounds);
        for sequence in bounds.windows(2) {
            let wanted = encode(model, &ids[sequence[0]..sequence[1]]).concat();
            let found = &found.x[sequence[0] * model.hidden..sequence[1] * model.hidden];
            let errors = wanted.iter().zip(found).map(|(wanted, found)| (wanted - f64::from(*found)).abs());
            let (mean, worst) =
                (errors.clone().sum::<f64>() / found.len() as f64, errors.fold(0.0, f64::max));
            // A value near a tie of codes may round the other way; an error of any other kind is far larger.
            assert!(mean < 2e-3 && worst < 0.05, "{level}: mean {mean}, worst {worst}");
        }
    }
}

#[test]
fn heads_match() {
    let shape = Shape { heads: 10, ..Shape::SMALL };
    let model = Model::new(13, &shape);
    let (hidden, heads) = (model.hidden, model.heads);
    let lengths = [1, 5, 16, 31];
    let bounds = bounds_of(&lengths);
    let x = Random::new(14).floats(bounds[4] * hidden, Random::normal);
    let row = |from: &[f32], h: usize| -> Vec<f64> {
        from[h * hidden..][..hidden].iter().copied().map(f64::from).collect()
    };
    for level in Level::supported() {
        let (mut pooled, mut logits) = (vec![0.0; 4 * hidden], vec![0.0; 4 * heads]);
        let mut attention = vec![0.0; bounds[4] * heads];
        Kernels::new(level)
            .unwrap()
            .pool_heads(
                &model.head_weights(),
                &bounds,
                &x,
                &mut pooled,
                &mut logits,
                Some(&mut attention),
                &mut Scratch::new(),
            )
            .unwrap();
        for (s, sequence) in bounds.windows(2).enumerate() {
            let rows: Vec<Vec<f64>> = (sequence[0]..sequence[1]).map(|t| row(&x, t)).collect();
            let mut mean = vec![0.0; hidden];
            rows.iter().for_each(|row| add(&mut mean, row));
            mean.iter_mut().for_each(|x| *x /= rows.len() as f64);
            for (wanted, found) in mean.iter().zip(&pooled[s * hidden..]) {
                assert!((wanted - f64::from(*found)).abs() < 1e-5, "{level}");
            }
            for h in 0..heads {
                let query = row(&model.query, h);
                let shares = softmax(&rows.iter().map(|x| dot(x, &query)).collect::<Vec<_>>());
                let weight = row(&model.weight, h);
                let attended: f64 = rows.iter().zip(&shares).map(|(x, share)| share * dot(x, &weight)).sum();
                let wanted = attended + dot(&mean, &row(&model.mean_weight, h)) + f64::from(model.bias[h]);
                let found = f64::from(logits[s * heads + h]);
                assert!((wanted - found).abs() < 1e-4, "{level}: {wanted} {found}");
                for (t, share) in shares.iter().enumerate() {
                    let found = f64::from(attention[(sequence[0] + t) * heads + h]);
                    assert!((share - found).abs() < 1e-5, "{level}: {share} {found}");
                }
            }
        }
    }
}
