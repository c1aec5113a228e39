//! Devices that few machines have: these tests run where they are asked for.

use portcullis::bundle::Bundle;
use portcullis::encode::{Accelerator, Encoder, Precision};
use portcullis::rails::classifier::ClassifierRail;
use portcullis::{Guard, Verdict};

use crate::graph::{apart, batch, ids, one_by_one};
use crate::verdicts::requests;

/// The accelerator's logits and states against the oracle's, in the tolerances of the processor in floating point.
fn is_near_the_oracle(accelerator: &dyn Accelerator) {
    let bundle = Bundle::embedded().unwrap();
    let ids = ids(&bundle, 200);
    let oracle = Encoder::float(bundle.weights().unwrap(), &candle_core::Device::Cpu).unwrap();
    let (logits, states) = one_by_one(&bundle, &oracle, &ids);
    let found = accelerator.answer(&batch(&ids)).unwrap();
    let ((most, mean), (most_state, _)) = (apart(&found.logits, &logits), apart(&found.states, &states));
    let precision = accelerator.precision();
    println!("{precision}, {}", accelerator.kernels());
    println!("{precision}: logits differ by {most} at most, {mean} in the mean; states by {most_state}");
    let (most_allowed, mean_allowed) = match precision {
        Precision::F32 => (2e-3, 2e-4),
        Precision::F16 => (0.1, 0.01),
        _ => (1.0, 0.08),
    };
    assert!(most <= most_allowed && mean <= mean_allowed, "{precision}: {most} {mean}");
}

/// Decisions of a guard on the device are those of the CPU.
fn decides_alike(device: &Guard) {
    let cpu = Guard::builder().attribution(false).build().unwrap();
    let requests = requests(2000);
    let sides = cpu.check_batch(&requests).into_iter().zip(device.check_batch(&requests));
    let other: Vec<(Verdict, Verdict)> =
        sides.filter(|(cpu, device)| cpu.decision != device.decision).collect();
    for (cpu, device) in &other {
        println!("{} on the CPU, {} on the device", cpu.decision, device.decision);
        assert!(device.device.is_some());
    }
    assert!(other.len() <= 4, "{} of 2000 decided otherwise", other.len());
}

/// `scripts/cuda.sh test` runs these.
#[cfg(feature = "cuda")]
mod cuda {
    use std::path::{Path, PathBuf};

    use portcullis::DeviceKind;
    use portcullis::encode::{Batch, DeviceLibrary, DeviceType};

    use super::*;

    fn library() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("target/cuda/libportcullis_cuda.so")
    }

    #[test]
    #[ignore = "needs an NVIDIA GPU"]
    fn a_gpu_is_near_the_oracle_in_every_precision() {
        let library = DeviceLibrary::open(&library()).unwrap();
        let info = library.devices().first().unwrap();
        assert_eq!(info.device, DeviceType::Cuda);
        let bundle = Bundle::embedded().unwrap();
        for precision in Precision::ALL {
            let after = ClassifierRail::states_after(&bundle);
            is_near_the_oracle(&library.accelerator(info, precision, &bundle, &after).unwrap());
        }
    }

    /// These, so many times.
    fn many<T: Clone>(of: &[T], times: usize) -> Vec<T> {
        std::iter::repeat_n(of, times).flatten().cloned().collect()
    }

    /// Lengths around those of tiles, alone, together and in batches of several parts: the same texts are to be answered alike
    /// wherever they stand.
    #[test]
    #[ignore = "needs an NVIDIA GPU"]
    fn a_gpu_is_near_the_oracle_at_every_length_and_size() {
        let library = DeviceLibrary::open(&library()).unwrap();
        let bundle = Bundle::embedded().unwrap();
        let after = ClassifierRail::states_after(&bundle);
        let info = library.devices().first().unwrap();
        let model = library.accelerator(info, Precision::F16, &bundle, &after).unwrap();
        println!("{}", model.kernels());
        let oracle = Encoder::float(bundle.weights().unwrap(), &candle_core::Device::Cpu).unwrap();
        let text =
            |length: u32| -> Vec<u32> { (0..length).map(|at| 2000 + (at + length) * 37 % 5000).collect() };
        let near = |name: &str,
                    texts: &[Vec<u32>],
                    (logits, states): &(Vec<Vec<f32>>, Vec<Vec<f32>>),
                    times: usize| {
            let found = model.answer(&batch(&many(texts, times))).unwrap();
            let (most, mean) = apart(&found.logits, &many(logits, times));
            let (most_state, mean_state) = apart(&found.states, &many(states, times));
            println!(
                "{name}: logits differ by {most} at most, {mean} in the mean; states by {most_state}, {mean_state}"
            );
            assert!(most <= 0.1 && mean <= 0.01, "{name}: {most} {mean}");
            assert!(most_state <= 0.1 && mean_state <= 0.01, "{name}: {most_state} {mean_state}");
        };
        let odd: Vec<Vec<u32>> = [1, 2, 7, 127, 128, 129, 511, 512].map(text).to_vec();
        let expected = one_by_one(&bundle, &oracle, &odd);
        for (place, text) in odd.iter().enumerate() {
            let alone = (expected.0[place..=place].to_vec(), expected.1[place..=place].to_vec());
            near(&format!("one of {}", text.len()), std::slice::from_ref(text), &alone, 1);
        }
        for times in [1, 3, 40, 120] {
            near(&format!("all of them {times} times"), &odd, &expected, times);
        }
        let short: Vec<Vec<u32>> = (1..=16).map(text).collect();
        let expected = one_by_one(&bundle, &oracle, &short);
        for times in [1, 4, 64, 512] {
            near(&format!("1 to 16 tokens {times} times"), &short, &expected, times);
        }
    }

    #[test]
    #[ignore = "needs an NVIDIA GPU"]
    fn a_gpu_decides_as_the_processor() {
        let builder = Guard::builder().attribution(false).device(DeviceKind::Cuda);
        decides_alike(&builder.device_library(library()).build().unwrap());
    }

    #[test]
    #[ignore = "needs an NVIDIA GPU"]
    fn a_gpu_answers_several_threads_and_large_batches() {
        let library = DeviceLibrary::open(&library()).unwrap();
        let bundle = Bundle::embedded().unwrap();
        let info = library.devices().first().unwrap();
        let model = library.accelerator(info, Precision::F16, &bundle, &[2, 4]).unwrap();
        let mut large = Batch::new();
        for length in 0..4096_u32 {
            large.push((0..2 + length % 511).map(|at| 2000 + at * 37 % 5000));
        }
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let answers = model.answer(&large).unwrap();
                    assert!(answers.logits.iter().flatten().all(|logit| logit.is_finite()));
                });
            }
        });
    }
}

/// `cargo xtask metal-check` runs these.
#[cfg(all(feature = "metal", target_os = "macos"))]
mod metal {
    use portcullis::DeviceKind;

    use super::*;

    #[test]
    fn an_apple_gpu_is_near_the_oracle_in_every_precision() {
        let bundle = Bundle::embedded().unwrap();
        for precision in Precision::ALL {
            let after = ClassifierRail::states_after(&bundle);
            let weights = bundle.weights().unwrap();
            is_near_the_oracle(&portcullis::encode::metal(weights, precision, &after).unwrap());
        }
    }

    #[test]
    fn an_apple_gpu_decides_as_the_processor() {
        let builder = Guard::builder().attribution(false).device(DeviceKind::Metal);
        decides_alike(&builder.build().unwrap());
    }
}
