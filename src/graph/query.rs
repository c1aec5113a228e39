//! Questions in SPARQL: read only, of this graph alone, within a time and a number of answers.

use std::sync::mpsc;
use std::time::Duration;

use oxigraph::model::Triple;
use oxigraph::sparql::{CancellationToken, QueryEvaluationError, QueryResults, SparqlEvaluator};
use oxigraph::store::Store;
use spargebra::{Query, SparqlParser};

use super::export::{Format, serialize};
use super::{Answer, Graph, GraphError, PREFIXES};

/// Longest query that is read, in bytes.
const MOST_BYTES: usize = 64 << 10;

/// What a query may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest time that it may take.
    pub time: Duration,
    /// Most answers (rows, or triples) that it may have.
    pub answers: usize,
}

impl Default for Limits {
    /// Ten seconds and 100,000 answers.
    fn default() -> Self {
        Self { time: Duration::from_secs(10), answers: 100_000 }
    }
}

impl Graph {
    /// Answers a query of SPARQL 1.1. The prefixes of [`PREFIXES`] are known to it.
    ///
    /// A query cannot change the graph, load anything or ask a service: updates are refused by the parser, `SERVICE` before
    /// anything is evaluated, and the program is built without a client that could. The time is kept to by not waiting longer:
    /// an evaluation that joins without looking anything up goes on, unheard, until it ends or the process does.
    ///
    /// # Errors
    /// [`GraphError`].
    pub fn query(&self, query: &str, limits: Limits) -> Result<Answer, GraphError> {
        let query = parse(query)?;
        let token = CancellationToken::new();
        let (done, waiting) = mpsc::sync_channel(1);
        let (store, watch) = (self.store.clone(), token.clone());
        std::thread::spawn(move || {
            // Nobody waits for an answer that comes too late.
            let _ = done.send(answer(&store, query, &watch, limits));
        });
        match waiting.recv_timeout(limits.time) {
            Ok(answer) => answer,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                token.cancel();
                Err(GraphError::Time { seconds: limits.time.as_secs() })
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                Err(GraphError::Evaluation { what: "the evaluation stopped without an answer".to_owned() })
            }
        }
    }
}

fn answer(
    store: &Store,
    query: Query,
    token: &CancellationToken,
    limits: Limits,
) -> Result<Answer, GraphError> {
    let failed = |error| evaluation(error, limits);
    let evaluator = SparqlEvaluator::new().with_cancellation_token(token.clone());
    match evaluator.for_query(query).on_store(store).execute().map_err(failed)? {
        QueryResults::Boolean(truth) => Ok(Answer::Truth(truth)),
        QueryResults::Solutions(solutions) => {
            let variables = solutions.variables().to_vec();
            let mut rows = Vec::new();
            for solution in solutions {
                let solution = solution.map_err(failed)?;
                if rows.len() >= limits.answers {
                    return Err(GraphError::Answers { limit: limits.answers });
                }
                rows.push(variables.iter().map(|variable| solution.get(variable).cloned()).collect());
            }
            let columns = variables.into_iter().map(|variable| variable.into_string()).collect();
            Ok(Answer::Rows { columns, rows })
        }
        QueryResults::Graph(found) => {
            let mut triples: Vec<Triple> = Vec::new();
            for triple in found {
                let triple = triple.map_err(failed)?;
                if triples.len() >= limits.answers {
                    return Err(GraphError::Answers { limit: limits.answers });
                }
                triples.push(triple);
            }
            triples.sort_by_cached_key(Triple::to_string);
            triples.dedup();
            Ok(Answer::Turtle(serialize(triples.iter(), Format::Turtle)?))
        }
    }
}

fn evaluation(error: QueryEvaluationError, limits: Limits) -> GraphError {
    match error {
        QueryEvaluationError::Cancelled => GraphError::Time { seconds: limits.time.as_secs() },
        error => GraphError::Evaluation { what: error.to_string() },
    }
}

/// Reads a query, and refuses one that would leave this machine.
fn parse(text: &str) -> Result<Query, GraphError> {
    if text.len() > MOST_BYTES {
        return Err(GraphError::Long { found: text.len(), limit: MOST_BYTES });
    }
    let syntax = |what: String| GraphError::Syntax { what };
    let mut parser = SparqlParser::new();
    for (prefix, iri) in PREFIXES {
        parser = parser.with_prefix(prefix, iri).map_err(|error| syntax(error.to_string()))?;
    }
    let query = parser.parse_query(text).map_err(|error| syntax(error.to_string()))?;
    if asks_a_service(&query.to_string()) { Err(GraphError::Service) } else { Ok(query) }
}

/// Whether the keyword stands in a query as the parser writes it: outside of strings, IRIs and the names of variables.
fn asks_a_service(written: &str) -> bool {
    let mut rest = written.chars().peekable();
    let mut word = String::new();
    while let Some(character) = rest.next() {
        match character {
            '"' => {
                while let Some(inside) = rest.next() {
                    match inside {
                        '\\' => {
                            rest.next();
                        }
                        '"' => break,
                        _ => {}
                    }
                }
                word.clear();
            }
            '<' if rest.peek().is_some_and(|next| next.is_alphabetic()) => {
                for inside in rest.by_ref() {
                    if inside == '>' {
                        break;
                    }
                }
                word.clear();
            }
            _ if character.is_alphanumeric() || "_?$:@".contains(character) => word.push(character),
            _ => {
                if word == "SERVICE" {
                    return true;
                }
                word.clear();
            }
        }
    }
    word == "SERVICE"
}
