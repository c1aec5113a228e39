//! Rails of the host's own, everywhere that a text is judged; what goes wrong in one is never an allow.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use portcullis::log::{Body, read};
use portcullis::record::DecisionRecord;
use portcullis::replay::differences;
use portcullis::{
    Coverage, CoverageReason, Decision, Disguise, Guard, GuardError, LiveGuard, Part, Piece, Rail, RailFault,
    RailText, Request, Role, Sighting, Source, ToolCall, Vault, Verdict,
};
use proptest::prelude::*;
use serde_json::json;

use super::{document, policy, tiny};

/// A rule on the rail of this name.
fn rule(name: &str, action: &str) -> String {
    format!("[[rule]]\nid = \"{name}\"\ndetector = \"host.{name}\"\nthreshold = 0.5\naction = \"{action}\"\n")
}

/// Finds a word, or says of the whole text that the word is in it.
struct Word {
    name: &'static str,
    word: &'static str,
    whole: bool,
    needs_whole: bool,
}

impl Word {
    const fn new(name: &'static str, word: &'static str) -> Self {
        Self { name, word, whole: false, needs_whole: false }
    }
}

impl Rail for Word {
    fn name(&self) -> &str {
        self.name
    }

    fn needs_whole(&self) -> bool {
        self.needs_whole
    }

    fn scan(&self, text: &RailText<'_>) -> Result<Vec<Sighting>, RailFault> {
        assert!(!text.text.is_empty());
        let places: Vec<(usize, usize)> =
            text.text.match_indices(self.word).map(|(at, word)| (at, at + word.len())).collect();
        Ok(match (places.is_empty(), self.whole) {
            (true, _) => Vec::new(),
            (false, true) => vec![Sighting::of_whole(0.75)],
            (false, false) => vec![Sighting::at(1.0, places)],
        })
    }
}

/// Goes wrong in one of four ways where it meets `bad`.
struct Broken(usize);

const WAYS: usize = 4;

impl Rail for Broken {
    fn name(&self) -> &str {
        "broken"
    }

    fn scan(&self, text: &RailText<'_>) -> Result<Vec<Sighting>, RailFault> {
        match self.0 {
            _ if !text.text.contains("bad") => Ok(Vec::new()),
            0 => Err(RailFault("it is worn out")),
            1 => panic!("the rail broke"),
            2 => Ok(vec![Sighting::of_whole(f32::NAN)]),
            _ => Ok(vec![Sighting::at(1.0, [(0, text.text.len() + 1)])]),
        }
    }
}

fn redacting() -> Guard {
    tiny().policy(policy(&rule("heron", "rewrite"))).rail(Word::new("heron", "Heron")).build().unwrap()
}

fn broken(way: usize) -> Guard {
    tiny().policy(policy(&rule("broken", "veto"))).rail(Broken(way)).build().unwrap()
}

fn check(guard: &Guard, text: &str) -> Verdict {
    guard.check(&Request::new(text, Role::Assistant).unwrap())
}

fn pieces(guard: &Guard, text: &str, run: usize) -> Vec<Piece> {
    let mut stream = guard.stream(Role::Assistant);
    let mut pieces: Vec<Piece> = text.as_bytes().chunks(run).flat_map(|bytes| stream.push(bytes)).collect();
    pieces.extend(stream.finish());
    pieces.iter_mut().for_each(|piece| piece.decision_id.clear());
    pieces
}

fn shown(pieces: &[Piece]) -> String {
    pieces.iter().map(|piece| piece.text.as_str()).collect()
}

fn call(arguments: serde_json::Value) -> Request {
    let tool_call = Some(ToolCall { name: "search".to_owned(), arguments });
    Request { role: Role::Assistant, tool_call, ..Request::default() }
}

#[test]
fn a_finding_is_as_any_other() {
    let verdict = check(&redacting(), "Heron flies, and Heron lands.");
    assert_eq!(verdict.text.as_deref(), Some("[REDACTED] flies, and [REDACTED] lands."));
    let [finding] = verdict.findings.as_slice() else { panic!("{verdict:?}") };
    assert_eq!((finding.source, finding.category.as_str(), finding.score), (Source::Host, "heron", 1.0));
    let json = serde_json::to_value(&verdict).unwrap();
    assert_eq!(json["findings"][0]["source"], "host");
    assert_eq!(json["findings"][0]["spans"], json!([[0, 5], [17, 22]]));
    assert_eq!((verdict.coverage, verdict.fault), (Coverage::Full, None));
    let texts = ["Heron flies.", "A rook flies.", "See the Heron."];
    let requests = texts.map(|text| Request::new(text, Role::Assistant).unwrap());
    let decisions: Vec<Decision> =
        redacting().check_batch(&requests).iter().map(|verdict| verdict.decision).collect();
    assert_eq!(decisions, [Decision::Rewrite, Decision::Allow, Decision::Rewrite]);
}

