//! `policy activate`: a policy put in force.

use super::told;
use crate::cli::guard_options::GuardOptions;
use clap::Args;
use portcullis::store::Conditions;
use std::path::PathBuf;
use std::process::ExitCode;

/// Put a policy in force.
#[derive(Args)]
#[command(after_help = "\
The bundle is copied into the state directory under its digest and then named as the one in force, at once: a guard that is
starting finds the old policy or the new one, and one that is running takes the new one up between two texts. Refused are a lower
revision, other content of a revision that was in force, another policy's id (but with --replace), a bundle before or after its
dates, one that the installation asks a signature for and that has none, and a policy that the guard cannot use.

Examples:
  portcullis policy activate policies/shop --state state --by jo
  portcullis policy activate shop.toml --state state --by jo --require-signed")]
pub(super) struct Arguments {
    /// The bundle: a folder, or a policy's file.
    #[arg(value_name = "PATH")]
    path: PathBuf,

    /// Who does it.
    #[arg(long, value_name = "NAME")]
    by: String,

    /// Let it take the place of a policy of another id.
    #[arg(long)]
    replace: bool,

    /// Print what is in force as one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let store = told::store(options)?;
    let guard = options.aside().guard()?;
    let active = store.activate_with(
        &arguments.path,
        &arguments.by,
        Conditions {
            replace: arguments.replace,
            require_signed: options.requires_signature(),
            check: Some(&|policy| {
                guard.with_policy(policy).map(|_| ()).map_err(|error| {
                    let error = anyhow::Error::new(error);
                    format!("{error:#}")
                })
            }),
        },
    )?;
    told::tell(&active, arguments.json)
}
