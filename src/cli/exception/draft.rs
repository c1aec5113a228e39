//! An exception from flags, as its file is written.

use anyhow::{Context as _, ensure};
use clap::Args;
use portcullis::Role;
use portcullis::exception::moment;
use portcullis::record::InstallationKey;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Most bytes of a text that is named by its digest.
const MOST_TEXT: u64 = 64 << 20;

/// What the exception says.
#[derive(Args)]
pub(super) struct Draft {
    /// The exception's name: letters, digits, `.`, `_` and `-`.
    #[arg(long, value_name = "ID", required_unless_present = "file")]
    pub(super) id: Option<String>,

    /// A rule of the policy whose findings do not count, by its id. May be given more than once.
    #[arg(long = "rule", value_name = "RULE", required_unless_present = "file")]
    rules: Vec<String>,

    /// Why.
    #[arg(long, value_name = "TEXT", required_unless_present = "file")]
    reason: Option<String>,

    /// For this many days from now.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=366), conflicts_with = "expires")]
    #[arg(required_unless_present_any = ["file", "expires"])]
    days: Option<u32>,

    /// Until this time, such as 2031-05-09T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,

    /// Only from this time on; without it, from now on.
    #[arg(long, value_name = "TIME")]
    effective: Option<String>,

    /// Only for the text in this file, byte for byte. May be given more than once.
    #[arg(long = "text-file", value_name = "FILE")]
    text_files: Vec<PathBuf>,

    /// Only for the text that a record names by this digest. May be given more than once.
    #[arg(long = "text-digest", value_name = "HEX")]
    text_digests: Vec<String>,

    /// Only where what was found is this from end to end: a regular expression.
    #[arg(long, value_name = "REGEX")]
    pattern: Option<String>,

    /// Only for texts in this role. May be given more than once.
    #[arg(long = "role", value_name = "ROLE", value_parser = crate::cli::input::parse_role)]
    roles: Vec<Role>,

    /// Only for requests in this data slice. May be given more than once.
    #[arg(long = "slice", value_name = "SLICE")]
    slices: Vec<String>,

    /// Only for requests in this language, such as de or pt-BR. May be given more than once.
    #[arg(long = "locale", value_name = "TAG")]
    locales: Vec<String>,
}

impl Draft {
    /// The text of the file, not signed yet.
    ///
    /// # Errors
    /// When a text cannot be read, or the installation has no key to name it by.
    pub(super) fn to_toml(&self, state: &Path, now: SystemTime) -> anyhow::Result<String> {
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let mut text = String::from("schema = 1\n");
        let mut add = |key: &str, value: &str| {
            let _ = writeln!(text, "{key} = {value}");
        };
        add("id", &quoted(self.id.as_deref().unwrap_or_default()));
        add("reason", &quoted(self.reason.as_deref().unwrap_or_default()));
        let list =
            |of: &[String]| format!("[{}]", of.iter().map(|one| quoted(one)).collect::<Vec<_>>().join(", "));
        add("rules", &list(&self.rules));
        let mut texts = self.text_digests.clone();
        for file in &self.text_files {
            texts.push(digest(state, file)?);
        }
        let roles: Vec<String> = self.roles.iter().map(ToString::to_string).collect();
        for (key, of) in
            [("texts", &texts), ("roles", &roles), ("slices", &self.slices), ("locales", &self.locales)]
        {
            if !of.is_empty() {
                add(key, &list(of));
            }
        }
        if let Some(pattern) = &self.pattern {
            add("pattern", &quoted(pattern));
        }
        add("effective", self.effective.as_deref().unwrap_or(&moment(now)));
        let days = self.days.and_then(|days| now.checked_add(DAY * days)).map(moment);
        add("expires", self.expires.as_deref().or(days.as_deref()).unwrap_or_default());
        Ok(text)
    }
}

/// The name of a file's text under the installation's key.
fn digest(state: &Path, file: &Path) -> anyhow::Result<String> {
    use std::io::Read as _;
    let failed = || format!("cannot read {}", file.display());
    let mut text = String::new();
    let opened = std::fs::File::open(file).with_context(failed)?;
    opened.take(MOST_TEXT + 1).read_to_string(&mut text).with_context(failed)?;
    ensure!(text.len() as u64 <= MOST_TEXT, "{} has more than {MOST_TEXT} bytes", file.display());
    Ok(InstallationKey::load_or_create(state)?.text_digest(&text))
}
