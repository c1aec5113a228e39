//! The library as a guard opens it: found, trusted, spoken to, and refused.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use portcullis::encode::{
    Accelerator as _, Batch, DeviceError, DeviceLibrary, DeviceType, FailureKind, Local, Precision,
};
use portcullis::rails::classifier::ClassifierRail;
use portcullis::{Crossover, DeviceKind, Guard, GuardError, Request, Role};
use portcullis_kernels::plugin::{Opening, Plugin, PluginError};

/// The library as cargo built it for these tests, where only its owner can write.
fn library(folder: &Path) -> PathBuf {
    let built = std::env::current_exe().unwrap();
    let built = built.parent().unwrap().join("libportcullis_device.so");
    let path = folder.join("libportcullis_device.so");
    fs::copy(&built, &path).unwrap_or_else(|error| panic!("{}: {error}", built.display()));
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    path
}

fn ids(length: u32) -> impl Iterator<Item = u32> {
    std::iter::once(101).chain((0..length - 2).map(|at| 2000 + at * 37 % 5000)).chain([102])
}

fn batch() -> Batch {
    let mut batch = Batch::new();
    [3, 40, 130, 3, 17].into_iter().for_each(|length| batch.push(ids(length)));
    batch
}

#[test]
fn what_it_answers_is_what_the_graph_answers() {
    let folder = tempfile::tempdir().unwrap();
    let library = DeviceLibrary::open(&library(folder.path())).unwrap();
    let [info] = library.devices() else { panic!("{:?}", library.devices()) };
    assert_eq!((info.device, info.ordinal), (DeviceType::CpuFloat, 0));
    let bundle = portcullis::bundle::Bundle::embedded().unwrap();
    for precision in Precision::ALL {
        let after = ClassifierRail::states_after(&bundle);
        let remote = library.accelerator(info, precision, &bundle, &after).unwrap();
        assert_eq!((remote.info(), remote.precision()), (info, precision));
        let weights = bundle.weights().unwrap();
        let here = Local::new(info.clone(), &candle_core::Device::Cpu, precision, weights, &after).unwrap();
        assert_eq!(remote.answer(&batch()).unwrap(), here.answer(&batch()).unwrap());
    }
}

#[test]
fn several_threads_may_ask_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let library = DeviceLibrary::open(&library(folder.path())).unwrap();
    let bundle = portcullis::bundle::Bundle::embedded().unwrap();
    let remote = library.accelerator(&library.devices()[0], Precision::F32, &bundle, &[]).unwrap();
    let alone = remote.answer(&batch()).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(remote.answer(&batch()).unwrap(), alone));
        }
    });
}

#[test]
fn what_makes_no_sense_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = Plugin::load(&library(folder.path())).unwrap();
    let bundle = portcullis::bundle::Bundle::embedded().unwrap();
    let file = |name: &str| bundle.files().iter().find(|(file, _)| file.path == name).unwrap().1.clone();
    let (manifest, weights) = (file("manifest.toml"), file("weights.safetensors"));
    let good = Opening {
        device: DeviceType::CpuFloat,
        ordinal: 0,
        precision: Precision::F32,
        manifest: manifest.text("manifest.toml").unwrap(),
        weights: weights.as_ref(),
        after: &[2, 4],
    };
    let misaligned = [&[0], &weights.as_ref()[..1 << 16]].concat();
    let bad = [
        (Opening { device: DeviceType::Cuda, ..good }, FailureKind::NoDevice, "not one of this library's"),
        (Opening { ordinal: 1, ..good }, FailureKind::NoDevice, "not one of this library's"),
        (Opening { manifest: "schema = 1", ..good }, FailureKind::Other, "manifest"),
        (Opening { manifest: "", ..good }, FailureKind::Other, "manifest"),
        (Opening { weights: &weights.as_ref()[..1 << 16], ..good }, FailureKind::Other, ""),
        (Opening { weights: &[], ..good }, FailureKind::Other, ""),
        (Opening { weights: &misaligned[1..], ..good }, FailureKind::Other, ""),
        (Opening { after: &[4, 2], ..good }, FailureKind::Other, "states after the layers"),
        (Opening { after: &[0], ..good }, FailureKind::Other, "states after the layers"),
        (Opening { after: &[6], ..good }, FailureKind::Other, "states after the layers"),
    ];
    for (opening, kind, said) in bad {
        let failure = plugin.open(&opening).map(drop).unwrap_err();
        assert!(failure.kind == kind && failure.message.contains(said), "{failure:?}, expected {said}");
    }
    let model = plugin.open(&good).unwrap();
    assert_eq!((model.hidden(), model.positions()), (384, 512));
    assert!(model.forward(&[101, 102], &[0, 2]).unwrap().0.iter().all(|logit| logit.is_finite()));
    let most = u32::MAX;
    for (ids, bounds) in [
        (&[101, 102][..], &[0, 3][..]),
        (&[101, 102], &[1, 2]),
        (&[101, 102], &[0, 1]),
        (&[101, 102], &[0, 2, 1, 2]),
        (&[101, 102], &[0, usize::MAX, 2]),
        (&[101, most], &[0, 2]),
        (&[101, 102], &[0, 0, 2]),
        (&[101; 513], &[0, 513]),
        (&[101], &[]),
    ] {
        assert_eq!(model.forward(ids, bounds).unwrap_err().kind, FailureKind::Other, "{bounds:?}");
    }
    // It answers as before.
    assert!(model.forward(&[101, 102], &[0, 2]).is_ok());
}

