//! `cargo xtask valgrind`: the kernels' memory accesses checked, and the instructions of a forward pass counted.
//!
//! Valgrind knows instructions up to AVX2, so the levels scalar and AVX2 are covered. Counts do not depend on how busy
//! the machine is; they are kept in `benches/record` so that a regression shows without a quiet one.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::cargo;
use crate::check::root;

/// Tokens of the sequences whose forward passes are counted.
const TOKENS: [usize; 5] = [8, 32, 64, 128, 512];

/// What `valgrind` takes.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Only the tests with this in their names, and no counts of instructions.
    filter: Option<String>,
    /// Write the counts to this file too.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

/// Runs the kernels' tests under memcheck, then counts instructions under callgrind.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let root = root()?;
    for program in executables(&root, "test", &["--tests"])? {
        println!("memcheck: {}", program.display());
        let mut command = valgrind(&[
            "--tool=memcheck",
            "--error-exitcode=99",
            "--leak-check=full",
            "--errors-for-leak-kinds=definite",
            "--show-leak-kinds=definite",
        ]);
        command.arg(&program).arg("--test-threads=1").args(&arguments.filter);
        // Every case of a property test runs the same code; under valgrind a few have to do.
        let status = command.env("PROPTEST_CASES", "4").status().context("cannot run valgrind")?;
        ensure!(status.success(), "{} ended with {status} under memcheck", program.display());
    }
    if arguments.filter.is_some() {
        return Ok(());
    }
    let programs = executables(&root, "bench", &["--bench", "linear"])?;
    let [program] = programs.as_slice() else {
        bail!("found {} benchmark programs, expected 1", programs.len())
    };
    let mut text =
        String::from("instructions of one forward pass, MiniLM's shape, AVX2, one thread (callgrind)\n");
    let setup = instructions(program, "none")?;
    for tokens in TOKENS {
        let count = instructions(program, &format!("encoder/avx2/{tokens}"))?.saturating_sub(setup);
        ensure!(count > 0, "no benchmark encoder/avx2/{tokens}: does this processor have AVX2?");
        writeln!(text, "{tokens:>4} tokens  {count:>13}  {:>10} a token", count / tokens as u64)?;
    }
    print!("{text}");
    match &arguments.record {
        Some(file) => fs::write(file, &text).with_context(|| format!("cannot write {}", file.display())),
        None => Ok(()),
    }
}

fn valgrind(options: &[&str]) -> Command {
    let mut command = Command::new("valgrind");
    command.arg("--quiet").args(options);
    command
}

/// Builds the kernels' tests or a bench, and answers its programs.
fn executables(root: &Path, command: &str, arguments: &[&str]) -> Result<Vec<PathBuf>> {
    let own = ["--package", "portcullis-kernels", "--quiet", "--no-run"];
    let found = cargo::build(root, command, &[&own, arguments].concat())?.programs();
    ensure!(!found.is_empty(), "cargo {command} built no program");
    Ok(found)
}

/// The instructions of the bench's program when it runs the given benchmark once.
fn instructions(program: &Path, benchmark: &str) -> Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(["--bench", "--test", "--exact", benchmark])
        .output()
        .context("cannot run valgrind")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{benchmark} ended with {} under callgrind: {said}", output.status);
    // Programs that it starts, to look for gnuplot, count for themselves and are small.
    let collected = said.lines().filter_map(|line| line.split("Collected : ").nth(1)?.trim().parse().ok());
    let count: Option<u64> = collected.max();
    count.with_context(|| format!("callgrind did not say how many instructions {benchmark} takes"))
}
