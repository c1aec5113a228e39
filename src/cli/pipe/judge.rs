//! Who judges a batch: the policy in force at its beginning, and a candidate beside it.

use super::options::LineOptions;
use crate::cli::failure;
use crate::cli::guard_options::GuardOptions;
use crate::cli::shadow::Beside;
use portcullis::{Guard, LiveGuard, Request, Verdict};

/// A guard that follows its policy, and what of it was told.
pub(in crate::cli) struct Judge {
    live: LiveGuard,
    beside: Option<Beside>,
    /// The digest of the policy that judged the last batch.
    digest: String,
    problem: Option<String>,
}

impl Judge {
    /// The guard that the arguments ask for.
    ///
    /// # Errors
    /// When it, or a candidate, cannot be opened.
    pub(in crate::cli) fn open(lines: &LineOptions, options: &GuardOptions) -> anyhow::Result<Self> {
        let live = options.live(lines.reload())?;
        let beside = lines.shadow.open(options)?;
        let digest = live.guard().policy().policy().digest().to_owned();
        Ok(Self { live, beside, digest, problem: None })
    }

    /// One verdict for each request, all by the same policy.
    ///
    /// # Errors
    /// When what a candidate makes of them cannot be told.
    pub(in crate::cli) fn check_batch(&mut self, requests: &[Request]) -> anyhow::Result<Vec<Verdict>> {
        let guard = self.live.guard();
        let policy = guard.policy().policy();
        if policy.digest() != self.digest {
            self.digest = policy.digest().to_owned();
            let digits = self.digest.get(..12).unwrap_or(&self.digest);
            failure::note(&format!("now judging by {} {} ({digits})", policy.id(), policy.version()));
        }
        let problem = self.live.problem();
        if problem != self.problem {
            if let Some(problem) = &problem {
                failure::warn(format!(
                    "the policy before stays in force, the new one cannot be used: {problem}"
                ));
            }
            self.problem = problem;
        }
        match &mut self.beside {
            Some(beside) => beside.check_batch(&guard, requests),
            None => Ok(guard.check_batch(requests)),
        }
    }

    /// The guard that judged the last batch, or will judge the next.
    pub(in crate::cli) fn guard(&self) -> Guard {
        self.live.guard()
    }

    /// Tells what is told at the end.
    pub(in crate::cli) fn finish(&self) {
        if let Some(beside) = &self.beside {
            beside.finish();
        }
    }
}
