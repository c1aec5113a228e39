//! The guard: opened once from a bundle and a policy, asked for verdicts from any thread.

mod attribute;
mod bound;
mod builder;
mod call;
mod cascade;
mod classify;
mod conversation;
mod device;
mod error;
mod explain;
mod forms;
mod grounding;
mod host;
mod inspect;
mod judge;
mod pieces;
mod recorder;
mod replay;
mod reviewing;
mod samples;
mod scenario;
mod scores;
mod shadow;
mod source;
mod subject;
mod weigh;

pub use builder::GuardBuilder;
pub use device::{
    CROSSOVER_FILE, Crossover, CrossoverError, DeviceKind, DeviceReport, UnknownDevice, devices, maker,
};
pub use error::GuardError;
pub(crate) use error::full_message;
pub use explain::{Explanation, HeadExplanation, WordContribution};
pub use inspect::{FileReport, HeadReport, Inspection, PackedReport, TaughtReport, WarningReport};
pub use replay::ReplayError;
pub use scenario::Miss;
pub use scores::Scores;
pub use shadow::{Difference, Shadow, Shadowed};
pub(crate) use source::PolicySource;
pub(crate) use subject::Passage;

use cascade::Exits;
use device::Beside;
use forms::Together;
use recorder::Recorder;
use shadow::Answers;
use std::sync::Arc;
use std::time::Duration;
use subject::Subject;

use portcullis_kernels::Level;

use crate::act::Rewriter;
use crate::bundle::{Bundle, Bytes, Head};
use crate::calibrate::calibrated;
use crate::exception::{self, Exceptions};
use crate::language::{Foreign, foreign};
use crate::monitor::Monitor;
use crate::normalize::Normalized;
use crate::policy::BoundPolicy;
use crate::rails::classifier::ClassifierRail;
use crate::rails::host::HostRails;
use crate::rails::text::TextRails;
use crate::reading::{Lexicon, NoWords};
use crate::record::Evidence;
use crate::request::{Request, Role};
use crate::threads::Threads;
use crate::tokenize::{Tokenizer, Tokens, Windowing, WordPiece};
use crate::vault::Vault;
use crate::verdict::{Detection, ModelRef, PolicyRef, Verdict};

/// A guard. Clones share everything; it may be used from many threads at once.
///
/// ```
/// use portcullis::{Decision, Guard, Request, Role};
///
/// let guard = Guard::embedded()?;
/// let verdict = guard.check(&Request::new("How do I descale a kettle?", Role::User)?);
/// assert_eq!(verdict.decision, Decision::Allow);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Guard(Arc<Inner>);

/// Its parts are shared between guards that differ in their policy alone.
#[derive(Clone, Debug)]
struct Inner {
    bundle: Arc<Bundle>,
    policy: BoundPolicy,
    exits: Exits,
    classifier: ClassifierRail,
    beside: Arc<Beside>,
    patterns: TextRails,
    /// The host's own, kept whatever the policy is.
    rails: HostRails,
    /// One that a rule names and that is not here: no text can be judged.
    absent_rail: Option<String>,
    /// The words by which disguises are seen through, where the model has none of its own.
    words: Option<Arc<WordPiece<Bytes>>>,
    level: Level,
    threads: Arc<Threads>,
    deadline: Option<Duration>,
    /// Whether findings of classifiers name the words behind them.
    attribution: bool,
    model_ref: ModelRef,
    policy_ref: PolicyRef,
    /// What it was packed into, where it was.
    packed: Option<Arc<PackedReport>>,
    recorder: Arc<Recorder>,
    exceptions: Arc<exception::Watch>,
    rewriter: Rewriter,
    /// What the classifiers have said, shared with a guard that judges the same texts.
    answers: Option<Answers>,
}

impl Inner {
    fn lexicon(&self) -> &dyn Lexicon {
        match (self.bundle.tokenizer(), &self.words) {
            (Some(tokenizer), _) => tokenizer,
            (None, Some(words)) => &**words,
            (None, None) => &NoWords,
        }
    }

    fn calibration_digest(&self) -> &str {
        self.bundle.calibration_digest()
    }
}

/// A head of the bundle or of the policy.
#[derive(Clone, Copy)]
struct NamedHead<'a> {
    name: &'a str,
    taught: bool,
}

impl NamedHead<'_> {
    /// What rules call it.
    fn detector(self) -> String {
        format!("{}.{}", if self.taught { "custom" } else { "classifier" }, self.name)
    }

    /// What scores call it.
    fn key(self) -> String {
        if self.taught { self.detector() } else { self.name.to_owned() }
    }
}

impl Guard {
    /// The guard inside this program: its bundle and its default policy.
    ///
    /// # Errors
    /// [`GuardError`] when the program was built with broken parts.
    pub fn embedded() -> Result<Self, GuardError> {
        Self::builder().build()
    }

    /// A guard made to order.
    pub fn builder() -> GuardBuilder {
        GuardBuilder::default()
    }

    /// Judges one text. What goes wrong on the way is part of the verdict, and is never an allow.
    #[must_use]
    pub fn check(&self, request: &Request) -> Verdict {
        self.check_one(request).0
    }