#[test]
fn a_rail_without_a_rule_and_a_rule_without_a_rail() {
    let guard = tiny().rail(Word::new("heron", "Heron")).build().unwrap();
    assert_eq!(check(&guard, "Heron flies.").decision, Decision::Allow);
    let missing = tiny().policy(policy(&rule("heron", "veto"))).rail(Word::new("herons", "x")).build();
    let Err(GuardError::Policy(errors)) = missing else { panic!("{missing:?}") };
    assert!(errors.to_string().contains("`host.heron`"), "{errors}");
    assert!(errors.to_string().contains("host.herons"), "{errors}");
    let family = "[[rule]]\nid = \"all\"\ndetector = \"host.*\"\nthreshold = 0.5\naction = \"veto\"\n";
    assert!(matches!(tiny().policy(policy(family)).build(), Err(GuardError::Policy(_))));
    let guard = tiny().policy(policy(family)).rail(Word::new("heron", "Heron")).build().unwrap();
    assert_eq!(check(&guard, "Heron flies.").decision, Decision::Veto);
    for names in [["A", "b"], ["a", "a"]] {
        let [one, other] = names.map(|name| Word::new(name, "x"));
        assert!(matches!(tiny().rail(one).rail(other).build(), Err(GuardError::Rail(_))), "{names:?}");
    }
}

#[test]
fn disguise_is_seen_through_and_found_in_the_callers_text() {
    let guard = redacting();
    for (text, redacted, via) in [
        ("See the Ｈｅｒｏｎ now.", "See the [REDACTED] now.", Disguise::Unicode),
        ("See the He\u{200b}ron now.", "See the [REDACTED] now.", Disguise::Unicode),
        ("VGhlIGNvZGUgb2YgdGhlIEhlcm9uIGlzIGluIHRoZSBkcmF3ZXIu", "[REDACTED]", Disguise::Base64),
    ] {
        let verdict = check(&guard, text);
        assert_eq!(verdict.text.as_deref(), Some(redacted), "{verdict:?}");
        assert!(verdict.findings.iter().all(|finding| finding.via == [via]), "{verdict:?}");
    }
    let whole = Word { whole: true, ..Word::new("heron", "Heron") };
    let guard = tiny().policy(policy(&rule("heron", "veto"))).rail(whole).build().unwrap();
    let verdict = check(&guard, "See the Ｈｅｒｏｎ now.");
    assert_eq!(verdict.decision, Decision::Veto);
    let [finding] = verdict.findings.as_slice() else { panic!("{verdict:?}") };
    assert!(finding.spans.is_empty() && finding.via == [Disguise::Unicode]);
    // What the text says as it stands is not said again of its other forms.
    assert_eq!(check(&guard, "See the Heron, the Ｈｅｒｏｎ now.").findings.len(), 1);
}

#[test]
fn strings_of_a_tool_call() {
    let verdict = redacting().check(&call(json!({"q": "where is Heron", "n": ["Heron", 3]})));
    let made = verdict.tool_call.unwrap();
    assert_eq!(made.arguments, json!({"q": "where is [REDACTED]", "n": ["[REDACTED]", 3]}));
    assert!(verdict.findings.iter().all(|found| found.place.as_ref().unwrap().part == Part::ToolArguments));
    assert_eq!(verdict.findings.len(), 2);
    let key = redacting().check(&call(json!({"where is Heron now": 1})));
    assert_eq!((key.decision, key.tool_call), (Decision::Veto, None));
}

#[test]
fn redaction_with_a_vault() {
    let mut vault = Vault::new();
    let request = Request::new("Heron flies, and Heron lands.", Role::User).unwrap();
    let verdict = redacting().redact(&request, &mut vault);
    let text = verdict.text.unwrap();
    assert_eq!(text, "[REDACTED_1] flies, and [REDACTED_1] lands.");
    assert_eq!(vault.restore(&text), request.text);
}

#[test]
fn what_a_rewrite_would_release_is_shown_again() {
    let rules = "[[rule]]\nid = \"mail\"\ndetector = \"pii.email\"\nthreshold = 0.5\naction = \"rewrite\"\n";
    let guard = tiny()
        .policy(policy(&format!("{rules}{}", rule("mark", "veto"))))
        .rail(Word::new("mark", "[EMAIL]"))
        .build()
        .unwrap();
    let verdict = check(&guard, "Write to jo@example.org.");
    assert_eq!((verdict.decision, verdict.text), (Decision::Veto, None));
}

