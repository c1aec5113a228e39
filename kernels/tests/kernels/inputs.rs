//! Inputs and weights that do not fit are errors that say what was found and expected.

use portcullis_kernels::{
    AttentionWeights, Embeddings, FeedForwardWeights, HeadWeights, InputError, Kernels, Level, Norm,
    PackedLinear, Scratch, ShapeError, packed_position,
};

use crate::model::{Model, Shape};

#[test]
fn inputs_are_checked() {
    let model = Model::new(41, &Shape::SMALL);
    let kernels = Kernels::new(Level::Scalar).unwrap();
    let scratch = &mut Scratch::new();
    let hidden = model.hidden;
    let embeddings = model.embeddings();
    let embed = |ids: &[u32], bounds: &[usize], out: usize| {
        kernels.embed(&embeddings, ids, bounds, &mut vec![0.0; out]).map_err(|error| error.to_string())
    };
    let error = |message: &str| Err(message.to_owned());
    assert_eq!(embed(&[0, 49], &[0, 2], 2 * hidden), Ok(()));
    assert_eq!(embed(&[], &[0], 0), Ok(()));
    assert_eq!(embed(&[0, 50], &[0, 2], 2 * hidden), error("token 1 has id 50, expected less than 50"));
    assert_eq!(
        embed(&[u32::MAX], &[0, 1], hidden),
        error("token 0 has id 4294967295, expected less than 50")
    );
    assert_eq!(
        embed(&[0; 81], &[0, 81], 81 * hidden),
        error("sequence 0 has 81 tokens, expected at most 80")
    );
    assert_eq!(embed(&[0; 81], &[0, 1, 81], 81 * hidden), Ok(()));
    assert_eq!(embed(&[0], &[0, 1], hidden - 1), error("out has 63 elements, expected 64"));
    assert_eq!(embed(&[0], &[], hidden), error("sequence bounds must start with 0"));
    assert_eq!(embed(&[0], &[0, 2], hidden), error("sequence bounds end at row 2, expected 1"));
    assert_eq!(embed(&[0], &[0, 0, 1], hidden), error("sequence 0 has no token"));

    let attention = model.attention(&model.layers[0]);
    let mut x = vec![0.0; hidden + 1];
    assert_eq!(
        kernels.attention_block(&attention, &[0, 1], &mut x, scratch),
        Err(InputError::Length { what: "x", found: 65, expected: 64 })
    );
    let feed_forward = model.feed_forward(&model.layers[0]);
    assert!(kernels.feed_forward_block(&feed_forward, &mut x, scratch).is_err());
    let heads = model.head_weights();
    let x = &x[..hidden];
    let (mut pooled, mut logits) = (vec![0.0; hidden], vec![0.0; 3]);
    let mut short = [0.0; 2];
    assert_eq!(
        kernels.pool_heads(&heads, &[0, 1], x, &mut pooled, &mut logits, Some(&mut short), scratch),
        Err(InputError::Length { what: "attention", found: 2, expected: 3 })
    );
    assert!(kernels.pool_heads(&heads, &[0, 1], x, &mut pooled, &mut short, None, scratch).is_err());
    assert!(kernels.pool_heads(&heads, &[0, 1], x, &mut short, &mut logits, None, scratch).is_err());
    let linear = model.layers[0].qkv.view();
    assert!(kernels.linear(&linear, x, &mut [0.0; 5], scratch).is_err());
    assert!(kernels.quantize_rows(x, &[1.0; 6], &mut [0; 64], &mut [0.0], &mut [0], scratch).is_err());
    assert!(kernels.quantize_rows(x, &[], &mut [0; 64], &mut [0.0], &mut [0], scratch).is_err());
}

#[test]
fn the_bound_of_weights_is_seen() {
    let keeps = |codes: &[(usize, i8)], k: usize| {
        let mut q = vec![0; 32 * k];
        for (input, code) in codes {
            q[packed_position(17, *input, k)] = *code;
        }
        let mut answers =
            Level::supported().into_iter().map(|level| Kernels::new(level).unwrap().keeps_bound(&q, k));
        let first = answers.next().unwrap();
        assert!(answers.all(|answer| answer == first));
        first
    };
    for k in [20, 24] {
        assert!(keeps(&[], k));
        assert!(keeps(&[(0, 127), (1, 1)], k) && !keeps(&[(0, 127), (1, 2)], k));
        assert!(keeps(&[(0, 100), (4, 28)], k) && !keeps(&[(0, 100), (4, 29)], k));
        assert!(keeps(&[(2, -128)], k) && !keeps(&[(2, -128), (7, -1)], k));
        assert!(!keeps(&[(2, -128), (3, -128)], k) && !keeps(&[(2, 127), (3, 127), (6, 127), (7, 127)], k));
        // Other quads, and other signs.
        assert!(keeps(&[(0, 127), (2, 127), (1, -128), (3, -128), (8, 127), (10, 127)], k));
    }
    // The group without a partner.
    assert!(keeps(&[(16, 127), (17, 1)], 20) && !keeps(&[(16, 127), (17, 2)], 20));
    assert!(Kernels::new(Level::best()).unwrap().keeps_bound(&[], 0));
}

