//! The library built once, C and C++ programs compiled against it, and both run, under valgrind too.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The instruction level of programs that valgrind runs: it knows no AVX-512.
pub(crate) const LEVEL: &str = "avx2";

/// How a program gets the library.
#[derive(Clone, Copy)]
pub(crate) enum Linking {
    /// From the shared library, by pkg-config.
    Shared,
    /// From the static library, by pkg-config's `--static`.
    Static,
}

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// The folder that `cargo xtask c-library` writes. Tests run in processes of their own, so the first one builds and others wait.
pub(crate) fn library() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("c-library");
    let lock = File::create(folder.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    let mut task = Command::new(env!("CARGO_BIN_EXE_xtask"));
    // With the features of the other tests, whose dependencies are compiled.
    task.args(["c-library", "--profile", "dev", "--features", "default", "--out"]).arg(&folder);
    let built = task.output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    folder
}

/// Compiles one source file of `bindings/c` into `folder`, as strictly as its language allows.
pub(crate) fn compile(source: &str, linking: Linking, folder: &Path) -> PathBuf {
    let library = library();
    let source = root().join("bindings/c").join(source);
    let program = folder.join(source.file_stem().unwrap());
    let is_cpp = source.extension().is_some_and(|extension| extension == "cpp");
    let mut compiler = Command::new(if is_cpp { "c++" } else { "cc" });
    compiler.arg(if is_cpp { "-std=c++17" } else { "-std=c99" });
    compiler.args(["-Wall", "-Wextra", "-Werror", "-pedantic", "-g", "-pthread"]);
    compiler.arg(&source).arg("-o").arg(&program);
    compiler.args(pkg_config(&library, &["--cflags"]));
    match linking {
        Linking::Shared => {
            compiler.args(pkg_config(&library, &["--libs"]));
            compiler.arg(format!("-Wl,-rpath,{}", library.join("lib").display()));
        }
        Linking::Static => {
            let flags = pkg_config(&library, &["--libs", "--static"]).into_iter();
            compiler.arg(library.join("lib/libportcullis.a"));
            compiler.args(flags.filter(|flag| flag != "-lportcullis"));
        }
    }
    let output = compiler.output().unwrap();
    assert!(output.status.success(), "{compiler:?}\n{}", String::from_utf8_lossy(&output.stderr));
    program
}

/// The flags that pkg-config gives for the library in `folder`.
pub(crate) fn pkg_config(folder: &Path, arguments: &[&str]) -> Vec<String> {
    let mut command = Command::new("pkg-config");
    command.args(arguments).arg("portcullis").env("PKG_CONFIG_PATH", folder.join("lib/pkgconfig"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().split_whitespace().map(str::to_owned).collect()
}

/// What a program writes when it reads `input`.
pub(crate) fn run(mut command: Command, input: &str) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A program that ends early has not read it all.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// The program under memcheck, where a wrong access or a leak is the exit status 99; nothing where valgrind is missing.
pub(crate) fn memcheck(program: &Path) -> Option<Command> {
    let is_there = Command::new("valgrind").arg("--version").output().is_ok();
    if !is_there {
        let required = std::env::var("CI_VALGRIND").is_ok_and(|value| value == "1");
        assert!(!required, "CI_VALGRIND is 1, and valgrind is not installed");
        eprintln!("SKIPPED: valgrind is not installed");
        return None;
    }
    let mut command = Command::new("valgrind");
    command.args(["--quiet", "--error-exitcode=99", "--leak-check=full"]);
    command.args(["--errors-for-leak-kinds=definite,indirect", "--show-leak-kinds=definite,indirect"]);
    command.arg(program);
    Some(command)
}

/// Standard output of a program that has to succeed.
pub(crate) fn said(output: Output, status: i32) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// The functions that the header declares, sorted.
pub(crate) fn declared() -> Vec<String> {
    let header = fs::read_to_string(root().join("bindings/c/include/portcullis.h")).unwrap();
    let code = header.lines().filter(|line| !line.starts_with([' ', '/', '#']));
    let names = code.filter_map(|line| line.split_once('(')?.0.rsplit([' ', '*']).next());
    let mut names: Vec<String> =
        names.filter(|name| name.starts_with("portcullis_")).map(str::to_owned).collect();
    names.sort();
    names
}
