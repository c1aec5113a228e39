//! A policy with every threshold a number and every detector one that exists.

use super::error::{PolicyError, PolicyErrors};
use super::rule::{Action, Limit, Replacement, Rule, Selector};
use super::{Circumstances, Policy, PolicyHead, suggest, taught_detector};
use crate::request::Role;
use crate::verdict::Decision;
use portcullis_calibration::TaughtHead;

/// A detector that rules may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownDetector<'a> {
    /// Full name, such as `classifier.toxicity` or `pii.email`.
    pub name: &'a str,
    /// Whether its judgement is not yet good enough to decide unasked: a rule on it says `experimental = true`.
    pub experimental: bool,
}

/// A policy that can decide.
#[derive(Clone, Debug)]
pub struct BoundPolicy {
    policy: Policy,
    rules: Vec<BoundRule>,
    /// Full names of the experimental detectors.
    experimental: Vec<String>,
}

/// A rule and its threshold.
#[derive(Clone, Debug, PartialEq)]
pub struct BoundRule {
    rule: Rule,
    threshold: f32,
}

impl Policy {
    /// Turns every `target_fpr` into a threshold and checks that each rule has a detector that it may look at.
    ///
    /// `thresholds` is given a classifier's head (without `classifier.`) and a target, and answers with the calibrated
    /// score in `0..=1` that this share of benign texts reaches, or with why it cannot; of the policy's own heads their files
    /// answer. `known` are all detectors.
    ///
    /// # Errors
    /// Every detector that does not exist, every experimental one in a rule that does not say so, and every target
    /// without a threshold, with its place in the document.
    pub fn bind(
        &self,
        thresholds: impl Fn(&str, f64) -> Result<f32, String>,
        known: &[KnownDetector<'_>],
    ) -> Result<BoundPolicy, PolicyErrors> {
        let mut found = Vec::new();
        let mut rules = Vec::new();
        for rule in &self.rules {
            if !known.iter().any(|detector| rule.detector.covers(detector.name)) {
                found.push((rule.places.detector.clone(), missing(&rule.detector, known)));
                continue;
            }
            if !known.iter().any(|detector| rule.looks_at(detector)) {
                let detector = rule.detector.to_string();
                found.push((rule.places.detector.clone(), PolicyError::Experimental { detector }));
            }
            match threshold(rule, &self.heads, &thresholds) {
                Ok(threshold) => rules.push(BoundRule { rule: rule.clone(), threshold }),
                Err(error) => found.push((rule.places.limit.clone(), error)),
            }
        }
        if found.is_empty() {
            let experimental = known.iter().filter(|detector| detector.experimental);
            let experimental = experimental.map(|detector| detector.name.to_owned()).collect();
            Ok(BoundPolicy { policy: self.clone(), rules, experimental })
        } else {
            Err(PolicyErrors::new(&self.source, found))
        }
    }
}

impl BoundPolicy {
    /// The policy as it was read.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The rules, in the order of the document.
    #[must_use]
    pub fn rules(&self) -> &[BoundRule] {
        &self.rules
    }

    /// The rules that weigh a detection by `detector` in some texts of this role, whatever their slice and locale, with
    /// their places in the document's order.
    pub fn rules_for(&self, detector: &str, role: Role) -> impl Iterator<Item = (usize, &BoundRule)> {
        let experimental = self.experimental.iter().any(|name| name == detector);
        let detector = KnownDetector { name: detector, experimental };
        self.rules
            .iter()
            .enumerate()
            .filter(move |(_, bound)| bound.rule.roles.contains(&role) && bound.rule.looks_at(&detector))
    }

    /// The rules that weigh a detection by `detector` in a text in these circumstances, with their places in the document's
    /// order.
    pub fn rules_in<'p>(
        &'p self,
        detector: &str,
        circumstances: Circumstances<'_>,
    ) -> impl Iterator<Item = (usize, &'p BoundRule)> {
        self.rules_for(detector, circumstances.role)
            .filter(move |(_, bound)| bound.rule.applies_in(circumstances))
    }

    /// The policy's own heads that rules for texts of this role look at, with their places among [`Policy::heads`].
    pub fn taught_for(&self, role: Role) -> impl Iterator<Item = (usize, &TaughtHead)> {
        self.policy
            .heads()
            .enumerate()
            .filter(move |(_, head)| self.rules_for(&taught_detector(head), role).next().is_some())
    }

    /// The text of a template of the policy.
    #[must_use]
    pub fn template(&self, name: &str) -> Option<&str> {
        self.policy.templates.get(name).map(String::as_str)
    }

