//! `bench encode-loop`: one encoding a line, timed, so that a driver can take turns between this and other runtimes.

use crate::cli::guard_options::GuardOptions;
use crate::cli::lines;
use anyhow::{Context as _, bail, ensure};
use std::io::{self, Write as _};
use std::process::ExitCode;

const MOST_LINE_BYTES: usize = 1 << 16;
/// The ids that begin and end every text of the BERT vocabularies.
const CLS: u32 = 101;
const SEP: u32 = 102;

/// Answers lines until their end; each is a number of tokens or a JSON array of token ids, the special ones included.
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
        let ids = ids(&line).with_context(|| format!("line {number}"))?;
        let (time, _) = guard.encode_ids(&ids).with_context(|| format!("line {number}"))?;
        match writeln!(output, "{}", time.as_nanos()).and_then(|()| output.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
            written => written.context("cannot write to standard output")?,
        }
    }
    Ok(ExitCode::SUCCESS)
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
