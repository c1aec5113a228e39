//! The terminal interface to the queue.

mod app;
mod draw;
#[cfg(test)]
mod tests;

use super::{Which, export, texts};
use crate::cli::guard_options::GuardOptions;
use crate::cli::terminal;
use anyhow::{Context as _, ensure};
use app::{App, Effect};
use clap::Args;
use portcullis::review::Queue;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyEventKind};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long a key is waited for before a signal is looked for.
const TICK: Duration = Duration::from_millis(200);

/// The exit status after a signal that the reading of keys did not notice.
const INTERRUPTED: i32 = 130;

#[derive(Args)]
pub(super) struct Options {
    /// Who decides; asked for when it is needed.
    #[arg(long, value_name = "NAME")]
    by: Option<String>,

    /// Rows `{"text": "…"}` among which the texts of the cases are looked for.
    #[arg(long, value_name = "FILE")]
    texts: Option<PathBuf>,

    /// The identity to which kept texts are encrypted: shows the texts from the samples.
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,

    #[command(flatten)]
    which: Which,
}

pub(super) fn run(arguments: &Options, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    ensure!(
        terminal::is_interactive(),
        "standard output is no terminal: expected one, or `review list` and `review decide` in a script"
    );
    let (state, queue) = super::queue(options)?;
    let mut filter = arguments.which.filter();
    let status = filter.status.take();
    let cases = queue.list(&filter)?;
    let wanted: BTreeSet<&str> = cases.iter().map(|case| case.record.text_digest.as_str()).collect();
    let mut texts = match &arguments.texts {
        Some(file) => export::find(&state, file, wanted)?,
        None => BTreeMap::new(),
    };
    if let Some(identity) = &arguments.identity {
        texts.extend(texts::Kept::open(&state, identity)?.texts(&state, &cases));
    }
    let mut app = App::new(cases, texts, arguments.by.clone());
    if status.is_some() {
        app.status = status;
    }
    let ended = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&ended);
    ctrlc::set_handler(move || {
        flag.store(true, Ordering::Relaxed);
        std::thread::sleep(5 * TICK);
        // Still here: a terminal that is gone is read without an end.
        let _ = ratatui::try_restore();
        std::process::exit(INTERRUPTED);
    })
    .context("cannot wait for signals")?;
    // Leaves the terminal as it was after a panic, too.
    let mut terminal = ratatui::try_init().context("cannot use the terminal")?;
    let outcome = serve(&mut terminal, &mut app, &state, &queue, &ended);
    let restored = ratatui::try_restore().context("cannot restore the terminal");
    outcome.and(restored)?;
    Ok(ExitCode::SUCCESS)
}

/// Shows and listens until the person or a signal ends it.
fn serve(
    terminal: &mut DefaultTerminal,
    app: &mut App,
    state: &Path,
    queue: &Queue,
    ended: &AtomicBool,
) -> anyhow::Result<()> {
    loop {
        terminal.draw(|frame| draw::draw(frame, app)).context("cannot write to the terminal")?;
        while !event::poll(TICK).context("cannot read the terminal")? {
            if ended.load(Ordering::Relaxed) {
                return Ok(());
            }
        }
        let Event::Key(key) = event::read().context("cannot read the terminal")? else { continue };
        if key.kind != KeyEventKind::Press {
            continue;
        }
        match app.press(key) {
            Effect::None => {}
            Effect::Quit => return Ok(()),
            Effect::Decide { id, said, overrule } => match super::settle(state, queue, &id, said, overrule) {
                Ok(case) => app.decided(case),
                Err(error) => app.failed(&format!("{error:#}")),
            },
        }
    }
}
