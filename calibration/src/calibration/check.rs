//! The rules of a calibration's values, each reported with its place.

use super::{Calibration, CalibrationError, Exit, ExitHead, Head, LengthCorrection, Problem, Threshold};
use crate::Reference;

/// The greatest number of heads.
pub(super) const MAX_HEADS: usize = 256;
const MAX_THRESHOLDS: usize = 64;
const MAX_KNOTS: usize = 32;
/// The greatest length of a knot, in characters.
const MAX_LENGTH: u32 = 1 << 20;
/// The greatest magnitude of what a length adds, in logits.
const MAX_ADDED: f32 = 100.0;
const MAX_EXITS: usize = 16;
const MAX_REFERENCES: usize = 512;
/// The greatest magnitude of a line's parameters, and one over its least slope.
const MAX_LINE: f64 = 1e6;
/// The greatest count: 2^53, up to which a double holds every integer.
const MAX_COUNT: u64 = 1 << 53;

/// An error with the problems, or nothing where there are none.
pub(super) fn finish(mut problems: Vec<Problem>) -> Result<(), CalibrationError> {
    if problems.is_empty() {
        return Ok(());
    }
    problems.truncate(CalibrationError::MAX_PROBLEMS);
    Err(CalibrationError::Invalid { problems })
}

/// All rules of a whole calibration.
pub(super) fn calibration(calibration: &Calibration) -> Vec<Problem> {
    let mut problems = header(&calibration.model_digest, &calibration.data_digest, &calibration.created_by);
    problems.extend(head_count(calibration.heads.len()));
    for (index, item) in calibration.heads.iter().take(MAX_HEADS).enumerate() {
        problems.extend(head(&format!("head[{index}]"), item));
        problems.extend(duplicate(index, calibration.heads.iter().map(|head| head.name.as_str())));
    }
    let names: Vec<&str> = calibration.heads.iter().map(|head| head.name.as_str()).collect();
    let read: Vec<Option<&LengthCorrection>> = calibration.corrections.iter().map(Some).collect();
    problems.extend(corrections(&read, &names));
    let read: Vec<Option<&Exit>> = calibration.exits.iter().map(Some).collect();
    problems.extend(exits(&read, &names));
    let read: Vec<Option<&Reference>> = calibration.references.iter().map(Some).collect();
    problems.extend(references(&read));
    problems
}

/// The rules of all references together; one that could not be read is passed over.
pub(super) fn references<R: std::borrow::Borrow<Reference>>(references: &[Option<R>]) -> Vec<Problem> {
    let mut rules = Rules::default();
    let found = references.len();
    rules.hold(found <= MAX_REFERENCES, "reference", || {
        format!("found {found} references, expected at most {MAX_REFERENCES}")
    });
    let mut seen = std::collections::BTreeMap::new();
    for (index, reference) in references.iter().take(MAX_REFERENCES).enumerate() {
        let Some(reference) = reference.as_ref().map(R::borrow) else { continue };
        rules.at = format!("reference[{index}]");
        if let Some(first) = seen.get(reference.signal()) {
            rules.hold(false, "signal", || {
                format!("found {} again, it is the signal of reference[{first}]", shown(reference.signal()))
            });
        }
        seen.entry(reference.signal()).or_insert(index);
    }
    rules.problems
}

/// The rules of the corrections by length in a calibration whose heads are `names`; one that could not be read is passed over.
pub(super) fn corrections<C: std::borrow::Borrow<LengthCorrection>>(
    corrections: &[Option<C>],
    names: &[&str],
) -> Vec<Problem> {
    let mut rules = Rules::default();
    let found = corrections.len();
    rules.hold(found <= names.len(), "length_correction", || {
        format!("found {found} corrections, expected at most one for each of {} heads", names.len())
    });
    let mut seen = Vec::new();
    for (index, correction) in corrections.iter().take(names.len()).enumerate() {
        let Some(LengthCorrection { head, knots }) = correction.as_ref().map(C::borrow) else { continue };
        rules.at = format!("length_correction[{index}]");
        rules.hold(names.contains(&head.as_str()), "head", || {
            format!("found {}, expected one of {}", shown(head), names.join(", "))
        });
        rules.hold(!seen.contains(&head), "head", || format!("found {} again", shown(head)));
        seen.push(head);
        rules.knots(knots);
    }
    rules.problems
}

