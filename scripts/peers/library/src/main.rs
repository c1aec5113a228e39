//! The encoders of the `portcullis` library as a measured process: candle's f32, and int8.

use std::time::Duration;

use anyhow::{Context as _, Result};
use candle_core::Device;
use portcullis::bundle::{Bundle, Weights};
use portcullis::encode::{Batch, Encoder};
use portcullis_kernels::{Kernels, Level};
use serve::{Outputs, Runner, arguments, serve, timed};

struct Library {
    bundle: Bundle,
    encoder: Encoder,
}

impl Library {
    fn weights(bundle: &Bundle) -> Result<&Weights> {
        bundle.weights().context("the embedded bundle has no encoder")
    }
}

impl Runner for Library {
    fn run(&mut self, sequences: &[Vec<u32>]) -> Result<(Outputs, Duration)> {
        let mut batch = Batch::new();
        for sequence in sequences {
            batch.push(sequence.iter().copied());
        }
        let weights = Self::weights(&self.bundle)?;
        let (encoded, time) = timed(|| self.encoder.forward(weights, &batch));
        let encoded = encoded?;
        Ok((Outputs { logits: encoded.logits.to_vec2()?, pooled: encoded.pooled.to_vec2()? }, time))
    }
}

fn main() -> Result<()> {
    let [kind, tokenizer] = arguments("library-peer f32|best|LEVEL TOKENIZER")?;
    let bundle = Bundle::embedded()?;
    let encoder = match kind.as_str() {
        "f32" => Encoder::float(Library::weights(&bundle)?, &Device::Cpu)?,
        level => {
            let level = if level == "best" { Level::best() } else { level.parse()? };
            let kernels = Kernels::new(level).with_context(|| format!("this processor lacks {level}"))?;
            Encoder::int8(Library::weights(&bundle)?, kernels)
        }
    };
    serve(&mut Library { bundle, encoder }, &tokenizer)
}