    /// Judges many texts together, over the guard's threads; verdicts come in the order of the requests.
    ///
    /// Each verdict is what [`Guard::check`] would say of the text alone, bit for bit, save for times and identifiers.
    #[must_use]
    pub fn check_batch(&self, requests: &[Request]) -> Vec<Verdict> {
        let subjects = requests.iter().map(Subject::from).collect();
        self.judge(subjects, None).into_iter().map(|(verdict, _)| verdict).collect()
    }

    /// Judges one text and, where it redacts, leaves numbered placeholders whose originals the vault keeps.
    ///
    /// Rules with another mode than `redact` do as ever: what they put in is not restored.
    #[must_use]
    pub fn redact(&self, request: &Request, vault: &mut Vault) -> Verdict {
        let mut judged = self.judge(vec![request.into()], Some(vault));
        judged.pop().map_or_else(|| self.unjudged(request), |(verdict, _)| verdict)
    }

    /// The verdict on a part of a longer text, whose pattern matches are known.
    pub(crate) fn judge_passage(
        &self,
        request: &Request,
        passage: Passage<'_>,
        found: Vec<Detection>,
    ) -> Verdict {
        self.judge_one(Subject::part(request, passage, found)).0
    }

    /// The verdict by the policy's `on_fault` on a text that cannot be judged, recorded as any other.
    pub(crate) fn fault(&self, request: &Request, what: &str) -> Verdict {
        let (mut verdict, text) = self.unread(request, what);
        self.record(request, &mut verdict, Evidence { text, ..Evidence::default() }, None);
        verdict
    }

    /// One verdict, and what the classifiers said.
    fn check_one(&self, request: &Request) -> (Verdict, Option<Together>) {
        self.judge_one(request.into())
    }

    /// Whether a text is in a language that the classifiers were not trained on.
    ///
    /// A model without a vocabulary says less about it: more English texts of few common words then count as foreign.
    #[must_use]
    pub fn foreign(&self, text: &Normalized<'_>) -> Foreign {
        self.foreign_text(text.text())
    }

    /// The same of a text that is normalized already.
    fn foreign_text(&self, text: &str) -> Foreign {
        let tokenizer = self.0.bundle.tokenizer();
        let mut tokens = Tokens::new();
        let mut is_one_word = |tokenizer: &Tokenizer<Bytes>, word: &str| {
            tokenizer.encode(word, &mut tokens).is_ok() && tokens.is_one_word()
        };
        foreign(text, |word| tokenizer.is_some_and(|tokenizer| is_one_word(tokenizer, word)))
    }

    /// Hashes every file of the bundle again, the embedded ones too.
    ///
    /// # Errors
    /// [`GuardError::Bundle`] for the first file that differs from the index.
    pub fn verify(&self) -> Result<(), GuardError> {
        Ok(self.0.bundle.verify(&self.0.threads)?)
    }

    /// Every head, in the order of its logits: the bundle's, then those of the policy's own.
    fn all_heads(&self) -> impl Iterator<Item = NamedHead<'_>> {
        let own = self.heads().iter().map(|head| NamedHead { name: &head.name, taught: false });
        let taught = self.0.policy.policy().heads();
        own.chain(taught.map(|head| NamedHead { name: &head.head().name, taught: true }))
    }

    /// The calibrated scores in `0..=1` of logits in the order of [`Guard::all_heads`], as many as there are logits. NaN
    /// stays NaN.
    fn calibrate(&self, logits: &[f32]) -> Vec<f32> {
        let mut scores = calibrated(self.0.bundle.calibration(), logits);
        let taught = self.0.policy.policy().heads().zip(logits.iter().skip(scores.len()));
        scores.extend(taught.map(|(head, logit)| head.head().curve.apply(*logit)));
        scores
    }

    /// The names that a verdict's scores have: the bundle's heads, then `custom.NAME` for each of the policy's own.
    #[must_use]
    pub fn score_names(&self) -> Vec<String> {
        self.all_heads().map(NamedHead::key).collect()
    }

    /// The bundle's heads, in the order of the scores.
    #[must_use]
    pub fn heads(&self) -> &[Head] {
        &self.0.bundle.manifest().heads
    }

    /// The policy in force.
    #[must_use]
    pub fn policy(&self) -> &BoundPolicy {
        &self.0.policy
    }

    /// The exceptions in use now, and the files of exceptions that are not used.
    #[must_use]
    pub fn exceptions(&self) -> Arc<Exceptions> {
        self.0.exceptions.current()
    }

    /// The model in use.
    #[must_use]
    pub fn model(&self) -> &ModelRef {
        &self.0.model_ref
    }

    /// BLAKE3 of the calibration in use, in hex.
    #[must_use]
    pub fn calibration_digest(&self) -> &str {
        self.0.calibration_digest()
    }

    /// What watches over the verdicts; nothing without a state directory, and where it is switched off.
    #[must_use]
    pub fn monitor(&self) -> Option<&Monitor> {
        self.0.recorder.monitor()
    }

    /// The pattern rail.
    pub(crate) fn patterns(&self) -> &TextRails {
        &self.0.patterns
    }

    /// Whether texts of this role can only be judged when all of them is there.
    pub(crate) fn is_of_whole(&self, role: Role) -> bool {
        self.policy().policy().is_of_whole(role) || self.0.rails.need_whole()
    }

    /// How the classifiers cut a text.
    pub(crate) fn windowing(&self) -> Windowing {
        self.0.classifier.windowing()
    }

    /// The bundle in use.
    #[must_use]
    pub fn bundle(&self) -> &Bundle {
        &self.0.bundle
    }
}