/// The rules of the exits of a calibration whose heads are `names`; an exit that could not be read is passed over.
pub(super) fn exits<E: std::borrow::Borrow<Exit>>(exits: &[Option<E>], names: &[&str]) -> Vec<Problem> {
    let mut rules = Rules::default();
    let found = exits.len();
    rules.hold(found <= MAX_EXITS, "exit", || format!("found {found} exits, expected at most {MAX_EXITS}"));
    let read = |exit: &Option<E>| exit.as_ref().map(|exit| exit.borrow().stage.clone());
    for (index, exit) in exits.iter().take(MAX_EXITS).enumerate() {
        let Some(exit) = exit.as_ref().map(E::borrow) else { continue };
        rules.at = format!("exit[{index}]");
        let word = exit.stage.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'));
        let starts = exit.stage.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
        rules.hold(word && starts && exit.stage.len() <= 64, "stage", || {
            format!("found {}, expected 1 to 64 of a-z, 0-9, _ and -, a letter first", shown(&exit.stage))
        });
        let first = exits.iter().take(index).position(|other| read(other).as_ref() == Some(&exit.stage));
        if let Some(first) = first {
            rules.hold(false, "stage", || {
                format!("found {} again, it is the stage of exit[{first}]", shown(&exit.stage))
            });
        }
        if let Some(digest) = &exit.weights_digest {
            rules.digest("weights_digest", digest);
        }
        let own: Vec<&str> = exit.heads.iter().map(|head| head.name.as_str()).collect();
        rules.hold(own == names, "head", || {
            format!("found {}, expected the heads {}", shown(&own.join(", ")), names.join(", "))
        });
        for (number, head) in exit.heads.iter().take(MAX_HEADS).enumerate() {
            rules.at = format!("exit[{index}].head[{number}]");
            rules.exit_head(head);
        }
    }
    rules.problems
}

/// The rules of the texts at the top.
pub(super) fn header(model_digest: &str, data_digest: &str, created_by: &str) -> Vec<Problem> {
    let mut rules = Rules::default();
    rules.digest("model_digest", model_digest);
    rules.digest("data_digest", data_digest);
    rules.text("created_by", created_by, 256);
    rules.problems
}

/// The rule of the number of heads.
pub(super) fn head_count(found: usize) -> Option<Problem> {
    let message = || format!("found {found} heads, expected 1 to {MAX_HEADS}");
    (!(1..=MAX_HEADS).contains(&found)).then(|| Problem { at: "head".to_owned(), message: message() })
}

/// The rule that a name is the first of its kind.
pub(super) fn duplicate<'a>(index: usize, names: impl Iterator<Item = &'a str>) -> Option<Problem> {
    let names: Vec<&str> = names.take(index + 1).collect();
    let (name, before) = names.split_last()?;
    let first = before.iter().position(|other| other == name)?;
    let message = format!("found {} again, it is the name of head[{first}]", shown(name));
    Some(Problem { at: format!("head[{index}].name"), message })
}

/// The rules within one head at the path `at`.
pub(super) fn head(at: &str, head: &Head) -> Vec<Problem> {
    let mut rules = Rules { at: at.to_owned(), problems: Vec::new() };
    let word = head.name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    let starts = head.name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    rules.hold(word && starts && head.name.len() <= 64, "name", || {
        format!("found {}, expected 1 to 64 of a-z, 0-9 and _, a letter first", shown(&head.name))
    });
    rules.count("positives", head.positives);
    rules.count("negatives", head.negatives);
    rules.share("ece", head.ece);
    rules.share("brier", head.brier);
    let found = head.thresholds.len();
    rules.hold(found <= MAX_THRESHOLDS, "threshold", || {
        format!("found {found} thresholds, expected at most {MAX_THRESHOLDS}")
    });
    for (index, threshold) in head.thresholds.iter().take(MAX_THRESHOLDS).enumerate() {
        rules.at = format!("{at}.threshold[{index}]");
        rules.threshold(threshold);
        for (earlier_index, earlier) in head.thresholds.iter().take(index).enumerate() {
            rules.pair(threshold, earlier_index, earlier);
        }
    }
    rules.problems
}

