//! rten as a measured process. `RTEN_NUM_THREADS` sets its threads.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rten::{Model, ModelOptions, NodeId, Value};
use rten_tensor::prelude::*;
use rten_tensor::{NdTensor, Tensor};
use serve::{Outputs, Runner, arguments, serve, timed};

/// One graph without a mask, for a single sequence, and one with, for padded batches.
struct Rten {
    single: Graph,
    batched: Option<Graph>,
    folder: String,
}

struct Graph {
    model: Model,
    outputs: [NodeId; 2],
}

impl Graph {
    fn open(path: &Path) -> Result<Self> {
        let mut options = ModelOptions::with_all_ops();
        options.prepack_weights(true);
        let model = options.load_file(path).with_context(|| format!("cannot load {}", path.display()))?;
        // By place, not name: the operators that make them have the same names.
        let outputs = model.output_ids().try_into().context("expected the outputs logits and pooled")?;
        Ok(Self { model, outputs })
    }

    fn run(&self, inputs: Vec<(&str, Tensor<i32>)>) -> Result<(Outputs, Duration)> {
        let inputs = inputs
            .into_iter()
            .map(|(name, tensor)| Ok((self.model.node_id(name)?, tensor.into())))
            .collect::<Result<Vec<_>>>()?;
        let (results, time) = timed(|| self.model.run_n(inputs, self.outputs, None));
        let [logits, pooled] = results?;
        Ok((Outputs { logits: rows(logits)?, pooled: rows(pooled)? }, time))
    }
}

impl Runner for Rten {
    fn run(&mut self, batch: &[Vec<u32>]) -> Result<(Outputs, Duration)> {
        let tokens = batch.iter().map(Vec::len).max().unwrap_or(0);
        let (mut ids, mut mask) = (Vec::new(), Vec::new());
        for sequence in batch {
            let padding = tokens - sequence.len();
            ids.extend(sequence.iter().map(|&id| id as i32).chain(std::iter::repeat_n(0, padding)));
            mask.extend(std::iter::repeat_n(1, sequence.len()).chain(std::iter::repeat_n(0, padding)));
        }
        let shape = [batch.len(), tokens];
        let ids = Tensor::from_data(&shape, ids);
        if batch.len() == 1 {
            return self.single.run(vec![("ids", ids)]);
        }
        let graph = match &mut self.batched {
            Some(graph) => graph,
            none => none.insert(Graph::open(&Path::new(&self.folder).join("batched.rten"))?),
        };
        graph.run(vec![("ids", ids), ("mask", Tensor::from_data(&shape, mask))])
    }
}

fn rows(value: Value) -> Result<Vec<Vec<f32>>> {
    let tensor: NdTensor<f32, 2> = value.try_into()?;
    Ok((0..tensor.size(0)).map(|row| tensor.slice(row).iter().copied().collect()).collect())
}

fn main() -> Result<()> {
    let [folder, tokenizer] = arguments("rten-peer FOLDER TOKENIZER")?;
    let single = Graph::open(&Path::new(&folder).join("single.rten"))?;
    serve(&mut Rten { single, batched: None, folder }, &tokenizer)
}
