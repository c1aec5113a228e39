//! cargo, asked to build something and to say what it has built.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// What cargo said while it built.
pub(crate) struct Messages(Vec<Value>);

/// Runs cargo in `root`; it tells people of its progress, and of what the compiler says where it fails.
pub(crate) fn build(root: &Path, command: &str, arguments: &[impl AsRef<str>]) -> Result<Messages> {
    // The one that runs this task, or the one on the path: another would not find the compiler that it belongs to.
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(root)
        .args([command, "--message-format", "json"])
        .args(arguments.iter().map(AsRef::as_ref))
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    let messages = Messages::read(&String::from_utf8_lossy(&output.stdout))?;
    if !output.status.success() {
        for text in messages.texts("/message/rendered") {
            eprint!("{text}");
        }
        bail!("cargo {command} ended with {}", output.status);
    }
    Ok(messages)
}

impl Messages {
    pub(crate) fn read(lines: &str) -> Result<Self> {
        let messages = lines.lines().map(serde_json::from_str);
        Ok(Self(messages.collect::<Result<_, _>>().context("cannot read what cargo says")?))
    }

    /// The programs among what was built.
    pub(crate) fn programs(&self) -> Vec<PathBuf> {
        self.texts("/executable").map(PathBuf::from).collect()
    }

    /// Everything that was built.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        let lists = self.0.iter().filter_map(|message| message.get("filenames")?.as_array());
        lists.flatten().filter_map(|file| Some(Path::new(file.as_str()?)))
    }

    /// The texts at this place of each message that has one.
    pub(crate) fn texts(&self, place: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(move |message| message.pointer(place)?.as_str())
    }
}