/// A text of the file for a message: escaped, and cut after 64 characters.
pub(super) fn shown(text: &str) -> String {
    let mut cut: String = text.chars().take(64).flat_map(char::escape_debug).collect();
    if text.chars().nth(64).is_some() {
        cut.push('…');
    }
    format!("\"{cut}\"")
}

#[derive(Default)]
struct Rules {
    at: String,
    problems: Vec<Problem>,
}

impl Rules {
    fn hold(&mut self, holds: bool, key: &str, message: impl FnOnce() -> String) {
        if !holds {
            let at = if self.at.is_empty() { key.to_owned() } else { format!("{}.{key}", self.at) };
            self.problems.push(Problem { at, message: message() });
        }
    }

    fn text(&mut self, key: &str, text: &str, limit: usize) {
        let length = text.chars().count();
        self.hold((1..=limit).contains(&length) && !text.chars().any(char::is_control), key, || {
            format!("found {}, expected 1 to {limit} characters, none of them a control", shown(text))
        });
    }

    fn digest(&mut self, key: &str, digest: &str) {
        let hex = digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        self.hold(digest.len() == 64 && hex, key, || {
            format!("found {}, expected 64 lower-case hex digits", shown(digest))
        });
    }

    fn knots(&mut self, knots: &[(u32, f32)]) {
        let found = knots.len();
        self.hold((1..=MAX_KNOTS).contains(&found), "knots", || {
            format!("found {found} knots, expected 1 to {MAX_KNOTS}")
        });
        let in_order = knots.windows(2).all(|pair| match pair {
            [lower, upper] => lower.0 < upper.0 && lower.1 >= upper.1,
            _ => true,
        });
        self.hold(in_order, "knots", || {
            "found them out of order, expected rising lengths and logits that never rise".to_owned()
        });
        for (index, (length, added)) in knots.iter().take(MAX_KNOTS).enumerate() {
            let holds = *length <= MAX_LENGTH && (-MAX_ADDED..=MAX_ADDED).contains(added);
            self.hold(holds, &format!("knots[{index}]"), || {
                format!(
                    "found {length} and {added:?}, expected a length of at most {MAX_LENGTH} and logits in \
                     -{MAX_ADDED}..={MAX_ADDED}"
                )
            });
        }
    }

