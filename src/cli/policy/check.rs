//! `policy check`: every mistake of a policy and of its tests at once, and whether it fits the model.

use super::{counted, status};
use crate::cli::guard_options::GuardOptions;
use crate::cli::terminal;
use clap::Args;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use portcullis::policy::{
    Policy, PolicyErrors, PolicyOpenError, Problem, Scenario, ScenarioError, Standing, file_of, scenarios,
};
use portcullis::{GuardError, ModelRef, PolicyRef};
use serde::Serialize;
use std::fmt::{Display, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

/// Tell every mistake and warning of a policy, with its place.
#[derive(Args)]
#[command(after_help = "\
The tests of a bundle are read too, but not run, and the policy is fitted to the model in use: every detector must be there,
and every `target_fpr` must have a threshold.

Examples:
  portcullis policy check my-bundle
  portcullis policy check my-policy.toml --models models --model portcullis-small
  portcullis policy check my-bundle --at 2031-05-09
  portcullis policy check my-bundle --json | jq .errors

Exit status: 0 when there is no mistake, 1 when there is one, 2 an error.")]
pub(super) struct Arguments {
    /// The policy: a file, or a bundle.
    path: PathBuf,

    /// The day on which it is to be in force. Without it, today (UTC).
    #[arg(long, value_name = "DATE")]
    at: Option<Date>,

    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// A policy that expires within this many days is told of.
const SOON_DAYS: i32 = 30;

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let mut report = Report::of(&arguments.path);
    match Policy::open(&arguments.path) {
        Ok(policy) => report.look(&policy, arguments, options)?,
        Err(PolicyOpenError::Invalid(errors)) => report.mistakes(&errors),
        Err(error) => return Err(error.into()),
    }
    report.valid = report.errors.is_empty();
    terminal::emit(&if arguments.json { serde_json::to_string(&report)? + "\n" } else { report.readable() })?;
    Ok(status(report.valid))
}

/// What was found.
#[derive(Default, Serialize)]
struct Report {
    valid: bool,
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<PolicyRef>,
    schema: u64,
    revision: u64,
    rules: usize,
    tests: usize,
    /// The model that the policy fits.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<ModelRef>,
    errors: Vec<Told>,
    warnings: Vec<Told>,
}

/// A mistake or a warning.
#[derive(Serialize)]
struct Told {
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<Place>,
    message: String,
    /// As a person reads it.
    #[serde(skip)]
    readable: String,
}

/// Where something is, both numbers from 1.
#[derive(Serialize)]
struct Place {
    file: String,
    line: usize,
    column: usize,
}

impl<E: Display> From<&Problem<E>> for Told {
    fn from(problem: &Problem<E>) -> Self {
        let place = Place { file: problem.file().to_owned(), line: problem.line, column: problem.column };
        Self { place: Some(place), message: problem.what.to_string(), readable: problem.to_string() }
    }
}

impl From<String> for Told {
    fn from(message: String) -> Self {
        Self { place: None, readable: message.clone(), message }
    }
}

impl Report {
    fn of(path: &std::path::Path) -> Self {
        Self { file: file_of(path).display().to_string(), ..Self::default() }
    }

    fn mistakes(&mut self, errors: &PolicyErrors) {
        self.errors.extend(errors.problems().iter().map(Told::from));
        if errors.omitted() > 0 {
            self.errors.push(format!("and {} more", errors.omitted()).into());
        }
    }

    /// Looks at a policy that was read.
    fn look(&mut self, policy: &Policy, arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<()> {
        self.policy = Some(policy.reference());
        (self.schema, self.revision) = (policy.schema(), policy.revision());
        self.rules = policy.rules().len();
        self.warnings.extend(policy.warnings().iter().map(Told::from));
        let day = arguments.at.unwrap_or_else(|| TimeZone::UTC.to_datetime(Timestamp::now()).date());
        self.warnings.extend(on(policy, day).map(Told::from));
        match options.guard_of(policy.clone()) {
            Ok(guard) => self.model = Some(guard.inspect().model),
            Err(GuardError::Policy(errors)) => self.mistakes(&errors),
            Err(error) => return Err(error.into()),
        }
        match scenarios(&arguments.path, policy) {
            Ok(cases) => self.tests(policy, &cases),
            Err(ScenarioError::Invalid(files)) => files.iter().for_each(|errors| self.mistakes(errors)),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// The rules that no test names, where there are tests.
    fn tests(&mut self, policy: &Policy, cases: &[Scenario]) {
        self.tests = cases.len();
        let is_tested = |id: &String| cases.iter().any(|case| case.expected.rules.contains(id));
        let untested: Vec<&str> = policy
            .rules()
            .iter()
            .map(|rule| &rule.id)
            .filter(|id| !is_tested(id))
            .map(String::as_str)
            .collect();
        if !cases.is_empty() && !untested.is_empty() {
            let rules = untested.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
            self.warnings.push(format!("no test expects a finding of {rules}").into());
        }
    }

    fn readable(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        for error in &self.errors {
            let _ = writeln!(text, "{}", error.readable);
        }
        for warning in &self.warnings {
            let _ = writeln!(text, "warning: {}", warning.readable);
        }
        let warnings = match self.warnings.len() {
            0 => String::new(),
            number => format!(", {}", counted(number, "warning")),
        };
        let file = terminal::printable(&self.file);
        let _ = match (&self.policy, &self.model) {
            (Some(policy), Some(model)) if self.errors.is_empty() => writeln!(
                text,
                "{file}: {} {}, revision {}: {} and {}, fits {}{warnings}",
                policy.id,
                policy.version,
                self.revision,
                counted(self.rules, "rule"),
                counted(self.tests, "test"),
                model.id,
            ),
            _ => writeln!(text, "{file}: {}{warnings}", counted(self.errors.len(), "mistake")),
        };
        text
    }
}

/// What is to be said of a policy that is to be in force on this day.
fn on(policy: &Policy, day: Date) -> Option<String> {
    let governance = policy.governance();
    match governance.standing(day) {
        Standing::NotBefore(first) => {
            Some(format!("the policy may not be in force before {first}, looked at for {day}"))
        }
        Standing::ExpiredOn(end) => {
            Some(format!("the policy may not be in force since {end}, looked at for {day}"))
        }
        Standing::InForce => {
            let end = governance.expires?;
            let days = day.until(end).ok()?.get_days();
            (days <= SOON_DAYS)
                .then(|| format!("the policy may be in force for {days} more days, until {end}"))
        }
    }
}
