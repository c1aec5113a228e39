//! The line protocol of a measured process: batches of token ids or a text in, nanoseconds and outputs out.

use std::io::{BufRead as _, Write as _};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use serde::{Deserialize, Serialize};
use tokenizers::Tokenizer;

/// What a runtime says of a batch, a row for each sequence.
#[derive(Default, Serialize)]
pub struct Outputs {
    pub logits: Vec<Vec<f32>>,
    pub pooled: Vec<Vec<f32>>,
}

/// A runtime with the model loaded.
pub trait Runner {
    /// The outputs of one batch, and how long its call took, its inputs ready.
    fn run(&mut self, batch: &[Vec<u32>]) -> Result<(Outputs, Duration)>;
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Request {
    Batches { batches: Vec<Vec<Vec<u32>>>, outputs: bool },
    Text { text: String },
}

#[derive(Default, Serialize)]
struct Answer {
    nanoseconds: u128,
    #[serde(flatten)]
    outputs: Outputs,
}

/// Answers a line on standard output for every line on standard input, until it ends.
pub fn serve(runner: &mut dyn Runner, tokenizer: &str) -> Result<()> {
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let answer = match serde_json::from_str(&line?).context("not a request")? {
            Request::Batches { batches, outputs } => answer(runner, &batches, outputs)?,
            Request::Text { text } => {
                let mut tokenizer = Tokenizer::from_file(tokenizer).map_err(|error| anyhow!(error))?;
                // The file asks for both, for training.
                tokenizer.with_padding(None).with_truncation(None).map_err(|error| anyhow!(error))?;
                let encoding = tokenizer.encode(text, true).map_err(|error| anyhow!(error))?;
                answer(runner, &[vec![encoding.get_ids().to_vec()]], true)?
            }
        };
        serde_json::to_writer(&mut output, &answer)?;
        writeln!(output)?;
        output.flush()?;
    }
    Ok(())
}

fn answer(runner: &mut dyn Runner, batches: &[Vec<Vec<u32>>], wanted: bool) -> Result<Answer> {
    let mut answer = Answer::default();
    for batch in batches {
        let (outputs, time) = runner.run(batch)?;
        answer.nanoseconds += time.as_nanos();
        if wanted {
            answer.outputs.logits.extend(outputs.logits);
            answer.outputs.pooled.extend(outputs.pooled);
        }
    }
    Ok(answer)
}

/// Runs `call` and says how long it took.
pub fn timed<T>(call: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = call();
    (result, start.elapsed())
}

/// The program's arguments, exactly `N`, or how it is used.
pub fn arguments<const N: usize>(usage: &str) -> Result<[String; N]> {
    let found: Vec<String> = std::env::args().skip(1).collect();
    found.try_into().map_err(|_| anyhow!("usage: {usage}"))
}
