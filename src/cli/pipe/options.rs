//! How lines are read, gathered and judged: the flags that `pipe` and `serve` share.

use super::format::Format;
use crate::cli::shadow::ShadowOptions;
use clap::Args;
use std::time::Duration;

/// The flags.
#[derive(Args)]
pub(in crate::cli) struct LineOptions {
    /// What lines and answers look like: our own form, or the bodies of another interface.
    #[arg(long, value_name = "FORMAT", default_value = "native")]
    pub(in crate::cli) format: Format,

    /// The most lines judged together.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4096))]
    batch: u16,

    /// The longest wait for a batch to fill, in microseconds.
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u64).range(..=10_000_000))]
    batch_window_us: u64,

    /// The longest line read, in bytes; a longer one is passed over and gets an error record.
    #[arg(long, value_name = "N", default_value_t = 16 << 20, value_parser = clap::value_parser!(u32).range(2..=1 << 30))]
    max_line_bytes: u32,

    /// Pass over keys that are not known, instead of answering with an error record.
    #[arg(long)]
    pub(in crate::cli) ignore_unknown_keys: bool,

    /// The shortest time between two looks for a change of the policy, in milliseconds.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    reload_ms: u64,

    #[command(flatten)]
    pub(super) shadow: ShadowOptions,
}

impl LineOptions {
    /// The most lines judged together.
    pub(in crate::cli) fn batch(&self) -> usize {
        usize::from(self.batch)
    }

    /// The longest wait for a batch to fill.
    pub(in crate::cli) fn window(&self) -> Duration {
        Duration::from_micros(self.batch_window_us)
    }

    /// The longest line read, in bytes.
    pub(in crate::cli) fn longest(&self) -> usize {
        usize::try_from(self.max_line_bytes).unwrap_or(usize::MAX)
    }

    /// The shortest time between two looks for a change of the policy.
    pub(super) fn reload(&self) -> Duration {
        Duration::from_millis(self.reload_ms)
    }
}
