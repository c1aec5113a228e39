//! `cargo xtask c-library`: the guard as a shared and a static library, laid out for a C compiler to find by pkg-config.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde_json::Value;

use crate::check::root;
use crate::header;

/// What `c-library` takes.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Write the folders `lib` and `include` to this folder.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The cargo profile to build in; one with `panic = "abort"` is refused by the code.
    #[arg(long, default_value = "release")]
    profile: String,
    /// The features that the guard is to have: `embedded` is the model inside, `review` the queue of held texts, `samples` the store of
    /// texts of a state directory, and `cuda` opens device libraries.
    #[arg(long, default_value = "embedded")]
    features: String,
}

/// Builds the libraries and writes them, the header and the description for pkg-config to the folder.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    ensure!(cfg!(target_os = "linux"), "the names of shared libraries that this task writes are Linux's");
    let root = root()?;
    let abi = header::abi_version(&root)?;
    let built = build(&root, arguments, abi)?;
    let (lib, include) = (arguments.out.join("lib"), arguments.out.join("include"));
    for folder in [&lib.join("pkgconfig"), &include] {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let file = format!("libportcullis.so.{}", env!("CARGO_PKG_VERSION"));
    copy(&built.shared, &lib.join(&file))?;
    link(&file, &lib.join(soname(abi)))?;
    link(&soname(abi), &lib.join("libportcullis.so"))?;
    copy(&built.archive, &lib.join("libportcullis.a"))?;
    copy(&root.join(header::PATH), &include.join("portcullis.h"))?;
    replace(&lib.join("pkgconfig/portcullis.pc"), |beside| fs::write(beside, pkg_config(&built.native)))?;
    println!("wrote {}", arguments.out.display());
    Ok(())
}

/// What cargo has built.
struct Built {
    shared: PathBuf,
    archive: PathBuf,
    /// Flags for the system's libraries, which a program with the static library needs.
    native: String,
}

fn build(root: &Path, arguments: &Arguments, abi: u32) -> Result<Built> {
    let features = format!("ffi,{}", arguments.features);
    let output = Command::new(env!("CARGO"))
        .current_dir(root)
        .args(["rustc", "--package", "portcullis", "--lib", "--profile", &arguments.profile])
        .args(["--no-default-features", "--features", &features])
        .args(["--crate-type", "cdylib", "--crate-type", "staticlib"])
        .args(["--message-format", "json"])
        .args(["--", "--print", "native-static-libs", "-C", &format!("link-arg=-Wl,-soname,{}", soname(abi))])
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    let messages = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        eprint!("{}", diagnostics(&messages));
        bail!("cargo rustc ended with {}", output.status);
    }
    read(&messages)
}

/// Reads cargo's messages.
fn read(messages: &str) -> Result<Built> {
    let mut built = Built { shared: PathBuf::new(), archive: PathBuf::new(), native: String::new() };
    for line in messages.lines() {
        let message: Value = serde_json::from_str(line).context("cannot read what cargo says")?;
        for file in message.pointer("/filenames").and_then(Value::as_array).into_iter().flatten() {
            let Some(file) = file.as_str() else { continue };
            match Path::new(file).file_name().and_then(|name| name.to_str()) {
                Some("libportcullis.so") => built.shared = file.into(),
                Some("libportcullis.a") => built.archive = file.into(),
                _ => {}
            }
        }
        let note = message.pointer("/message/message").and_then(Value::as_str);
        if let Some(flags) = note.and_then(|note| note.strip_prefix("native-static-libs: ")) {
            built.native = flags.trim().to_owned();
        }
    }
    ensure!(
        built.shared.is_file() && built.archive.is_file(),
        "cargo has built no libportcullis.so or libportcullis.a"
    );
    ensure!(!built.native.is_empty(), "rustc did not name the system's libraries");
    Ok(built)
}

/// What the compiler says, as it would say it to a person.
fn diagnostics(messages: &str) -> String {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    messages.filter_map(|message| Some(message.pointer("/message/rendered")?.as_str()?.to_owned())).collect()
}

fn soname(abi: u32) -> String {
    format!("libportcullis.so.{abi}")
}

/// The description for pkg-config. Paths are from where it lies, so that the folder can be moved.
fn pkg_config(native: &str) -> String {
    format!(
        "prefix=${{pcfiledir}}/../..\n\
         libdir=${{prefix}}/lib\n\
         includedir=${{prefix}}/include\n\
         \n\
         Name: portcullis\n\
         Description: A guard for offline assistants: a text in, a verdict out, on the device\n\
         Version: {}\n\
         Libs: -L${{libdir}} -lportcullis\n\
         Libs.private: {native}\n\
         Cflags: -I${{includedir}}\n",
        env!("CARGO_PKG_VERSION")
    )
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    replace(to, |beside| fs::copy(from, beside).map(drop))
}

fn link(target: &str, at: &Path) -> Result<()> {
    replace(at, |beside| symlink(target, beside))
}

/// Makes a file beside its place and renames it: a program that has the old one mapped keeps it, and none finds half of one.
fn replace(file: &Path, make: impl FnOnce(&Path) -> io::Result<()>) -> Result<()> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(".new");
    let beside = Path::new(&beside);
    let removed = fs::remove_file(beside).or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    });
    let made = removed.and_then(|()| make(beside)).and_then(|()| fs::rename(beside, file));
    made.with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_cargo_name_files_and_flags() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        for name in ["libportcullis.so", "libportcullis.a"] {
            fs::write(path(name), "").unwrap();
        }
        let files = serde_json::json!({"filenames": [path("libportcullis.so"), path("libportcullis.a")]});
        let note = r#"{"message": {"message": "native-static-libs: -lm -lc"}}"#;
        assert_eq!(read(&format!("{note}\n{files}\n")).unwrap().native, "-lm -lc");
        assert!(read(note).is_err());
        assert!(read(&files.to_string()).is_err());
    }
}