    /// The text of a template for readers of `locale`, a language tag: of `name.locale`, or of `name` and the tag's first
    /// parts, or of `name` alone. Capitals do not matter, and `_` is as good as `-`.
    #[must_use]
    pub fn template_for(&self, name: &str, locale: Option<&str>) -> Option<&str> {
        let mut tag = locale.map(|locale| locale.replace('_', "-")).unwrap_or_default();
        while !tag.is_empty() {
            let wanted = format!("{name}.{tag}");
            let found = self.policy.templates.iter().find(|(key, _)| key.eq_ignore_ascii_case(&wanted));
            if let Some((_, text)) = found {
                return Some(text);
            }
            tag.truncate(tag.rfind('-').unwrap_or(0));
        }
        self.template(name)
    }

    /// The first rule that needs a key to hash with.
    #[must_use]
    pub fn needs_hash_key(&self) -> Option<&Rule> {
        let mut rules = self.rules.iter();
        rules.find(|bound| bound.replacement() == Some(&Replacement::Hash)).map(BoundRule::rule)
    }

    /// What the rule of this id appends, if it does, for readers of `locale`.
    pub(crate) fn notice(&self, rule: &str, locale: Option<&str>) -> Option<&str> {
        let bound = self.rules.iter().find(|bound| bound.rule.id == rule)?;
        match bound.replacement()? {
            Replacement::Append(name) => self.template_for(name, locale),
            _ => None,
        }
    }

    /// Bytes of the longest template that a rule appends.
    #[must_use]
    pub(crate) fn longest_notice(&self) -> usize {
        let names = self.rules.iter().filter_map(|bound| match bound.replacement() {
            Some(Replacement::Append(name)) => Some(name),
            _ => None,
        });
        let is_of = |key: &str, name: &str| {
            key.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let texts =
            names.flat_map(|name| self.policy.templates.iter().filter(move |(key, _)| is_of(key, name)));
        texts.map(|(_, text)| text.len()).max().unwrap_or_default()
    }

    /// What ends a stream that is stopped, when the policy has words for it.
    #[must_use]
    pub fn stream_ending(&self, locale: Option<&str>) -> Option<&str> {
        self.template_for(self.policy.veto_template()?, locale)
    }
}

impl BoundRule {
    /// The rule as it was read.
    #[must_use]
    pub const fn rule(&self) -> &Rule {
        &self.rule
    }

    /// The score in `0..=1` from which it applies.
    #[must_use]
    pub const fn threshold(&self) -> f32 {
        self.threshold
    }

    /// What it asks for.
    #[must_use]
    pub const fn decision(&self) -> Decision {
        self.rule.action.decision()
    }

    /// What it puts in the place of the text, when it rewrites.
    #[must_use]
    pub const fn replacement(&self) -> Option<&Replacement> {
        match &self.rule.action {
            Action::Rewrite(replacement) => Some(replacement),
            Action::Escalate | Action::Veto => None,
        }
    }
}

impl Rule {
    /// Whether it looks at `detector`; a family leaves out experimental detectors unless the rule is experimental.
    #[must_use]
    pub fn looks_at(&self, detector: &KnownDetector<'_>) -> bool {
        self.detector.covers(detector.name) && (self.experimental || !detector.experimental)
    }
}

fn missing(selector: &Selector, known: &[KnownDetector<'_>]) -> PolicyError {
    let names = known.iter().map(|detector| detector.name);
    match selector {
        Selector::Name(name) => {
            PolicyError::UnknownDetector { detector: name.clone(), hint: suggest::hint(name, names) }
        }
        Selector::Family(prefix) => {
            let names: Vec<&str> = names.collect();
            let why = format!("no detector's name begins with `{prefix}`; known: {}", names.join(", "));
            PolicyError::NeverApplies { why }
        }
    }
}

fn threshold(
    rule: &Rule,
    heads: &[PolicyHead],
    lookup: impl Fn(&str, f64) -> Result<f32, String>,
) -> Result<f32, PolicyError> {
    let target = match rule.limit {
        Limit::Threshold(threshold) => return Ok(threshold),
        Limit::TargetFpr(target) => target,
    };
    let name = rule.detector.stem();
    let no_threshold =
        |what| PolicyError::NoThreshold { detector: name.to_owned(), target: target.to_string(), what };
    let found = match heads.iter().find(|own| taught_detector(&own.head) == name) {
        Some(own) => own.head.threshold(target).map(|found| found.threshold).map_err(|e| e.to_string()),
        None => lookup(name.strip_prefix("classifier.").unwrap_or(name), target),
    };
    match found {
        Ok(threshold) if (0.0..=1.0).contains(&threshold) => Ok(threshold),
        Ok(threshold) => {
            Err(no_threshold(format!("the calibration answers {threshold}, expected a number from 0 to 1")))
        }
        Err(what) => Err(no_threshold(what)),
    }
}
