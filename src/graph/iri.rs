//! Names of things as IRIs: every part that comes from outside is percent-encoded, so that none can end one or begin another.

use std::fmt::Write as _;

use oxigraph::model::NamedNode;

/// Most bytes of a part that is written out; a longer one is named by its BLAKE3.
const MOST: usize = 200;

/// `urn:portcullis:KIND:PART:…`.
pub(super) fn named(kind: &str, parts: &[&str]) -> NamedNode {
    let mut iri = format!("urn:portcullis:{kind}");
    for part in parts {
        iri.push(':');
        encode(part, &mut iri);
    }
    NamedNode::new_unchecked(iri)
}

/// A class or property of the graph's own vocabulary.
pub(super) fn term(name: &str) -> NamedNode {
    NamedNode::new_unchecked(format!("{}{name}", super::VOCABULARY))
}

/// Unreserved characters of RFC 3986 as they are, all others percent-encoded.
fn encode(part: &str, iri: &mut String) {
    if part.is_empty() {
        // A part is never empty: an empty name is told from a missing one.
        iri.push_str("%00");
    }
    if part.len() > MOST {
        iri.push_str("blake3-");
        iri.push_str(&blake3::hash(part.as_bytes()).to_hex());
        return;
    }
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            iri.push(char::from(byte));
        } else {
            let _ = write!(iri, "%{byte:02X}");
        }
    }
}
