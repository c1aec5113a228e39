//! The project's own tasks: check the tree, assemble a bundle, calibrate it, test the kernels for ARM and under valgrind, build the
//! library for C, that for NVIDIA GPUs, and the program as it is released.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program whose answer is what it prints")]

mod arm;
mod bundle;
mod c_library;
mod calibrate;
mod cargo;
mod check;
mod device;
mod dist;
mod grid;
mod header;
mod valgrind;

use std::process::ExitCode;

use clap::Parser;

/// Tasks of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask", version)]
enum Task {
    /// Test the kernels at every NEON level on emulated 64-bit ARM.
    Arm(arm::Arguments),
    /// Assemble a bundle from an export of the training scripts, and rewrite the index.
    Bundle(bundle::Arguments),
    /// Build the library for C, with its header, for a compiler to find by pkg-config.
    CLibrary(c_library::Arguments),
    /// Fit a bundle's calibration, choose thresholds for a joint budget, and write both down.
    Calibrate(calibrate::Arguments),
    /// Run every check that a change has to pass.
    Check(check::Arguments),
    /// Build the device library for NVIDIA GPUs, and check what can be checked without one.
    Cuda(device::CudaArguments),
    /// Build the program as it is released, and hold it to its budget of bytes.
    Dist(dist::Arguments),
    /// Write the header of the C interface.
    Header,
    /// Print a report on Metal to be sent back; on a Mac.
    MetalCheck,
    /// Check the kernels' memory accesses, and count the instructions of a forward pass.
    Valgrind(valgrind::Arguments),
}

fn main() -> ExitCode {
    let result = match Task::parse() {
        Task::Arm(arguments) => arm::run(&arguments),
        Task::Bundle(arguments) => bundle::run(&arguments),
        Task::CLibrary(arguments) => c_library::run(&arguments),
        Task::Calibrate(arguments) => calibrate::run(&arguments),
        Task::Check(arguments) => check::run(&arguments),
        Task::Cuda(arguments) => device::cuda(&arguments),
        Task::Dist(arguments) => dist::run(&arguments),
        Task::Header => header::run(),
        Task::MetalCheck => device::metal_check(),
        Task::Valgrind(arguments) => valgrind::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
