//! `--shadow`: a candidate policy beside the one in force, and what it would have decided otherwise.

use super::failure;
use super::guard_options::GuardOptions;
use anyhow::Context as _;
use clap::Args;
use portcullis::installation::Installation;
use portcullis::log::{Event, Log};
use portcullis::policy::Policy;
use portcullis::{Decision, Difference, Guard, Request, Shadow, Verdict};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The flags.
#[derive(Args)]
pub(super) struct ShadowOptions {
    /// Judge with this policy too and tell what it would have decided otherwise. The verdicts are those of the policy in
    /// force.
    #[arg(long, value_name = "FILE|DIR")]
    shadow: Option<PathBuf>,

    /// Add the differences to this file, one JSON object a line. Without it, to the log of the state directory.
    #[arg(long, value_name = "FILE", requires = "shadow")]
    shadow_out: Option<PathBuf>,
}

impl ShadowOptions {
    /// The candidate at work; nothing when none was given.
    ///
    /// # Errors
    /// When it cannot be read, or the differences have no place.
    pub(super) fn open(&self, options: &GuardOptions) -> anyhow::Result<Option<Beside>> {
        let Some(path) = &self.shadow else { return Ok(None) };
        let candidate = options.candidate(path)?;
        let out = match (&self.shadow_out, options.state()) {
            (Some(file), _) => Out::File(append(file)?, file.clone()),
            (None, Some(state)) => {
                let settings = Installation::read(state)?.log;
                if settings.enabled { Out::Log(Log::open(state, &settings)?) } else { Out::None }
            }
            (None, None) => Out::None,
        };
        Ok(Some(Beside { candidate, shadow: None, out, told: Told::default() }))
    }
}

/// A candidate beside the policy in force.
pub(super) struct Beside {
    candidate: Policy,
    /// For the policy in force when it was last asked.
    shadow: Option<Shadow>,
    out: Out,
    told: Told,
}

/// Where differences go.
enum Out {
    File(File, PathBuf),
    Log(Log),
    None,
}

/// What was seen.
#[derive(Default)]
struct Told {
    judged: u64,
    differ: u64,
    /// By the decision in force and that of the candidate.
    flips: BTreeMap<(Decision, Decision), u64>,
}

impl Beside {
    /// The verdicts in force on `requests`; what differs is noted.
    ///
    /// # Errors
    /// When the candidate does not fit the guard, or a difference cannot be written.
    pub(super) fn check_batch(
        &mut self,
        guard: &Guard,
        requests: &[Request],
    ) -> anyhow::Result<Vec<Verdict>> {
        let current = self
            .shadow
            .take()
            .filter(|shadow| shadow.guard().policy().policy().digest() == guard.policy().policy().digest());
        let shadow = match current {
            Some(shadow) => shadow,
            None => guard.shadow(&self.candidate).context("cannot use the policy of --shadow")?,
        };
        let mut verdicts = Vec::with_capacity(requests.len());
        for (request, shadowed) in requests.iter().zip(shadow.check_batch(requests)) {
            self.told.judged += 1;
            if let Some(difference) = shadowed.difference(request.slice.as_deref()) {
                self.told.differ += 1;
                if difference.from != difference.to {
                    *self.told.flips.entry((difference.from, difference.to)).or_default() += 1;
                }
                self.write(difference)?;
            }
            verdicts.push(shadowed.verdict);
        }
        self.shadow = Some(shadow);
        Ok(verdicts)
    }

    fn write(&mut self, difference: Difference) -> anyhow::Result<()> {
        match &mut self.out {
            Out::File(file, path) => {
                let mut line = serde_json::to_vec(&difference)?;
                line.push(b'\n');
                file.write_all(&line).with_context(|| format!("cannot write to {}", path.display()))
            }
            Out::Log(log) => Ok(log.append_event(Event::from(difference))?),
            Out::None => Ok(()),
        }
    }

    /// Tells on standard error how much differed.
    pub(super) fn finish(&self) {
        let Told { judged, differ, flips } = &self.told;
        let mut line = format!("shadow: {differ} of {judged} verdicts differ");
        for (place, ((from, to), count)) in flips.iter().enumerate() {
            line.push_str(if place == 0 { ": " } else { ", " });
            line.push_str(&format!("{count} {from} to {to}"));
        }
        failure::note(&line);
    }
}

fn append(path: &Path) -> anyhow::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).with_context(|| format!("cannot open {}", path.display()))
}