#[test]
fn a_library_that_others_can_change_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = library(folder.path());
    for mode in [0o775, 0o757, 0o777] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let error = DeviceLibrary::open(&path).unwrap_err();
        assert!(matches!(error, DeviceError::Library(PluginError::Untrusted { .. })), "{error}");
    }
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    // A link is only the way to the file.
    let link = folder.path().join("link.so");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert!(DeviceLibrary::open(&link).is_ok());
}

/// A library of C that exports what `source` says.
fn made(folder: &Path, source: &str) -> PathBuf {
    let (code, path) = (folder.join("made.c"), folder.join(format!("made{}.so", source.len())));
    fs::write(&code, source).unwrap();
    let cc = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&path).arg(&code).status().unwrap();
    assert!(cc.success());
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn another_library_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let load = |source: &str| Plugin::load(&made(folder.path(), source)).map(drop).unwrap_err();
    let error = load("int something_else;");
    assert!(error.to_string().contains("it has no portcullis_device"), "{error}");
    let error = load("void *portcullis_device(void) { return 0; }");
    assert!(error.to_string().contains("returns no table"), "{error}");
    let error = load("unsigned table[64] = {99};\nvoid *portcullis_device(void) { return table; }");
    assert!(matches!(error, PluginError::Interface { found: 99, .. }), "{error}");
    let old = "struct { unsigned abi; const char *version; unsigned long length; void *rest[4]; } table = {1, \"0.0.1\", 5};\n\
               void *portcullis_device(void) { return &table; }";
    let error = load(old);
    assert!(matches!(&error, PluginError::Version { found, .. } if found == "0.0.1"), "{error}");
}

#[test]
fn a_missing_driver_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    // A library that needs one which is not there when it is loaded.
    let driver = folder.path().join("libcuda.so.1");
    let source = folder.path().join("driver.c");
    fs::write(&source, "int cuInit(unsigned flags) { return 100; }").unwrap();
    let cc = |arguments: &[&str]| {
        assert!(Command::new("cc").current_dir(folder.path()).args(arguments).status().unwrap().success());
    };
    cc(&["-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", "-o", "libcuda.so.1", "driver.c"]);
    fs::write(
        folder.path().join("needs.c"),
        "int cuInit(unsigned); int portcullis_device(void) { return cuInit(0); }",
    )
    .unwrap();
    cc(&["-shared", "-fPIC", "-o", "libportcullis_cuda.so", "needs.c", "./libcuda.so.1"]);
    fs::remove_file(driver).unwrap();
    let library = folder.path().join("libportcullis_cuda.so");
    fs::set_permissions(&library, Permissions::from_mode(0o755)).unwrap();
    let error =
        Guard::builder().device(DeviceKind::Cuda).device_library(&library).build().map(drop).unwrap_err();
    let expected = format!(
        "the device library {} cannot be loaded: there is no libcuda.so.1, which comes with NVIDIA's driver",
        library.display()
    );
    let GuardError::Device { device: DeviceKind::Cuda, source } = error else { panic!("{error}") };
    assert_eq!(source.to_string(), expected);
}

