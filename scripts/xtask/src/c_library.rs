//! `cargo xtask c-library`: the guard as a shared and a static library, laid out for a C compiler to find by pkg-config.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::cargo::{self, Messages};
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
    let name = format!("link-arg=-Wl,-soname,{}", soname(abi));
    #[rustfmt::skip]
    let arguments = [
        "--package", "portcullis", "--lib", "--profile", &arguments.profile,
        "--no-default-features", "--features", &features,
        "--crate-type", "cdylib", "--crate-type", "staticlib",
        "--", "--print", "native-static-libs", "-C", &name,
    ];
    Built::of(&cargo::build(root, "rustc", &arguments)?)
}

impl Built {
    fn of(messages: &Messages) -> Result<Self> {
        let file = |name: &str| {
            let file = messages.files().find(|file| file.file_name().is_some_and(|found| found == name));
            file.map(Path::to_owned).with_context(|| format!("cargo has built no {name}"))
        };
        let flags =
            messages.texts("/message/message").find_map(|note| note.strip_prefix("native-static-libs: "));
        Ok(Self {
            shared: file("libportcullis.so")?,
            archive: file("libportcullis.a")?,
            native: flags.context("rustc did not name the system's libraries")?.trim().to_owned(),
        })
    }
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
        let files = r#"{"filenames": ["/built/libportcullis.so", "/built/libportcullis.a"]}"#;
        let note = r#"{"message": {"message": "native-static-libs: -lm -lc"}}"#;
        let built = |lines: &str| Built::of(&Messages::read(lines).unwrap());
        let both = built(&format!("{note}\n{files}\n")).unwrap();
        assert_eq!(
            (both.native.as_str(), both.archive.as_path()),
            ("-lm -lc", Path::new("/built/libportcullis.a"))
        );
        assert!(built(note).is_err());
        assert!(built(files).is_err());
    }
}
