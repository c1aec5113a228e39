//! `exception list`: what is excepted, and what would be.

use super::described;
use crate::cli::guard_options::GuardOptions;
use crate::cli::terminal::{self, Table};
use clap::Args;
use portcullis::exception::{Exception, Exceptions, moment};
use serde::Serialize;
use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::SystemTime;

/// List the exceptions of the state directory and of the policy's bundle.
#[derive(Args)]
#[command(after_help = "\
Files that are not used are listed below the others, with the reason.

Examples:
  portcullis exception list --state state
  portcullis exception list --state state --policy bundle --json | jq '.exceptions[] | select(.expires < \"2031\")'

Exit status: 0, or 2 for an error.")]
pub(super) struct Arguments {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Listed<'a> {
    id: &'a str,
    status: &'static str,
    reason: &'a str,
    rules: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    texts: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pattern: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    roles: Option<&'a [portcullis::Role]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slices: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locales: Option<&'a [String]>,
    effective: String,
    expires: String,
    approved_by: &'a str,
}

#[derive(Serialize)]
struct Unused {
    file: String,
    reason: String,
}

#[derive(Serialize)]
struct Report<'a> {
    exceptions: Vec<Listed<'a>>,
    ignored: Vec<Unused>,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let (_, sources) = super::sources(options)?;
    let now = SystemTime::now();
    let all = Exceptions::read(&sources, now);
    let unused = |ignored: &portcullis::exception::Ignored| Unused {
        file: ignored.path.display().to_string(),
        reason: ignored.why.to_string(),
    };
    let ignored: Vec<Unused> = all.ignored().iter().map(unused).collect();
    if arguments.json {
        let exceptions = all.list().iter().map(|exception| listed(exception, now)).collect();
        terminal::emit(&(serde_json::to_string(&Report { exceptions, ignored })? + "\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = String::new();
    if all.list().is_empty() {
        text.push_str("no exceptions\n");
    } else {
        let mut table = Table::new(&["exception", "rules", "for", "approved by", "until", "status"], &[]);
        for exception in all.list() {
            let Exception { id, scope, approved_by, .. } = exception;
            table.row([
                id.clone(),
                scope.rules.join(", "),
                terminal::printable(&described(scope)),
                approved_by.clone(),
                moment(exception.expires),
                status(exception, now).to_owned(),
            ]);
        }
        text.push_str(&table.render());
    }
    for Unused { file, reason } in ignored {
        let _ = writeln!(text, "not used: {}: {}", terminal::printable(&file), terminal::printable(&reason));
    }
    terminal::emit(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn status(exception: &Exception, now: SystemTime) -> &'static str {
    if exception.is_in_force(now) { "in force" } else { "not yet" }
}

fn listed(exception: &Exception, now: SystemTime) -> Listed<'_> {
    let scope = &exception.scope;
    Listed {
        id: &exception.id,
        status: status(exception, now),
        reason: &exception.reason,
        rules: &scope.rules,
        texts: scope.texts.as_deref(),
        pattern: scope.pattern.as_ref().map(|pattern| pattern.as_str()),
        roles: scope.roles.as_deref(),
        slices: scope.slices.as_deref(),
        locales: scope.locales.as_deref(),
        effective: moment(exception.effective),
        expires: moment(exception.expires),
        approved_by: &exception.approved_by,
    }
}
