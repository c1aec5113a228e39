//! Threads: a pool of the caller's, calls from inside a pool, and none at all.

use std::process::Command;
use std::sync::Arc;

use portcullis::{Guard, GuardBuilder, Request, Role, Verdict};
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

fn pool(threads: usize) -> Arc<ThreadPool> {
    Arc::new(ThreadPoolBuilder::new().num_threads(threads).build().unwrap())
}

/// Texts of all lengths: of one pack and of several, of one window and of many.
fn requests() -> Vec<Request> {
    let sentence = "Could you tell me when the library opens on Saturday, and whether the garden is free? ";
    let texts = [1, 3, 9, 16].map(|times| sentence.repeat(times));
    let more = ["You are a worthless idiot.", "Write to jo@example.org.", "Y0u 4re a w0rthl3ss 1d10t"];
    let texts = texts.into_iter().chain(more.map(str::to_owned));
    texts.map(|text| Request::new(text, Role::User).unwrap()).collect()
}

/// What does not depend on the moment.
fn told(verdicts: &[Verdict]) -> Vec<String> {
    let one = |verdict: &Verdict| {
        let bits: Vec<(&str, u32)> =
            verdict.scores.iter().map(|(name, score)| (name.as_str(), score.to_bits())).collect();
        format!("{:?} {bits:?} {:?} {:?}", verdict.decision, verdict.findings, verdict.text)
    };
    verdicts.iter().map(one).collect()
}

#[test]
fn verdicts_are_the_same_on_every_pool_and_from_inside_one() {
    let requests = requests();
    // Attribution is more of the same work.
    let open = |builder: GuardBuilder| builder.attribution(false).build().unwrap();
    let alone = open(Guard::builder().threads(1));
    let expected = told(&alone.check_batch(&requests));
    let (given, callers) = (pool(2), pool(2));
    let on_given = || Guard::builder().pool(Arc::clone(&given));
    for (name, guard) in [
        ("own", open(Guard::builder().threads(3))),
        ("given", open(on_given())),
        ("given, whatever else was said", open(on_given().threads(1))),
        ("of one thread", open(Guard::builder().pool(pool(1)))),
    ] {
        assert_eq!(told(&guard.check_batch(&requests)), expected, "{name}");
        // From the pool itself, and from another, more calls at once than there are threads.
        for from in [&given, &callers] {
            let one_by_one: Vec<Verdict> = from.install(|| {
                (0..3)
                    .into_par_iter()
                    .flat_map_iter(|_| requests.iter().map(|request| guard.check(request)))
                    .collect()
            });
            for verdicts in one_by_one.chunks(requests.len()) {
                assert_eq!(told(verdicts), expected, "{name}, from inside a pool");
            }
            let batches: Vec<Vec<Verdict>> =
                from.install(|| (0..3).into_par_iter().map(|_| guard.check_batch(&requests)).collect());
            assert!(batches.iter().all(|batch| told(batch) == expected), "{name}, batches inside a pool");
        }
    }
    assert_eq!(on_given().build().unwrap().inspect().threads, 2);
}

#[test]
fn a_bundle_from_a_directory_opens_on_the_pool_that_was_given() {
    let models = concat!(env!("CARGO_MANIFEST_DIR"), "/models");
    let open = |builder: GuardBuilder| builder.models_dir(models).build().unwrap();
    let (alone, given) = (open(Guard::builder().threads(1)), open(Guard::builder().pool(pool(2))));
    alone.verify().unwrap();
    given.verify().unwrap();
    assert_eq!(alone.model(), given.model());
}

/// The threads of this process.
#[cfg(target_os = "linux")]
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

/// Everything that a guard does, on the calling thread; meant for a process in which no other test runs.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "run by the test below, in a process of its own"]
fn one_thread_alone() {
    let before = threads();
    let guard = Guard::builder().threads(1).build().unwrap();
    let models = concat!(env!("CARGO_MANIFEST_DIR"), "/models");
    let mapped = Guard::builder().models_dir(models).threads(1).build().unwrap();
    mapped.verify().unwrap();
    for guard in [&guard, &mapped] {
        assert_eq!(guard.check_batch(&requests()).len(), requests().len());
        let _ = guard.explain(&requests()[4]).unwrap();
        let mut stream = guard.stream(Role::Assistant);
        let _ = stream.push(requests()[3].text.as_bytes());
        let _ = stream.finish();
    }
    assert_eq!(threads(), before, "no thread was made");
    // What is counted above can be seen: a guard of two threads has a pool.
    let two = Guard::builder().threads(2).build().unwrap();
    assert_eq!(threads(), before, "a pool is made when it is needed");
    let _ = two.check_batch(&requests());
    assert_eq!(threads(), before + 2);
}

#[cfg(target_os = "linux")]
#[test]
fn with_one_thread_none_is_made() {
    let mut alone = Command::new(std::env::current_exe().unwrap());
    alone.args(["--exact", "threads::one_thread_alone", "--ignored", "--test-threads=1"]);
    let output = alone.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}
