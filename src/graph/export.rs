//! The graph as Turtle, JSON-LD or N-Triples, the same for the same graph.

use oxigraph::io::{JsonLdProfileSet, RdfFormat, RdfSerializer};

use super::{Graph, GraphError, PREFIXES};

/// A form in which a graph is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Turtle (W3C, RDF 1.1).
    Turtle,
    /// JSON-LD (W3C, JSON-LD 1.0, expanded where a prefix does not help).
    JsonLd,
    /// N-Triples (W3C, RDF 1.1): one triple a line.
    NTriples,
}

impl Graph {
    /// The graph in this form; triples are in the order of their text.
    ///
    /// # Errors
    /// [`GraphError::Write`].
    pub fn export(&self, format: Format) -> Result<String, GraphError> {
        serialize(self.triples.iter(), format)
    }
}

/// Triples in this form.
pub(super) fn serialize<'a>(
    triples: impl Iterator<Item = &'a oxigraph::model::Triple>,
    format: Format,
) -> Result<String, GraphError> {
    let failed = |source| GraphError::Write { source };
    let mut serializer = RdfSerializer::from_format(match format {
        Format::Turtle => RdfFormat::Turtle,
        Format::JsonLd => RdfFormat::JsonLd { profile: JsonLdProfileSet::empty() },
        Format::NTriples => RdfFormat::NTriples,
    });
    if format != Format::NTriples {
        for (prefix, iri) in PREFIXES {
            serializer =
                serializer.with_prefix(prefix, iri).map_err(|error| failed(std::io::Error::other(error)))?;
        }
    }
    let mut writer = serializer.for_writer(Vec::new());
    for triple in triples {
        writer.serialize_triple(triple).map_err(failed)?;
    }
    let bytes = writer.finish().map_err(failed)?;
    String::from_utf8(bytes).map_err(|error| failed(std::io::Error::other(error)))
}
