//! Devices on the command line, by the device library that computes on the processor.

use crate::program::{Run, run, run_with};
use std::fs;
use std::path::{Path, PathBuf};

/// The device library as cargo built it with these tests, where only its owner can write. It is built with the whole workspace.
fn library(folder: &Path) -> Option<PathBuf> {
    let name = "libportcullis_device.so";
    let built = std::env::current_exe().unwrap().with_file_name(name);
    if !built.is_file() {
        assert!(std::env::var_os("CI_DEVICE").is_none(), "{} is not there", built.display());
        let what = format!("skipped: {} is built with `--workspace` only", built.display());
        std::io::Write::write_all(&mut std::io::stderr(), what.as_bytes()).unwrap();
        return None;
    }
    let path = folder.join(name);
    fs::copy(&built, &path).unwrap();
    #[cfg(unix)]
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    Some(path)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn ok(run: Run) -> Run {
    assert_eq!(run.status, Some(0), "{}{}", run.stdout, run.stderr);
    run
}

#[test]
fn a_device_that_is_not_there_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let absent = folder.path().join("absent.so");
    let cuda = run(&["check", "--device", "cuda", "hello", "--device-library", text(&absent)]);
    let expected = format!(
        "portcullis: cannot start the guard: the device cuda is not available: no device library at {}: No such file or \
         directory (os error 2)\n",
        absent.display()
    );
    assert_eq!((cuda.status, cuda.stderr), (Some(2), expected));
    // Without one, it is looked for beside the program.
    let beside = run(&["check", "--device", "cuda", "hello"]);
    assert_eq!(beside.status, Some(2));
    assert!(beside.stderr.contains("libportcullis_cuda.so"), "{}", beside.stderr);
    let metal = run(&["check", "--device", "metal", "hello"]);
    assert_eq!(metal.status, Some(2));
    if !cfg!(target_os = "macos") {
        assert!(metal.stderr.contains("this build has no Metal"), "{}", metal.stderr);
    }
    let precision = run(&["check", "--device-precision", "f8", "hello"]);
    assert_eq!(precision.status, Some(2));
    assert!(precision.stderr.contains("expected f16, bf16 or f32"), "{}", precision.stderr);
    // Left to the guard, nothing that is missing is an error.
    ok(run(&["check", "--device", "auto", "--device-library", text(&absent), "How do I descale a kettle?"]));
}

#[test]
fn a_library_that_fails_is_told_and_so_is_the_one_that_is_asked_for_in_vain() {
    let folder = tempfile::tempdir().unwrap();
    let Some(library) = library(folder.path()) else { return };
    let run = run(&["check", "--device", "cuda", "--device-library", text(&library), "hello"]);
    assert_eq!(run.status, Some(2));
    assert!(
        run.stderr.contains("offers cpu-float (processor, in floating point), not cuda"),
        "{}",
        run.stderr
    );
}

#[test]
fn verdicts_of_a_device_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let Some(library) = library(folder.path()) else { return };
    let device = ["--device", "cpu-float", "--device-library", text(&library)];
    let check = |flags: &[&str]| {
        let all = [&["check", "--json", "You are a worthless disgusting idiot."], flags].concat();
        run(&all).json()
    };
    let (on_device, on_cpu) = (check(&device), check(&[]));
    assert_eq!((&on_device["device"], on_cpu.get("device")), (&"cpu-float".into(), None));
    assert_eq!(on_device["decision"], on_cpu["decision"]);
    assert_eq!(on_device["findings"][0]["rule"], on_cpu["findings"][0]["rule"]);
    let lines =
        run_with(&[&["pipe"], &device[..]].concat(), b"{\"text\": \"a\"}\n{\"text\": \"tea and bread\"}\n");
    assert!(lines.stdout.lines().all(|line| line.contains("\"device\":\"cpu-float\"")), "{}", lines.stdout);
}

