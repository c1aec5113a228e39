//! What a query found, and how it is written for other programs.

use oxigraph::model::{Term, Variable};
use oxigraph::sparql::results::{QueryResultsFormat, QueryResultsSerializer};

use super::GraphError;

/// What a query found.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Of SELECT: names of the columns, and rows with a term where the column is bound.
    Rows {
        /// The names, without `?`.
        columns: Vec<String>,
        /// The rows.
        rows: Vec<Vec<Option<Term>>>,
    },
    /// Of ASK.
    Truth(bool),
    /// Of CONSTRUCT and DESCRIBE: a graph as Turtle.
    Turtle(String),
}

impl Answer {
    /// The answer in the JSON of the SPARQL 1.1 query results; a graph is a JSON string of Turtle.
    ///
    /// # Errors
    /// [`GraphError::Write`].
    pub fn to_json(&self) -> Result<String, GraphError> {
        self.written(QueryResultsFormat::Json)
    }

    /// The answer in the CSV of the SPARQL 1.1 query results; a graph is Turtle.
    ///
    /// # Errors
    /// [`GraphError::Write`].
    pub fn to_csv(&self) -> Result<String, GraphError> {
        self.written(QueryResultsFormat::Csv)
    }

    fn written(&self, format: QueryResultsFormat) -> Result<String, GraphError> {
        let failed = |source| GraphError::Write { source };
        let serializer = QueryResultsSerializer::from_format(format);
        let bytes = match self {
            Self::Truth(truth) => {
                serializer.serialize_boolean_to_writer(Vec::new(), *truth).map_err(failed)?
            }
            Self::Turtle(turtle) if format == QueryResultsFormat::Json => {
                serde_json::to_vec(turtle).map_err(|error| failed(error.into()))?
            }
            Self::Turtle(turtle) => turtle.clone().into_bytes(),
            Self::Rows { columns, rows } => {
                let variables: Vec<Variable> =
                    columns.iter().map(|name| Variable::new_unchecked(name.as_str())).collect();
                let mut writer = serializer
                    .serialize_solutions_to_writer(Vec::new(), variables.clone())
                    .map_err(failed)?;
                for row in rows {
                    let bound = variables
                        .iter()
                        .zip(row)
                        .filter_map(|(variable, term)| Some((variable, term.as_ref()?)));
                    writer.serialize(bound).map_err(failed)?;
                }
                writer.finish().map_err(failed)?
            }
        };
        String::from_utf8(bytes).map_err(|error| failed(std::io::Error::other(error)))
    }
}

/// A term as people read it: the words of a literal, and an IRI without the part that all names of this graph begin with.
#[must_use]
pub fn words(term: &Term) -> String {
    match term {
        Term::Literal(literal) => literal.value().to_owned(),
        Term::NamedNode(node) => {
            let iri = node.as_str();
            iri.strip_prefix("urn:portcullis:").unwrap_or(iri).to_owned()
        }
        other => other.to_string(),
    }
}
