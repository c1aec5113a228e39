//! `filter`: a live text in, its safe pieces out, as soon as they are judged.

use super::guard_options::GuardOptions;
use super::status_options::StatusOptions;
use super::{alerts, failure, input};
use anyhow::Context as _;
use clap::Args;
use portcullis::{Decision, Piece, Role};
use serde::Serialize;
use std::io::{self, Read as _, Write as _};
use std::process::ExitCode;

/// Most bytes read at once; what has come is taken up without waiting for more.
const CHUNK: usize = 1 << 14;

/// Release a live text, such as a model's answer, as it is judged.
#[derive(Args)]
#[command(after_help = "\
Text is held until the end of a sentence or line that no pattern can cross, then judged with what was released before
it. A rewrite is made in place. After a veto or an escalation the policy's veto_template is written and nothing more is
read. The output does not depend on how the input arrives. A stream is judged to its end by the policy that was in force at its
beginning.

With --json each line is an event with the bytes start..end of the input that it is about: release and rewrite with the
text to show, escalate and veto with the text to end on, and at last end with the strongest decision.

Examples:
  some-model | portcullis filter
  some-model | portcullis filter --json | jq -rj 'select(.text) | .text'
  portcullis filter --role tool < page.txt > safe.txt || echo \"not all of it was released\"

Exit status: 0 all released, as it was or rewritten, 1 vetoed or escalated, 2 an error.")]
pub(super) struct Arguments {
    /// Who produces the text: user, assistant, tool or system.
    #[arg(long, value_name = "ROLE", default_value = "assistant", value_parser = input::parse_role)]
    role: Role,

    /// The language of the templates that are put in, as a tag such as de or pt-BR.
    #[arg(long, value_name = "TAG")]
    locale: Option<String>,

    /// The data slice that the text belongs to: rules of the policy may be limited to some.
    #[arg(long, value_name = "NAME")]
    slice: Option<String>,

    /// Print one event a line, as JSON.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    status: StatusOptions,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let guard = options.guard()?;
    let mut stream = guard
        .stream(arguments.role)
        .with_locale(arguments.locale.clone())
        .with_slice(arguments.slice.clone());
    let mut input = io::stdin().lock();
    let mut output = io::stdout().lock();
    let mut buffer = vec![0; CHUNK];
    let mut bytes = Vec::new();
    loop {
        let read = match input.read(&mut buffer) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error).context("cannot read standard input"),
        };
        let pieces = match buffer.get(..read) {
            Some([]) | None => stream.finish(),
            Some(chunk) => stream.push(chunk),
        };
        bytes.clear();
        for piece in &pieces {
            add(piece, arguments.json, &mut bytes)?;
        }
        if stream.is_closed() && arguments.json {
            let end = End { event: "end", decision: stream.decision(), bytes: stream.held().end };
            serde_json::to_writer(&mut bytes, &end)?;
            bytes.push(b'\n');
        }
        match output.write_all(&bytes).and_then(|()| output.flush()) {
            Ok(()) => {}
            // The reader has seen enough; what it has not seen needs no judgement.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
            Err(error) => return Err(error).context("cannot write to standard output"),
        }
        if let Some(fault) = pieces.iter().find_map(|piece| piece.fault.as_ref()) {
            failure::note(fault);
        }
        if stream.is_closed() {
            break;
        }
    }
    alerts::tell(&guard, true);
    Ok(arguments.status.status(stream.decision()))
}

/// A piece as an event.
#[derive(Serialize)]
struct Event<'a> {
    event: &'static str,
    #[serde(flatten)]
    piece: &'a Piece,
}

/// The last event.
#[derive(Serialize)]
struct End {
    event: &'static str,
    decision: Decision,
    /// Bytes of the input that were taken in.
    bytes: usize,
}

/// Adds what is to be written for a piece.
fn add(piece: &Piece, json: bool, bytes: &mut Vec<u8>) -> anyhow::Result<()> {
    if !json {
        bytes.extend_from_slice(piece.text.as_bytes());
        return Ok(());
    }
    let event = match piece.decision {
        Decision::Allow => "release",
        decision => decision.as_str(),
    };
    serde_json::to_writer(&mut *bytes, &Event { event, piece })?;
    bytes.push(b'\n');
    Ok(())
}