#[test]
fn an_empty_batch_is_no_work() {
    let model = Model::new(42, &Shape::SMALL);
    for level in Level::supported() {
        let encoded = model.encode(level, &[], &[0]);
        assert!(encoded.x.is_empty() && encoded.logits.is_empty());
    }
}

#[test]
fn shapes_are_checked() {
    let linear = |q: usize, rest: usize, n: usize, k: usize| {
        let floats = vec![0.0; rest];
        PackedLinear::new(&vec![0; q], &floats, &floats, &vec![0; rest], &vec![1.0; k], n, k)
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    let error = |message: &str| Err(message.to_owned());
    assert_eq!(linear(64, 16, 16, 4), Ok(()));
    assert_eq!(linear(63, 16, 16, 4), error("linear q has 63 elements, expected 64"));
    assert_eq!(linear(64, 15, 16, 4), error("linear scale has 15 elements, expected 16"));
    assert_eq!(linear(64, 16, 8, 8), error("linear n is 8, expected a positive multiple of 16"));
    assert_eq!(linear(64, 16, 0, 4), error("linear n is 0, expected a positive multiple of 16"));
    assert_eq!(linear(96, 16, 16, 6), error("linear k is 6, expected a positive multiple of 4"));
    assert_eq!(linear(0, 16, 16, 65_540), error("linear k is 65540, expected at most 65536"));

    let floats = [0.0; 64];
    assert!(
        PackedLinear::new(&[0; 64], &floats[..16], &floats[..16], &[0; 16], &floats[..3], 16, 4).is_err()
    );
    assert!(Norm::new(&floats[..24], &floats[..24], 0.0).is_err());
    assert!(Norm::new(&floats, &floats[1..], 0.0).is_err());
    assert!(matches!(Norm::new(&floats, &floats, f32::NAN), Err(ShapeError::Epsilon { .. })));
    assert!(Norm::new(&floats, &floats, -1.0).is_err());
    let norm = Norm::new(&floats, &floats, 1e-12).unwrap();
    assert!(Embeddings::new(&[0; 127], &[0.0; 2], None, &[0; 64], &[0.0], norm).is_err());
    assert!(Embeddings::new(&[0; 128], &[0.0; 2], None, &[0; 65], &[0.0], norm).is_err());
    assert!(Embeddings::new(&[], &[], None, &[0; 64], &[0.0], norm).is_err());
    assert!(HeadWeights::new(&floats, &floats, &floats, &[0.0], 64).is_ok());
    assert!(HeadWeights::new(&floats, &floats, &floats, &[], 64).is_err());
    assert!(HeadWeights::new(&floats, &floats, &floats, &[0.0; 2], 64).is_err());

    let model = Model::new(43, &Shape::SMALL);
    let layer = &model.layers[0];
    let norm = layer.attention_norm.view();
    for heads in [0, 3, 8] {
        assert!(AttentionWeights::new(layer.qkv.view(), layer.output.view(), norm, heads).is_err());
    }
    assert!(AttentionWeights::new(layer.output.view(), layer.output.view(), norm, 2).is_err());
    assert!(AttentionWeights::new(layer.qkv.view(), layer.ffn_output.view(), norm, 2).is_err());
    assert!(FeedForwardWeights::new(layer.ffn_input.view(), layer.output.view(), norm).is_err());
    assert!(FeedForwardWeights::new(layer.ffn_output.view(), layer.ffn_input.view(), norm).is_err());
}

/// What is printed about weights and working memory has no contents in it.
#[test]
fn debug_output_shows_shapes_only() {
    let model = Model::new(44, &Shape::SMALL);
    assert_eq!(format!("{:?}", model.layers[0].qkv.view()), "PackedLinear { n: 192, k: 64 }");
    assert_eq!(format!("{:?}", model.head_weights()), "HeadWeights { heads: 3, hidden: 64 }");
    assert_eq!(format!("{:?}", Scratch::new()), "Scratch { bytes: 0 }");
    assert_eq!(format!("{:?}", Kernels::new(Level::Scalar).unwrap()), "Kernels { proof: scalar }");
}
