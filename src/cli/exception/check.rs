//! `exception check`: whether files hold exceptions that would be used.

use crate::cli::guard_options::GuardOptions;
use crate::cli::terminal;
use anyhow::Context as _;
use clap::Args;
use portcullis::exception::{Exception, Exceptions, moment};
use portcullis::policy::Policy;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;

/// Check exceptions: their format, signatures and times, and that the policy has their rules.
#[derive(Args)]
#[command(after_help = "\
Examples:
  portcullis exception check --state state --policy bundle
  portcullis exception check --state state draft.toml

Exit status: 0, 1 when a file would not be used, 2 for an error.")]
pub(super) struct Arguments {
    /// Files to check; without any, those of the state directory and of the policy's bundle.
    files: Vec<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let (_, sources) = super::sources(options)?;
    let policy = options.in_force()?;
    let now = SystemTime::now();
    let mut text = String::new();
    let mut failed = false;
    if arguments.files.is_empty() {
        let all = Exceptions::read(&sources, now);
        for exception in all.list() {
            tell(&mut text, &exception.id, exception, &policy);
        }
        for ignored in all.ignored() {
            failed |= ignored.is_warning();
            let _ = writeln!(text, "{}: {}", ignored.path.display(), ignored.why);
        }
    } else {
        let ring = sources.keys().context("cannot read the trusted keys")?;
        for file in &arguments.files {
            match Exception::read(file, &ring) {
                Ok(exception) if exception.expires <= now => {
                    failed = true;
                    let _ = writeln!(text, "{}: it expired at {}", file.display(), moment(exception.expires));
                }
                Ok(exception) => tell(&mut text, &file.display().to_string(), &exception, &policy),
                Err(why) => {
                    failed = true;
                    let _ = writeln!(text, "{}: {why}", file.display());
                }
            }
        }
    }
    terminal::emit(&terminal::printable(&text))?;
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn tell(text: &mut String, name: &str, exception: &Exception, policy: &Policy) {
    let _ = writeln!(
        text,
        "{name}: ok, {} for {}, approved by {}, until {}",
        exception.scope.rules.join(", "),
        super::described(&exception.scope),
        exception.approved_by,
        moment(exception.expires)
    );
    for rule in &exception.scope.rules {
        if !policy.rules().iter().any(|known| known.id == *rule) {
            let _ = writeln!(text, "  warning: the policy {} has no rule `{rule}`", policy.id());
        }
    }
    if exception.scope.is_unlimited() {
        let _ = writeln!(text, "  warning: it is for every finding of its rules, in every text");
    }
}
