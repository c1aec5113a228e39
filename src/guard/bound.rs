//! A policy bound to a guard's model: made when a guard is built, and again when another policy takes its place.

use std::sync::Arc;

use super::cascade::Exits;
use super::{Guard, GuardError, Inner};
use crate::bundle::Bundle;
use crate::policy::{BoundPolicy, KnownDetector, OnDeviceFailure, Policy, Selector, taught_detector};
use crate::rails::classifier::ClassifierRail;
use crate::rails::grounding;
use crate::rails::host::{FAMILY, HostRails};
use crate::rails::text::TextRails;
use crate::rails::tool::Tools;
use crate::verdict::PolicyRef;

/// The parts of a guard that are its policy's.
pub(super) struct Bound {
    pub(super) policy: BoundPolicy,
    pub(super) reference: PolicyRef,
    pub(super) patterns: TextRails,
    pub(super) exits: Exits,
    /// A detector of a host's rail that a rule names and that is not here.
    pub(super) absent_rail: Option<String>,
}

impl Bound {
    /// Binds a policy to the model of `bundle`.
    pub(super) fn new(
        policy: &Policy,
        bundle: &Bundle,
        rails: &HostRails,
        cascade: bool,
        hashes: bool,
    ) -> Result<Self, GuardError> {
        let reference = policy.reference();
        let patterns = TextRails::new(policy.lists(), policy.hosts())?;
        policy.check_heads(bundle.weights_digest(), ClassifierRail::state_width(bundle))?;
        let absent: Vec<&Selector> = absent(policy, rails).collect();
        let absent_rail = absent.first().map(ToString::to_string);
        let mut known = known(bundle, &patterns, policy);
        known.extend(rails.names().map(|name| (name.to_owned(), false)));
        // Of a family any name will do: a rule weighs what a record holds by its prefix.
        known.extend(absent.into_iter().map(|selector| (selector.to_string().replace('*', "absent"), false)));
        let known: Vec<KnownDetector<'_>> = known
            .iter()
            .map(|(name, experimental)| KnownDetector { name, experimental: *experimental })
            .collect();
        let threshold = |head: &str, target_fpr: f64| {
            let found = bundle.calibration().threshold(head, target_fpr).map_err(|e| e.to_string())?;
            Ok(found.threshold)
        };
        let policy = policy.bind(threshold, &known)?;
        let exits = Exits::new(&policy, bundle.calibration(), &known, cascade)?;
        match policy.needs_hash_key().filter(|_| !hashes) {
            Some(rule) => Err(GuardError::NoHashKey { rule: rule.id.clone() }),
            None => Ok(Self { policy, reference, patterns, exits, absent_rail }),
        }
    }
}

impl Guard {
    /// The same guard with another policy: model, threads, key and record are shared, not opened again.
    ///
    /// # Errors
    /// [`GuardError`] when the policy does not fit the model, or hashes and there is no key.
    pub fn with_policy(&self, policy: &Policy) -> Result<Self, GuardError> {
        Ok(Self(Arc::new(self.rebound(policy)?)))
    }

    /// The same guard without the search for the words behind a score, for verdicts of which nobody reads where a finding is. See
    /// [`GuardBuilder::attribution`](crate::GuardBuilder::attribution).
    #[must_use]
    pub fn unattributed(&self) -> Self {
        Self(Arc::new(Inner { attribution: false, ..(*self.0).clone() }))
    }

    /// The same, leaving no trace: its verdicts are neither recorded nor logged.
    pub(super) fn unrecorded_with(&self, policy: &Policy) -> Result<Inner, GuardError> {
        let recorder = Arc::new(self.0.recorder.quiet()?);
        Ok(Inner { recorder, ..self.rebound(policy)? })
    }

    fn rebound(&self, policy: &Policy) -> Result<Inner, GuardError> {
        let inner = &*self.0;
        let (cascade, hashes) = (inner.exits.cascade(), inner.rewriter.can_hash());
        let bound = Bound::new(policy, &inner.bundle, &inner.rails, cascade, hashes)?;
        let heads = policy.heads().cloned().collect();
        Ok(Inner {
            policy: bound.policy,
            policy_ref: bound.reference,
            patterns: bound.patterns,
            exits: bound.exits,
            absent_rail: bound.absent_rail,
            classifier: inner
                .classifier
                .clone()
                .with_heads(heads)
                .strict(policy.on_device_failure() == OnDeviceFailure::Fault),
            exceptions: Arc::new(inner.exceptions.with_bundle(policy.bundle())),
            ..inner.clone()
        })
    }
}

/// What rules of the policy name of a host's rails and is not among them; nothing unless rails may lack.
fn absent<'p>(policy: &'p Policy, rails: &HostRails) -> impl Iterator<Item = &'p Selector> {
    let of_host = |selector: &&Selector| match selector {
        Selector::Name(name) => name.starts_with(FAMILY),
        Selector::Family(prefix) => prefix.starts_with(FAMILY),
    };
    let rules = if rails.may_lack { policy.rules() } else { &[] };
    let is_here = |selector: &&Selector| rails.names().any(|name| selector.covers(name));
    rules.iter().map(|rule| &rule.detector).filter(of_host).filter(move |selector| !is_here(selector))
}

/// The detectors that rules may name, and whether each is experimental.
fn known(bundle: &Bundle, rails: &TextRails, policy: &Policy) -> Vec<(String, bool)> {
    let heads = bundle.manifest().heads.iter();
    let heads = heads.map(|head| (format!("classifier.{}", head.name), head.experimental));
    // A model that reads words has no states to compare.
    let grounding = bundle.tokenizer().map(|_| (grounding::NAME.to_owned(), true));
    let taught = policy.heads().map(|head| (taught_detector(head), head.head().experimental));
    let schemas = policy.schemas().iter().map(|schema| schema.detector.as_str());
    heads
        .chain(taught)
        .chain(rails.names().chain(schemas).chain(Tools::NAMES).map(|name| (name.to_owned(), false)))
        .chain(grounding)
        .collect()
}
