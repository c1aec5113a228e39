//! What differs between two policies, in words.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::{Limit, OnDeadline, OnLogFailure, Policy, Rollback, Rule};
use crate::rails::list::Matching;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What differs: `the policy`, ``rule `hate` ``, ``list `rivals` ``.
    pub subject: String,
    /// How.
    #[serde(flatten)]
    pub kind: ChangeKind,
}

/// How something differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ChangeKind {
    /// It is in the second policy alone.
    Added {
        /// What it is, in short.
        what: String,
    },
    /// It is in the first policy alone.
    Removed {
        /// What it was, in short.
        what: String,
    },
    /// A key of it has another value.
    Changed {
        /// The key.
        key: &'static str,
        /// The value in the first policy.
        from: String,
        /// The value in the second policy.
        to: String,
    },
    /// Entries of it are in one of the policies alone; nothing is said of their order.
    Entries {
        /// What one entry is.
        key: &'static str,
        /// How many are in the second policy alone.
        added: usize,
        /// How many are in the first policy alone.
        removed: usize,
    },
    /// It has another content, which is not told.
    Content,
    /// Its entries come in another order.
    Order,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, kind } = self;
        match kind {
            ChangeKind::Added { what } if what.is_empty() => write!(f, "{subject} is added"),
            ChangeKind::Added { what } => write!(f, "{subject} is added: {what}"),
            ChangeKind::Removed { what } if what.is_empty() => write!(f, "{subject} is removed"),
            ChangeKind::Removed { what } => write!(f, "{subject} is removed: {what}"),
            ChangeKind::Changed { key, from, to } => write!(f, "{subject}: {key} from {from} to {to}"),
            ChangeKind::Entries { key, added, removed: 0 } => {
                write!(f, "{subject}: {} added", counted(*added, key))
            }
            ChangeKind::Entries { key, added: 0, removed } => {
                write!(f, "{subject}: {} removed", counted(*removed, key))
            }
            ChangeKind::Entries { key, added, removed } => {
                write!(f, "{subject}: {} added, {removed} removed", counted(*added, key))
            }
            ChangeKind::Content => write!(f, "{subject} has another content"),
            ChangeKind::Order => write!(f, "{subject} come in another order"),
        }
    }
}

impl Policy {
    /// What is different in `other`, in the order of a policy's parts. Policies with one digest have none.
    #[must_use]
    pub fn changes(&self, other: &Self) -> Vec<Change> {
        let mut changes = Changes::default();
        if self.digest == other.digest {
            return changes.0;
        }
        changes.document(self, other);
        changes.governance(self, other);
        changes.rollback(self.rollback.as_ref(), other.rollback.as_ref());
        changes.rules(self, other);
        changes.lists(self, other);
        changes.parts(self, other);
        if changes.0.is_empty() {
            changes.add("the text of the policy", ChangeKind::Content);
        }
        changes.0
    }
}

/// The differences found so far.
#[derive(Default)]
struct Changes(Vec<Change>);

impl Changes {
    fn add(&mut self, subject: &str, kind: ChangeKind) {
        self.0.push(Change { subject: subject.to_owned(), kind });
    }

    fn value(&mut self, subject: &str, key: &'static str, from: String, to: String) {
        if from != to {
            self.add(subject, ChangeKind::Changed { key, from, to });
        }
    }

    fn entries(&mut self, subject: &str, key: &'static str, from: &[String], to: &[String]) {
        let (from, to): (BTreeSet<_>, BTreeSet<_>) = (from.iter().collect(), to.iter().collect());
        let (added, removed) = (to.difference(&from).count(), from.difference(&to).count());
        if added + removed > 0 {
            self.add(subject, ChangeKind::Entries { key, added, removed });
        }
    }

