//! The commands of `docs/c.md`, run as they are written.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::program::{library, root, said};

#[test]
fn the_quick_start_works() {
    let page = fs::read_to_string(root().join("docs/c.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    symlink(root().join("bindings"), folder.path().join("bindings")).unwrap();
    // The page's first command takes minutes in the release profile; this is what it writes.
    symlink(library(), folder.path().join("portcullis-c")).unwrap();
    let (mut commands, mut shown) = (String::from("set -e\n"), String::new());
    for (language, content) in blocks(&page) {
        match language {
            "c" => fs::write(folder.path().join("guard.c"), content).unwrap(),
            "sh" => commands
                .extend(content.split_inclusive('\n').filter(|line| !line.starts_with("cargo xtask "))),
            "text" => shown.push_str(content),
            other => panic!("a block of {other:?}"),
        }
    }
    assert!(page.contains("cargo xtask c-library --out portcullis-c"));
    let mut shell = Command::new("sh");
    let output = shell.args(["-c", &commands]).current_dir(folder.path()).output().unwrap();
    assert_eq!(said(output, 0), shown);
}

/// The fenced blocks of a page: language and content.
fn blocks(page: &str) -> Vec<(&str, &str)> {
    let parts: Vec<&str> = page.split("```").collect();
    parts.chunks_exact(2).filter_map(|pair| pair.last()?.split_once('\n')).collect()
}
