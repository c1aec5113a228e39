//! The guard: opened once from a bundle and a policy, asked for verdicts from any thread.

mod builder;
mod classify;
mod explain;
mod forms;
mod inspect;
mod recorder;

pub use builder::{DeviceKind, GuardBuilder, GuardError};
pub use explain::{Explanation, HeadExplanation, WordContribution};
pub use inspect::{FileReport, HeadReport, Inspection, WarningReport};

use forms::{Forms, Together};
use recorder::Recorder;
use std::sync::Arc;
use std::time::{Duration, Instant};

use portcullis_kernels::Level;

use crate::act::{self, ActError};
use crate::bundle::{Bundle, Bytes, Head};
use crate::calibrate::calibrated;
use crate::decide::{Evidence, Rewrite, decide};
use crate::language::{Foreign, foreign};
use crate::normalize::Normalized;
use crate::policy::BoundPolicy;
use crate::rails::classifier::{ClassifierRail, HeadScores, Judged, Outcome};
use crate::rails::pattern::PatternRail;
use crate::reading::{Lexicon, NoWords};
use crate::request::Request;
use crate::tokenize::{Tokenizer, Tokens, WordPiece};
use crate::verdict::{Coverage, CoverageReason, Detection, Edit, ModelRef, PolicyRef, Timing, Verdict};

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

#[derive(Debug)]
struct Inner {
    bundle: Arc<Bundle>,
    policy: BoundPolicy,
    classifier: ClassifierRail,
    patterns: PatternRail,
    /// The words by which disguises are seen through, where the model has none of its own.
    words: Option<WordPiece<Bytes>>,
    level: Level,
    threads: usize,
    deadline: Option<Duration>,
    model_ref: ModelRef,
    policy_ref: PolicyRef,
    recorder: Recorder,
}

impl Inner {
    fn lexicon(&self) -> &dyn Lexicon {
        match (self.bundle.tokenizer(), &self.words) {
            (Some(tokenizer), _) => tokenizer,
            (None, Some(words)) => words,
            (None, None) => &NoWords,
        }
    }

    fn calibration_digest(&self) -> &str {
        let file = self.bundle.file(&self.bundle.manifest().calibration);
        file.map_or("", |file| file.blake3.as_str())
    }
}

