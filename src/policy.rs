//! The policy: a versioned TOML document that says which detections matter, from which score, and what then happens.
//!
//! [`Policy::parse`] reads the document and reports every mistake in it at once; [`Policy::bind`] looks up the
//! thresholds it left to the calibration and checks the detectors it names against those there are, and reports every
//! mistake of that kind at once. Only a [`BoundPolicy`] decides. The schema is described for policy authors in `docs/policy.md`.

mod bind;
mod error;
mod read;
mod rule;
mod source;
mod suggest;
mod table;
#[cfg(test)]
mod tests;

pub use bind::{BoundPolicy, BoundRule, KnownDetector};
pub use error::{PolicyError, PolicyErrors, PolicyWarning, Problem};
pub use rule::{Action, Limit, Replacement, Rule, Selector};

use std::collections::BTreeMap;

use crate::verdict::{Decision, PolicyRef};

/// Largest policy that is read, in bytes.
pub const MAX_POLICY_BYTES: usize = 1 << 20;

/// Most rules in one policy.
pub const MAX_RULES: usize = 1000;

/// The name under which the embedded policy appears in messages.
pub const EMBEDDED_FILE: &str = "models/policies/default.toml";

/// The embedded policy's source.
const EMBEDDED: &str = include_str!("../models/policies/default.toml");

/// A policy that was read and found consistent in itself.
#[derive(Clone, Debug)]
pub struct Policy {
    id: String,
    version: String,
    description: String,
    on_fault: Decision,
    on_unsupported: Decision,
    max_bytes: usize,
    max_decode_depth: usize,
    rules: Vec<Rule>,
    templates: BTreeMap<String, String>,
    warnings: Vec<Problem<PolicyWarning>>,
    digest: String,
    source: source::Source,
}

impl Policy {
    /// Reads a policy. `file` names it in messages; no file is opened.
    ///
    /// # Errors
    /// Every mistake in the document, in the order of their places, up to [`PolicyErrors::MOST`].
    pub fn parse(source: &str, file: &str) -> Result<Self, PolicyErrors> {
        read::policy(source, file)
    }

    /// The policy that is part of the program.
    ///
    /// # Errors
    /// As [`Policy::parse`]; a test keeps the embedded source free of mistakes.
    pub fn embedded() -> Result<Self, PolicyErrors> {
        Self::parse(EMBEDDED, EMBEDDED_FILE)
    }

    /// The source of [`Policy::embedded`], to start a policy of one's own from.
    #[must_use]
    pub const fn embedded_source() -> &'static str {
        EMBEDDED
    }

    /// The policy's `id`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The policy's `version`, such as `1.4.0`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The policy's `description`; empty when it has none.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// BLAKE3 of the source, in hex.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What happens when a rail fails: [`Decision::Veto`] or [`Decision::Escalate`].
    #[must_use]
    pub const fn on_fault(&self) -> Decision {
        self.on_fault
    }

    /// What happens, at least, to a text whose language the classifiers do not know. Never [`Decision::Rewrite`].
    #[must_use]
    pub const fn on_unsupported(&self) -> Decision {
        self.on_unsupported
    }

    /// Most bytes of a text that is judged; a longer one is a fault.
    #[must_use]
    pub const fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    /// Most encodings, one inside the other, that are decoded: 0 to 8. A text encoded deeper is judged in part, unless
    /// this is 0, which decodes nothing.
    #[must_use]
    pub const fn max_decode_depth(&self) -> usize {
        self.max_decode_depth
    }

    /// The rules, in the order of the document.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// What is allowed but likely not meant, in the order of the document.
    #[must_use]
    pub fn warnings(&self) -> &[Problem<PolicyWarning>] {
        &self.warnings
    }

    /// Id, version and digest, as a verdict and a record name the policy.
    #[must_use]
    pub fn reference(&self) -> PolicyRef {
        PolicyRef { id: self.id.clone(), version: self.version.clone(), digest: self.digest.clone() }
    }
}