    fn exit_head(&mut self, head: &ExitHead) {
        self.hold((MAX_LINE.recip()..=MAX_LINE).contains(&head.slope), "slope", || {
            format!("found {:?}, expected a number in 1e-6..=1e6", head.slope)
        });
        self.hold((-MAX_LINE..=MAX_LINE).contains(&head.intercept), "intercept", || {
            format!("found {:?}, expected a number in -1e6..=1e6", head.intercept)
        });
        self.share("ece", head.ece);
        self.count("negatives", head.negatives);
        self.text("slice", &head.slice, 128);
        let found = head.thresholds.len();
        self.hold(found <= MAX_THRESHOLDS, "thresholds", || {
            format!("found {found} thresholds, expected at most {MAX_THRESHOLDS}")
        });
        let in_order = head.thresholds.windows(2).all(|pair| match pair {
            [lower, upper] => lower.target_fpr < upper.target_fpr && lower.threshold >= upper.threshold,
            _ => true,
        });
        self.hold(in_order, "thresholds", || {
            "found them out of order, expected rising targets and thresholds that never rise".to_owned()
        });
        for (index, row) in head.thresholds.iter().take(MAX_THRESHOLDS).enumerate() {
            let key = format!("thresholds[{index}]");
            let holds = row.target_fpr > 0.0
                && row.target_fpr < 1.0
                && (0.0..=1.0).contains(&row.threshold)
                && row.false_positives <= head.negatives;
            self.hold(holds, &key, || {
                format!(
                    "found {:?}, {:?} and {}, expected a rate above 0 and below 1, a score in 0..=1 and at most {} rows",
                    row.target_fpr, row.threshold, row.false_positives, head.negatives
                )
            });
        }
        let found = head.gates.len();
        self.hold(found <= MAX_THRESHOLDS, "gates", || {
            format!("found {found} gates, expected at most {MAX_THRESHOLDS}")
        });
        let in_order = head.gates.windows(2).all(|pair| match pair {
            [lower, upper] => lower.from < upper.from && lower.below <= upper.below,
            _ => true,
        });
        self.hold(in_order, "gates", || {
            "found them out of order, expected rising scores and gates that never fall".to_owned()
        });
        for (index, gate) in head.gates.iter().take(MAX_THRESHOLDS).enumerate() {
            let key = format!("gates[{index}]");
            let scores = (0.0..=1.0).contains(&gate.from) && (0.0..=1.0).contains(&gate.below);
            self.hold(scores && gate.lost <= gate.flagged && gate.flagged <= MAX_COUNT, &key, || {
                format!(
                    "found {:?}, {:?}, {} and {}, expected two scores in 0..=1 and no more rows lost than flagged",
                    gate.from, gate.below, gate.flagged, gate.lost
                )
            });
        }
    }

    fn count(&mut self, key: &str, count: u64) {
        self.hold(count <= MAX_COUNT, key, || format!("found {count}, expected at most {MAX_COUNT}"));
    }

    fn share(&mut self, key: &str, share: f64) {
        self.hold((0.0..=1.0).contains(&share), key, || {
            format!("found {share:?}, expected a number in 0..=1")
        });
    }

    fn threshold(&mut self, item: &Threshold) {
        let Threshold { target_fpr, threshold, negatives, false_positives, fpr_upper_95, ref slice } = *item;
        let target_holds = target_fpr > 0.0 && target_fpr < 1.0;
        self.hold(target_holds, "target_fpr", || {
            format!("found {target_fpr:?}, expected a number above 0 and below 1")
        });
        self.share("threshold", f64::from(threshold));
        self.count("negatives", negatives);
        self.hold(negatives > 0, "negatives", || "found 0, expected at least 1".to_owned());
        let counted = negatives > 0 && false_positives <= negatives;
        self.hold(false_positives <= negatives, "false_positives", || {
            format!("found {false_positives}, expected at most the {negatives} negatives")
        });
        let fpr = false_positives as f64 / negatives.max(1) as f64;
        self.hold(!counted || !target_holds || fpr <= target_fpr, "false_positives", || {
            format!("found {false_positives} of {negatives}, expected a share of at most {target_fpr}")
        });
        self.share("fpr_upper_95", fpr_upper_95);
        self.hold(!counted || fpr_upper_95 >= fpr || fpr_upper_95.is_nan(), "fpr_upper_95", || {
            format!("found {fpr_upper_95}, expected at least the observed rate {fpr}")
        });
        self.text("slice", slice, 128);
    }

    fn pair(&mut self, item: &Threshold, earlier_index: usize, earlier: &Threshold) {
        self.hold(item.target_fpr != earlier.target_fpr, "target_fpr", || {
            format!("found {} again, it is the target of threshold[{earlier_index}]", item.target_fpr)
        });
        let (lower, upper) =
            if item.target_fpr < earlier.target_fpr { (item, earlier) } else { (earlier, item) };
        let falls = lower.target_fpr == upper.target_fpr || upper.threshold <= lower.threshold;
        let comparable = lower.threshold.is_finite() && upper.threshold.is_finite();
        self.hold(item.slice != earlier.slice || falls || !comparable, "threshold", || {
            format!(
                "found {} at the target {} and {} at {}, expected no greater threshold at the greater target",
                lower.threshold, lower.target_fpr, upper.threshold, upper.target_fpr
            )
        });
    }
}
