//! The hook in `.pre-commit-hooks.yaml`, run by pre-commit itself where it is installed.

use super::{ATTACK, MAIL, folder};
use std::fs;
use std::path::Path;
use std::process::Command;

/// The Python program, or `$PORTCULLIS_TEST_PRE_COMMIT`.
fn pre_commit() -> Command {
    Command::new(std::env::var_os("PORTCULLIS_TEST_PRE_COMMIT").unwrap_or_else(|| "pre-commit".into()))
}

fn is_there(mut command: Command) -> bool {
    command.arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Runs git in a folder, as nobody in particular.
fn git(folder: &Path, arguments: &[&str]) -> bool {
    let name = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "init.defaultBranch=main"];
    let output = Command::new("git").args(name).args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success() || arguments.contains(&"commit"), "{arguments:?}: {output:?}");
    output.status.success()
}

#[test]
fn pre_commit_stops_a_commit_that_the_policy_holds_back() {
    if !is_there(pre_commit()) || !is_there(Command::new("git")) {
        eprintln!("skipped: it needs git and pre-commit (PyPI)");
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // A repository that offers the hook as this one does.
    let hooks = folder(&[]);
    fs::copy(root.join(".pre-commit-hooks.yaml"), hooks.path().join(".pre-commit-hooks.yaml")).unwrap();
    git(hooks.path(), &["init", "--quiet"]);
    git(hooks.path(), &["add", "."]);
    assert!(git(hooks.path(), &["commit", "--quiet", "-m", "hooks"]));
    git(hooks.path(), &["tag", "v1"]);
    // And one that uses it.
    let config = format!(
        "repos:\n- repo: {}\n  rev: v1\n  hooks:\n  - id: portcullis-system\n    args: [--fail-on, rewrite]\n    exclude: ^known/\n",
        hooks.path().display()
    );
    let work = folder(&[(".pre-commit-config.yaml", &config), ("fine.md", "The oven should be hot.\n")]);
    git(work.path(), &["init", "--quiet"]);
    git(work.path(), &["add", "."]);
    let program = Path::new(env!("CARGO_BIN_EXE_portcullis")).parent().unwrap();
    let home = folder(&[]);
    let run = || {
        let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
        let mut command = pre_commit();
        command.args(["run", "--color", "never"]).current_dir(work.path());
        let output = command.env("PATH", path).env("PRE_COMMIT_HOME", home.path()).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (status, told) = run();
    assert_eq!(status, Some(0), "{told}");
    assert!(told.contains("Passed"), "{told}");
    fs::write(work.path().join("page.md"), format!("Hello.\n{ATTACK}\n")).unwrap();
    fs::write(work.path().join("mail.md"), MAIL).unwrap();
    fs::create_dir(work.path().join("known")).unwrap();
    fs::write(work.path().join("known/attack.txt"), ATTACK).unwrap();
    git(work.path(), &["add", "."]);
    let (status, told) = run();
    assert_eq!(status, Some(1), "{told}");
    assert!(told.contains("page.md:2:") && told.contains("mail.md:1:10: pii.email"), "{told}");
    assert!(!told.contains("known/attack.txt"), "{told}");
}
