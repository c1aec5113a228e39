//! Rules, hazards, standards, owners, tests, models, exceptions and decisions as one RDF graph, in memory, to be exported and asked.
//!
//! [`Builder`] takes in what there is; [`Graph`] is what comes out. Its vocabulary ([`VOCABULARY`]) is small and documented in
//! `docs/graph.md`; PROV-O, SKOS, ODRL and RDF Schema are used where they fit. Queries are SPARQL 1.1, read only: nothing is
//! loaded, no service is asked, and time and answers are bounded ([`Limits`]).

mod answer;
mod build;
mod entries;
mod export;
mod iri;
mod query;
mod question;
#[cfg(test)]
mod tests;

pub use answer::{Answer, words};
pub use build::{Builder, Component};
pub use export::Format;
pub use query::Limits;
pub use question::Question;

use oxigraph::model::{GraphName, Triple};
use oxigraph::store::{StorageError, Store};
use thiserror::Error;

/// The namespace of the graph's own classes and properties, `pc:` in queries.
pub const VOCABULARY: &str = "urn:portcullis:vocab#";

/// The prefixes that a query need not declare and an export declares.
pub const PREFIXES: [(&str, &str); 7] = [
    ("pc", VOCABULARY),
    ("rdf", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"),
    ("rdfs", "http://www.w3.org/2000/01/rdf-schema#"),
    ("xsd", "http://www.w3.org/2001/XMLSchema#"),
    ("prov", "http://www.w3.org/ns/prov#"),
    ("skos", "http://www.w3.org/2004/02/skos/core#"),
    ("odrl", "http://www.w3.org/ns/odrl/2/"),
];

/// Why a graph cannot be made, written or asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GraphError {
    /// The store in memory failed.
    #[error("cannot hold the graph: {source}")]
    Store {
        /// Why.
        #[from]
        source: StorageError,
    },
    /// The graph cannot be written.
    #[error("cannot write the graph: {source}")]
    Write {
        /// Why.
        source: std::io::Error,
    },
    /// A query with mistakes, or one that would change something.
    #[error("the query is not one, expected SELECT, ASK, CONSTRUCT or DESCRIBE of SPARQL 1.1: {what}")]
    Syntax {
        /// What was found, and where.
        what: String,
    },
    /// A query that is longer than is read.
    #[error("the query has {found} bytes, expected at most {limit}")]
    Long {
        /// Its length.
        found: usize,
        /// The most that is read.
        limit: usize,
    },
    /// A query that asks another service.
    #[error("the query asks another service (SERVICE), which is not done: nothing leaves this machine")]
    Service,
    /// A query that took too long.
    #[error("the query took more than {seconds} seconds, the most that was allowed")]
    Time {
        /// The most that was allowed.
        seconds: u64,
    },
    /// A query with more answers than are given.
    #[error("the query has more than {limit} answers, the most that was allowed: ask for fewer with LIMIT")]
    Answers {
        /// The most that was allowed.
        limit: usize,
    },
    /// A query that cannot be evaluated.
    #[error("cannot answer the query: {what}")]
    Evaluation {
        /// Why.
        what: String,
    },
}

/// A graph, ready to be written and asked.
pub struct Graph {
    /// Sorted, each once.
    triples: Vec<Triple>,
    store: Store,
}

impl Graph {
    fn new(triples: Vec<Triple>) -> Result<Self, GraphError> {
        let store = Store::new()?;
        store.extend(
            triples.iter().map(|triple| triple.as_ref().in_graph(GraphName::DefaultGraph.as_ref())),
        )?;
        Ok(Self { triples, store })
    }

    /// How many triples it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.triples.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.triples.is_empty()
    }
}

impl std::fmt::Debug for Graph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Graph").field("triples", &self.triples.len()).finish_non_exhaustive()
    }
}
