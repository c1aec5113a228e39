//! `completions` and `man`.

use crate::program::run;

#[test]
fn every_shell_has_completions() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let run = run(&["completions", shell]);
        assert_eq!(run.status, Some(0), "{}", run.stderr);
        assert!(run.stdout.contains("ignore-unknown-keys"), "{shell}");
    }
}

#[test]
fn every_command_has_a_man_page() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("share").join("man1");
    let run = run(&["man", target.to_str().unwrap()]);
    assert_eq!((run.status, run.stdout.as_str(), run.stderr.as_str()), (Some(0), "", ""));
    for page in ["portcullis", "portcullis-check", "portcullis-pipe", "portcullis-explain", "portcullis-eval"]
    {
        let page = std::fs::read_to_string(target.join(format!("{page}.1"))).unwrap();
        assert!(page.contains(".TH portcullis"), "{page}");
    }
}
