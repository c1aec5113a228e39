//! The examples, run from their first line to their last.

#[path = "../../examples/custom_rail.rs"]
mod custom_rail;
#[path = "../../examples/redact_restore.rs"]
mod redact_restore;
#[path = "../../examples/token_loop.rs"]
mod token_loop;
#[path = "../../examples/tool_calls.rs"]
mod tool_calls;

#[test]
fn a_token_loop() {
    token_loop::main().unwrap();
}

#[test]
fn tool_calls_before_they_are_made() {
    tool_calls::main().unwrap();
}

#[test]
fn redaction_and_back() {
    redact_restore::main().unwrap();
}

#[test]
fn a_rail_of_the_host() {
    custom_rail::main().unwrap();
}

/// Each example is run above; those in Python by the tests of that package.
#[test]
fn no_example_is_left_out() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| path.file_stem().unwrap().to_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["custom_rail", "redact_restore", "token_loop", "tool_calls"]);
}
