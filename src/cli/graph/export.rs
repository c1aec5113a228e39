//! `graph export`: the graph as a file.

use super::super::guard_options::GuardOptions;
use super::super::terminal;
use super::source::SourceOptions;
use anyhow::Context as _;
use clap::{Args, ValueEnum};
use portcullis::graph;
use std::path::PathBuf;
use std::process::ExitCode;

/// Write the graph as Turtle, JSON-LD or N-Triples.
#[derive(Args)]
#[command(after_help = "\
Examples:
  portcullis graph export --policy my-bundle > graph.ttl
  portcullis graph export --state state --format jsonld --out graph.jsonld")]
pub(super) struct Arguments {
    /// The form.
    #[arg(long, value_name = "FORMAT", default_value = "turtle")]
    format: Format,

    /// Write to this file in place of standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    #[command(flatten)]
    source: SourceOptions,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// For people and programs.
    Turtle,
    /// For programs that read JSON.
    Jsonld,
    /// One triple a line.
    Ntriples,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let text = arguments.source.graph(options)?.export(match arguments.format {
        Format::Turtle => graph::Format::Turtle,
        Format::Jsonld => graph::Format::JsonLd,
        Format::Ntriples => graph::Format::NTriples,
    })?;
    match &arguments.out {
        Some(path) => {
            std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        None => terminal::emit(&text)?,
    }
    Ok(ExitCode::SUCCESS)
}
