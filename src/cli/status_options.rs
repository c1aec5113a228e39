//! The exit status of commands that judge.

use std::process::ExitCode;

use clap::Args;
use portcullis::Decision;

/// What a decision does to the exit status.
#[derive(Args, Clone, Copy)]
pub(super) struct StatusOptions {
    /// The exit status for a text that is vetoed or escalated.
    #[arg(long, value_name = "N", default_value_t = 1)]
    exit_code: u8,
}

impl StatusOptions {
    /// The exit status for this decision.
    pub(super) fn status(self, decision: Decision) -> ExitCode {
        if decision.releases() { ExitCode::SUCCESS } else { self.held() }
    }

    /// The exit status when a text is held back.
    pub(super) fn held(self) -> ExitCode {
        ExitCode::from(self.exit_code)
    }
}
