//! The entries of a log, one by one, into the sums that a report is made of.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::kpi::{self, Sums};
use super::labels::{Label, Labelled, MAX_LABELS};
use super::latency::Latencies;
use super::names::Named;
use super::oversight::Watch;
use super::rules::ByRule;
use super::slices::BySlice;
use super::timeline::{Point, Timeline};
use super::{Audit, Count, Deployed, Report, Settings, Tally, Verification, drift, written};
use crate::exception::Exception;
use crate::log::{Body, Entry, Event};
use crate::record::DecisionRecord;
use crate::request::Role;
use crate::verdict::{Coverage, CoverageReason, Decision};

/// A report in the making. What it holds is bounded, whatever the length of the log.
#[derive(Clone, Debug)]
pub struct Aggregate {
    settings: Settings,
    sums: Sums,
    undated: u64,
    times: Option<(Timestamp, Timestamp)>,
    latencies: Latencies,
    timeline: Timeline,
    roles: Named<u64>,
    reasons: Named<u64>,
    rules: ByRule,
    slices: BySlice,
    labels: BTreeMap<String, BTreeMap<String, bool>>,
    labelled: Labelled,
    matched: u64,
    deployed: BTreeMap<(&'static str, String), Seen>,
    watch: Watch,
    audit: Audit,
}

#[derive(Clone, Debug)]
struct Seen {
    name: String,
    first: String,
    last: String,
    tally: Tally,
}

impl Aggregate {
    /// A report about nothing yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            sums: Sums::default(),
            undated: 0,
            times: None,
            latencies: Latencies::default(),
            timeline: Timeline::default(),
            roles: Named::default(),
            reasons: Named::default(),
            rules: ByRule::default(),
            slices: BySlice::default(),
            labels: BTreeMap::new(),
            labelled: Labelled::default(),
            matched: 0,
            deployed: BTreeMap::new(),
            watch: Watch::default(),
            audit: Audit::default(),
        }
    }

    /// Adds what is known to be true of a decision; all labels come before the entries. Says whether it was taken: no more than
    /// [`MAX_LABELS`] are.
    pub fn label(&mut self, label: Label) -> bool {
        let taken = self.labels.len() < MAX_LABELS;
        if taken {
            self.labels.entry(label.decision_id).or_default().extend(label.heads);
        }
        taken
    }

    /// Adds an exception that lies in a folder; all of them come before the entries.
    pub fn exception(&mut self, exception: &Exception) {
        self.watch.exception(exception);
    }

    /// Adds an entry. Entries come in the order of the log.
    pub fn add(&mut self, entry: &Entry) {
        self.audit.read(entry.seq);
        match &entry.body {
            Body::Decision(record) => self.decision(record),
            Body::Event { time, event } => self.event(time, event),
        }
    }

    /// Notes a line of the log that holds no entry, and why.
    pub fn unreadable(&mut self, why: String) {
        self.audit.unreadable(why);
    }

    /// The report, with what the log's verification found where it was done.
    #[must_use]
    pub fn finish(mut self, verification: Option<Verification>) -> Report {
        self.audit.verification = verification;
        let Settings { title, at, since, until, brand_categories, policy_rules } = self.settings;
        let oversight = self.watch.oversight(at);
        let counts = |named: &Named<u64>| {
            named.iter().map(|(name, n)| Count { name: name.clone(), n: *n }).collect::<Vec<_>>()
        };
        let scores: Vec<_> = self.timeline.cells().map(|cell| &cell.scores).collect();
        Report {
            title,
            at: written(at),
            since: since.map(written),
            until: until.map(written),
            first: self.times.map(|(first, _)| written(first)),
            last: self.times.map(|(_, last)| written(last)),
            decisions: self.sums.decisions,
            undated: self.undated,
            kpis: kpi::kpis(&self.sums, &self.latencies, &oversight, &self.audit),
            brand_categories,
            trend: self.timeline.trend(),
            roles: counts(&self.roles),
            coverage_reasons: counts(&self.reasons),
            rules: self.rules.lines(self.sums.decisions.n),
            unused_rules: self.rules.unused(&policy_rules),
            slices: self.slices.lines(),
            reliability: self.labelled.reliability(),
            labelled: self.matched,
            unmatched_labels: self.labels.len() as u64,
            drift: drift::drift(scores.iter().copied()),
            monitor: None,
            monitor_problem: None,
            deployed: self.deployed.into_iter().map(deployed).collect(),
            oversight,
            audit: self.audit,
        }
    }

    fn decision(&mut self, record: &DecisionRecord) {
        let time = record.time.parse::<Timestamp>().ok();
        if self.is_later(time) {
            return;
        }
        let counted = self.is_within(time);
        if record.decision == Decision::Escalate {
            self.watch.hold(record, counted, self.labels.contains_key(&record.decision_id));
        }
        if !counted {
            return;
        }
        self.count(record);
        let used: BTreeSet<&str> = record.exceptions.iter().map(|used| used.id.as_str()).collect();
        self.sums.excepted += u64::from(!used.is_empty());
        used.into_iter().for_each(|id| self.watch.exception_used(id));
        self.rules.add(record);
        self.slices.add(record.slice.as_deref(), record.decision);
        *self.roles.of(record.role.as_str()) += 1;
        for reason in &record.coverage_reasons {
            let name = serde_json::to_value(reason).unwrap_or_default();
            *self.reasons.of(name.as_str().unwrap_or_default()) += 1;
        }
        self.latencies.add(record.timing_us.total);
        match time {
            Some(time) => self.date(time, record),
            None => self.undated += 1,
        }
        self.deploy(record);
        if let Some(heads) = self.labels.remove(&record.decision_id) {
            self.matched += 1;
            self.labelled.add(&record.scores, &heads);
            let harmful = heads.values().any(|positive| *positive);
            self.slices.label(record.slice.as_deref(), record.decision, harmful);
        }
    }

    fn count(&mut self, record: &DecisionRecord) {
        let sums = &mut self.sums;
        sums.decisions.add(record.decision);
        let full = record.coverage == Coverage::Full;
        let fault = record.fault.is_some() || record.coverage_reasons.contains(&CoverageReason::Fault);
        sums.full += u64::from(full);
        sums.faults += u64::from(fault);
        sums.compliant += u64::from(full && !fault && self.watch.is_in_force(&record.policy.digest));
        if record.role == Role::Assistant {
            sums.assistant.add(record.decision);
            sums.assistant_broke += u64::from(!record.findings.is_empty());
            let brand = &self.settings.brand_categories;
            let off = record.findings.iter().any(|finding| brand.contains(&finding.category));
            sums.assistant_off_brand += u64::from(off);
        }
    }

    fn date(&mut self, time: Timestamp, record: &DecisionRecord) {
        let (first, last) = self.times.unwrap_or((time, time));
        self.times = Some((first.min(time), last.max(time)));
        let point = Point {
            decision: record.decision,
            full: record.coverage == Coverage::Full,
            latency_us: record.timing_us.total,
            scores: &record.scores,
        };
        self.timeline.add(time, &point);
    }

    fn deploy(&mut self, record: &DecisionRecord) {
        let policy = &record.policy;
        self.deploy_one("policy", &policy.digest, || format!("{} {}", policy.id, policy.version), record);
        if let Some(model) = &record.model {
            self.deploy_one("model", &model.digest, || model.id.clone(), record);
        }
        if let Some(calibration) = &record.calibration {
            self.deploy_one("calibration", calibration, String::new, record);
        }
    }

    fn deploy_one(
        &mut self,
        kind: &'static str,
        digest: &str,
        name: impl FnOnce() -> String,
        record: &DecisionRecord,
    ) {
        let most = 3 * super::names::MAX_NAMES;
        let key = (kind, digest.to_owned());
        if self.deployed.len() >= most && !self.deployed.contains_key(&key) {
            return;
        }
        let seen = self.deployed.entry(key).or_insert_with(|| Seen {
            name: name(),
            first: record.time.clone(),
            last: String::new(),
            tally: Tally::default(),
        });
        seen.last.clone_from(&record.time);
        seen.tally.add(record.decision);
    }

    fn event(&mut self, time: &str, event: &Event) {
        let when = time.parse::<Timestamp>().ok();
        if self.is_later(when) {
            return;
        }
        if let Event::RecordsLost { count, .. } = event {
            self.audit.lost(*count);
        }
        let counted = self.is_within(when);
        let Some((case, approved)) = self.watch.event(time, event, counted) else { return };
        if counted {
            self.rules.review(&case.rules, approved);
            self.slices.review(case.slice.as_deref(), approved);
        }
        if let (true, Event::ReviewDecided { labels, .. }) = (case.counted && !case.labelled, event) {
            let heads: BTreeMap<String, bool> = labels.iter().filter_map(|label| said(label)).collect();
            self.matched += u64::from(!heads.is_empty());
            self.labelled.add(&case.scores, &heads);
        }
    }

    fn is_later(&self, time: Option<Timestamp>) -> bool {
        matches!((time, self.settings.until), (Some(time), Some(until)) if time >= until)
    }

    /// Whether an entry of this time counts; one without a time only where all of the log was asked for.
    fn is_within(&self, time: Option<Timestamp>) -> bool {
        match (time, self.settings.since, self.settings.until) {
            (Some(time), since, _) => since.is_none_or(|since| time >= since),
            (None, since, until) => since.is_none() && until.is_none(),
        }
    }
}

/// What a label of a review says: `head=1` or `head=0`, and a head alone that it is right.
fn said(label: &str) -> Option<(String, bool)> {
    let Some((head, value)) = label.split_once('=') else { return Some((label.to_owned(), true)) };
    let value: f64 = value.parse().ok().filter(|value| (0.0..=1.0).contains(value))?;
    Some((head.to_owned(), value >= 0.5))
}

fn deployed(((kind, digest), seen): ((&'static str, String), Seen)) -> Deployed {
    Deployed { kind, name: seen.name, digest, first: seen.first, last: seen.last, decisions: seen.tally }
}