#[test]
fn a_guard_opens_what_it_is_told_to_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = library(folder.path());
    let builder = || Guard::builder().attribution(false);
    let request = Request::new("You are a worthless disgusting idiot.", Role::User).unwrap();
    let guard = builder().device(DeviceKind::CpuFloat).device_library(&path).build().unwrap();
    let (verdict, expected) = (guard.check(&request), builder().build().unwrap().check(&request));
    assert_eq!((verdict.device.as_deref(), expected.device.as_deref()), (Some("cpu-float"), None));
    assert_eq!(verdict.decision, expected.decision);
    let report = guard.inspect();
    assert_eq!(report.device, "cpu-float");
    let accelerator = report.accelerator.unwrap();
    assert_eq!((accelerator.precision.as_str(), accelerator.from_tokens), ("f16", 0));

    let error = |builder: portcullis::GuardBuilder| match builder.build().map(drop).unwrap_err() {
        GuardError::Device { source, .. } => source.to_string(),
        error => panic!("{error}"),
    };
    assert_eq!(error(builder().device(DeviceKind::Cuda)), "no device library was given");
    assert_eq!(
        error(builder().device(DeviceKind::Cuda).device_library(&path)),
        "the device library offers cpu-float (processor, in floating point), not cuda"
    );
    let absent = folder.path().join("absent.so");
    assert_eq!(
        error(builder().device(DeviceKind::Cuda).device_library(&absent)),
        format!("no device library at {}", absent.display())
    );
    assert_eq!(
        error(builder().device(DeviceKind::Metal)),
        "this build has no Metal: it takes macOS and the feature `metal`"
    );
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models");
    let hashed = builder().models_dir(models).model("portcullis-tiny");
    assert_eq!(
        error(hashed.device(DeviceKind::CpuFloat).device_library(&path)),
        "the bundle's model runs on the CPU alone: it has no encoder"
    );
}

#[test]
fn a_measured_crossover_decides_and_nothing_else_does() {
    let folder = tempfile::tempdir().unwrap();
    let (path, state) = (library(folder.path()), folder.path().join("state"));
    let build = || {
        let builder = Guard::builder().device_library(&path).state_dir(&state).attribution(false);
        builder.build().unwrap()
    };
    let unused = |guard: &Guard| {
        let report = guard.inspect();
        assert_eq!((report.device.as_str(), &report.accelerator), ("cpu", &None));
        report.accelerator_unused.unwrap()
    };
    assert_eq!(unused(&build()), "no crossover was measured: see `bench --device`");
    let bundle = portcullis::bundle::Bundle::embedded().unwrap();
    let info = DeviceLibrary::open(&path).unwrap().devices()[0].clone();
    let digest = blake3::hash(&fs::read(&path).unwrap()).to_hex().to_string();
    let time = "2031-05-09T14:03:59Z".to_owned();
    let model = bundle.entry().digest();
    let crossover = Crossover::new(&info, digest, model, Precision::F16, Some(40), 1, time);
    crossover.write(&state).unwrap();

    let guard = build();
    let accelerator = guard.inspect().accelerator.unwrap();
    assert_eq!((accelerator.device.as_str(), accelerator.from_tokens), ("cpu-float", 40));
    let short = Request::new("a quiet morning", Role::User).unwrap();
    let long = Request::new("a quiet morning in the garden ".repeat(8), Role::User).unwrap();
    assert_eq!(guard.check(&short).device, None);
    assert_eq!(guard.check(&long).device.as_deref(), Some("cpu-float"));
    let many = vec![short; 10];
    assert!(guard.check_batch(&many).iter().all(|verdict| verdict.device.is_some()));

    for (other, why) in [
        (
            Crossover { from_tokens: None, ..crossover.clone() },
            "the CPU was measured to be faster than processor, in floating point at every size",
        ),
        (
            Crossover { maker: "ab".to_owned(), ..crossover.clone() },
            "the crossover was measured with another device library: see `bench --device`",
        ),
        (
            Crossover { model: "ab".to_owned(), ..crossover.clone() },
            "the crossover was measured with another model: see `bench --device`",
        ),
        (
            Crossover { precision: "f32".to_owned(), ..crossover.clone() },
            "the crossover was measured with another precision: see `bench --device`",
        ),
        (
            Crossover { name: "another".to_owned(), ..crossover.clone() },
            "the device library offers cpu-float (processor, in floating point), not the cpu-float that was measured",
        ),
        (
            Crossover { kind: "abacus".to_owned(), ..crossover.clone() },
            "device.toml is of \"abacus\", expected a device that there is",
        ),
    ] {
        other.write(&state).unwrap();
        assert_eq!(unused(&build()), why);
    }
    fs::write(state.join("device.toml"), "broken").unwrap();
    assert!(unused(&build()).contains("is not a measurement of a device"));
    crossover.write(&state).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o777)).unwrap();
    assert!(unused(&build()).contains("is not used: it has mode 777"));
}
