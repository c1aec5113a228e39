//! Failures on standard error as `portcullis: what`, and the exit status 2.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::process::ExitCode;

/// The exit status of every error.
const ERROR: u8 = 2;

/// Commands that a build may leave out, the feature that brings each, and whether this build has it.
const OPTIONAL: [(&str, &str, bool); 5] = [
    ("calibrate", "calibrate", cfg!(feature = "calibrate")),
    ("teach", "calibrate", cfg!(feature = "calibrate")),
    ("report", "report", cfg!(feature = "report")),
    ("graph", "graph", cfg!(feature = "graph")),
    ("review", "review", cfg!(feature = "review")),
];

/// Tells a failure and its causes on one line.
pub(super) fn report(error: &anyhow::Error) -> ExitCode {
    note(&chain(error));
    ExitCode::from(ERROR)
}

/// Tells something that does not stop the command.
pub(super) fn note(what: &str) {
    use std::io::Write;
    // With standard error closed there is nobody left to tell.
    let _ = writeln!(anstream::stderr(), "portcullis: {what}");
}

/// Tells something that is allowed but likely not meant.
pub(super) fn warn(what: impl std::fmt::Display) {
    use std::io::Write;
    let _ = writeln!(anstream::stderr(), "warning: {what}");
}

/// Tells a mistake in the arguments, or prints the help that was asked for.
pub(super) fn usage(error: &clap::Error) -> ExitCode {
    use std::io::Write;
    if !error.use_stderr() {
        // `--help | head` closes the pipe early, which is no failure.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    // A second free argument is most often an unquoted text, which clap would quote in its message.
    if error.kind() == ErrorKind::UnknownArgument
        && let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg)
        && !argument.starts_with('-')
    {
        note("more arguments than expected: a text is one argument, put it in quotes");
        return ExitCode::from(ERROR);
    }
    let unknown = error.get(ContextKind::InvalidSubcommand);
    if error.kind() == ErrorKind::InvalidSubcommand
        && let Some(ContextValue::String(word)) = unknown
        && let Some((name, feature, _)) = OPTIONAL.iter().find(|(name, _, is_here)| name == word && !is_here)
    {
        note(&format!("this build has no `{name}`: it was built without the feature `{feature}`"));
        return ExitCode::from(ERROR);
    }
    // So is a text without a command, unless it is close to the name of one; no name has a space.
    let is_name = |word: &ContextValue| matches!(word, ContextValue::String(word) if !word.contains(' '));
    if error.kind() == ErrorKind::InvalidSubcommand
        && !(error.get(ContextKind::SuggestedSubcommand).is_some() && unknown.is_some_and(is_name))
    {
        note("unknown command: `portcullis --help` lists those there are");
        return ExitCode::from(ERROR);
    }
    let message = error.render().ansi().to_string().replacen("error:", "portcullis:", 1);
    let _ = write!(anstream::stderr(), "{message}");
    ExitCode::from(ERROR)
}

/// The message with its causes, leaving out a cause that the message before it already tells.
fn chain(error: &anyhow::Error) -> String {
    let mut whole = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !whole.contains(&cause) {
            whole.push_str(": ");
            whole.push_str(&cause);
        }
    }
    whole
}