/// What the heads say of one text, before any policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    /// A logit for each head: the largest over the text's windows.
    pub logits: Vec<f32>,
    /// The calibrated scores in `0..=1`.
    pub calibrated: Vec<f32>,
    /// Tokens, special ones not counted; words where the model is hashed.
    pub tokens: usize,
    /// Windows judged.
    pub windows: usize,
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
        self.judge(requests).into_iter().map(|(verdict, _)| verdict).collect()
    }

    /// One verdict, and what the classifiers said.
    fn check_one(&self, request: &Request) -> (Verdict, Option<Together>) {
        let mut judged = self.judge(std::slice::from_ref(request));
        judged.pop().unwrap_or_else(|| (self.unjudged(request), None))
    }

    /// The verdict on each text and what the classifiers said of it; nothing where it was not shown to them.
    fn judge(&self, requests: &[Request]) -> Vec<(Verdict, Option<Together>)> {
        let start = Instant::now();
        let inner = &*self.0;
        let policy = inner.policy.policy();
        let forms: Vec<Option<Forms<'_>>> = requests
            .iter()
            .map(|request| {
                let within = request.text.len() <= policy.max_bytes();
                within.then(|| Forms::new(&request.text, inner.lexicon(), policy.max_decode_depth()))
            })
            .collect();
        let normalize = start.elapsed();

        let mut detections: Vec<Vec<Detection>> = Vec::with_capacity(requests.len());
        for (request, forms) in requests.iter().zip(&forms) {
            let mut found = Vec::new();
            if let Some(forms) = forms {
                forms.scan(&request.text, &inner.patterns, &mut found);
            }
            detections.push(found);
        }
        let patterns = start.elapsed().saturating_sub(normalize);

        let judged: Vec<Judged<'_>> = requests
            .iter()
            .zip(&forms)
            .flat_map(|(request, forms)| {
                let allowed = request.deadline.or(inner.deadline);
                let deadline = allowed.and_then(|allowed| start.checked_add(allowed));
                let texts = forms.iter().flat_map(Forms::texts);
                texts.map(move |text| Judged { text, deadline })
            })
            .collect();
        let (outcomes, stages) = inner.classifier.judge(&judged);
        let mut outcomes = outcomes.into_iter();

        let timing = Timing {
            total: 0,
            normalize: micros(normalize),
            patterns: micros(patterns),
            tokenize: micros(stages.tokenize),
            encode: micros(stages.encode),
            decide: 0,
        };
        requests
            .iter()
            .zip(forms)
            .zip(detections)
            .map(|((request, forms), detections)| {
                let decide = Instant::now();
                let together =
                    forms.as_ref().and_then(|forms| Together::of(outcomes.by_ref().take(forms.len())));
                let mut verdict = self.verdict(request, detections, forms.as_ref(), together.as_ref());
                verdict.timing =
                    Timing { total: micros(start.elapsed()), decide: micros(decide.elapsed()), ..timing };
                self.record(request, &mut verdict);
                (verdict, together)
            })
            .collect()
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

    /// The heads' scores of each text, normalized as for a verdict but weighed by no policy, and without its readings.
    ///
    /// # Errors
    /// [`GuardError::Encode`] when the encoder fails on a text.
    pub fn scores(&self, texts: &[&str]) -> Result<Vec<Scores>, GuardError> {
        let normalized: Vec<Normalized<'_>> = texts.iter().map(|text| Normalized::new(text)).collect();
        let heads = self.head_scores(normalized.iter().map(Normalized::text))?;
        Ok(heads
            .into_iter()
            .map(|heads| Scores {
                calibrated: calibrated(self.0.bundle.calibration(), &heads.logits),
                logits: heads.logits,
                tokens: heads.tokens,
                windows: heads.windows,
            })
            .collect())
    }

    /// What the heads say of texts that are normalized already.
    fn head_scores<'a>(&self, texts: impl Iterator<Item = &'a str>) -> Result<Vec<HeadScores>, GuardError> {
        let judged: Vec<Judged<'_>> = texts.map(|text| Judged { text, deadline: None }).collect();
        let (outcomes, _) = self.0.classifier.judge(&judged);
        outcomes
            .into_iter()
            .map(|outcome| match outcome {
                Outcome::Scored(heads) => Ok(heads),
                Outcome::Late { .. } => Err(GuardError::Encode("a window was not judged".to_owned())),
                Outcome::Failed(message) => Err(GuardError::Encode(message)),
            })
            .collect()
    }

    /// Encodes one sequence of token ids, the special ones included, and says how long that took.
    ///
    /// # Errors
    /// [`GuardError::Encode`] for ids outside the vocabulary, a sequence longer than the model's positions, and a model that
    /// reads no ids.
    pub fn encode_ids(&self, ids: &[u32]) -> Result<(Duration, Vec<f32>), GuardError> {
        let start = Instant::now();
        let logits = self.0.classifier.encode_ids(ids).map_err(|e| GuardError::Encode(full_message(&e)))?;
        Ok((start.elapsed(), logits))
    }

    /// Hashes every file of the bundle again, the embedded ones too.
    ///
    /// # Errors
    /// [`GuardError::Bundle`] for the first file that differs from the index.
    pub fn verify(&self) -> Result<(), GuardError> {
        Ok(self.0.bundle.verify()?)
    }

    /// The classifier's heads, in the order of the scores.
    #[must_use]
    pub fn heads(&self) -> &[Head] {
        &self.0.bundle.manifest().heads
    }

    /// The policy in force.
    #[must_use]
    pub fn policy(&self) -> &BoundPolicy {
        &self.0.policy
    }

    /// The bundle in use.
    #[must_use]
    pub fn bundle(&self) -> &Bundle {
        &self.0.bundle
    }

    fn verdict(
        &self,
        request: &Request,
        mut detections: Vec<Detection>,
        forms: Option<&Forms<'_>>,
        together: Option<&Together>,
    ) -> Verdict {
        let inner = &*self.0;
        let mut scores = Vec::new();
        let mut fault = None;
        let (coverage, reason) = match together.map(|together| &together.outcome) {
            None => {
                fault = Some(format!(
                    "the text has {} bytes, the policy's max_bytes is {}",
                    request.text.len(),
                    inner.policy.policy().max_bytes()
                ));
                (Coverage::None, Some(CoverageReason::SizeLimit))
            }
            Some(Outcome::Late { judged, windows }) => {
                fault = Some(format!("the deadline passed with {judged} of {windows} windows judged"));
                (Coverage::Partial, Some(CoverageReason::Deadline))
            }
            Some(Outcome::Failed(message)) => {
                fault = Some(message.clone());
                (Coverage::Partial, Some(CoverageReason::Fault))
            }
            Some(Outcome::Scored(heads)) => {
                scores = self.classify(request.role, heads, forms, together, &mut detections);
                let unknown = heads.unknown_share > inner.bundle.manifest().coverage.unknown_share;
                let foreign = match forms {
                    _ if unknown => Foreign::Wholly,
                    Some(forms) => forms.foreign(|text| self.foreign_text(text)),
                    None => Foreign::No,
                };
                match foreign {
                    Foreign::Wholly => (Coverage::None, Some(CoverageReason::UnsupportedLanguage)),
                    _ if forms.is_some_and(Forms::deeper) => {
                        fault = Some(format!(
                            "the text is encoded deeper than the policy's max_decode_depth of {}",
                            inner.policy.policy().max_decode_depth()
                        ));
                        (Coverage::Partial, Some(CoverageReason::DecodeDepth))
                    }
                    Foreign::Partly => (Coverage::Partial, Some(CoverageReason::UnsupportedLanguage)),
                    Foreign::No => (Coverage::Full, None),
                }
            }
        };
        let evidence = Evidence {
            role: request.role,
            detections: &detections,
            coverage,
            reasons: reason.as_slice(),
            fault: fault.is_some(),
        };
        let decided = decide(&inner.policy, &evidence);
        if decided.fault && fault.is_none() {
            fault = Some("a score is not a number in 0..=1".to_owned());
        }
        let mut decision = decided.decision;
        let (mut text, mut edits) = (None, Vec::new());
        if decision.releases() {
            match rewrite(&request.text, &decided.rewrites) {
                Ok((rewritten, script)) => (text, edits) = (Some(rewritten), script),
                Err(error) => {
                    fault = Some(full_message(&error));
                    decision = inner.policy.policy().on_fault();
                }
            }
        }
        Verdict {
            id: request.id.clone(),
            decision,
            text,
            scores,
            findings: decided.findings,
            edits,
            readings: forms.map(Forms::vias).unwrap_or_default(),
            coverage,
            coverage_reason: reason,
            fault,
            policy: inner.policy_ref.clone(),
            model: inner.model_ref.clone(),
            timing: Timing::default(),
            decision_id: String::new(),
        }
    }

    /// Names the verdict and writes its record; a verdict that cannot be recorded is a fault.
    fn record(&self, request: &Request, verdict: &mut Verdict) {
        let inner = &*self.0;
        if let Err(error) = inner.recorder.record(request, verdict, &inner.policy, inner.calibration_digest())
        {
            verdict.fault = Some(full_message(&error));
            verdict.decision = verdict.decision.max(inner.policy.policy().on_fault());
            verdict.text = None;
            verdict.edits.clear();
        }
    }

    /// A verdict by the policy's `on_fault` for a text that no rail has seen.
    fn unjudged(&self, request: &Request) -> Verdict {
        let together = Together::of([Outcome::Failed("the text was not judged".to_owned())]);
        self.verdict(request, Vec::new(), None, together.as_ref())
    }
}

fn rewrite(text: &str, rewrites: &[Rewrite]) -> Result<(String, Vec<Edit>), ActError> {
    let edits = act::edits(text, rewrites)?;
    Ok((act::apply(text, &edits)?, edits))
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// An error with the chain of its sources, in one line.
fn full_message(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        message.push_str(": ");
        message.push_str(&cause.to_string());
        source = cause.source();
    }
    message
}
