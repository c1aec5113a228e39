//! The `portcullis` program: arguments in, verdicts out, an exit status for scripts.

#![forbid(unsafe_code)]

mod cli;

fn main() -> std::process::ExitCode {
    cli::run()
}
