//! Code: fenced blocks with their language, and shell commands that destroy, take over or cover up.

mod block;
mod shell;

pub(super) use block::DETECTOR as BLOCK;
pub(super) use shell::DETECTOR as SHELL_DANGER;

const CATEGORY: &str = "code";
