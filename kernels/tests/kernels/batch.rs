//! A sequence gets the same bits whatever it is batched with.

use portcullis_kernels::Level;

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
