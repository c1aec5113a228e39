//! `cargo xtask dist`: the program as it is released, and what it weighs beside the model inside.
//!
//! Four fifths of its functions wait for no text: the command line, readers of documents, terminals. The profile `release` builds the
//! crates around them for size, and this task the library too. Cargo has one level for the library and for what joins all
//! crates into one program; joined for size, the kernels' loops stay rolled and take 1.7 times as long. So the second is told apart, and is to
//! put no more than small functions into others: what has to be, the kernels say themselves.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use portcullis::bundle::Bundle;

use crate::cargo;
use crate::check::root;

/// Leaves out the tables that unwinding would read: where a panic aborts, nothing does.
const NO_TABLES: &str = "\
SECTIONS { /DISCARD/ : { *(.eh_frame) *(.eh_frame_hdr) *(.gcc_except_table .gcc_except_table.*) } } INSERT AFTER .text;
";

/// What `dist` takes.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The guard alone, as `portcullis-guard`: without what is done at a desk, which are the commands `calibrate`, `teach`, `report`,
    /// `review` and `graph`, the store of samples, and Parquet in `scan`.
    #[arg(long)]
    guard: bool,
    /// Write the program to this folder.
    #[arg(long, value_name = "DIR", default_value = "target/dist-files")]
    out: PathBuf,
}

/// A program that is released.
struct Edition {
    name: &'static str,
    features: &'static [&'static str],
    /// Most bytes of it that are not weights.
    budget: u64,
}

const EVERYTHING: Edition = Edition { name: "portcullis", features: &[], budget: 20_000_000 };
const GUARD: Edition = Edition {
    name: "portcullis-guard",
    features: &["--no-default-features", "--features", "cli,embedded"],
    budget: 12_000_000,
};

/// Builds the program and holds it to its budget.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let root = root()?;
    let edition = if arguments.guard { GUARD } else { EVERYTHING };
    fs::create_dir_all(&arguments.out).with_context(|| format!("cannot make {}", arguments.out.display()))?;
    let program = arguments.out.join(edition.name);
    build(&root, &edition, &program)?;
    let bytes = fs::metadata(&program).with_context(|| format!("cannot read {}", program.display()))?.len();
    let weights = weights()?;
    let rest = bytes.saturating_sub(weights);
    let mb = |bytes: u64| bytes as f64 / 1e6;
    println!(
        "{}: {:.2} MB, of it {:.2} MB weights; without them {:.2} MB, at most {:.2} MB",
        program.display(),
        mb(bytes),
        mb(weights),
        mb(rest),
        mb(edition.budget)
    );
    ensure!(rest <= edition.budget, "{} is larger than it may be", program.display());
    Ok(())
}

fn build(root: &Path, edition: &Edition, program: &Path) -> Result<()> {
    let mut arguments =
        vec!["--package", "portcullis", "--bin", "portcullis", "--profile", "dist", "--locked"];
    arguments.extend(["--config", "profile.dist.package.portcullis.opt-level=\"s\""]);
    arguments.extend(edition.features);
    arguments.extend(["--", "-C", "opt-level=3", "-C", "llvm-args=-inline-threshold=50"]);
    // Cargo forgets this setting of the profile where it is told another on the command line.
    arguments.extend(["-C", "strip=symbols"]);
    let script = root.join("target/no-tables.ld");
    let script_flag = format!("link-arg={}", script.display());
    if cfg!(target_os = "linux") {
        fs::write(&script, NO_TABLES).with_context(|| format!("cannot write {}", script.display()))?;
        arguments.extend(["-C", &script_flag, "-C", "link-arg=-Wl,--no-eh-frame-hdr"]);
        // Functions of the same code are one, and addresses to be moved are told in bits: that needs glibc 2.36.
        arguments.extend(["-C", "link-arg=-Wl,--icf=all", "-C", "link-arg=-Wl,-z,pack-relative-relocs"]);
    }
    let programs = cargo::build(root, "rustc", &arguments)?.programs();
    let [built] = programs.as_slice() else {
        bail!("cargo has built {} programs, expected 1", programs.len())
    };
    fs::copy(built, program).with_context(|| format!("cannot copy {}", built.display()))?;
    Ok(())
}

/// The bytes of the embedded model's weights.
fn weights() -> Result<u64> {
    let bundle = Bundle::embedded().context("this task has no model inside")?;
    let tensors = bundle.entry().files.iter().filter(|file| file.path.ends_with(".safetensors"));
    Ok(tensors.map(|file| file.bytes).sum())
}
