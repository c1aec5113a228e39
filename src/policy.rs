//! The policy: a versioned TOML document that says which detections matter, from which score, and what then happens.
//!
//! [`Policy::parse`] reads the document and reports every mistake in it at once; [`Policy::bind`] looks up the
//! thresholds it left to the calibration and checks the detectors it names against those there are, and reports every
//! mistake of that kind at once. Only a [`BoundPolicy`] decides. The schema is described for policy authors in `docs/policy.md`.

mod bind;
mod change;
mod circumstances;
mod error;
mod fallback;
mod governance;
mod hazard;
mod open;
mod read;
mod rollback;
mod rule;
mod scenario;
mod signature;
mod source;
mod suggest;
mod table;
#[cfg(test)]
mod tests;
mod upgrade;

pub use bind::{BoundPolicy, BoundRule, KnownDetector};
pub use change::{Change, ChangeKind};
pub use circumstances::Circumstances;
pub use error::{PolicyError, PolicyErrors, PolicyWarning, Problem};
pub use fallback::{OnDeadline, OnDeviceFailure, OnLogFailure};
pub use governance::{Governance, Standing};
pub use hazard::Hazard;
pub use open::{BUNDLE_FILE, PolicyOpenError, file_of};
pub use rollback::{Rollback, Target};
pub use rule::{Action, Limit, Replacement, Rule, Selector};
pub use scenario::{
    Expected, MAX_CASES, MAX_TEST_BYTES, MAX_TEST_FILES, Scenario, ScenarioError, TESTS_FOLDER, scenarios,
};
pub use signature::{SIGNATURE_ENDING, sign_head};
pub use upgrade::{Answers, UpgradeError};

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use portcullis_calibration::TaughtHead;

use self::read::file::Folder;
use crate::rails::list::WordList;
use crate::rails::schema::TextSchema;
use crate::rails::tool::Tools;
use crate::rails::url::Hosts;
use crate::request::Role;
use crate::verdict::{Decision, PolicyRef};

/// Largest policy that is read, in bytes.
pub const MAX_POLICY_BYTES: usize = 1 << 20;

/// Most rules in one policy.
pub const MAX_RULES: usize = 1000;

/// Most word lists in one policy, most words in all of them, and most bytes of a word and of a list's file.
pub const MAX_LISTS: usize = 100;
/// See [`MAX_LISTS`].
pub const MAX_WORDS: usize = 100_000;
/// See [`MAX_LISTS`].
pub const MAX_WORD_BYTES: usize = 256;
/// See [`MAX_LISTS`].
pub const MAX_LIST_BYTES: usize = 4 << 20;

/// Most JSON Schemas in one policy, and most bytes of one.
pub const MAX_SCHEMAS: usize = 100;
/// See [`MAX_SCHEMAS`].
pub const MAX_SCHEMA_BYTES: usize = 1 << 20;

/// Most tools that a policy allows without a schema.
pub const MAX_TOOLS: usize = 1000;

/// Most hosts that a policy allows, and most that it denies.
pub const MAX_HOSTS: usize = 1000;

/// Most heads of its own that a policy has.
pub const MAX_HEADS: usize = 32;

/// The name under which the embedded policy appears in messages.
pub const EMBEDDED_FILE: &str = "models/policies/default.toml";

/// The embedded policy's source.
const EMBEDDED: &str = include_str!("../models/policies/default.toml");

/// A policy that was read and found consistent in itself.
#[derive(Clone, Debug)]
pub struct Policy {
    schema: u64,
    revision: u64,
    governance: Governance,
    id: String,
    version: String,
    description: String,
    on_fault: Decision,
    on_unsupported: Decision,
    on_deadline: OnDeadline,
    on_log_failure: OnLogFailure,
    on_device_failure: OnDeviceFailure,
    max_bytes: usize,
    max_decode_depth: usize,
    rules: Vec<Rule>,
    templates: BTreeMap<String, String>,
    veto_template: Option<String>,
    lists: Vec<WordList>,
    hosts: Hosts,
    heads: Vec<PolicyHead>,
    schemas: Vec<TextSchema>,
    tools: Tools,
    turns: usize,
    rollback: Option<Rollback>,
    warnings: Vec<Problem<PolicyWarning>>,
    digest: String,
    bundle: Option<PathBuf>,
    source: source::Source,
}

/// A head of the policy's own, and where the document names it.
#[derive(Clone, Debug, PartialEq)]
struct PolicyHead {
    head: TaughtHead,
    /// The place of `file`.
    place: Range<usize>,
    /// BLAKE3 of the file.
    digest: blake3::Hash,
    /// What the file beside it says, not checked yet.
    signature: signature::HeadSignature,
}

/// The detector of a head that was taught.
#[must_use]
pub fn taught_detector(head: &TaughtHead) -> String {
    format!("custom.{}", head.head().name)
}

impl Policy {
    /// Reads a policy. `file` names it in messages; no file is opened, and a word list, head or JSON Schema in a file of its own
    /// is a mistake.
    ///
    /// # Errors
    /// Every mistake in the document, in the order of their places, up to [`PolicyErrors::MOST`].
    pub fn parse(source: &str, file: &str) -> Result<Self, PolicyErrors> {
        read::policy(source, file, Folder::None)
    }

