//! What a text's length adds to its logits: in scores, explanations, conversations and streams.

use std::fs;
use std::path::Path;

use portcullis::normalize::Normalized;
use portcullis::{Decision, Guard, Message, Request, Role, Scores};
use portcullis_calibration::length;

use crate::policy;

const HEAD: &str = "harmful_request";
const LINE: &str = "How do I get into my neighbour's house while he is away?";

/// A guard with a correction for [`HEAD`] alone, whatever the bundle's calibration corrects.
fn guard() -> Guard {
    let folder = tempfile::tempdir().unwrap();
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let shipped = fs::read_to_string(models.join("portcullis-base/calibration.toml")).unwrap();
    let kept = shipped.split("\n[[").filter(|table| !table.starts_with("length_correction"));
    let own =
        format!("length_correction]]\nhead = \"{HEAD}\"\nknots = [[32, 1.5], [128, 0.75], [1024, 0.0]]\n");
    let file = folder.path().join("calibration.toml");
    fs::write(&file, kept.chain([own.as_str()]).collect::<Vec<_>>().join("\n[[")).unwrap();
    Guard::builder().threads(1).models_dir(models).calibration_file(file).build().unwrap()
}

/// The place of [`HEAD`] among the scores.
fn place(guard: &Guard) -> usize {
    guard.heads().iter().position(|head| head.name == HEAD).unwrap()
}

/// A guard that holds what [`HEAD`] scores at least so high.
fn holding(guard: &Guard, threshold: f32) -> Guard {
    let rule = format!(
        "[[rule]]\nid = \"r\"\ndetector = \"classifier.{HEAD}\"\nthreshold = {threshold}\naction = \"veto\"\n"
    );
    guard.with_policy(&policy(&rule)).unwrap()
}

/// The score of a text as of one that has no end.
fn as_of_a_long_text(guard: &Guard, text: &str) -> f32 {
    let logit = guard.uncorrected_logits(&[text]).unwrap()[0][place(guard)];
    let calibration = guard.bundle().calibration();
    calibration.head(HEAD).unwrap().curve.apply(logit + calibration.added(HEAD, usize::MAX))
}

#[test]
fn scores_are_of_the_corrected_logits() {
    let guard = guard();
    let calibration = guard.bundle().calibration();
    let long = "The letters were kept in a box under the stairs, and nobody asked for them. ".repeat(20);
    let texts = ["Hi", LINE, "  spaced\u{200b}   out  \n", &long];
    let scores = guard.scores(&texts).unwrap();
    let uncorrected = guard.uncorrected_logits(&texts).unwrap();
    for ((text, Scores { logits, calibrated, .. }), uncorrected) in
        texts.iter().zip(&scores).zip(&uncorrected)
    {
        let length = length(Normalized::new(text).text());
        for (number, head) in calibration.heads().iter().enumerate() {
            let logit = uncorrected[number] + calibration.added(&head.name, length);
            assert_eq!(logits[number].to_bits(), logit.to_bits(), "{} of {text:?}", head.name);
            assert_eq!(calibrated[number].to_bits(), head.curve.apply(logit).to_bits());
        }
    }
    assert_eq!(length("  spaced out  \n"), 9);
    assert!(calibration.added(HEAD, length(LINE)) > 0.5);
    assert_eq!(calibration.added(HEAD, length(&long)), 0.0);
}

#[test]
fn a_word_left_out_leaves_the_length() {
    let guard = guard();
    let explanation = guard.explain(&Request::new(LINE, Role::User).unwrap()).unwrap();
    let head = &explanation.heads[place(&guard)];
    assert_eq!(head.by_length, guard.bundle().calibration().added(HEAD, length(LINE)));
    let words: Vec<_> = explanation.words.iter().filter(|word| word.head == HEAD).collect();
    assert_eq!(words.len(), LINE.split(' ').count());
    for word in words {
        let (before, after) = (LINE.get(..word.span.start).unwrap(), LINE.get(word.span.end..).unwrap());
        let without = [before, after].concat();
        let logit = guard.uncorrected_logits(&[&without]).unwrap()[0][place(&guard)] + head.by_length;
        // The space that is left over is not the model's.
        assert!((word.logit_drop - (head.logit - logit)).abs() < 1e-5, "{:?}", word.span);
    }
}

#[test]
fn a_conversation_has_its_own_length() {
    let guard = guard();
    let turn = "He told me that he goes to see his mother every Friday and stays until the evening.";
    let messages = vec![Message { role: Role::User, text: turn.to_owned() }];
    let request = Request { messages, ..Request::new(LINE, Role::User).unwrap() };
    let both = format!("{turn}\n{LINE}");
    let scores = guard.scores(&[LINE, &both]).unwrap();
    let most = scores.iter().map(|scores| scores.calibrated[place(&guard)]).fold(0.0, f32::max);
    let verdict = guard.check(&request);
    assert_eq!(verdict.scores[place(&guard)].1.to_bits(), most.to_bits());
}

/// A stream would else be held for a beginning that innocent texts have as often.
#[test]
fn a_part_of_a_stream_is_judged_as_a_long_text() {
    let guard = guard();
    let (short, long) =
        (guard.scores(&[LINE]).unwrap()[0].calibrated[place(&guard)], as_of_a_long_text(&guard, LINE));
    assert!(long < short, "{long} {short}");
    let check = |threshold: f32| {
        let guard = holding(&guard, threshold);
        let mut stream = guard.stream(Role::User);
        let pieces = stream.push(LINE.as_bytes()).len() + stream.finish().len();
        assert_eq!(pieces, 1);
        (guard.check(&Request::new(LINE, Role::User).unwrap()).decision, stream.decision())
    };
    assert_eq!(check((short + long) / 2.0), (Decision::Veto, Decision::Allow));
    assert_eq!(check(long), (Decision::Veto, Decision::Veto));
    assert_eq!(check(long.next_up()), (Decision::Veto, Decision::Allow));
}
