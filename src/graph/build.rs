//! Takes in policies, their tests, what was in force and what judges, as triples.

use std::collections::BTreeMap;

use oxigraph::model::vocab::{rdf, rdfs, xsd};
use oxigraph::model::{Literal, NamedNode, Term, Triple};

use super::iri::{named, term};
use super::{Graph, GraphError};
use crate::exception::{Exception, moment};
use crate::policy::{Hazard, Policy, Rule, Scenario, Selector};
use crate::store::{Active, Change};
use crate::verdict::{ModelRef, PolicyRef};

/// A part of what judges: a model with its heads and its calibration.
#[derive(Clone, Debug)]
pub struct Component<'a> {
    /// The model.
    pub model: &'a ModelRef,
    /// BLAKE3 of its calibration, in hex.
    pub calibration: &'a str,
    /// BLAKE3 of its weights, in hex, where they are known.
    pub weights: Option<&'a str>,
    /// The names of its heads.
    pub heads: &'a [String],
}

/// A graph in the making.
#[derive(Debug)]
pub struct Builder {
    /// By their text, so that each is there once and all are in order.
    triples: BTreeMap<String, Triple>,
    /// The policy that the store's history put in force last; the log tells of the same changes, a moment later.
    pub(super) in_force: Option<PolicyRef>,
}

impl Default for Builder {
    fn default() -> Self {
        Self::new()
    }
}

impl Builder {
    /// A graph of the hazards alone: the twelve of the MLCommons AILuminate taxonomy.
    #[must_use]
    pub fn new() -> Self {
        let mut builder = Self { triples: BTreeMap::new(), in_force: None };
        let scheme = named("scheme", &["mlcommons-ailuminate"]);
        builder.is_a(&scheme, &skos("ConceptScheme"));
        builder.label(&scheme, "MLCommons AILuminate hazards");
        for hazard in Hazard::ALL {
            let node = builder.hazard(hazard);
            builder.add(&node, &skos("inScheme"), scheme.clone());
        }
        builder
    }

    /// Adds a policy with its rules, and whether it is in force.
    pub fn policy(&mut self, policy: &Policy, in_force: bool) {
        let reference = policy.reference();
        let node = self.policy_ref(&reference);
        let governance = policy.governance();
        self.text(&node, "revision", Literal::from(policy.revision()));
        if in_force {
            self.text(&node, "inForce", Literal::from(true));
        }
        self.words(&node, "objective", &governance.objective);
        if !governance.owner.is_empty() {
            let owner = self.person(&governance.owner);
            self.add(&node, &term("owner"), owner);
        }
        if let Some(reviewer) = &governance.reviewer {
            let reviewer = self.person(reviewer);
            self.add(&node, &term("reviewer"), reviewer);
        }
        for reference in &governance.references {
            self.held_against(&node, reference);
        }
        if let Some(slice) = &governance.data_slice {
            let slice = self.slice(slice);
            self.add(&node, &term("writtenFor"), slice);
        }
        for (name, day) in [("effective", governance.effective), ("expires", governance.expires)] {
            if let Some(day) = day {
                self.text(&node, name, Literal::new_typed_literal(day.to_string(), xsd::DATE));
            }
        }
        for rule in policy.rules() {
            self.rule(&node, &reference, rule);
        }
        for head in policy.heads() {
            let detector = crate::policy::taught_detector(head);
            let name = detector.strip_prefix("custom.").unwrap_or(&detector);
            let head_node = named("head", &[&reference.digest, name]);
            self.is_a(&head_node, &term("Head"));
            self.label(&head_node, &detector);
            self.add(&node, &term("bringsHead"), head_node.clone());
            let weights = self.weights(head.model_digest());
            self.add(&head_node, &term("taughtOn"), weights);
            let detector = self.detector(&detector);
            self.add(&detector, &term("computedBy"), head_node);
        }
    }

    fn rule(&mut self, policy: &NamedNode, reference: &PolicyRef, rule: &Rule) {
        let node = self.rule_ref(&reference.digest, &rule.id);
        self.add(policy, &term("hasRule"), node.clone());
        self.words(&node, "action", rule.action.decision().as_str());
        self.words(&node, "rationale", rule.rationale.as_deref().unwrap_or_default());
        let detector = match &rule.detector {
            Selector::Name(name) => self.detector(name),
            Selector::Family(prefix) => self.detector(&format!("{prefix}*")),
        };
        self.add(&node, &term("looksAt"), detector);
        if let Some(owner) = &rule.owner {
            let owner = self.person(owner);
            self.add(&node, &term("owner"), owner);
        }
        if let Some(hazard) = rule.hazard {
            let hazard = self.hazard(hazard);
            self.add(&node, &term("hazard"), hazard);
        }
        for reference in &rule.references {
            self.held_against(&node, reference);
        }
        for slice in &rule.slices {
            let slice = self.slice(slice);
            self.add(&node, &term("forSlice"), slice);
        }
        for role in &rule.roles {
            self.words(&node, "forRole", role.as_str());
        }
        for locale in &rule.locales {
            self.words(&node, "forLocale", locale);
        }
    }