    fn document(&mut self, a: &Policy, b: &Policy) {
        let subject = "the policy";
        let mut value = |key, from: String, to: String| self.value(subject, key, from, to);
        value("schema", a.schema.to_string(), b.schema.to_string());
        value("id", a.id.clone(), b.id.clone());
        value("version", a.version.clone(), b.version.clone());
        value("revision", a.revision.to_string(), b.revision.to_string());
        value("description", quoted(&a.description), quoted(&b.description));
        value("on_fault", a.on_fault.to_string(), b.on_fault.to_string());
        value("on_unsupported", a.on_unsupported.to_string(), b.on_unsupported.to_string());
        value("on_deadline", deadline(a.on_deadline), deadline(b.on_deadline));
        value("on_log_failure", log_failure(a.on_log_failure), log_failure(b.on_log_failure));
        value(
            "on_device_failure",
            a.on_device_failure.as_str().to_owned(),
            b.on_device_failure.as_str().to_owned(),
        );
        value("max_bytes", a.max_bytes.to_string(), b.max_bytes.to_string());
        value("max_decode_depth", a.max_decode_depth.to_string(), b.max_decode_depth.to_string());
        value("turns", a.turns.to_string(), b.turns.to_string());
        value("veto_template", optional(a.veto_template.as_ref()), optional(b.veto_template.as_ref()));
    }

    fn governance(&mut self, a: &Policy, b: &Policy) {
        let (a, b) = (&a.governance, &b.governance);
        let mut value = |key, from: String, to: String| self.value("the governance", key, from, to);
        value("objective", quoted(&a.objective), quoted(&b.objective));
        value("owner", quoted(&a.owner), quoted(&b.owner));
        value("reviewer", words(a.reviewer.as_ref()), words(b.reviewer.as_ref()));
        value("references", names(&a.references), names(&b.references));
        value("data_slice", words(a.data_slice.as_ref()), words(b.data_slice.as_ref()));
        value("effective", optional(a.effective.as_ref()), optional(b.effective.as_ref()));
        value("expires", optional(a.expires.as_ref()), optional(b.expires.as_ref()));
    }

    fn rollback(&mut self, a: Option<&Rollback>, b: Option<&Rollback>) {
        let subject = "the automatic rollback";
        match (a, b) {
            (None, None) => {}
            (None, Some(b)) => self.add(subject, ChangeKind::Added { what: b.to_string() }),
            (Some(a), None) => self.add(subject, ChangeKind::Removed { what: a.to_string() }),
            (Some(a), Some(b)) => self.value(subject, "conditions", a.to_string(), b.to_string()),
        }
    }

    fn rules(&mut self, a: &Policy, b: &Policy) {
        let of = |policy: &Policy| -> BTreeMap<String, Rule> {
            policy.rules.iter().map(|rule| (rule.id.clone(), rule.clone())).collect()
        };
        let (from, to) = (of(a), of(b));
        for rule in a.rules.iter().filter(|rule| !to.contains_key(&rule.id)) {
            self.add(&format!("rule `{}`", rule.id), ChangeKind::Removed { what: summary(rule) });
        }
        for rule in &b.rules {
            match from.get(&rule.id) {
                None => self.add(&format!("rule `{}`", rule.id), ChangeKind::Added { what: summary(rule) }),
                Some(before) => self.rule(before, rule),
            }
        }
        // Where two rules want the same bytes the earlier one wins.
        let order = |rules: &[Rule], other: &BTreeMap<String, Rule>| -> Vec<String> {
            rules.iter().map(|rule| rule.id.clone()).filter(|id| other.contains_key(id)).collect()
        };
        if order(&a.rules, &to) != order(&b.rules, &from) {
            self.add("the rules", ChangeKind::Order);
        }
    }

    fn rule(&mut self, a: &Rule, b: &Rule) {
        let subject = format!("rule `{}`", b.id);
        let mut value = |key, from: String, to: String| self.value(&subject, key, from, to);
        value("detector", a.detector.to_string(), b.detector.to_string());
        value("category", optional(a.category.as_ref()), optional(b.category.as_ref()));
        value("roles", roles(a), roles(b));
        value("slices", names(&a.slices), names(&b.slices));
        value("locales", names(&a.locales), names(&b.locales));
        match (a.limit, b.limit) {
            (Limit::Threshold(from), Limit::Threshold(to)) => {
                value("threshold", from.to_string(), to.to_string());
            }
            (Limit::TargetFpr(from), Limit::TargetFpr(to)) => {
                value("target_fpr", from.to_string(), to.to_string());
            }
            (from, to) => value("limit", limit(from), limit(to)),
        }
        value("action", a.action.to_string(), b.action.to_string());
        value("experimental", a.experimental.to_string(), b.experimental.to_string());
        value("owner", words(a.owner.as_ref()), words(b.owner.as_ref()));
        value("hazard", optional(a.hazard.as_ref()), optional(b.hazard.as_ref()));
        value("references", names(&a.references), names(&b.references));
        value("rationale", words(a.rationale.as_ref()), words(b.rationale.as_ref()));
    }

