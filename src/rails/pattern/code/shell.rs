//! Dangerous commands of the shells of Unix and Windows.
//!
//! A command is the rest of its line from a word that begins such commands; what follows decides how dangerous it is.

use super::super::near::before;
use super::super::{Detector, Hit, Trigger};
use super::CATEGORY;
use crate::span::Span;

pub(in crate::rails::pattern) const DETECTOR: Detector = Detector {
    name: "code.shell_danger",
    category: CATEGORY,
    placeholder: "[COMMAND]",
    trigger: Trigger::Literals(&STARTS),
    at,
};

/// Destroys a system or a disk, or opens a shell to another machine.
const RUIN: f32 = 0.95;
/// Destroys a home or the logs, runs what it fetches over an open connection, hides what it does.
const HARM: f32 = 0.8;
/// Runs what it fetches, as many installers ask for.
const FETCHED: f32 = 0.6;
/// Deletes or opens up a folder without asking.
const CARELESS: f32 = 0.3;

/// Longest command that is read.
const MOST: usize = 512;

/// How commands begin that are looked into.
const STARTS: [&str; 36] = [
    "rm ",
    "dd ",
    "mkfs",
    ":(){",
    ":() {",
    ":(){ ",
    "chmod ",
    "chown ",
    "curl ",
    "wget ",
    "/dev/tcp/",
    "nc ",
    "ncat ",
    "netcat ",
    "socat ",
    "python -c",
    "python3 -c",
    "perl -e",
    "ruby -rsocket",
    "php -r",
    "history -c",
    "unset histfile",
    "histfile=/dev/null",
    "histsize=0",
    ".bash_history",
    ".zsh_history",
    "> /dev/sd",
    ">/dev/sd",
    "> /dev/nvme",
    "base64 -d",
    "base64 --decode",
    "net.sockets.tcpclient",
    "vssadmin delete shadows",
    "wevtutil cl ",
    "powershell",
    "invoke-expression",
];

const SHELLS: [&str; 8] = ["bash", "dash", "ksh", "perl", "python", "sh", "zsh", "iex"];

