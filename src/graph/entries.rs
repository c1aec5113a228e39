//! Takes in the entries of a log: decisions, and what people and the monitor did.

use oxigraph::model::{Literal, NamedNode};

use super::build::{Builder, prov};
use super::iri::{named, term};
use crate::log::{Body, Entry, Event};
use crate::record::DecisionRecord;

impl Builder {
    /// Adds an entry.
    pub fn entry(&mut self, entry: &Entry) {
        match &entry.body {
            Body::Decision(record) => self.decision(record),
            Body::Event { time, event } => self.event(time, event),
        }
    }

    fn decision(&mut self, record: &DecisionRecord) {
        let node = self.decision_ref(&record.decision_id);
        self.words(&node, "decided", record.decision.as_str());
        self.words(&node, "role", record.role.as_str());
        self.at(&node, &prov("startedAtTime"), &record.time);
        let policy = self.policy_ref(&record.policy);
        self.add(&node, &term("underPolicy"), policy);
        if let Some(model) = &record.model {
            let model = self.model(model);
            self.add(&node, &term("usedModel"), model);
        }
        if let Some(calibration) = &record.calibration {
            let calibration = self.calibration(calibration);
            self.add(&node, &term("usedCalibration"), calibration);
        }
        if let Some(slice) = &record.slice {
            let slice = self.slice(slice);
            self.add(&node, &term("ofSlice"), slice);
        }
        for finding in &record.findings {
            let rule = self.rule_ref(&record.policy.digest, &finding.rule);
            self.add(&node, &term("appliedRule"), rule);
        }
        for used in &record.exceptions {
            let exception = self.exception_ref(&used.id, &used.approved_by);
            self.add(&node, &term("usedException"), exception);
            let rule = self.rule_ref(&record.policy.digest, &used.rule);
            self.add(&node, &term("waivedRule"), rule);
        }
    }

    fn event(&mut self, time: &str, event: &Event) {
        match event {
            Event::PolicyActivated { .. } | Event::PolicyRolledBack { .. } if self.in_force.is_some() => {}
            Event::PolicyActivated { policy, revision, by } => {
                self.put_in_force(time, "activated", policy, *revision, by);
            }
            Event::PolicyRolledBack { from, to, revision, by, reason } => {
                let node = self.put_in_force(time, "rolled_back", to, *revision, by);
                let from = self.policy_ref(from);
                self.add(&node, &term("tookOutOfForce"), from);
                self.words(&node, "reason", reason);
            }
            Event::ExceptionAdded { id, approved_by, expires } => {
                let node = self.exception_ref(id, approved_by);
                self.at(&node, &term("expires"), expires);
                self.at(&node, &prov("generatedAtTime"), time);
            }
            Event::ExceptionRevoked { id, by, reason } => {
                let node = named("exception", &[id]);
                self.is_a(&node, &term("Exception"));
                let by = self.person(by);
                self.add(&node, &term("revokedBy"), by);
                self.words(&node, "reason", reason);
            }
            Event::ReviewDecided { decision_id, outcome, by, reason, labels } => {
                let node = named("review", &[decision_id, time]);
                self.is_a(&node, &term("Review"));
                self.is_a(&node, &prov("Activity"));
                let decision = self.decision_ref(decision_id);
                self.add(&node, &prov("used"), decision);
                let by = self.person(by);
                self.add(&node, &prov("wasAssociatedWith"), by);
                self.at(&node, &prov("startedAtTime"), time);
                self.words(&node, "outcome", outcome);
                self.words(&node, "reason", reason);
                for label in labels {
                    self.words(&node, "givenLabel", label);
                }
            }
            Event::AlertRaised { indicator, subject, value, limit, policy, message } => {
                let node = named("alert", &[indicator, subject.as_deref().unwrap_or_default(), time]);
                self.is_a(&node, &term("Alert"));
                self.words(&node, "indicator", indicator);
                self.words(&node, "subject", subject.as_deref().unwrap_or_default());
                self.text(&node, "value", Literal::from(*value));
                self.text(&node, "limit", Literal::from(*limit));
                self.words(&node, "message", message);
                self.at(&node, &prov("startedAtTime"), time);
                let policy = self.policy_ref(policy);
                self.add(&node, &term("underPolicy"), policy);
            }
            // An alert that is over and what a candidate would have done are in the log, and not in the graph.
            _ => {}
        }
    }

    /// An exception and who approved it.
    pub(super) fn exception_ref(&mut self, id: &str, approved_by: &str) -> NamedNode {
        let node = named("exception", &[id]);
        self.is_a(&node, &term("Exception"));
        self.label(&node, id);
        let by = self.person(approved_by);
        self.add(&node, &term("approvedBy"), by);
        node
    }

    fn decision_ref(&mut self, id: &str) -> NamedNode {
        let node = named("decision", &[id]);
        self.is_a(&node, &term("Decision"));
        self.is_a(&node, &prov("Activity"));
        node
    }
}
