//! `policy test`: the scenario tests of a bundle, for people and as JUnit XML.

use super::{counted, status};
use crate::cli::guard_options::GuardOptions;
use crate::cli::terminal;
use anyhow::{Context as _, ensure};
use clap::Args;
use portcullis::Miss;
use portcullis::policy::{Policy, Scenario, scenarios};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Run the scenario tests of a policy.
#[derive(Args)]
#[command(after_help = "\
The tests are `tests/*.toml` beside the policy: each [[case]] has a name, a text and what is expected of it. Where no --hash-key is
given, rules that hash do so with a key of the tests' own, the same everywhere.

Examples:
  portcullis policy test my-bundle
  portcullis policy test my-bundle --junit results.xml
  portcullis policy test my-bundle --models models --model portcullis-small

Exit status: 0 when every test passes, 1 when one fails, 2 an error.")]
pub(super) struct Arguments {
    /// The policy: a bundle, or the policy's file.
    path: PathBuf,

    /// Also write the results as JUnit XML to this file.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,

    /// Let a policy without tests pass.
    #[arg(long)]
    allow_none: bool,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let policy = Policy::open(&arguments.path)?;
    let id = policy.id().to_owned();
    let cases = scenarios(&arguments.path, &policy)?;
    ensure!(
        arguments.allow_none || !cases.is_empty(),
        "{} has no tests: expected at least one case in `tests/*.toml` beside the policy, or --allow-none",
        arguments.path.display()
    );
    let missed = options.guard_of(policy)?.try_scenarios(&cases);
    let results: Vec<(&Scenario, &[Miss])> = cases.iter().zip(missed.iter().map(Vec::as_slice)).collect();
    let failed = results.iter().filter(|(_, missed)| !missed.is_empty()).count();
    if let Some(file) = &arguments.junit {
        let xml = junit(&id, &results).to_string().context("cannot write the results as XML")?;
        std::fs::write(file, xml).with_context(|| format!("cannot write {}", file.display()))?;
    }
    let mut text = String::new();
    for (case, missed) in &results {
        for Miss { expected, found } in *missed {
            let name = terminal::printable(&format!("{}.toml:{} {}", case.file, case.line, case.name));
            let what = terminal::printable(&format!("expected {expected}, found {found}"));
            let _ = writeln!(text, "FAILED {name}: {what}");
        }
    }
    let _ = writeln!(text, "{id}: {} passed, {failed} failed", counted(results.len() - failed, "test"));
    terminal::emit(&text)?;
    Ok(status(failed == 0))
}

/// A suite for each file of tests.
fn junit(policy: &str, results: &[(&Scenario, &[Miss])]) -> Report {
    let mut suites: BTreeMap<&str, TestSuite> = BTreeMap::new();
    for (case, missed) in results {
        let mut status = match missed.is_empty() {
            true => TestCaseStatus::success(),
            false => TestCaseStatus::non_success(NonSuccessKind::Failure),
        };
        if !missed.is_empty() {
            let what: Vec<String> = missed
                .iter()
                .map(|miss| format!("expected {}, found {}", miss.expected, miss.found))
                .collect();
            status.set_message(what.join("; "));
        }
        let mut tested = TestCase::new(case.name.as_str(), status);
        tested.set_classname(format!("{policy}.{}", case.file));
        suites.entry(&case.file).or_insert_with(|| TestSuite::new(case.file.as_str())).add_test_case(tested);
    }
    let mut report = Report::new(policy);
    report.add_test_suites(suites.into_values());
    report
}
