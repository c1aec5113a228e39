//! The graph in batches against the oracle one by one, in every precision.

use portcullis::bundle::Bundle;
use portcullis::encode::{Accelerator, Batch, Encoder, Next, Precision};
use portcullis::normalize::Normalized;
use portcullis::rails::classifier::ClassifierRail;
use portcullis::tokenize::Tokens;
use portcullis_kernels::{Kernels, Level};

use crate::{local, texts};

/// Token ids of texts, special ones included, at most what the model has positions for.
pub(crate) fn ids(bundle: &Bundle, count: usize) -> Vec<Vec<u32>> {
    let (tokenizer, positions) = (bundle.tokenizer().unwrap(), bundle.weights().unwrap().shape().positions);
    let mut tokens = Tokens::new();
    let mut all: Vec<Vec<u32>> = texts(count)
        .iter()
        .map(|text| {
            tokenizer.encode(Normalized::new(text).text(), &mut tokens).unwrap();
            let body = tokens.ids.iter().take(positions - 2).copied();
            std::iter::once(tokenizer.cls()).chain(body).chain([tokenizer.sep()]).collect()
        })
        .collect();
    // The longest that there can be, and one of nothing but the special ones.
    let body = (0..positions as u32 - 2).map(|at| 2000 + at * 37 % 5000);
    all.push(std::iter::once(tokenizer.cls()).chain(body).chain([tokenizer.sep()]).collect());
    all.push(vec![tokenizer.cls(), tokenizer.sep()]);
    all
}

pub(crate) fn batch(ids: &[Vec<u32>]) -> Batch {
    let mut batch = Batch::new();
    ids.iter().for_each(|ids| batch.push(ids.iter().copied()));
    batch
}

/// Logits and states of each sequence by the encoder, one at a time.
pub(crate) fn one_by_one(
    bundle: &Bundle,
    encoder: &Encoder,
    ids: &[Vec<u32>],
) -> (Vec<Vec<f32>>, Vec<Vec<f32>>) {
    let after = ClassifierRail::states_after(bundle);
    ids.iter()
        .map(|ids| {
            let mut states = Vec::new();
            let weights = bundle.weights().unwrap();
            let encoded = encoder
                .forward_visiting(weights, &batch(std::slice::from_ref(ids)), 1, |visit| {
                    if after.contains(&visit.layers()) {
                        states.extend(visit.means()?.concat());
                    }
                    Ok(Next::All)
                })
                .unwrap()
                .unwrap();
            states.extend(encoded.pooled.flatten_all().unwrap().to_vec1::<f32>().unwrap());
            (encoded.logits.flatten_all().unwrap().to_vec1().unwrap(), states)
        })
        .unzip()
}

/// The largest and the mean difference.
pub(crate) fn apart(a: &[Vec<f32>], b: &[Vec<f32>]) -> (f32, f32) {
    assert_eq!(a.len(), b.len());
    let mut differences = Vec::new();
    for (a, b) in a.iter().zip(b) {
        assert_eq!(a.len(), b.len());
        differences.extend(a.iter().zip(b).map(|(a, b)| (a - b).abs()));
    }
    // A NaN stands out as the largest.
    let most =
        differences.iter().copied().fold(0.0, |most: f32, next| if next <= most { most } else { next });
    (most, differences.iter().sum::<f32>() / differences.len() as f32)
}

#[test]
fn it_is_the_oracle_in_32_bits() {
    let bundle = Bundle::embedded().unwrap();
    let ids = ids(&bundle, 8);
    let oracle = Encoder::float(bundle.weights().unwrap(), &candle_core::Device::Cpu).unwrap();
    let (logits, states) = one_by_one(&bundle, &oracle, &ids);
    let accelerator = local(&bundle, Precision::F32);
    let together = accelerator.answer(&batch(&ids)).unwrap();
    let (most_logit, _) = apart(&together.logits, &logits);
    let (most_state, _) = apart(&together.states, &states);
    println!("{}: logits differ by {most_logit} at most, states by {most_state}", bundle.entry().id);
    assert!(most_logit <= 2e-4 && most_state <= 2e-4, "{most_logit} {most_state}");
    // One alone, which is padded by nothing.
    for (place, ids) in ids.iter().enumerate().step_by(9) {
        let alone = accelerator.answer(&batch(std::slice::from_ref(ids))).unwrap();
        assert!(apart(&alone.logits, &logits[place..=place]).0 <= 2e-4);
        assert!(apart(&alone.states, &states[place..=place]).0 <= 2e-4);
    }
}

#[test]
fn every_precision_stays_near_the_oracle_and_the_int8_kernels() {
    let bundle = Bundle::embedded().unwrap();
    // Candle multiplies 16 bits slowly on a processor.
    let ids: Vec<_> = ids(&bundle, 30).into_iter().filter(|ids| ids.len() <= 40).collect();
    assert!(ids.len() >= 8);
    let weights = bundle.weights().unwrap();
    let oracle = Encoder::float(weights, &candle_core::Device::Cpu).unwrap();
    let (exact, _) = one_by_one(&bundle, &oracle, &ids);
    let kernels = Encoder::int8(weights, Kernels::new(Level::best()).unwrap());
    let (int8, _) = one_by_one(&bundle, &kernels, &ids);
    for (precision, most_exact, mean_exact, most_int8, mean_int8) in [
        (Precision::F32, 2e-4, 2e-5, 1.0, 0.03),
        (Precision::F16, 0.1, 0.01, 1.0, 0.03),
        (Precision::Bf16, 1.0, 0.08, 1.5, 0.1),
    ] {
        let answers = local(&bundle, precision).answer(&batch(&ids)).unwrap();
        let (most, mean) = apart(&answers.logits, &exact);
        let (from_int8, mean_from_int8) = apart(&answers.logits, &int8);
        println!(
            "{precision}: logits differ from f32 by {most} at most, {mean} in the mean; from int8 by {from_int8}, \
             {mean_from_int8}"
        );
        assert!(most <= most_exact && mean <= mean_exact, "{precision}: {most} {mean}");
        assert!(
            from_int8 <= most_int8 && mean_from_int8 <= mean_int8,
            "{precision}: {from_int8} {mean_from_int8}"
        );
    }
}

#[test]
fn what_is_no_batch_is_refused() {
    let bundle = Bundle::embedded().unwrap();
    let accelerator = local(&bundle, Precision::F32);
    let shape = bundle.weights().unwrap().shape();
    for ids in [vec![], vec![101; shape.positions + 1], vec![101, shape.vocabulary as u32, 102]] {
        let failure = accelerator.answer(&batch(&[vec![101, 102], ids])).unwrap_err();
        assert!(failure.message.contains("sequence") || failure.message.contains("vocabulary"), "{failure}");
    }
    let nothing = accelerator.answer(&Batch::new()).unwrap();
    assert!(nothing.logits.is_empty() && nothing.states.is_empty());
    assert!(Batch::of(vec![1, 2, 3], vec![0, 2, 3]).is_some());
    for bounds in [vec![], vec![0, 2], vec![1, 3], vec![0, 4], vec![0, 3, 2, 3]] {
        assert!(Batch::of(vec![1, 2, 3], bounds).is_none());
    }
}