    /// Adds the scenario tests of a policy.
    pub fn tests(&mut self, policy: &Policy, scenarios: &[Scenario]) {
        let digest = policy.digest();
        for scenario in scenarios {
            let file = std::path::Path::new(&scenario.file).file_name().unwrap_or_default().to_string_lossy();
            let node = named("test", &[digest, &file, &scenario.line.to_string()]);
            self.is_a(&node, &term("Test"));
            self.label(&node, &scenario.name);
            let policy = named("policy", &[digest]);
            self.add(&node, &term("testOf"), policy);
            for rule in &scenario.expected.rules {
                let rule = self.rule_ref(digest, rule);
                self.add(&node, &term("expectsRule"), rule);
            }
            for rule in &scenario.expected.not_rules {
                let rule = self.rule_ref(digest, rule);
                self.add(&node, &term("expectsNotRule"), rule);
            }
        }
    }

    /// Adds that a policy was put in force, in the order of the store's history and before any entry of the log. What the log says of
    /// such changes is then left out.
    pub fn activation(&mut self, active: &Active) {
        let change = match active.change {
            Change::RolledBack => "rolled_back",
            _ => "activated",
        };
        let node = self.put_in_force(&active.since, change, &active.policy, active.revision, &active.by);
        self.words(&node, "reason", active.reason.as_deref().unwrap_or_default());
        if let Some(signer) = &active.signed_by {
            let signer = self.person(signer);
            self.add(&node, &term("signedBy"), signer);
        }
        let before = self.in_force.replace(active.policy.clone());
        if let (Change::RolledBack, Some(before)) = (active.change, before) {
            let before = self.policy_ref(&before);
            self.add(&node, &term("tookOutOfForce"), before);
        }
    }

    pub(super) fn put_in_force(
        &mut self,
        time: &str,
        change: &str,
        policy: &PolicyRef,
        revision: u64,
        by: &str,
    ) -> NamedNode {
        let policy = self.policy_ref(policy);
        let node = named("activation", &[&revision.to_string(), time]);
        self.is_a(&node, &term("Activation"));
        self.is_a(&node, &prov("Activity"));
        self.words(&node, "change", change);
        self.text(&node, "revision", Literal::from(revision));
        self.add(&node, &prov("used"), policy);
        self.at(&node, &prov("startedAtTime"), time);
        let person = self.person(by);
        self.add(&node, &prov("wasAssociatedWith"), person);
        node
    }

    /// Adds an exception, and the rules of the policy with this digest that it is for.
    pub fn exception(&mut self, exception: &Exception, policy: &str) {
        let node = self.exception_ref(&exception.id, &exception.approved_by);
        self.words(&node, "reason", &exception.reason);
        self.at(&node, &prov("generatedAtTime"), &moment(exception.effective));
        self.at(&node, &term("expires"), &moment(exception.expires));
        for rule in &exception.scope.rules {
            let rule = self.rule_ref(policy, rule);
            self.add(&node, &term("exceptsFrom"), rule);
        }
        for slice in exception.scope.slices.iter().flatten() {
            let slice = self.slice(slice);
            self.add(&node, &term("forSlice"), slice);
        }
    }

    /// Adds what judges.
    pub fn component(&mut self, component: &Component<'_>) {
        let model = self.model(component.model);
        let calibration = self.calibration(component.calibration);
        self.add(&calibration, &term("calibrates"), model.clone());
        if let Some(weights) = component.weights {
            let weights = self.weights(weights);
            self.add(&model, &term("hasWeights"), weights);
        }
        for head in component.heads {
            let node = named("head", &[&component.model.digest, head]);
            self.is_a(&node, &term("Head"));
            self.label(&node, head);
            self.add(&model, &term("hasHead"), node.clone());
            let detector = self.detector(&format!("classifier.{head}"));
            self.add(&detector, &term("computedBy"), node);
        }
    }

    /// The graph.
    ///
    /// # Errors
    /// [`GraphError::Store`].
    pub fn finish(self) -> Result<Graph, GraphError> {
        Graph::new(self.triples.into_values().collect())
    }

