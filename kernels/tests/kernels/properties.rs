//! Any shape and any values: every level gives the scalar one's bits, and the encoder's bits do not depend on the
//! batch.

use portcullis_kernels::{Kernels, Level, Scratch};
use proptest::prelude::*;

use crate::model::{Linear, Model, Random, Shape, bits, bounds_of};

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(48))]

    #[test]
    fn linear_layers_agree(
        rows in 0usize..30,
        panels in 1usize..6,
        groups in 1usize..50,
        seed: u64,
        values in proptest::collection::vec(any::<f32>(), 0..4),
    ) {
        let (n, k) = (16 * panels, 4 * groups);
        let r = &mut Random::new(seed);
        let linear = Linear::new(r, n, k);
        let mut x = r.floats(rows * k, Random::normal);
        if rows > 0 {
            for value in values {
                let at = r.below(x.len());
                x[at] = value;
            }
        }
        let outputs = Level::supported().into_iter().map(|level| {
            let mut out = vec![0.0; rows * n];
            let kernels = Kernels::new(level).unwrap();
            kernels.linear(&linear.view(), &x, &mut out, &mut Scratch::new()).unwrap();
            bits(&out)
        });
        let outputs: Vec<_> = outputs.collect();
        prop_assert!(outputs.windows(2).all(|pair| pair[0] == pair[1]));
    }
}

proptest! {
    #![proptest_config(config(12))]

    #[test]
    fn encoders_agree(lengths in proptest::collection::vec(1usize..40, 1..5), seed: u64) {
        let model = Model::new(seed, &Shape { layers: 1, ..Shape::SMALL });
        let bounds = bounds_of(&lengths);
        let ids = model.ids(&mut Random::new(seed), bounds[lengths.len()]);
        let last = bounds[lengths.len() - 1];
        let mut wanted = None;
        for level in Level::supported() {
            let found = model.encode(level, &ids, &bounds);
            let alone = model.encode(level, &ids[last..], &[0, ids.len() - last]);
            prop_assert_eq!(bits(&alone.x), bits(&found.x[last * model.hidden..]));
            let logits = bits(&found.logits);
            prop_assert_eq!(wanted.get_or_insert_with(|| logits.clone()), &logits);
        }
    }
}
