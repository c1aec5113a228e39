//! What people and the monitor did: reviews, exceptions, alerts and the policies put in force.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::names::MAX_NAMES;
use super::rules;
use crate::exception;
use crate::log::Event;
use crate::record::DecisionRecord;
use crate::verdict::PolicyRef;

/// Most cases that are followed from their decision to their review.
const MAX_CASES: usize = 50_000;
/// Most open cases, alerts and changes of policy that are listed.
const LISTED: usize = 50;
/// A case that has waited for this many hours is late.
const LATE_HOURS: i64 = 72;
/// An exception that ends within this many days is about to expire.
const EXPIRY_DAYS: i64 = 30;

/// What people and the monitor did.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Oversight {
    /// Reviews.
    pub reviews: Reviews,
    /// Exceptions that are in force or ended in the log, in the order of their end.
    pub exceptions: Vec<ExceptionLine>,
    /// Alerts raised in the period.
    pub alerts_raised: u64,
    /// The last alerts of the log, newest first; fifty at most.
    pub alerts: Vec<AlertLine>,
    /// Policies put in force, newest first; fifty at most.
    pub policies: Vec<PolicyChange>,
}

/// Held texts and what became of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Reviews {
    /// Cases decided in the period.
    pub decided: u64,
    /// Those that were approved: the text need not have been held.
    pub approved: u64,
    /// Those that were rejected.
    pub rejected: u64,
    /// Escalated cases that nobody has decided, at the end of the period.
    pub open: u64,
    /// Those of them that have waited for 72 hours or more, at the time of the report.
    pub late: u64,
    /// The oldest of them; fifty at most.
    pub oldest: Vec<OpenReview>,
    /// The median time from a decision to its review, in seconds, of cases decided in the period; none without such cases.
    pub median_seconds: Option<u64>,
    /// Escalated cases that were too many to follow; they are in no other figure here.
    pub not_followed: u64,
}

/// A case that waits for a person.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OpenReview {
    /// The id of its decision.
    pub decision_id: String,
    /// The time of its decision.
    pub time: String,
    /// Whole hours from then to the time of the report.
    pub hours: i64,
    /// Its rules, sorted.
    pub rules: Vec<String>,
    /// Its data slice.
    pub slice: Option<String>,
}

/// An exception from a policy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExceptionLine {
    /// Its id.
    pub id: String,
    /// Who approved it.
    pub approved_by: String,
    /// When it was taken up; where only its file tells of it, from when it is in force.
    pub added: String,
    /// When it ends, as it says.
    pub expires: String,
    /// Whole days from the time of the report to its end; none where the end cannot be read.
    pub days_left: Option<i64>,
    /// `active`, `expiring` (within 30 days), `expired` or `revoked`.
    pub state: &'static str,
    /// Decisions in the period that used it.
    pub uses: u64,
}

/// An alert.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AlertLine {
    /// When.
    pub time: String,
    /// What is watched.
    pub indicator: String,
    /// The rule, head or slice.
    pub subject: Option<String>,
    /// What was measured.
    pub value: f64,
    /// The bound; none where the alert was cleared.
    pub limit: Option<f64>,
    /// A sentence for people.
    pub message: String,
}

/// A policy put in force.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PolicyChange {
    /// When.
    pub time: String,
    /// `activated` or `rolled back`.
    pub change: &'static str,
    /// The policy in force from then on.
    pub policy: PolicyRef,
    /// Its revision.
    pub revision: u64,
    /// Who did it.
    pub by: String,
    /// Why; empty for an activation.
    pub reason: String,
}

/// A case from its decision to its review.
#[derive(Clone, Debug)]
pub(super) struct Case {
    time: String,
    /// Whether its decision is in the period.
    pub(super) counted: bool,
    /// Whether what is true of its text is known from elsewhere.
    pub(super) labelled: bool,
    pub(super) rules: Vec<String>,
    pub(super) slice: Option<String>,
    pub(super) scores: BTreeMap<String, f32>,
}

