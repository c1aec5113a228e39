//! `cargo xtask cuda`: the device library for NVIDIA GPUs; `cargo xtask metal-check`: a report on Metal to be sent back.

use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};

use crate::check::root;

/// What `cuda` takes.
#[derive(Args)]
pub(crate) struct CudaArguments {
    /// Only this part.
    part: Option<Part>,
}

/// A part of building the device library.
#[derive(Clone, Copy, ValueEnum)]
enum Part {
    /// NVIDIA's toolkit, from PyPI.
    Toolkit,
    /// The library.
    Build,
    /// The checks on a library that is built.
    Check,
}

/// Runs the script, which says what it needs.
pub(crate) fn cuda(arguments: &CudaArguments) -> Result<()> {
    let script = root()?.join("scripts/cuda.sh");
    let part = arguments.part.as_ref().and_then(ValueEnum::to_possible_value);
    let status = Command::new(&script)
        .args(part.map(|part| part.get_name().to_owned()))
        .status()
        .with_context(|| format!("cannot run {}", script.display()))?;
    ensure!(status.success(), "{} ended with {status}", script.display());
    Ok(())
}

/// What `metal-check` runs on macOS, each with its heading.
const METAL: [(&str, &str); 5] = [
    ("System", "sw_vers"),
    ("GPU", "system_profiler SPDisplaysDataType"),
    ("Tests of the graph and of guards on a device", "cargo test --release --features metal --test device"),
    ("The device", "cargo run --quiet --release --features metal -- inspect --device metal"),
    (
        "Parity and times",
        "cargo run --quiet --release --features metal -- bench --device metal --batches 1,8,64,256 \
         --lengths 16,64,128,512 --data target/metal-texts.jsonl",
    ),
];

/// Prints a report on Metal, which nobody has run on hardware yet.
pub(crate) fn metal_check() -> Result<()> {
    if cfg!(not(target_os = "macos")) {
        println!(
            "metal-check needs macOS on a Mac with an Apple GPU; this is {} on {}. There it prints a report to be sent back.",
            std::env::consts::OS,
            std::env::consts::ARCH
        );
        return Ok(());
    }
    let root = root()?;
    texts(&root)?;
    let mut report = format!("# Metal, portcullis {}\n", env!("CARGO_PKG_VERSION"));
    for (heading, command) in METAL {
        eprintln!("{command}");
        let mut words = command.split_whitespace();
        let Some(program) = words.next() else { continue };
        let output = Command::new(program).args(words).current_dir(&root).output();
        let (status, said) = match output {
            Ok(output) => {
                let said = [output.stdout, output.stderr].concat();
                (output.status.to_string(), String::from_utf8_lossy(&said).into_owned())
            }
            Err(error) => ("not started".to_owned(), error.to_string()),
        };
        let _ = write!(report, "\n## {heading}\n\n`{command}`: {status}\n\n```text\n{}\n```\n", said.trim());
    }
    let path = root.join("target/metal-report.md");
    fs::write(&path, &report).with_context(|| format!("cannot write {}", path.display()))?;
    println!("{report}\nThe report is in {} too: please send it back.", path.display());
    Ok(())
}

/// The texts of the parity tests, as the program reads them.
fn texts(root: &Path) -> Result<()> {
    let source = root.join("tests/data/parity.jsonl.gz");
    let file = fs::File::open(&source).with_context(|| format!("cannot open {}", source.display()))?;
    let mut rows = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut rows)?;
    fs::write(root.join("target/metal-texts.jsonl"), rows)?;
    Ok(())
}
