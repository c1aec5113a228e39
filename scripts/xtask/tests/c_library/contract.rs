//! The header's promises, asked by a C program with either library, and its memory under valgrind.

use std::process::Command;

use crate::program::{LEVEL, Linking, compile, memcheck, run, said};

#[test]
fn it_holds_with_the_shared_library() {
    let folder = tempfile::tempdir().unwrap();
    let program = compile("tests/contract.c", Linking::Shared, folder.path());
    assert_eq!(said(run(Command::new(program), ""), 0), "");
}

#[test]
fn it_holds_with_the_static_library_and_under_valgrind() {
    let folder = tempfile::tempdir().unwrap();
    let program = compile("tests/contract.c", Linking::Static, folder.path());
    assert_eq!(said(run(Command::new(&program), ""), 0), "");
    if let Some(command) = memcheck(&program) {
        assert_eq!(said(run(command, ""), 0), "");
    }
}

#[test]
fn threads_share_a_guard() {
    let folder = tempfile::tempdir().unwrap();
    let program = compile("examples/threads.c", Linking::Shared, folder.path());
    let alone = said(run(Command::new(&program), ""), 0);
    assert_eq!(alone.lines().count(), 3);
    if let Some(mut command) = memcheck(&program) {
        command.arg(LEVEL);
        assert_eq!(said(run(command, ""), 0), alone);
    }
}
