//! The int8 encoder against the f32 model it was made from, and candle's f32 graph against PyTorch's scores.
//!
//! `tests/data/parity.jsonl.gz` holds 2,000 texts that may be passed on (source and licence in each row);
//! `parity.safetensors` and `parity-small.safetensors` what PyTorch made of them with the six-layer and the three-layer
//! model: `logits_f32` and `pooled_f32` by the trained f32 model, `logits_dequant` and `pooled_dequant` by the same graph
//! on the shipped weights, dequantized. Pooled states are there for as many texts, from the first on, as the file holds.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and tells its figures"
)]

use std::io::Read;
use std::path::{Path, PathBuf};

use candle_core::Device;
use half::f16;
use portcullis::bundle::{Bundle, EncoderShape, Weights};
use portcullis::encode::{Batch, Encoder, Next};
use portcullis::normalize::Normalized;
use portcullis::tokenize::Tokens;
use portcullis_kernels::{Kernels, Level};
use safetensors::SafeTensors;

/// Texts whose dequantized pooled state the fixture holds, and on which the slow levels and graphs run.
const FEW: usize = 200;

struct Fixture {
    bundle: Bundle,
    /// Token ids of each text, special ones included, at most a window.
    ids: Vec<Vec<u32>>,
    tensors: Vec<u8>,
}

