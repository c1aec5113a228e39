//! Verdicts of a guard with an accelerator beside those of the CPU alone.

use portcullis::encode::Precision;
use portcullis::log::{Body, Event, read};
use portcullis::record::DecisionRecord;
use portcullis::replay::differences;
use portcullis::{Decision, Guard, Request, Role, Verdict};
use std::time::Duration;

use crate::{How, local, pair, texts};

pub(crate) fn requests(count: usize) -> Vec<Request> {
    texts(count).into_iter().map(|text| Request::new(text, Role::User).unwrap()).collect()
}

/// The verdict without what is another one in every call.
pub(crate) fn comparable(verdict: &Verdict) -> serde_json::Value {
    let mut json = serde_json::to_value(verdict).unwrap();
    let object = json.as_object_mut().unwrap();
    object.remove("timing_us");
    object.remove("decision_id");
    json
}

#[test]
fn scores_are_near_those_of_the_cpu_and_decisions_the_same() {
    let cpu = Guard::builder().attribution(false).build().unwrap();
    let requests = requests(40);
    let expected = cpu.check_batch(&requests);
    // Where a score lies this near to a threshold, either decision is within the tolerance.
    for (precision, near, most_other, count) in
        [(Precision::F32, 0.06, 0, 40), (Precision::F16, 0.06, 0, 40), (Precision::Bf16, 0.2, 1, 10)]
    {
        let guard = cpu.with_accelerator(Box::new(local(cpu.bundle(), precision)), 0);
        let found = guard.check_batch(&requests[..count]);
        let mut most = 0.0_f32;
        let mut other = Vec::new();
        for (place, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert_eq!(found.device.as_deref(), Some("cpu-float"));
            assert_eq!(expected.device, None);
            for ((_, a), (_, b)) in found.scores.iter().zip(&expected.scores) {
                most = most.max((a - b).abs());
            }
            if found.decision != expected.decision {
                other.push((place, expected.decision, found.decision));
            }
        }
        println!("{precision}: scores differ by {most} at most; decided otherwise: {other:?}");
        assert!(most <= near, "{precision}: {most}");
        assert!(other.len() <= most_other, "{precision}: {other:?}");
    }
}

