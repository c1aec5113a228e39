//! An answer as a table, as JSON or as CSV.

use super::super::terminal::{self, Table, printable};
use clap::Args;
use portcullis::graph::{Answer, Limits};
use std::time::Duration;

/// What an answer may cost, and how it is written.
#[derive(Args)]
pub(super) struct AnswerOptions {
    /// Write the answer as SPARQL 1.1 query results in JSON.
    #[arg(long)]
    json: bool,

    /// Write the answer as CSV.
    #[arg(long, conflicts_with = "json")]
    csv: bool,

    /// Longest time that a query may take, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    time: u64,

    /// Most answers that a query may have.
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    answers: u32,
}

impl AnswerOptions {
    pub(super) fn limits(&self) -> Limits {
        Limits { time: Duration::from_secs(self.time), answers: self.answers as usize }
    }

    /// Prints the answer.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn tell(&self, answer: &Answer) -> anyhow::Result<()> {
        let text = match answer {
            _ if self.json => answer.to_json()? + "\n",
            _ if self.csv => answer.to_csv()?,
            Answer::Truth(truth) => format!("{truth}\n"),
            Answer::Turtle(turtle) => turtle.clone(),
            Answer::Rows { columns, rows } => {
                let names: Vec<&str> = columns.iter().map(String::as_str).collect();
                let mut table = Table::new(&names, &[]);
                for row in rows {
                    table.row(row.iter().map(|term| {
                        printable(&term.as_ref().map_or_else(String::new, portcullis::graph::words))
                    }));
                }
                table.render()
            }
        };
        terminal::emit(&text)
    }
}
