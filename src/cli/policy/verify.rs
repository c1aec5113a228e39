//! `policy verify`: whether a bundle is what a trusted key has signed.

use super::sign::parse_time;
use crate::cli::guard_options::GuardOptions;
use crate::cli::{failure, terminal};
use anyhow::Context as _;
use clap::Args;
use jiff::Timestamp;
use portcullis::store::{self, Opened, StoreError, Trust};
use portcullis::trust::KeyRing;
use serde::Serialize;
use std::path::PathBuf;
use std::process::ExitCode;

/// Check a policy bundle against its signature.
#[derive(Args)]
#[command(after_help = "\
Every file must be there and as it was signed, no other beside them, the signature by a trusted key, and the time within the
bundle's dates.

Examples:
  portcullis policy verify policies/shop --keys keys
  portcullis policy verify shop.toml --state state --at 2031-06-01T00:00:00Z

Exit status: 0 it holds, 1 it does not, 2 an error.")]
pub(super) struct Arguments {
    /// The bundle: a folder, or a policy's file.
    #[arg(value_name = "PATH")]
    path: PathBuf,

    /// The folder of the trusted public keys. Without it, the folder keys of the state directory.
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,

    /// The time to judge the dates by (RFC 3339). Without it, now.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    at: Option<Timestamp>,

    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What was found, for a machine.
#[derive(Serialize)]
struct Found<'a> {
    holds: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    signed_by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    manifest: Option<&'a store::Manifest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let keys = match (&arguments.keys, options.state()) {
        (Some(keys), _) => KeyRing::read_dir(keys)?,
        (None, state) => {
            let state = state.context("no keys: expected --keys DIR or --state DIR")?;
            Trust::of(Some(state), true)?.keys
        }
    };
    let trust = Trust { required: true, keys, at: arguments.at, ..Trust::default() };
    match store::open(&arguments.path, &trust) {
        Ok(opened) => {
            terminal::emit(&held(&opened, arguments.json)?)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(StoreError::Signature(error)) => {
            let reason = terminal::printable(&error.to_string());
            if arguments.json {
                let found = Found { holds: false, signed_by: None, manifest: None, reason: Some(reason) };
                terminal::emit(&(serde_json::to_string(&found)? + "\n"))?;
            } else {
                failure::note(&reason);
            }
            Ok(ExitCode::FAILURE)
        }
        Err(error) => Err(error.into()),
    }
}

fn held(opened: &Opened, json: bool) -> anyhow::Result<String> {
    let signed_by = opened.vouched.signed_by();
    let manifest = opened.manifest.as_ref();
    if json {
        return Ok(serde_json::to_string(&Found { holds: true, signed_by, manifest, reason: None })? + "\n");
    }
    let mut text = format!(
        "{}, revision {}, signed by {}\n",
        super::told::policy(&opened.policy.reference()),
        opened.revision,
        signed_by.unwrap_or_default()
    );
    if let Some(manifest) = manifest {
        let dates = [("not before", &manifest.not_before), ("expires", &manifest.expires)];
        for (what, date) in dates {
            if let Some(date) = date {
                text.push_str(&format!("{what} {date}\n"));
            }
        }
        for file in &manifest.files {
            text.push_str(&format!("{}  {}\n", file.blake3, file.path));
        }
    }
    Ok(text)
}