#[test]
fn a_batch_below_the_crossover_stays_on_the_cpu() {
    let (cpu, guard, device) = pair(Guard::builder().attribution(false), How::Well, 150);
    let requests = requests(6);
    let small = &requests[..1];
    assert_eq!(
        guard.check_batch(small).iter().map(comparable).collect::<Vec<_>>(),
        cpu.check_batch(small).iter().map(comparable).collect::<Vec<_>>()
    );
    assert_eq!(device.calls(), 0);
    let verdicts = guard.check_batch(&requests);
    assert!(verdicts.iter().all(|verdict| verdict.device.is_some()));
    assert!(device.calls() > 0);
    let line = serde_json::to_string(&verdicts[0]).unwrap();
    assert!(line.contains(r#""device":"cpu-float""#), "{line}");
    assert!(!serde_json::to_string(&cpu.check(&requests[0])).unwrap().contains("\"device\""));
}

#[test]
fn the_words_behind_a_finding_are_looked_for_where_it_was_found() {
    let text = "The weather is fine, and you are a worthless disgusting idiot.";
    let insult = Request::new(text, Role::User).unwrap();
    // Nothing but the first look is large enough for the device by itself.
    let (cpu, guard, device) = pair(Guard::builder(), How::Well, 0);
    let (expected, found) = (cpu.check(&insult), guard.check(&insult));
    assert!(!expected.findings.is_empty(), "{expected:?}");
    let words = |verdict: &Verdict| -> Vec<String> {
        let spans = verdict.findings.iter().flat_map(|finding| &finding.spans);
        spans.map(|span| text[span.start..span.end].to_owned()).collect()
    };
    assert!(words(&found).iter().any(|word| word.contains("idiot")), "{:?}", words(&found));
    assert!(device.calls() >= 2, "{}", device.calls());
    let explained = guard.explain(&insult).unwrap();
    let most = explained.words.iter().max_by(|a, b| a.drop.total_cmp(&b.drop)).unwrap();
    assert!(most.drop > 0.0);
}

#[test]
fn exits_are_not_asked_on_a_device() {
    let (cpu, guard, device) = pair(Guard::builder().cascade(true), How::Well, 0);
    let request = Request::new("How do I descale a kettle?", Role::User).unwrap();
    let (left, read) = (cpu.check(&request), guard.check(&request));
    assert!(left.exit.is_some(), "{left:?}");
    assert_eq!((read.exit.as_deref(), read.device.as_deref(), read.work), (None, Some("cpu-float"), 1.0));
    // Where the device fails, the answer is that of the CPU to the last bit, exits included.
    device.becomes(How::Always(portcullis::encode::FailureKind::Lost));
    assert_eq!(comparable(&guard.check(&request)), comparable(&left));
}

#[test]
fn a_text_that_is_late_is_not_sent_to_the_device() {
    let (cpu, guard, device) = pair(Guard::builder(), How::Well, 0);
    let mut request = Request::new("How do I descale a kettle?", Role::User).unwrap();
    request.deadline = Some(Duration::ZERO);
    let (expected, found) = (cpu.check(&request), guard.check(&request));
    assert_eq!(device.calls(), 0);
    assert_eq!(comparable(&found), comparable(&expected));
    assert_eq!(found.coverage_reason, Some(portcullis::CoverageReason::Deadline));
    request.deadline = Some(Duration::from_secs(600));
    assert_eq!(guard.check(&request).coverage_reason, None);
    assert_eq!(device.calls(), 1);
}

#[test]
fn a_record_tells_the_device_and_decides_again_to_the_bit() {
    let state = tempfile::tempdir().unwrap();
    let (cpu, guard, _) = pair(Guard::builder().attribution(false).state_dir(state.path()), How::Well, 0);
    let verdicts = guard.check_batch(&requests(24));
    assert!(verdicts.iter().any(|verdict| verdict.decision != Decision::Allow));
    let _ = cpu.check(&requests(1)[0]);
    let records = decisions(state.path());
    assert_eq!(records.len(), 25);
    for record in &records[..24] {
        assert_eq!(record.device.as_deref(), Some("cpu-float"));
        // Replayed by a guard without a device: nothing but the record is read.
        let again = cpu.replay(record).unwrap();
        assert_eq!(differences(record, &again), []);
    }
    assert_eq!(records[24].device, None);
    assert!(!serde_json::to_string(&records[24]).unwrap().contains("\"device\""));
}

#[test]
fn what_reads_states_is_given_those_of_the_device() {
    let folder = tempfile::tempdir().unwrap();
    let head = teach(folder.path());
    let source = format!(
        "schema = 1\nid = \"p\"\nversion = \"1.0.0\"\non_unsupported = \"allow\"\n\n[[head]]\nfile = \"{head}\"\n\n\
         [[rule]]\nid = \"gambling\"\ndetector = \"custom.gambling\"\naction = \"escalate\"\nthreshold = 0.5\n"
    );
    let policy = folder.path().join("p.toml");
    std::fs::write(&policy, source).unwrap();
    let (cpu, guard, _) = pair(Guard::builder().policy_file(&policy), How::Well, 0);
    for text in ["Which bookie gives the best odds on the boxing match?", "Which bread keeps best?"] {
        let request = Request::new(text, Role::User).unwrap();
        let (expected, found) = (cpu.check(&request), guard.check(&request));
        assert_eq!(found.decision, expected.decision, "{text}");
        let score = |verdict: &Verdict| {
            verdict
                .scores
                .iter()
                .find(|(name, _)| name == "custom.gambling")
                .map(|(_, score)| *score)
                .unwrap()
        };
        assert!((score(&found) - score(&expected)).abs() < 0.05, "{} {}", score(&found), score(&expected));
    }
}

/// Teaches a head with the program; answers the name of its file in `folder`.
fn teach(folder: &std::path::Path) -> String {
    let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/teach/gambling.jsonl");
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(["teach", "gambling", "--examples"])
        .arg(&examples)
        .arg("--out")
        .arg(folder)
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let names =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.into_iter().find(|name| name.ends_with(".head.toml")).unwrap()
}

#[test]
fn a_shadow_asks_the_device_once() {
    let (_, guard, device) = pair(Guard::builder().attribution(false), How::Well, 0);
    let shadow = guard.shadow(guard.policy().policy()).unwrap();
    let verdicts = shadow.check_batch(&requests(5));
    assert!(verdicts.iter().all(|both| both.verdict.device == both.candidate.device));
    assert!(verdicts.iter().all(|both| both.verdict.device.is_some()));
    let asked = device.calls();
    let _ = guard.check_batch(&requests(5));
    assert_eq!(device.calls(), 2 * asked);
}

/// The decisions of the log in a state directory, the oldest first.
pub(crate) fn decisions(state: &std::path::Path) -> Vec<DecisionRecord> {
    bodies(state)
        .into_iter()
        .filter_map(|body| match body {
            Body::Decision(record) => Some(*record),
            _ => None,
        })
        .collect()
}

/// The events of the log in a state directory.
pub(crate) fn events(state: &std::path::Path) -> Vec<Event> {
    bodies(state)
        .into_iter()
        .filter_map(|body| match body {
            Body::Event { event, .. } => Some(event),
            _ => None,
        })
        .collect()
}

fn bodies(state: &std::path::Path) -> Vec<Body> {
    read(state).unwrap().map(|entry| entry.unwrap().body).collect()
}