    fn lists(&mut self, a: &Policy, b: &Policy) {
        for list in a.lists.iter().filter(|list| !b.lists.iter().any(|other| other.id == list.id)) {
            let what = counted(list.words.len(), "word");
            self.add(&format!("list `{}`", list.id), ChangeKind::Removed { what });
        }
        for list in &b.lists {
            let subject = format!("list `{}`", list.id);
            let Some(before) = a.lists.iter().find(|other| other.id == list.id) else {
                self.add(&subject, ChangeKind::Added { what: counted(list.words.len(), "word") });
                continue;
            };
            self.entries(&subject, "word", &before.words, &list.words);
            self.entries(&subject, "allowed word", &before.allow, &list.allow);
            self.value(&subject, "match", matching(before.matching), matching(list.matching));
        }
        self.entries("the URLs", "allowed host", &a.hosts.allow, &b.hosts.allow);
        self.entries("the URLs", "denied host", &a.hosts.deny, &b.hosts.deny);
        self.entries("the tools", "allowed tool", &a.tools.allow, &b.tools.allow);
    }

    /// Templates, JSON Schemas, schemas of tools and heads: what is there, and whether it is the same.
    fn parts(&mut self, a: &Policy, b: &Policy) {
        let (from, to) = (parts(a), parts(b));
        for subject in from.keys().filter(|subject| !to.contains_key(*subject)) {
            self.add(subject, ChangeKind::Removed { what: String::new() });
        }
        for (subject, content) in &to {
            match from.get(subject) {
                None => self.add(subject, ChangeKind::Added { what: String::new() }),
                Some(before) if before != content => self.add(subject, ChangeKind::Content),
                Some(_) => {}
            }
        }
    }
}

/// The parts that are told by name alone, and what tells whether they are the same.
fn parts(policy: &Policy) -> BTreeMap<String, String> {
    let templates = policy.templates.iter().map(|(name, text)| (format!("template `{name}`"), text.clone()));
    let schemas = policy.schemas.iter().map(|schema| {
        let roles = schema.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(" ");
        (format!("`{}`", schema.detector), format!("{} {roles}", schema.schema.digest()))
    });
    let tools = policy.tools.schemas.iter();
    let tools = tools.map(|(name, schema)| (format!("tool `{name}`"), schema.digest().to_string()));
    let heads = policy.heads.iter();
    let heads = heads.map(|own| (format!("head `{}`", own.head.head().name), own.digest.to_string()));
    templates.chain(schemas).chain(tools).chain(heads).collect()
}

fn summary(rule: &Rule) -> String {
    format!("{} from {}, {}", rule.detector, limit(rule.limit), rule.action)
}

fn limit(limit: Limit) -> String {
    match limit {
        Limit::Threshold(threshold) => format!("threshold {threshold}"),
        Limit::TargetFpr(target) => format!("target_fpr {target}"),
    }
}

fn matching(matching: Matching) -> String {
    match matching {
        Matching::Word => "word",
        Matching::Substring => "substring",
    }
    .to_owned()
}

/// A number of things, whose name takes an `s` where there is not one of them.
fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn deadline(on_deadline: OnDeadline) -> String {
    match on_deadline {
        OnDeadline::Fault => "fault",
        OnDeadline::Exit => "exit",
    }
    .to_owned()
}

fn log_failure(on_log_failure: OnLogFailure) -> String {
    match on_log_failure {
        OnLogFailure::Fault => "fault",
        OnLogFailure::Continue => "continue",
    }
    .to_owned()
}

fn roles(rule: &Rule) -> String {
    rule.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ")
}

fn names(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn quoted(text: &str) -> String {
    if text.is_empty() { "none".to_owned() } else { format!("{text:?}") }
}

/// Words for people, or that there are none.
fn words(text: Option<&String>) -> String {
    quoted(text.map_or("", String::as_str))
}

fn optional<T: fmt::Display>(value: Option<&T>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| value.to_string())
}
