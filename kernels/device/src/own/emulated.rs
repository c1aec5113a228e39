//! The host's side against the emulated kernels, by a driver that runs them on the processor: `scripts/cuda.sh emulate`.

use std::path::Path;

use portcullis::bundle::Bundle;
use portcullis::encode::{Accelerator as _, DeviceInfo, DeviceType, Local, Precision};

use super::driver::Driver;
use super::launch::{Encoder, Kernels};
use super::plan::PLANS;
use super::runner::{Runner, Way};
use super::uploaded::Uploaded;
use super::{choice, plan::Plan};

/// One plan with graphs, one that shares columns out otherwise, and the kernel of whole layers; every plan takes hours.
const PLANNED: [&str; 3] = ["AB", "CC", "layer41"];

#[test]
#[ignore = "needs the emulated driver, and minutes"]
fn what_is_launched_is_the_model() {
    let bundle = Bundle::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models")).unwrap();
    let weights = bundle.weights().unwrap();
    let info = DeviceInfo {
        device: DeviceType::CpuFloat,
        ordinal: 0,
        name: String::new(),
        memory: 0,
        driver: String::new(),
    };
    let after = vec![2, 4];
    let reference = Local::new(info, &candle_core::Device::Cpu, Precision::F32, weights, &after).unwrap();
    let driver = Driver::open(0).unwrap();
    let kernels: Vec<(usize, Kernels)> =
        PLANS.iter().enumerate().map(|(place, plan)| (place, Kernels::of(&driver, *plan).unwrap())).collect();
    let model = Uploaded::new(&driver, weights, true).unwrap();
    let mut runner = Runner::new(driver, Encoder { model, after }, kernels).unwrap();
    let batch = choice::batch(&[17, 1, 2], weights.shape().vocabulary);
    let expected = reference.answer(&batch).unwrap();
    let planned = |(place, plan): (usize, &Plan)| PLANNED.contains(&plan.name).then_some((place, plan.small));
    for (plan, small) in PLANS.iter().enumerate().filter_map(planned) {
        let graph = small.then_some(Way::Graph { plan, early: true });
        for way in graph.into_iter().chain([Way::Plain { plan }]) {
            let mut logits = vec![f32::NAN; batch.len() * runner.heads()];
            let mut means = vec![f32::NAN; batch.len() * runner.width()];
            runner.answer_by(way, batch.ids(), batch.bounds(), &mut logits, &mut means).unwrap();
            assert_eq!(choice::disagreement(&logits, &means, &expected), None, "{way:?}");
        }
    }
}