/// What is gathered of the events and the held decisions.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch {
    cases: BTreeMap<String, Case>,
    reviews: Reviews,
    waits: super::latency::Latencies,
    exceptions: BTreeMap<String, Exception>,
    alerts_raised: u64,
    alerts: VecDeque<AlertLine>,
    policies: VecDeque<PolicyChange>,
    in_force: BTreeSet<String>,
}

#[derive(Clone, Debug)]
struct Exception {
    approved_by: String,
    added: String,
    expires: String,
    revoked: bool,
    uses: u64,
}

impl Watch {
    /// Follows a decision that waits for a person.
    pub(super) fn hold(&mut self, record: &DecisionRecord, counted: bool, labelled: bool) {
        if self.cases.len() >= MAX_CASES {
            self.reviews.not_followed += 1;
            return;
        }
        let case = Case {
            time: record.time.clone(),
            counted,
            labelled,
            rules: rules::of(record).into_iter().map(str::to_owned).collect(),
            slice: record.slice.clone(),
            scores: record.scores.clone(),
        };
        self.cases.insert(record.decision_id.clone(), case);
    }

    /// Takes in an exception that lies in a folder, unless the log tells of it.
    pub(super) fn exception(&mut self, exception: &exception::Exception) {
        if self.exceptions.len() < MAX_NAMES {
            self.exceptions.entry(exception.id.clone()).or_insert_with(|| Exception {
                approved_by: exception.approved_by.clone(),
                added: exception::moment(exception.effective),
                expires: exception::moment(exception.expires),
                revoked: false,
                uses: 0,
            });
        }
    }

    /// Whether a policy of this digest was put in force so far; so is every one while the log tells of none.
    pub(super) fn is_in_force(&self, digest: &str) -> bool {
        self.in_force.is_empty() || self.in_force.contains(digest)
    }

    /// Counts a decision that used an exception.
    pub(super) fn exception_used(&mut self, id: &str) {
        if let Some(exception) = self.exceptions.get_mut(id) {
            exception.uses += 1;
        }
    }

    /// Takes in an event; gives the case that it decides, and whether that was approved. `counted` says that its time is in the
    /// period.
    pub(super) fn event(&mut self, time: &str, event: &Event, counted: bool) -> Option<(Case, bool)> {
        match event {
            Event::PolicyActivated { policy, revision, by } => {
                self.put_in_force(time, "activated", policy, *revision, by, "");
            }
            Event::PolicyRolledBack { to, revision, by, reason, .. } => {
                self.put_in_force(time, "rolled back", to, *revision, by, reason);
            }
            Event::AlertRaised { indicator, subject, value, limit, message, .. } => {
                self.alerts_raised += u64::from(counted);
                self.alert(AlertLine {
                    time: time.to_owned(),
                    indicator: indicator.clone(),
                    subject: subject.clone(),
                    value: *value,
                    limit: Some(*limit),
                    message: message.clone(),
                });
            }
            Event::AlertCleared { indicator, subject, value } => self.alert(AlertLine {
                time: time.to_owned(),
                indicator: indicator.clone(),
                subject: subject.clone(),
                value: *value,
                limit: None,
                message: "cleared".to_owned(),
            }),
            Event::ExceptionAdded { id, approved_by, expires } if self.exceptions.len() < MAX_NAMES => {
                let (approved_by, expires) = (approved_by.clone(), expires.clone());
                let added = time.to_owned();
                let exception = Exception { approved_by, added, expires, revoked: false, uses: 0 };
                self.exceptions.insert(id.clone(), exception);
            }
            Event::ExceptionRevoked { id, .. } => {
                if let Some(exception) = self.exceptions.get_mut(id) {
                    exception.revoked = true;
                }
            }
            Event::ReviewDecided { decision_id, outcome, .. } => {
                return self.reviewed(time, decision_id, outcome == "approve", counted);
            }
            // What the log says of itself is told by its verification, and a candidate decides nothing.
            _ => {}
        }
        None
    }