const STORY: &str = "The garden opens at nine in the morning, and closes at dusk. Ask at the gate for Heron, who \
    keeps the key.\nThere is another gate in the north. Heron is never there, so do not wait for Heron in vain.\n";

#[test]
fn a_stream_is_redacted_as_the_whole_text_however_it_comes() {
    let guard = redacting();
    let expected = pieces(&guard, STORY, STORY.len());
    assert_eq!(shown(&expected), STORY.replace("Heron", "[REDACTED]"));
    assert!(expected.len() > 2, "{expected:?}");
    let found = expected.iter().flat_map(|piece| &piece.findings).flat_map(|finding| &finding.spans);
    assert!(found.clone().all(|span| STORY.get(span.start..span.end) == Some("Heron")));
    assert_eq!(found.count(), 3);
    for run in [1, 2, 3, 7, 64] {
        assert_eq!(pieces(&guard, STORY, run), expected, "runs of {run}");
    }
}

#[test]
fn a_segment_is_shown_with_what_was_released_before_it() {
    // The match reaches over the end of a sentence: its rest is withheld when that is known.
    let rail = Word::new("gate", "dusk. Ask");
    let guard = tiny().policy(policy(&rule("gate", "rewrite"))).rail(rail).build().unwrap();
    assert!(shown(&pieces(&guard, STORY, 5)).contains("dusk. [REDACTED] at the gate"));
    // What is said of the whole is said of the segment.
    let rail = Word { whole: true, ..Word::new("north", "north") };
    let guard = tiny().policy(policy(&rule("north", "veto"))).rail(rail).build().unwrap();
    let pieces = pieces(&guard, STORY, 5);
    assert_eq!(shown(&pieces), STORY.split_inclusive("dusk. ").next().unwrap());
    assert_eq!(pieces.last().unwrap().decision, Decision::Veto);
}

#[test]
fn a_rail_that_needs_all_of_a_stream_gets_it() {
    let rail = Word { needs_whole: true, ..Word::new("gate", "key.\nThere") };
    let guard = tiny().policy(policy(&rule("gate", "rewrite"))).rail(rail).build().unwrap();
    let pieces = pieces(&guard, STORY, 5);
    assert_eq!(pieces.len(), 1);
    assert_eq!(pieces[0].text, STORY.replace("key.\nThere", "[REDACTED]"));
    let mut stream = guard.stream(Role::User);
    assert_eq!(stream.push(STORY.as_bytes()), []);
    assert_eq!(stream.held(), 0..STORY.len());
}

#[test]
fn what_goes_wrong_is_a_fault_and_never_an_allow() {
    for way in 0..WAYS {
        let guard = broken(way);
        assert_eq!(check(&guard, "All is well.").decision, Decision::Allow);
        let verdict = check(&guard, "This is bad.");
        assert_eq!((verdict.decision, &verdict.text), (Decision::Escalate, &None), "{verdict:?}");
        assert_eq!(verdict.coverage_reason, Some(CoverageReason::Fault));
        assert!(verdict.fault.as_ref().unwrap().contains("`host.broken`"), "{verdict:?}");
        assert!(!verdict.scores.is_empty(), "the classifiers have judged it all the same");
        let requests = ["All is well.", "This is bad.", "So is this."];
        let requests = requests.map(|text| Request::new(text, Role::User).unwrap());
        let batch = guard.check_batch(&requests);
        let decisions: Vec<Decision> = batch.iter().map(|verdict| verdict.decision).collect();
        assert_eq!(decisions, [Decision::Allow, Decision::Escalate, Decision::Allow]);
        let called = guard.check(&call(json!({"q": "a bad one"})));
        assert_eq!((called.decision, called.tool_call), (Decision::Escalate, None));
        let mut vault = Vault::new();
        let redacted = guard.redact(&requests[1], &mut vault);
        assert_eq!((redacted.decision, redacted.text), (Decision::Escalate, None));
        let pieces = pieces(&guard, &format!("{STORY}This is bad.\n{STORY}"), 9);
        assert_eq!(pieces.last().unwrap().decision, Decision::Escalate);
        assert!(!shown(&pieces).contains("bad"));
        // A form that a machine would read counts like the text.
        let encoded = check(&guard, "VGhpcyBpcyBhIGJhZCBzZW50ZW5jZSBpbiBiYXNlNjQu");
        assert_eq!(encoded.decision, Decision::Escalate, "{encoded:?}");
    }
}

#[test]
fn a_fault_leaves_stronger_findings_their_say() {
    let rails = format!("{}{}", rule("broken", "veto"), rule("heron", "veto"));
    let guard =
        tiny().policy(policy(&rails)).rail(Broken(1)).rail(Word::new("heron", "Heron")).build().unwrap();
    let verdict = check(&guard, "A bad Heron.");
    assert_eq!(verdict.decision, Decision::Veto);
    assert!(verdict.fault.is_some());
}