fn shape(bundle: &Bundle) -> EncoderShape {
    bundle.weights().unwrap().shape()
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

impl Fixture {
    /// The bundle in the program.
    fn load() -> Self {
        Self::new(Bundle::embedded().unwrap(), "parity.safetensors")
    }

    /// The three-layer bundle beside it.
    fn small() -> Self {
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
        Self::new(Bundle::open_named(&models, "portcullis-small").unwrap(), "parity-small.safetensors")
    }

    fn new(bundle: Bundle, tensors: &str) -> Self {
        let mut rows = String::new();
        flate2::read::GzDecoder::new(std::fs::File::open(data("parity.jsonl.gz")).unwrap())
            .read_to_string(&mut rows)
            .unwrap();
        let limit = shape(&bundle).positions - 2;
        let mut tokens = Tokens::new();
        let ids = rows
            .lines()
            .map(|row| {
                let row: serde_json::Value = serde_json::from_str(row).unwrap();
                let text = Normalized::new(row["text"].as_str().unwrap());
                let tokenizer = bundle.tokenizer().unwrap();
                tokenizer.encode(text.text(), &mut tokens).unwrap();
                let body = tokens.ids.iter().take(limit).copied();
                std::iter::once(tokenizer.cls()).chain(body).chain([tokenizer.sep()]).collect()
            })
            .collect();
        Self { bundle, ids, tensors: std::fs::read(data(tensors)).unwrap() }
    }

    fn f32(&self, name: &str) -> Vec<f32> {
        let file = SafeTensors::deserialize(&self.tensors).unwrap();
        let tensor = file.tensor(name).unwrap();
        match tensor.dtype() {
            safetensors::Dtype::F16 => {
                tensor.data().as_chunks::<2>().0.iter().map(|b| f16::from_le_bytes(*b).to_f32()).collect()
            }
            _ => tensor.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        }
    }

    /// Pooled states and logits of the first `count` texts, one at a time.
    fn run(&self, encoder: &Encoder, count: usize) -> (Vec<Vec<f32>>, Vec<Vec<f32>>) {
        self.ids
            .iter()
            .take(count)
            .map(|ids| {
                let mut batch = Batch::new();
                batch.push(ids.iter().copied());
                let out = encoder.forward(self.bundle.weights().unwrap(), &batch).unwrap();
                let one =
                    |tensor: &candle_core::Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
                (one(&out.pooled), one(&out.logits))
            })
            .unzip()
    }

    fn hidden(&self) -> usize {
        shape(&self.bundle).hidden
    }

    fn heads(&self) -> usize {
        self.bundle.manifest().heads.len()
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn int8_follows_the_f32_model() {
    follows_the_f32_model(&Fixture::load());
}

#[test]
fn int8_follows_the_three_layer_f32_model() {
    follows_the_f32_model(&Fixture::small());
}

fn follows_the_f32_model(fixture: &Fixture) {
    assert_eq!(fixture.ids.len(), 2000);
    let kernels = Kernels::new(Level::best()).unwrap();
    let encoder = Encoder::int8(fixture.bundle.weights().unwrap(), kernels);
    let (pooled, logits) = fixture.run(&encoder, usize::MAX);

    let wanted = fixture.f32("pooled_f32");
    let cosines: Vec<f64> =
        pooled.iter().zip(wanted.chunks_exact(fixture.hidden())).map(|(a, b)| cosine(a, b)).collect();
    let mean = cosines.iter().sum::<f64>() / cosines.len() as f64;
    let least = cosines.iter().copied().fold(f64::INFINITY, f64::min);

    let wanted = fixture.f32("logits_f32");
    let differences: Vec<f64> =
        logits.iter().flatten().zip(&wanted).map(|(a, b)| f64::from((a - b).abs())).collect();
    let error = differences.iter().sum::<f64>() / differences.len() as f64;
    println!(
        "int8 against f32 over 2,000 texts: cosine mean {mean:.5}, least {least:.5}; logits differ by {error:.4}"
    );
    assert!(mean >= 0.999, "mean cosine {mean}");
    assert!(least >= 0.995, "least cosine {least}");
    assert!(error <= 0.03, "mean error of a logit {error}");
}

#[test]
fn the_f32_graph_equals_pytorch() {
    equals_pytorch(&Fixture::load());
    equals_pytorch(&Fixture::small());
}

fn equals_pytorch(fixture: &Fixture) {
    let encoder = Encoder::float(fixture.bundle.weights().unwrap(), &Device::Cpu).unwrap();
    let (_, logits) = fixture.run(&encoder, FEW);
    let wanted = fixture.f32("logits_dequant");
    for (text, (found, wanted)) in logits.iter().zip(wanted.chunks_exact(fixture.heads())).enumerate() {
        for (found, wanted) in found.iter().zip(wanted) {
            // Relative above 1: f32 sums in another order.
            let allowed = 1e-4 * wanted.abs().max(1.0);
            assert!((found - wanted).abs() <= allowed, "text {text}: {found} against {wanted}");
        }
    }
}

#[test]
fn every_level_gives_the_same_bits() {
    gives_the_same_bits(&Fixture::load());
    gives_the_same_bits(&Fixture::small());
}

fn gives_the_same_bits(fixture: &Fixture) {
    let levels = Level::supported();
    let runs: Vec<_> = levels
        .iter()
        .map(|level| {
            let kernels = Kernels::new(*level).unwrap();
            // The scalar level is slow: a sample that holds every length will do.
            fixture.run(&Encoder::int8(fixture.bundle.weights().unwrap(), kernels), 40)
        })
        .collect();
    let bits = |rows: &[Vec<f32>]| rows.iter().flatten().map(|x| x.to_bits()).collect::<Vec<_>>();
    for (level, run) in levels.iter().zip(&runs) {
        assert_eq!(bits(&run.0), bits(&runs[0].0), "pooled states at {level}");
        assert_eq!(bits(&run.1), bits(&runs[0].1), "logits at {level}");
    }
}

#[test]
fn a_batch_gives_the_same_bits_as_its_texts_alone() {
    let fixture = Fixture::load();
    let encoder = Encoder::int8(fixture.bundle.weights().unwrap(), Kernels::new(Level::best()).unwrap());
    let (pooled, logits) = fixture.run(&encoder, 60);
    for group in [1usize, 2, 3, 7, 20] {
        for (start, ids) in fixture.ids[..60].chunks(group).enumerate().map(|(i, ids)| (i * group, ids)) {
            let mut batch = Batch::new();
            ids.iter().for_each(|ids| batch.push(ids.iter().copied()));
            let out = encoder.forward(fixture.bundle.weights().unwrap(), &batch).unwrap();
            assert_eq!(out.pooled.to_vec2::<f32>().unwrap(), pooled[start..start + ids.len()]);
            assert_eq!(out.logits.to_vec2::<f32>().unwrap(), logits[start..start + ids.len()]);
        }
    }
}

#[test]
fn a_batch_in_parts_gives_the_same_bits() {
    let fixture = Fixture::load();
    let weights = fixture.bundle.weights().unwrap();
    let encoder = Encoder::int8(weights, Kernels::new(Level::best()).unwrap());
    for group in [1usize, 4] {
        for ids in fixture.ids[..40].chunks(group) {
            let mut batch = Batch::new();
            ids.iter().for_each(|ids| batch.push(ids.iter().copied()));
            let whole = encoder.forward(weights, &batch).unwrap();
            for parts in 2..=5 {
                let split = encoder.forward_in(weights, &batch, parts).unwrap();
                for (split, whole) in [(&split.pooled, &whole.pooled), (&split.logits, &whole.logits)] {
                    assert_eq!(
                        split.to_vec2::<f32>().unwrap(),
                        whole.to_vec2::<f32>().unwrap(),
                        "{parts} parts"
                    );
                }
            }
        }
    }
}

#[test]
fn a_pass_shows_its_states_and_stops_when_told() {
    let fixture = Fixture::load();
    let weights = fixture.bundle.weights().unwrap();
    let encoder = Encoder::int8(weights, Kernels::new(Level::best()).unwrap());
    let mut batch = Batch::new();
    fixture.ids[..2].iter().for_each(|ids| batch.push(ids.iter().copied()));
    let shape = [batch.tokens(), fixture.hidden()];
    let mut seen = Vec::new();
    let stopped = encoder.forward_visiting(weights, &batch, 1, |visit| {
        assert_eq!(visit.states().dims(), shape);
        seen.push(visit.layers());
        Ok(if visit.layers() < 4 { Next::All } else { Next::Only(vec![false, false]) })
    });
    assert!(stopped.unwrap().is_none());
    assert_eq!(seen, [1, 2, 3, 4]);
    // What a stopped pass leaves behind does not show in the next.
    let (pooled, _) = fixture.run(&encoder, 2);
    assert_eq!(encoder.forward(weights, &batch).unwrap().pooled.to_vec2::<f32>().unwrap(), pooled);
}

/// What each exit says of the sequences `ids` together, and the model of those that `stay` after two layers.
fn visited(
    encoder: &Encoder,
    weights: &Weights,
    ids: &[&[u32]],
    parts: usize,
    stay: &[bool],
) -> (Vec<Vec<Vec<f32>>>, Vec<Vec<f32>>) {
    let mut batch = Batch::new();
    ids.iter().for_each(|ids| batch.push(ids.iter().copied()));
    let mut exits = Vec::new();
    let encoded = encoder
        .forward_visiting(weights, &batch, parts, |visit| {
            if let Some(exit) = visit.exit()? {
                exits.push(exit.logits.to_vec2().unwrap());
            }
            Ok(if visit.layers() == 2 { Next::Only(stay.to_vec()) } else { Next::All })
        })
        .unwrap();
    (exits, encoded.map_or_else(Vec::new, |encoded| encoded.logits.to_vec2().unwrap()))
}

#[test]
fn who_leaves_does_not_change_who_stays() {
    let fixture = Fixture::load();
    let weights = fixture.bundle.weights().unwrap();
    let texts: Vec<&[u32]> = fixture.ids[..24].iter().map(Vec::as_slice).collect();
    let stay: Vec<bool> = (0..texts.len()).map(|text| text % 3 != 1).collect();
    for level in Level::supported() {
        let encoder = Encoder::int8(weights, Kernels::new(level).unwrap());
        let alone: Vec<_> = texts.iter().map(|ids| visited(&encoder, weights, &[ids], 1, &[true])).collect();
        for parts in [1, 2, 5] {
            let (exits, model) = visited(&encoder, weights, &texts, parts, &stay);
            assert_eq!(exits.len(), 2);
            assert_eq!(exits[0], alone.iter().map(|(exits, _)| exits[0][0].clone()).collect::<Vec<_>>());
            let staying = || alone.iter().zip(&stay).filter(|(_, stay)| **stay).map(|(alone, _)| alone);
            assert_eq!(exits[1], staying().map(|(exits, _)| exits[1][0].clone()).collect::<Vec<_>>());
            assert_eq!(model, staying().map(|(_, model)| model[0].clone()).collect::<Vec<_>>());
        }
        let (exits, model) = visited(&encoder, weights, &texts[..2], 1, &[false, false]);
        assert_eq!((exits.len(), model.len()), (1, 0));
    }
}

#[test]
fn exits_in_int8_are_close_to_those_in_f32() {
    let fixture = Fixture::load();
    let weights = fixture.bundle.weights().unwrap();
    let int8 = Encoder::int8(weights, Kernels::new(Level::best()).unwrap());
    let float = Encoder::float(weights, &Device::Cpu).unwrap();
    let texts: Vec<&[u32]> = fixture.ids[..64].iter().map(Vec::as_slice).collect();
    let stay = vec![true; texts.len()];
    let (a, b) = (visited(&int8, weights, &texts, 1, &stay), visited(&float, weights, &texts, 1, &stay));
    for (a, b) in a.0.iter().zip(&b.0) {
        let differences: Vec<f32> =
            a.iter().flatten().zip(b.iter().flatten()).map(|(a, b)| (a - b).abs()).collect();
        let mean = differences.iter().sum::<f32>() / differences.len() as f32;
        assert!(mean < 0.03, "{mean}");
    }
}

#[test]
fn the_float_graph_takes_packed_batches_too() {
    let fixture = Fixture::load();
    let encoder = Encoder::float(fixture.bundle.weights().unwrap(), &Device::Cpu).unwrap();
    let (pooled, _) = fixture.run(&encoder, 8);
    let mut batch = Batch::new();
    fixture.ids[..8].iter().for_each(|ids| batch.push(ids.iter().copied()));
    let out = encoder.forward(fixture.bundle.weights().unwrap(), &batch).unwrap();
    for (a, b) in out.pooled.to_vec2::<f32>().unwrap().iter().zip(&pooled) {
        assert!(cosine(a, b) > 0.999_999);
    }
}

#[test]
fn impossible_batches_are_errors() {
    let bundle = Bundle::embedded().unwrap();
    let encoder = Encoder::int8(bundle.weights().unwrap(), Kernels::new(Level::best()).unwrap());
    let vocabulary = shape(&bundle).vocabulary as u32;
    let forward = |ids: Vec<u32>| {
        let mut batch = Batch::new();
        batch.push(ids);
        encoder.forward(bundle.weights().unwrap(), &batch).map(|_| ()).map_err(|e| e.to_string())
    };
    assert!(forward(vec![]).unwrap_err().contains("0 tokens"));
    assert!(forward(vec![101; 513]).unwrap_err().contains("513 tokens, expected 1 to 512"));
    assert!(forward(vec![vocabulary]).is_err());
    assert!(forward(vec![101; 512]).is_ok());
}