#[test]
fn a_crossover_is_measured_written_and_used() {
    let folder = tempfile::tempdir().unwrap();
    let Some(library) = library(folder.path()) else { return };
    let (state, data) = (folder.path().join("state"), folder.path().join("texts.jsonl"));
    fs::write(&data, "{\"text\": \"a quiet morning\", \"label\": 0}\n{\"text\": \"\"}\n{\"text\": \"you idiot\", \"role\": \"assistant\"}\n").unwrap();
    let measure = [
        "bench",
        "--device",
        "auto",
        "--device-library",
        text(&library),
        "--batches",
        "1,3",
        "--lengths",
        "8,40",
        "--seconds",
        "0",
        "--data",
        text(&data),
        "--state",
        text(&state),
    ];
    let report = ok(run(&[&measure[..], &["--json"]].concat())).json();
    assert_eq!(report["device"]["device"], "cpu-float");
    let sizes = report["sizes"].as_array().unwrap();
    let tokens: Vec<u64> =
        sizes.iter().map(|size| size["texts"].as_u64().unwrap() * size["tokens"].as_u64().unwrap()).collect();
    assert_eq!(tokens, [8, 24, 40, 120]);
    assert!(
        sizes
            .iter()
            .all(|size| size["cpu_us"].as_f64().unwrap() > 0.0 && size["device_us"].as_f64().unwrap() > 0.0)
    );
    assert_eq!((&report["parity"]["texts"], &report["parity"]["skipped"]), (&2.into(), &1.into()));
    assert_eq!(report["parity"]["differ"].as_array().unwrap().len(), 0, "{report}");
    let written = fs::read_to_string(state.join("device.toml")).unwrap();
    assert!(written.contains("kind = \"cpu-float\"") && written.contains("precision = \"f16\""), "{written}");
    // As a table.
    let table = ok(run(&measure)).stdout;
    for word in
        ["cpu-float: processor, in floating point, f16", "times as fast", "decided otherwise", "device.toml"]
    {
        assert!(table.contains(word), "{word}: {table}");
    }

    // What was measured decides, whatever it is.
    let auto = ["--device-library", text(&library), "--state", text(&state), "--unlogged"];
    let source: String = written
        .lines()
        .filter(|line| !line.starts_with("from_tokens"))
        .map(|line| line.to_owned() + "\n")
        .collect();
    let set = |from: &str| fs::write(state.join("device.toml"), format!("{from}{source}")).unwrap();
    let check = |words: &str| run(&[&["check", "--json", words], &auto[..]].concat()).json();
    set("from_tokens = 12\n");
    assert_eq!(check("a quiet morning").get("device"), None);
    assert_eq!(
        check("a quiet morning in the garden and the birds sing in a tree near our house")["device"],
        "cpu-float"
    );
    let inspected = ok(run(&[&["inspect"], &auto[..]].concat())).stdout;
    assert!(
        inspected.contains("cpu-float from 12 tokens in a batch on: processor, in floating point, f16"),
        "{inspected}"
    );
    set("");
    let inspected = run(&[&["inspect", "--json"], &auto[..]].concat()).json();
    assert_eq!(inspected["device"], "cpu");
    assert_eq!(
        inspected["accelerator_unused"],
        "the CPU was measured to be faster than processor, in floating point at every size"
    );
    assert_eq!(inspected["devices"]["found"][0]["name"], "processor, in floating point");
    // Another precision was not measured.
    let other = run(&[&["inspect", "--device-precision", "f32"], &auto[..]].concat()).stdout;
    assert!(other.contains("measured with another precision"), "{other}");
}

#[test]
fn without_a_device_there_is_nothing_to_compare_with() {
    let run = run(&["bench", "--device", "auto", "--seconds", "0"]);
    assert_eq!(run.status, Some(2));
    assert_eq!(run.stderr, "portcullis: there is no device to compare with: no device library was given\n");
}

/// A library whose device is lost at the first call.
#[cfg(target_os = "linux")]
fn failing(folder: &Path) -> PathBuf {
    let heads = run(&["inspect", "--json"]).json().get("heads").unwrap().as_array().unwrap().len();
    let path = folder.join("failing.so");
    let made = std::process::Command::new("cc")
        .args([
            "-shared",
            "-fPIC",
            &format!("-DHEADS={heads}"),
            &format!("-DVERSION={:?}", env!("CARGO_PKG_VERSION")),
        ])
        .arg("-o")
        .arg(&path)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/failing-device.c"))
        .status()
        .unwrap();
    assert!(made.success());
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    path
}

#[test]
#[cfg(target_os = "linux")]
fn a_device_that_is_lost_is_told_once_and_the_processor_judges() {
    let folder = tempfile::tempdir().unwrap();
    let library = failing(folder.path());
    let state = folder.path().join("state");
    let device = ["--device", "cpu-float", "--device-library", text(&library)];
    let lines = b"{\"text\": \"tea and bread\"}\n{\"text\": \"You are a worthless disgusting idiot.\"}\n";
    let decided = |run: &Run| -> Vec<serde_json::Value> {
        let line = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
        run.stdout
            .lines()
            .map(line)
            .map(|line| serde_json::json!([line["decision"], line["scores"], line["device"]]))
            .collect()
    };
    let lost =
        ok(run_with(&[&["pipe", "--batch", "1", "--state", text(&state)], &device[..]].concat(), lines));
    assert_eq!(decided(&lost), decided(&ok(run_with(&["pipe"], lines))));
    assert_eq!(lost.stderr, "warning: the device is lost: it fell off the bus\n");
    let log = ok(run(&["log", "query", "--state", text(&state), "--json"])).stdout;
    let told: Vec<&str> = log.lines().filter(|line| line.contains("device_failed")).collect();
    assert_eq!(told.len(), 1, "{log}");
    assert!(told[0].contains("it fell off the bus") && told[0].contains("\"lost\":true"), "{}", told[0]);

    let policy = folder.path().join("strict.toml");
    let source = portcullis::policy::Policy::embedded_source();
    let key = "on_deadline = \"exit\"\n";
    fs::write(&policy, source.replacen(key, &format!("{key}on_device_failure = \"fault\"\n"), 1)).unwrap();
    let strict =
        run(&[&["check", "--json", "tea and bread", "--policy", text(&policy)], &device[..]].concat());
    assert_eq!(strict.status, Some(1), "{}", strict.stderr);
    let verdict = strict.json();
    assert_eq!(
        (&verdict["decision"], &verdict["fault"]),
        (&"veto".into(), &"the device is lost: it fell off the bus".into())
    );
}
