//! What the decision log adds to a verdict on a short text: the same guard with and without one, and an append alone.
#![expect(clippy::expect_used, reason = "a benchmark without its bundle cannot go on")]

use criterion::{Criterion, criterion_group, criterion_main};
use portcullis::installation::{Fsync, LogSettings};
use portcullis::log::{Body, Log, read};
use portcullis::{Guard, Request, Role};
use std::path::Path;

const TEXT: &str =
    "Could you help me plan a week of vegetarian dinners for two people? Write to jo@example.org.";

/// The log alone, without what else a state directory brings.
const SETTINGS: &str = "[log]\nfsync = \"none\"\n[monitor]\nenabled = false\n[review]\nenabled = false\n";

fn guard(state: Option<&Path>) -> Guard {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let mut builder = Guard::builder().models_dir(models).model("portcullis-tiny").threads(1);
    if let Some(state) = state {
        std::fs::write(state.join("portcullis.toml"), SETTINGS).expect("a settings file");
        builder = builder.state_dir(state);
    }
    builder.build().expect("the bundle opens")
}

fn log(criterion: &mut Criterion) {
    let request = Request::new(TEXT, Role::User).expect("the text is not empty");
    let state = tempfile::tempdir().expect("a folder");
    let mut group = criterion.benchmark_group("log");
    let (without, with) = (guard(None), guard(Some(state.path())));
    group.bench_function("verdict without log", |bencher| bencher.iter(|| without.check(&request)));
    group.bench_function("verdict with log", |bencher| bencher.iter(|| with.check(&request)));
    let entry = read(state.path()).expect("a log").next().expect("an entry").expect("that can be read");
    let Body::Decision(_) = &entry.body else { return };
    for fsync in [Fsync::None, Fsync::Interval, Fsync::Each] {
        let state = tempfile::tempdir().expect("a folder");
        let log = Log::open(state.path(), &LogSettings { fsync, ..LogSettings::default() }).expect("a log");
        group.bench_function(format!("append, fsync {fsync:?}").to_lowercase(), |bencher| {
            bencher.iter(|| log.append(&entry.body).expect("it is appended"));
        });
    }
    group.finish();
}

criterion_group!(benches, log);
criterion_main!(benches);