    pub(super) fn add(&mut self, subject: &NamedNode, predicate: &NamedNode, object: impl Into<Term>) {
        let triple = Triple::new(subject.clone(), predicate.clone(), object);
        self.triples.entry(triple.to_string()).or_insert(triple);
    }

    pub(super) fn is_a(&mut self, node: &NamedNode, class: &NamedNode) {
        self.add(node, &rdf::TYPE.into_owned(), class.clone());
    }

    pub(super) fn label(&mut self, node: &NamedNode, label: &str) {
        self.add(node, &rdfs::LABEL.into_owned(), Literal::from(label));
    }

    pub(super) fn text(&mut self, node: &NamedNode, property: &str, literal: Literal) {
        self.add(node, &term(property), literal);
    }

    /// A property whose value is words, where there are some.
    pub(super) fn words(&mut self, node: &NamedNode, property: &str, words: &str) {
        if !words.is_empty() {
            self.text(node, property, Literal::from(words));
        }
    }

    pub(super) fn at(&mut self, node: &NamedNode, property: &NamedNode, time: &str) {
        self.add(node, property, Literal::new_typed_literal(time, xsd::DATE_TIME));
    }

    pub(super) fn policy_ref(&mut self, policy: &PolicyRef) -> NamedNode {
        let node = named("policy", &[&policy.digest]);
        self.is_a(&node, &term("Policy"));
        self.is_a(&node, &odrl("Policy"));
        self.is_a(&node, &prov("Entity"));
        self.label(&node, &format!("{} {}", policy.id, policy.version));
        self.words(&node, "id", &policy.id);
        self.words(&node, "version", &policy.version);
        self.words(&node, "digest", &policy.digest);
        node
    }

    pub(super) fn rule_ref(&mut self, policy: &str, rule: &str) -> NamedNode {
        let node = named("rule", &[policy, rule]);
        self.is_a(&node, &term("Rule"));
        self.label(&node, rule);
        node
    }

    pub(super) fn person(&mut self, name: &str) -> NamedNode {
        let node = named("person", &[name]);
        self.is_a(&node, &term("Person"));
        self.is_a(&node, &prov("Agent"));
        self.label(&node, name);
        node
    }

    pub(super) fn slice(&mut self, name: &str) -> NamedNode {
        let node = named("slice", &[name]);
        self.is_a(&node, &term("DataSlice"));
        self.label(&node, name);
        node
    }

    pub(super) fn model(&mut self, model: &ModelRef) -> NamedNode {
        let node = named("model", &[&model.digest]);
        self.is_a(&node, &term("Model"));
        self.is_a(&node, &prov("Entity"));
        self.label(&node, &model.id);
        self.words(&node, "digest", &model.digest);
        node
    }

    pub(super) fn calibration(&mut self, digest: &str) -> NamedNode {
        let node = named("calibration", &[digest]);
        self.is_a(&node, &term("Calibration"));
        self.is_a(&node, &prov("Entity"));
        self.words(&node, "digest", digest);
        node
    }

    fn weights(&mut self, digest: &str) -> NamedNode {
        let node = named("weights", &[digest]);
        self.is_a(&node, &term("Weights"));
        self.words(&node, "digest", digest);
        node
    }

    fn detector(&mut self, name: &str) -> NamedNode {
        let node = named("detector", &[name]);
        self.is_a(&node, &term("Detector"));
        self.label(&node, name);
        node
    }

    fn hazard(&mut self, hazard: Hazard) -> NamedNode {
        let node = named("hazard", &[hazard.as_str()]);
        self.is_a(&node, &term("Hazard"));
        self.is_a(&node, &skos("Concept"));
        self.add(
            &node,
            &skos("prefLabel"),
            Literal::new_language_tagged_literal_unchecked(hazard.as_str(), "en"),
        );
        self.label(&node, hazard.as_str());
        node
    }

    fn held_against(&mut self, node: &NamedNode, reference: &str) {
        let standard = named("reference", &[reference]);
        self.is_a(&standard, &term("Reference"));
        self.label(&standard, reference);
        self.add(node, &term("heldAgainst"), standard);
    }
}

pub(super) fn prov(name: &str) -> NamedNode {
    NamedNode::new_unchecked(format!("http://www.w3.org/ns/prov#{name}"))
}

fn skos(name: &str) -> NamedNode {
    NamedNode::new_unchecked(format!("http://www.w3.org/2004/02/skos/core#{name}"))
}

fn odrl(name: &str) -> NamedNode {
    NamedNode::new_unchecked(format!("http://www.w3.org/ns/odrl/2/{name}"))
}