#[test]
fn other_policies_keep_the_rails() {
    let asked = Arc::new(AtomicUsize::new(0));
    struct Counting(Arc<AtomicUsize>);
    impl Rail for Counting {
        fn name(&self) -> &str {
            "heron"
        }

        fn scan(&self, text: &RailText<'_>) -> Result<Vec<Sighting>, RailFault> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Word::new("heron", "Heron").scan(text)
        }
    }
    let rail: Arc<dyn Rail> = Arc::new(Counting(Arc::clone(&asked)));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.toml");
    let write = |action| fs::write(&file, document(&rule("heron", action))).unwrap();
    write("veto");
    let live = LiveGuard::open_every(tiny().policy_file(&file).rail(rail), Duration::ZERO).unwrap();
    assert_eq!(check(&live.guard(), "Heron flies.").decision, Decision::Veto);
    write("escalate");
    assert_eq!(check(&live.guard(), "Heron flies.").decision, Decision::Escalate);
    assert_eq!(live.problem(), None);
    let shadow = live.guard().shadow(&policy(&rule("heron", "rewrite"))).unwrap();
    let [shadowed] = &shadow.check_batch(&[Request::new("Heron flies.", Role::User).unwrap()])[..] else {
        panic!("one verdict")
    };
    assert_eq!(shadowed.verdict.decision, Decision::Escalate);
    assert_eq!(shadowed.candidate.decision, Decision::Rewrite);
    assert!(asked.load(Ordering::Relaxed) >= 4);
}

fn records(state: &Path) -> Vec<DecisionRecord> {
    let bodies = read(state).unwrap().map(|entry| entry.unwrap().body);
    let records = bodies.filter_map(|body| match body {
        Body::Decision(record) => Some(*record),
        Body::Event { .. } => None,
    });
    records.collect()
}

#[test]
fn records_are_decided_again_where_the_rails_are_not() {
    let state = tempfile::tempdir().unwrap();
    let rules = format!("{}{}", rule("heron", "rewrite"), rule("broken", "veto"));
    let rules = || policy(&rules);
    let builder = || tiny().policy(rules()).state_dir(state.path());
    let guard = builder().rail(Word::new("heron", "Heron")).rail(Broken(1)).build().unwrap();
    for text in ["A rook.", "A Heron.", "A Ｈｅｒｏｎ.", "A bad day.", "A bad Heron.", STORY] {
        let _ = check(&guard, text);
    }
    let _ = guard.check(&call(json!({"q": "Heron", "r": "bad"})));
    let _ = pieces(&guard, STORY, 20);
    drop(guard);
    let records = records(state.path());
    assert!(records.len() > 8);
    assert!(builder().build().is_err());
    let without = builder().absent_rails(true).build().unwrap();
    for record in &records {
        let replayed = without.replay(record).unwrap();
        assert_eq!(differences(record, &replayed), [], "{record:#?}\n{replayed:#?}");
    }
    let sources = records.iter().flat_map(|record| &record.findings).map(|finding| finding.source);
    assert!(sources.clone().count() > 5 && sources.clone().all(|source| source == Source::Host));
    // It decides again; it does not judge.
    let verdict = check(&without, "A rook.");
    assert_eq!((verdict.decision, verdict.text), (Decision::Escalate, None));
    assert_eq!(verdict.fault.unwrap(), "the rail `host.heron` is not here, and a rule needs it");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever spans a rail gives, the verdict is a verdict: edits apply, and a wrong span is a fault.
    #[test]
    fn any_spans_at_all(text in "[aé🙂 ]{1,12}", spans in proptest::collection::vec((0_usize..40, 0_usize..40), 0..4)) {
        struct Any(Vec<(usize, usize)>);
        impl Rail for Any {
            fn name(&self) -> &str {
                "any"
            }

            fn scan(&self, text: &RailText<'_>) -> Result<Vec<Sighting>, RailFault> {
                let is_first = !text.text.contains("REDACTED") && text.via.is_empty();
                Ok(if is_first { vec![Sighting::at(1.0, self.0.iter().copied())] } else { Vec::new() })
            }
        }
        let right = spans.iter().all(|(start, end)| text.get(*start..*end).is_some_and(|part| !part.is_empty()));
        let guard = tiny().policy(policy(&rule("any", "rewrite"))).rail(Any(spans)).build().unwrap();
        let verdict = check(&guard, &text);
        prop_assert_eq!(verdict.fault.is_none(), right, "{:?}", verdict);
        prop_assert_eq!(verdict.text.is_some(), right);
    }
}
