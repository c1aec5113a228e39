//! A sequence gets the same bits whatever it is batched with.

use portcullis_kernels::{Kernels, Level, Scratch};

use crate::model::{Model, Random, Shape, bits, bounds_of};

#[test]
fn neighbours_do_not_show() {
    let model = Model::new(21, &Shape::SMALL);
    let r = &mut Random::new(22);
    let lengths = [5, 1, 64, 17, 16, 33, 2];
    let texts: Vec<Vec<u32>> = lengths.iter().map(|length| model.ids(r, *length)).collect();
    for level in Level::supported() {
        let together = model.encode(level, &texts.concat(), &bounds_of(&lengths));
        let mut start = 0;
        for (s, text) in texts.iter().enumerate() {
            let alone = model.encode(level, text, &[0, text.len()]);
            let rows = start * model.hidden..(start + text.len()) * model.hidden;
            assert!(bits(&alone.x) == bits(&together.x[rows]), "{level}: rows of sequence {s}");
            let logits = &together.logits[s * model.heads..][..model.heads];
            assert!(bits(&alone.logits) == bits(logits), "{level}: logits of sequence {s}");
            let pooled = &together.pooled[s * model.hidden..][..model.hidden];
            assert!(bits(&alone.pooled) == bits(pooled), "{level}: mean of sequence {s}");
            start += text.len();
        }
    }
}

/// The halves of the attention block, part by part and in any order, give what the block gives at once.
#[test]
fn parts_do_not_show() {
    let model = Model::new(23, &Shape { layers: 1, ..Shape::SMALL });
    let (layer, hidden) = (&model.layers[0], model.hidden);
    let weights = model.attention(layer);
    let bounds = bounds_of(&[1, 40, 3, 31]);
    let rows = bounds[4];
    let x = Random::new(24).floats(rows * hidden, Random::normal);
    for level in Level::supported() {
        let kernels = Kernels::new(level).unwrap();
        let mut whole = x.clone();
        kernels.attention_block(&weights, &bounds, &mut whole, &mut Scratch::new()).unwrap();
        for parts in [&[0, rows][..], &[0, 1, rows], &[0, 37, rows], &[0, 20, 41, 60, rows]] {
            let mut qkv = vec![0.0; 3 * x.len()];
            let mut found = x.clone();
            for part in parts.windows(2).rev() {
                let (own, wide) =
                    (part[0] * hidden..part[1] * hidden, 3 * part[0] * hidden..3 * part[1] * hidden);
                kernels.project(&weights, &x[own], &mut qkv[wide], &mut Scratch::new()).unwrap();
            }
            let scratch = &mut Scratch::new();
            for part in 0..parts.len() - 1 {
                let own = &mut found[parts[part] * hidden..parts[part + 1] * hidden];
                kernels.attend(&weights, &bounds, &qkv, parts, part, own, scratch).unwrap();
            }
            assert_eq!(bits(&found), bits(&whole), "{level}: {parts:?}");
        }
    }
}

#[test]
fn parts_are_checked() {
    let model = Model::new(25, &Shape { layers: 1, ..Shape::SMALL });
    let weights = model.attention(&model.layers[0]);
    let kernels = Kernels::new(Level::Scalar).unwrap();
    let scratch = &mut Scratch::new();
    let (hidden, mut x) = (model.hidden, vec![0.0; 3 * model.hidden]);
    let mut qkv = vec![0.0; 9 * hidden];
    assert!(kernels.project(&weights, &x, &mut qkv[1..], scratch).is_err());
    let mut attend = |bounds: &[usize], parts: &[usize], part: usize, rows: usize| {
        let x = &mut x[..rows * hidden];
        kernels.attend(&weights, bounds, &qkv, parts, part, x, scratch).map_err(|error| error.to_string())
    };
    assert_eq!(attend(&[0, 3], &[0, 1, 3], 1, 2), Ok(()));
    assert!(attend(&[0, 3], &[0, 1, 3], 1, 1).is_err());
    assert!(attend(&[0, 3], &[0, 1, 3], 2, 1).is_err());
    assert!(attend(&[0, 3], &[0, 1, 2], 1, 1).is_err());
    assert!(attend(&[0, 2], &[0, 1, 3], 1, 2).is_err());
    assert!(attend(&[0, 3], &[0, 1, 1, 3], 1, 0).is_err());
}
