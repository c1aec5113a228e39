//! `cargo xtask header`: the header of the C interface, from the comments and signatures in `src/ffi`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow};

use crate::check::root;

/// The header, from the repository's root.
pub(crate) const PATH: &str = "bindings/c/include/portcullis.h";

/// Writes the header.
pub(crate) fn run() -> Result<()> {
    let root = root()?;
    fs::write(root.join(PATH), generate(&root)?).with_context(|| format!("cannot write {PATH}"))?;
    println!("wrote {PATH}");
    Ok(())
}

/// Whether the header says what the code does.
pub(crate) fn is_current(root: &Path) -> Result<bool> {
    Ok(fs::read(root.join(PATH)).ok() == Some(generate(root)?))
}

/// The number in the shared library's name, as the header has it.
pub(crate) fn abi_version(root: &Path) -> Result<u32> {
    let header = fs::read_to_string(root.join(PATH)).with_context(|| format!("cannot read {PATH}"))?;
    let number = header.lines().find_map(|line| line.strip_prefix("#define PORTCULLIS_ABI_VERSION "));
    number.and_then(|number| number.parse().ok()).context("the header does not define PORTCULLIS_ABI_VERSION")
}

/// The header's bytes. Its parts come in the order of the modules.
fn generate(root: &Path) -> Result<Vec<u8>> {
    let settings = root.join("bindings/c/cbindgen.toml");
    let settings = settings.to_str().context("the repository's path is no UTF-8")?;
    let config =
        cbindgen::Config::from_file(settings).map_err(|error| anyhow!("cannot read {settings}: {error}"))?;
    let modules = fs::read_to_string(root.join("src/ffi.rs")).context("cannot read src/ffi.rs")?;
    let modules = modules.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'));
    let builder = modules
        .filter(|module| *module != "tests")
        .map(|module| root.join(format!("src/ffi/{module}.rs")))
        .fold(cbindgen::Builder::new().with_config(config), cbindgen::Builder::with_src);
    let mut header = Vec::new();
    builder.generate().context("cannot read the functions in src/ffi")?.write(&mut header);
    Ok(header)
}