    fn reviewed(&mut self, time: &str, id: &str, approved: bool, counted: bool) -> Option<(Case, bool)> {
        let case = self.cases.remove(id);
        if counted {
            self.reviews.decided += 1;
            *if approved { &mut self.reviews.approved } else { &mut self.reviews.rejected } += 1;
            let from = case.as_ref().and_then(|case| case.time.parse::<Timestamp>().ok());
            if let (Some(from), Ok(to)) = (from, time.parse::<Timestamp>()) {
                self.waits.add(u64::try_from(to.duration_since(from).as_secs()).unwrap_or(0));
            }
        }
        Some((case?, approved))
    }

    fn put_in_force(
        &mut self,
        time: &str,
        change: &'static str,
        policy: &PolicyRef,
        revision: u64,
        by: &str,
        reason: &str,
    ) {
        if self.in_force.len() < 10 * MAX_NAMES {
            self.in_force.insert(policy.digest.clone());
        }
        let (time, by, reason) = (time.to_owned(), by.to_owned(), reason.to_owned());
        self.policies.push_front(PolicyChange { time, change, policy: policy.clone(), revision, by, reason });
        self.policies.truncate(LISTED);
    }

    fn alert(&mut self, alert: AlertLine) {
        self.alerts.push_front(alert);
        self.alerts.truncate(LISTED);
    }

    /// What was gathered, as it stands at this time.
    pub(super) fn oversight(self, at: Timestamp) -> Oversight {
        let mut open: Vec<(String, Case)> = self.cases.into_iter().collect();
        open.sort_by(|(a_id, a), (b_id, b)| a.time.cmp(&b.time).then_with(|| a_id.cmp(b_id)));
        let reviews = Reviews {
            open: open.len() as u64,
            late: open.iter().filter(|(_, case)| hours(case, at) >= LATE_HOURS).count() as u64,
            median_seconds: self.waits.quantile(0.5),
            oldest: open.into_iter().take(LISTED).map(|(id, case)| waiting(id, case, at)).collect(),
            ..self.reviews
        };
        let mut exceptions: Vec<ExceptionLine> =
            self.exceptions.into_iter().map(|(id, exception)| line(id, exception, at)).collect();
        exceptions.sort_by(|a, b| a.expires.cmp(&b.expires).then_with(|| a.id.cmp(&b.id)));
        Oversight {
            reviews,
            exceptions,
            alerts_raised: self.alerts_raised,
            alerts: self.alerts.into(),
            policies: self.policies.into(),
        }
    }
}

fn waiting(decision_id: String, case: Case, at: Timestamp) -> OpenReview {
    let hours = hours(&case, at);
    OpenReview { decision_id, time: case.time, hours, rules: case.rules, slice: case.slice }
}

/// How long a case has waited; 0 where its time cannot be read.
fn hours(case: &Case, at: Timestamp) -> i64 {
    let since = case.time.parse::<Timestamp>().ok();
    since.map_or(0, |since| at.duration_since(since).as_hours().max(0))
}

fn line(id: String, exception: Exception, at: Timestamp) -> ExceptionLine {
    let left = exception.expires.parse::<Timestamp>().ok().map(|end| end.duration_since(at));
    let state = match left {
        _ if exception.revoked => "revoked",
        Some(left) if left <= SignedDuration::ZERO => "expired",
        Some(left) if left <= SignedDuration::from_hours(24 * EXPIRY_DAYS) => "expiring",
        _ => "active",
    };
    ExceptionLine {
        id,
        approved_by: exception.approved_by,
        added: exception.added,
        expires: exception.expires,
        days_left: left.map(|left| left.as_hours().div_euclid(24)),
        state,
        uses: exception.uses,
    }
}
