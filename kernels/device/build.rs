//! With the feature `cuda`: compiles the kernels of `kernels/cuda` to one file that the library holds.

#![allow(clippy::print_stdout, reason = "cargo is told by lines on standard output")]

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Code for Ampere and what runs that, for Hopper with its own instructions, and for later ones in the driver's language.
const CODE: [&str; 3] =
    ["arch=compute_80,code=sm_80", "arch=compute_90a,code=sm_90a", "arch=compute_80,code=compute_80"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_CUDA").is_none() {
        return Ok(());
    }
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../cuda");
    for name in
        ["encoder.cu", "attention.cuh", "gemm.cuh", "heads.cuh", "layer.cuh", "products.cuh", "tile.cuh"]
    {
        println!("cargo::rerun-if-changed={}", folder.join(name).display());
    }
    for name in ["CUDA_HOME", "CUDA_PATH"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    let nvcc = nvcc();
    let to = Path::new(&env::var("OUT_DIR")?).join("encoder.fatbin");
    let mut command = Command::new(&nvcc);
    command.args(["-fatbin", "-O3", "-std=c++17"]);
    for code in CODE {
        command.args(["-gencode", code]);
    }
    let status = command.arg(folder.join("encoder.cu")).arg("-o").arg(&to).status().map_err(|error| {
        format!("{} cannot be run: {error}. The feature `cuda` needs NVIDIA's toolkit; CUDA_HOME says where it is (scripts/cuda.sh)", nvcc.display())
    })?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("{} could not compile {}: {status}", nvcc.display(), folder.display()).into()),
    }
}

/// The compiler of the toolkit that is named, or the one that is found.
fn nvcc() -> PathBuf {
    let home = ["CUDA_HOME", "CUDA_PATH"].into_iter().find_map(env::var_os);
    home.map_or_else(|| PathBuf::from("nvcc"), |home| Path::new(&home).join("bin/nvcc"))
}
