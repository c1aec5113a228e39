//! What becomes of texts when the device fails: the CPU's verdict or a fault, as the policy says, and never an allow by accident.

use portcullis::encode::FailureKind;
use portcullis::log::Event;
use portcullis::policy::Policy;
use portcullis::{Guard, GuardBuilder};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::verdicts::{comparable, events, requests};
use crate::{How, pair};

fn strict() -> GuardBuilder {
    let key = "on_deadline = \"exit\"\n";
    let source = Policy::embedded_source().replacen(key, &format!("{key}on_device_failure = \"fault\"\n"), 1);
    Guard::builder().attribution(false).policy(Policy::parse(&source, "strict.toml").unwrap())
}

fn of(verdicts: &[portcullis::Verdict]) -> Vec<serde_json::Value> {
    verdicts.iter().map(comparable).collect()
}

#[test]
fn the_cpu_judges_again_to_the_same_bits() {
    let requests = requests(5);
    for kind in FailureKind::ALL {
        let (cpu, guard, device) = pair(Guard::builder().attribution(false), How::Always(kind), 0);
        assert_eq!(of(&guard.check_batch(&requests)), of(&cpu.check_batch(&requests)), "{kind}");
        let asked = device.calls();
        assert!(asked > 0);
        // After anything but a want of memory it is not asked again.
        device.becomes(How::Well);
        let again = guard.check_batch(&requests);
        let is_lost = kind != FailureKind::OutOfMemory;
        assert_eq!(again.iter().all(|verdict| verdict.device.is_none()), is_lost, "{kind}");
        assert_eq!(device.calls() == asked, is_lost, "{kind}");
        let report = guard.inspect().accelerator.unwrap();
        let trouble = report.trouble.unwrap();
        assert!(
            trouble.contains("as it was told") && trouble.contains("not asked again") == is_lost,
            "{trouble}"
        );
    }
}

#[test]
fn a_batch_that_is_too_large_is_halved() {
    let requests = requests(16);
    let (cpu, guard, device) = pair(Guard::builder().attribution(false), How::MemoryFor(6), 0);
    let verdicts = guard.check_batch(&requests);
    assert!(verdicts.iter().all(|verdict| verdict.device.is_some()));
    assert!(device.largest() > 6 && device.calls() >= 5, "{} {}", device.largest(), device.calls());
    assert_eq!(guard.inspect().accelerator.unwrap().trouble, None);
    // In the order of the texts, whatever was halved.
    device.becomes(How::Well);
    for (halved, whole) in verdicts.iter().zip(guard.check_batch(&requests)) {
        for ((_, a), (_, b)) in halved.scores.iter().zip(&whole.scores) {
            assert!((a - b).abs() < 1e-3);
        }
    }
    // Too small for a quarter of the batch: the CPU judges, and the device is asked the next time.
    device.becomes(How::MemoryFor(1));
    assert_eq!(of(&guard.check_batch(&requests)), of(&cpu.check_batch(&requests)));
    device.becomes(How::Well);
    assert!(guard.check_batch(&requests).iter().all(|verdict| verdict.device.is_some()));
}

#[test]
fn a_policy_may_ask_for_a_fault() {
    let requests = requests(5);
    for kind in FailureKind::ALL {
        let (_, guard, device) = pair(strict(), How::Always(kind), 0);
        let on_fault = guard.policy().policy().on_fault();
        let times = if kind == FailureKind::OutOfMemory { 1 } else { 2 };
        for _ in 0..times {
            for verdict in guard.check_batch(&requests) {
                assert!(verdict.decision >= on_fault && !verdict.decision.releases(), "{verdict:?}");
                let fault = verdict.fault.as_deref().unwrap_or_default();
                assert!(fault.contains("as it was told"), "{fault}");
                assert_eq!((verdict.device, verdict.text), (None, None));
            }
            // A device that is lost stays lost, and so do the texts that it should have judged.
            if kind != FailureKind::OutOfMemory {
                device.becomes(How::Well);
            }
        }
    }
    // A batch that was never the device's has nothing to do with it.
    let (cpu, guard, device) = pair(strict(), How::Always(FailureKind::Lost), usize::MAX);
    assert_eq!(of(&guard.check_batch(&requests)), of(&cpu.check_batch(&requests)));
    assert_eq!(device.calls(), 0);
}

#[test]
fn an_answer_that_is_none_is_never_an_allow() {
    let requests = requests(5);
    let (cpu, guard, _) = pair(Guard::builder().attribution(false), How::Short, 0);
    assert_eq!(of(&guard.check_batch(&requests)), of(&cpu.check_batch(&requests)));
    let (_, guard, _) = pair(Guard::builder().attribution(false), How::Nan, 0);
    for verdict in guard.check_batch(&requests) {
        assert!(!verdict.decision.releases() && verdict.fault.is_some(), "{verdict:?}");
    }
}

#[test]
fn a_failure_is_told_once() {
    static TOLD: AtomicUsize = AtomicUsize::new(0);
    let state = tempfile::tempdir().unwrap();
    let builder = Guard::builder().state_dir(state.path()).on_device_trouble(|trouble| {
        assert_eq!(trouble.first.kind, FailureKind::Lost);
        TOLD.fetch_add(1, Ordering::Relaxed);
    });
    let (_, guard, _) = pair(builder, How::Always(FailureKind::Lost), 0);
    for _ in 0..3 {
        let verdicts = guard.check_batch(&requests(3));
        assert!(verdicts.iter().all(|verdict| verdict.device.is_none()));
    }
    assert_eq!(TOLD.load(Ordering::Relaxed), 1);
    let told: Vec<Event> = events(state.path())
        .into_iter()
        .filter(|event| matches!(event, Event::DeviceFailed { .. }))
        .collect();
    let expected = Event::DeviceFailed {
        device: "cpu-float".to_owned(),
        name: "a processor".to_owned(),
        reason: "the device is lost: as it was told".to_owned(),
        lost: true,
    };
    assert_eq!(told, [expected]);
}
