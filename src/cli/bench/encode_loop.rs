//! `bench encode-loop`: one encoding a line, timed, so that a driver can take turns between this and other runtimes.

use crate::cli::guard_options::GuardOptions;
use crate::cli::lines;
use anyhow::{Context as _, bail, ensure};
use portcullis::Guard;
use std::io::{self, Write as _};
use std::process::ExitCode;

const MOST_LINE_BYTES: usize = 1 << 24;
/// The ids that begin and end every text of the BERT vocabularies.
const CLS: u32 = 101;
const SEP: u32 = 102;

/// Answers lines until their end; each is a number of tokens, a JSON array of token ids, the special ones included, or an array of
/// such arrays, which are encoded together and answered with the time and all logits.
pub(super) fn run(options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let guard = options.unrecorded().guard()?;
    let mut input = io::stdin().lock();
    let mut output = io::stdout().lock();
    let mut number = 0_u64;
    while let Some(line) =
        lines::read_line(&mut input, MOST_LINE_BYTES).context("cannot read standard input")?
    {
        number += 1;
        let Ok(line) = line else { bail!("line {number}: more than {MOST_LINE_BYTES} bytes") };
        let answer = answer(&guard, &line).with_context(|| format!("line {number}"))?;
        match writeln!(output, "{answer}").and_then(|()| output.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
            written => written.context("cannot write to standard output")?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What is said to a line.
fn answer(guard: &Guard, line: &[u8]) -> anyhow::Result<String> {
    match serde_json::from_slice::<Vec<Vec<u32>>>(line) {
        Ok(sequences) if !sequences.is_empty() => {
            let (time, logits) = guard.encode_batch(&sequences)?;
            let nanoseconds = u64::try_from(time.as_nanos())?;
            Ok(serde_json::json!({ "nanoseconds": nanoseconds, "logits": logits }).to_string())
        }
        _ => Ok(guard.encode_ids(&ids(line)?)?.0.as_nanos().to_string()),
    }
}

/// The ids of a line; a number stands for that many everyday ids between the special ones.
fn ids(line: &[u8]) -> anyhow::Result<Vec<u32>> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if let Ok(ids) = serde_json::from_slice::<Vec<u32>>(line) {
        return Ok(ids);
    }
    let count: u32 =
        serde_json::from_slice(line).context("expected a number of tokens or an array of token ids")?;
    ensure!((3..=512).contains(&count), "found {count} tokens, expected 3..=512");
    let middle = (0..count - 2).map(|at| 2000 + at * 37 % 5000);
    Ok(std::iter::once(CLS).chain(middle).chain([SEP]).collect())
}
