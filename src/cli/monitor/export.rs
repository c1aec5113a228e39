//! `monitor export`: what the monitor knows, for other programs.

use super::View;
use crate::cli::guard_options::GuardOptions;
use crate::cli::terminal;
use anyhow::Context as _;
use clap::Args;
use portcullis::monitor;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Write counters and gauges for Prometheus.
#[derive(Args)]
#[command(after_help = "\
The text format of Prometheus, for the textfile collector of its node exporter. While verdicts come it is also written by itself,
to the file that `[monitor] prometheus` names. Nothing is served: portcullis opens no port.

Examples:
  portcullis monitor --state state export --prometheus /var/lib/node_exporter/portcullis.prom
  portcullis monitor --state state export --prometheus -

Exit status: 0, or 2 for an error.")]
pub(crate) struct Arguments {
    /// The file to write; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    prometheus: PathBuf,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let view = View::open(options)?;
    let state = view.state.unwrap_or_default();
    let text = monitor::exposition(&state, &view.references, view.settings.monitor.sigmas);
    if arguments.prometheus == Path::new("-") {
        terminal::emit(&text)?;
    } else {
        let file = &arguments.prometheus;
        monitor::publish(file, text.as_bytes())
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}
