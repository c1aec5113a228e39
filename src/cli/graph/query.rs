//! `graph query`: a question in SPARQL.

use super::super::guard_options::GuardOptions;
use super::source::SourceOptions;
use super::told::AnswerOptions;
use clap::Args;
use std::process::ExitCode;

/// Ask the graph in SPARQL 1.1: SELECT, ASK, CONSTRUCT or DESCRIBE.
#[derive(Args)]
#[command(after_help = "\
The prefixes pc, rdf, rdfs, xsd, prov, skos and odrl are known. Updates and SERVICE are refused; nothing is loaded.

Examples:
  portcullis graph query 'SELECT ?rule ?hazard { ?r rdfs:label ?rule ; pc:hazard/rdfs:label ?hazard }'
  portcullis graph query 'ASK { ?d pc:usedException ?e }' --state state
  portcullis graph query 'SELECT ?decided (COUNT(*) AS ?n) { ?d pc:decided ?decided } GROUP BY ?decided' --state state --csv")]
pub(super) struct Arguments {
    /// The query.
    #[arg(value_name = "SPARQL")]
    query: String,

    #[command(flatten)]
    answer: AnswerOptions,

    #[command(flatten)]
    source: SourceOptions,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let answer = arguments.source.graph(options)?.query(&arguments.query, arguments.answer.limits())?;
    arguments.answer.tell(&answer)?;
    Ok(ExitCode::SUCCESS)
}