/// Folders without which no system runs.
const SYSTEM: [&str; 13] =
    ["/", "/*", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/root", "/sbin", "/usr", "/var", "c:\\"];

fn at(text: &str, at: usize, floor: usize) -> Option<Hit> {
    let one = before(text.as_bytes(), at, 1, floor);
    let back = text.get(text.floor_char_boundary(at.saturating_sub(MOST))..at)?.rsplit('\n').next()?;
    let limit = text.floor_char_boundary(at.saturating_add(MOST).min(text.len()));
    let line = text.get(at..limit)?.split('\n').next()?;
    // Inside a span of code the command ends with it.
    let line = if back.matches('`').count() % 2 == 1 { line.split('`').next()? } else { line };
    let line = line.trim_end_matches(|c: char| c.is_whitespace() || c == '`');
    // A fork bomb ends itself.
    let line = match line.find("};:") {
        Some(end) if line.starts_with(':') => line.get(..end + 3)?,
        _ => line,
    };
    let command = line.to_ascii_lowercase();
    let joined = command.starts_with(|c: char| c.is_ascii_alphabetic())
        && (one.is_ascii_alphanumeric() || b"_-".contains(&one));
    let score = if joined { None } else { danger(&command, back) }?;
    Some(Hit::new(Span::new(at, at + line.len()), score))
}

/// How dangerous the command is, which is in lower case; `before` is what its line has before it.
fn danger(command: &str, before: &str) -> Option<f32> {
    let (name, rest) = command.split_once(' ').unwrap_or((command, ""));
    let has = |part: &str| rest.contains(part);
    match name {
        "rm" => removal(rest),
        "dd" => (has("of=/dev/") && !has("of=/dev/null") && !has("of=/dev/stdout")).then_some(RUIN),
        "chmod" => (option(rest, 'r') && (has("777") || has("a+rwx")))
            .then(|| if on_system(rest) { RUIN } else { CARELESS }),
        "chown" => (option(rest, 'r') && on_system(rest)).then_some(HARM),
        "curl" | "wget" => fetched(rest, before),
        "nc" | "ncat" | "netcat" => {
            ((has("-e") || has("-c")) && (has("/sh") || has("/bash") || has("cmd"))).then_some(RUIN)
        }
        "socat" => (has("exec:") && has("tcp")).then_some(RUIN),
        "python" | "python3" | "perl" | "ruby" | "php" => {
            let connects = has("socket") || has("fsockopen");
            let shell =
                ["subprocess", "pty", "dup2", "exec", "/bin/sh", "/bin/bash"].iter().any(|part| has(part));
            (connects && shell).then_some(RUIN)
        }
        "base64" => pipes_to_shell(rest).then_some(HARM),
        "powershell" | "powershell.exe" => {
            let encoded = has("-encodedcommand ") || has("-enc ") || has("-e ");
            let fetches = has("downloadstring") || has("invoke-webrequest") || has("iwr ");
            let deletes = has("remove-item") && has("-recurse") && has("c:\\");
            (encoded || fetches || deletes).then_some(HARM)
        }
        "invoke-expression" => {
            (has("downloadstring") || has("invoke-webrequest") || has("iwr ")).then_some(HARM)
        }
        "history" | "unset" | "wevtutil" => Some(HARM),
        "vssadmin" => Some(RUIN),
        _ => other(command, before),
    }
}

/// Commands that do not begin with their name.
fn other(command: &str, before: &str) -> Option<f32> {
    let plain: String = command.chars().filter(|c| !c.is_whitespace()).collect();
    if command.starts_with("mkfs") {
        return command.contains("/dev/").then_some(RUIN);
    }
    if command.starts_with(':') {
        return plain.starts_with(":(){:|:&};:").then_some(RUIN);
    }
    if command.ends_with("_history")
        || command.starts_with(".bash_history")
        || command.starts_with(".zsh_history")
    {
        let wipes = ["rm ", "shred ", ">", "/dev/null", "truncate "].iter().any(|part| before.contains(part));
        return wipes.then_some(HARM);
    }
    if command.starts_with("hist") {
        return Some(HARM);
    }
    // A socket that is a file, a device that is written over, a client of PowerShell.
    (command.starts_with("/dev/tcp/") || command.starts_with('>') || command.starts_with("net.sockets"))
        .then_some(RUIN)
}

/// `rm` with its options and targets.
fn removal(rest: &str) -> Option<f32> {
    let recursive = option(rest, 'r') || rest.contains("--recursive");
    if !recursive {
        return None;
    }
    let forced = option(rest, 'f') || rest.contains("--force") || rest.contains("--no-preserve-root");
    let home = targets(rest).any(|target| {
        matches!(target, "~" | "~/" | "~/*" | "$home" | "$home/" | "*" | "/var/log" | "/var/log/*")
    });
    match (on_system(rest), home) {
        (true, _) => Some(if forced { RUIN } else { HARM }),
        (false, true) if forced => Some(HARM),
        _ => forced.then_some(CARELESS),
    }
}

/// What a fetch hands to a shell: by a pipe, a file descriptor or a substitution.
fn fetched(rest: &str, before: &str) -> Option<f32> {
    let substituted = ["<(", "$("].iter().any(|open| before.ends_with(open))
        && before.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| SHELLS.contains(&word));
    let runs = pipes_to_shell(rest) || substituted;
    runs.then(|| if rest.contains("http://") { HARM } else { FETCHED })
}

/// Whether a shell reads what comes out of the pipe.
fn pipes_to_shell(rest: &str) -> bool {
    rest.split('|').skip(1).any(|next| {
        let mut words = next.split_whitespace().filter(|word| !matches!(*word, "sudo" | "env" | "-e"));
        let name = words.next().unwrap_or_default().trim_end_matches(['`', '\'', '"', ')', ';', '.']);
        let name = name.rsplit('/').next().unwrap_or_default();
        SHELLS.contains(&name.trim_end_matches(|c: char| c.is_ascii_digit()))
    })
}

/// Whether a bundle of short options holds this one.
fn option(rest: &str, letter: char) -> bool {
    rest.split_whitespace()
        .any(|word| word.starts_with('-') && !word.starts_with("--") && word.contains(letter))
}

fn on_system(rest: &str) -> bool {
    targets(rest).any(|target| {
        let bare = if target.len() > 1 { target.trim_end_matches(['*', '/']) } else { target };
        SYSTEM.contains(&bare) || (bare.is_empty() && target.starts_with('/')) || bare == "c:"
    })
}

/// The words that are no options, without quotes, to the end of the command.
fn targets(rest: &str) -> impl Iterator<Item = &str> {
    let command = rest.split(['|', ';', '&']).next().unwrap_or_default();
    command
        .split_whitespace()
        .filter(|word| !word.starts_with('-'))
        .map(|word| word.trim_matches(['"', '\'', '`', ')']))
}
