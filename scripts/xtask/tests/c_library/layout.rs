//! What is written where, and what the shared library shows.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::program::{declared, library, pkg_config, root, said};

#[test]
fn the_folder_has_libraries_header_and_description() {
    let folder = library();
    for (link, target) in [
        ("libportcullis.so", "libportcullis.so.0"),
        ("libportcullis.so.0", concat!("libportcullis.so.", env!("CARGO_PKG_VERSION"))),
    ] {
        assert_eq!(fs::read_link(folder.join("lib").join(link)).unwrap(), Path::new(target));
    }
    assert!(folder.join("lib/libportcullis.a").is_file());
    let header = fs::read(folder.join("include/portcullis.h")).unwrap();
    assert_eq!(header, fs::read(root().join("bindings/c/include/portcullis.h")).unwrap());
    assert_eq!(pkg_config(&folder, &["--modversion"]), [env!("CARGO_PKG_VERSION")]);
}

#[test]
fn the_description_goes_with_the_folder() {
    let (library, moved) = (library(), tempfile::tempdir().unwrap());
    let folder = moved.path().join("elsewhere");
    fs::create_dir_all(folder.join("lib/pkgconfig")).unwrap();
    let description = "lib/pkgconfig/portcullis.pc";
    fs::copy(library.join(description), folder.join(description)).unwrap();
    let flags = pkg_config(&folder, &["--cflags", "--libs"]).join(" ");
    assert!(flags.contains(moved.path().to_str().unwrap()), "{flags}");
    assert!(!flags.contains("c-library"), "{flags}");
}

#[test]
fn the_shared_library_shows_the_functions_of_the_header_alone() {
    let library = library().join("lib/libportcullis.so");
    let tool = |name: &str, arguments: &[&str]| {
        said(Command::new(name).args(arguments).arg(&library).output().unwrap(), 0)
    };
    let dynamic = tool("readelf", &["--dynamic", "--wide"]);
    assert!(dynamic.contains("Library soname: [libportcullis.so.0]"), "{dynamic}");
    let symbols = tool("nm", &["--dynamic", "--defined-only", "--format=just-symbols"]);
    let mut shown: Vec<&str> = symbols.lines().collect();
    shown.sort_unstable();
    assert_eq!(shown, declared());
    assert!(shown.len() > 50, "{}", shown.len());
}

#[test]
fn every_function_of_the_header_is_told_of() {
    let header = fs::read_to_string(root().join("bindings/c/include/portcullis.h")).unwrap();
    for name in declared() {
        let (before, _) = header.split_once(&format!("{name}(")).unwrap();
        let (_, declaration) = before.rsplit_once(" */\n").unwrap();
        assert!(!declaration.contains('\n'), "{name} has no comment");
    }
}