    /// Reads a policy whose word lists, heads and JSON Schemas may be in files of `folder`.
    ///
    /// # Errors
    /// As [`Policy::parse`]; also every file that cannot be read.
    pub fn parse_in(source: &str, file: &str, folder: &Path) -> Result<Self, PolicyErrors> {
        read::policy(source, file, Folder::Disk(folder))
    }

    /// The same, of files in memory by their paths.
    pub(crate) fn parse_among(
        source: &str,
        file: &str,
        files: &BTreeMap<String, Vec<u8>>,
    ) -> Result<Self, PolicyErrors> {
        read::policy(source, file, Folder::Memory(files))
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

    /// The version of the form that it is written in: 1 or 2.
    #[must_use]
    pub const fn schema(&self) -> u64 {
        self.schema
    }

    /// The policy's `revision`, from 1 on and larger with every change; 0 for one in schema 1, which has none.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// Who answers for it, what it is for, and when it may be in force.
    #[must_use]
    pub const fn governance(&self) -> &Governance {
        &self.governance
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

    /// The word lists, in the order of the document.
    #[must_use]
    pub fn lists(&self) -> &[WordList] {
        &self.lists
    }

    /// The hosts that it allows and denies.
    #[must_use]
    pub const fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// The heads of its own, in the order of the document. The detector of each is `custom.` and its name.
    pub fn heads(&self) -> impl ExactSizeIterator<Item = &TaughtHead> {
        self.heads.iter().map(|own| &own.head)
    }

    /// Checks that the policy's heads were taught on a model that has the weights with this BLAKE3 digest (64 hex digits) and
    /// gives `width` states, none where it gives no states.
    ///
    /// # Errors
    /// Every head that was not, with its place in the document.
    pub fn check_heads(&self, weights: &str, width: Option<usize>) -> Result<(), PolicyErrors> {
        let mut found = Vec::new();
        for PolicyHead { head, place, .. } in &self.heads {
            let what = match width {
                None => "the model in use has no states that a head could read, expected one with an encoder"
                    .to_owned(),
                _ if head.model_digest() != weights => format!(
                    "it was taught on the weights {}, expected those in use, {}: teach it again",
                    short(head.model_digest()),
                    short(weights)
                ),
                Some(width) if head.width() != width => {
                    format!("it has {} weights, expected {width}, one for each state", head.width())
                }
                Some(_) => continue,
            };
            found.push((place.clone(), PolicyError::HeadFile { file: head.head().name.clone(), what }));
        }
        if found.is_empty() { Ok(()) } else { Err(PolicyErrors::new(&self.source, found)) }
    }

    /// What texts must be, in the order of the document.
    #[must_use]
    pub fn schemas(&self) -> &[TextSchema] {
        &self.schemas
    }

    /// The tools that it knows.
    #[must_use]
    pub const fn tools(&self) -> &Tools {
        &self.tools
    }

    /// How many earlier turns of a user are read with a text of theirs, at most; 0 to 32.
    #[must_use]
    pub const fn turns(&self) -> usize {
        self.turns
    }

    /// When it gives way to a policy before it; nothing where it never does so by itself.
    #[must_use]
    pub const fn rollback(&self) -> Option<&Rollback> {
        self.rollback.as_ref()
    }

    /// The schemas for texts of this role.
    pub(crate) fn schemas_for(&self, role: Role) -> impl Iterator<Item = &TextSchema> {
        self.schemas.iter().filter(move |schema| schema.roles.contains(&role))
    }

    /// Whether texts of this role can only be judged when all of them is there.
    pub(crate) fn is_of_whole(&self, role: Role) -> bool {
        self.schemas_for(role).next().is_some()
    }

    /// BLAKE3 of the source, in hex; of the source and, for each file that it names, NUL, the id of the list, `head/` and the
    /// head, the detector of the schema or `tool.` and the tool, NUL and the BLAKE3 of the file, where there are such files.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The directory of its bundle, where its file is called `policy.toml`: what else is in it belongs to the policy.
    #[must_use]
    pub fn bundle(&self) -> Option<&Path> {
        self.bundle.as_deref()
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

    /// What becomes of a text that ran out of time.
    #[must_use]
    pub const fn on_deadline(&self) -> OnDeadline {
        self.on_deadline
    }

    /// What becomes of a verdict that cannot be logged.
    #[must_use]
    pub const fn on_log_failure(&self) -> OnLogFailure {
        self.on_log_failure
    }

    /// What becomes of texts whose classifiers ran on a device that failed.
    #[must_use]
    pub const fn on_device_failure(&self) -> OnDeviceFailure {
        self.on_device_failure
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

    /// The name of the template that ends a stream which is stopped, when there is one.
    #[must_use]
    pub fn veto_template(&self) -> Option<&str> {
        self.veto_template.as_deref()
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

/// The first digits of a digest, as a message shows it.
fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}
