//! Streams: any split gives the same pieces, and patterns are redacted as in the whole text.

use std::sync::OnceLock;

use proptest::prelude::*;

use super::*;
use crate::decide::{Replace, Rewrite};
use crate::rails::pattern::PatternRail;

/// The bundle that judges in microseconds, under the default policy.
fn tiny() -> &'static Guard {
    static GUARD: OnceLock<Guard> = OnceLock::new();
    GUARD.get_or_init(|| {
        let models = concat!(env!("CARGO_MANIFEST_DIR"), "/models");
        Guard::builder().models_dir(models).model("portcullis-tiny").threads(1).build().unwrap()
    })
}

fn embedded() -> &'static Guard {
    static GUARD: OnceLock<Guard> = OnceLock::new();
    GUARD.get_or_init(|| Guard::builder().threads(1).build().unwrap())
}

/// The bundle `model` under a policy of these rules alone.
fn ruled(model: &str, rules: &str) -> Guard {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.toml");
    let head = "schema = 1\nid = \"p\"\nversion = \"1.0.0\"\non_unsupported = \"allow\"\n";
    std::fs::write(&policy, format!("{head}{rules}")).unwrap();
    let models = concat!(env!("CARGO_MANIFEST_DIR"), "/models");
    Guard::builder().models_dir(models).model(model).threads(1).policy_file(policy).build().unwrap()
}

/// The families that [`redacting`] redacts.
const REDACTED: [&str; 2] = ["pii", "secret"];

/// A policy whose only rules redact personal data and secrets.
fn redacting() -> &'static Guard {
    static GUARD: OnceLock<Guard> = OnceLock::new();
    let rule = |family| {
        format!(
            "[[rule]]\nid = \"{family}\"\ndetector = \"{family}.*\"\nthreshold = 0.5\naction = \"rewrite\"\n"
        )
    };
    GUARD.get_or_init(|| ruled("portcullis-tiny", &REDACTED.map(rule).concat()))
}

/// The pieces of the bytes, pushed in runs of these lengths, over and over.
fn pieces(guard: &Guard, bytes: &[u8], runs: &[usize]) -> Vec<Piece> {
    let mut stream = guard.stream(Role::Assistant);
    let mut pieces = Vec::new();
    let (mut rest, mut runs) = (bytes, runs.iter().copied().cycle());
    while !rest.is_empty() {
        let (next, after) = rest.split_at(runs.next().unwrap().clamp(1, rest.len()));
        pieces.extend(stream.push(next));
        rest = after;
    }
    pieces.extend(stream.finish());
    for piece in &mut pieces {
        piece.decision_id.clear();
    }
    pieces
}

fn shown(pieces: &[Piece]) -> String {
    pieces.iter().map(|piece| piece.text.as_str()).collect()
}

/// The whole text with every likely match replaced.
fn redacted(text: &str) -> String {
    let mut found = Vec::new();
    PatternRail::new().scan(text, &mut found);
    let rewrites: Vec<Rewrite> = found
        .into_iter()
        .filter(|detection| detection.score >= 0.5)
        .filter(|detection| REDACTED.iter().any(|family| detection.detector.starts_with(family)))
        .map(|detection| Rewrite {
            rule: 0,
            replacement: Replace::Placeholder(
                PatternRail::placeholder(&detection.detector).unwrap().to_owned(),
            ),
            spans: detection.spans,
        })
        .collect();
    crate::act::apply(text, &crate::act::edits(text, &rewrites).unwrap()).unwrap()
}

fn text_of(words: Vec<&'static str>) -> String {
    words.concat()
}

/// Texts of everyday words, personal data whole and in parts, ends of sentences and what looks like them, characters of
/// every length, and long runs.
fn any_text() -> impl Strategy<Value = String> {
    let long: &'static str = Box::leak("x".repeat(5000).into_boxed_str());
    let dense: &'static str = Box::leak("12 34 56 ".repeat(120).into_boxed_str());
    let words = vec![
        "the garden ",
        "is quiet ",
        "this morning ",
        "we drink ",
        "warm tea ",
        "and then",
        " you read",
        " on. ",
        " on.\n",
        "! ",
        "? ",
        "\n",
        "\n\n",
        " ",
        ", ",
        ". ",
        "jane@doe.org",
        "jane@doe.",
        "org",
        "@",
        "a@b.cc ",
        "+44 20 7946 0958",
        "+44 20 ",
        "7946 0958",
        "(212) 555-0134",
        "555-867-5309",
        " ext. 12",
        " (office)",
        "0490 75 40 81",
        "0490. 75. 40. 81",
        "+44. 20. 7946. 0958",
        "+44. 20. ",
        "5551234",
        "call me: ",
        "phone",
        "order ",
        "4111 1111 1111 1111",
        "4111 1111 ",
        "1111 1111",
        "378282246310005",
        "9.9.9.9",
        "10.0.0.1",
        "9.9.",
        "2001:db8::7:1",
        "2001:db8:",
        ":7:1",
        "1998. ",
        "3.14",
        "12",
        "7",
        "…",
        "é",
        "你好。",
        "👩‍🚀",
        "»",
        "\"",
        "http://u:p@",
        "a very long sentence that goes on and on without an end, as models like to write them ",
    ];
    let word = prop_oneof![
        60 => prop::sample::select(words),
        1 => Just(long),
        1 => Just(dense),
    ];
    prop::collection::vec(word, 0..60).prop_map(text_of)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 300 } else { 5000 }))]

    #[test]
    fn patterns_are_redacted_as_in_the_whole_text(text in any_text()) {
        // A run that is cut may end in what looks like an address.
        prop_assume!(text.split_whitespace().all(|run| run.len() < 4096));
        let pieces = pieces(redacting(), text.as_bytes(), &[4096]);
        // The patterns alone do not see through disguise.
        prop_assume!(pieces.iter().flat_map(|piece| &piece.findings).all(|finding| finding.via.is_empty()));
        prop_assert_eq!(shown(&pieces), redacted(&text));
    }

    #[test]
    fn any_split_gives_the_same_pieces(
        text in any_text(),
        broken in prop::option::of((0_usize..4000, prop::sample::select(vec![0_u8, 0xff, 0xe2, 0x80]))),
        runs in prop::collection::vec(1_usize..300, 1..20),
    ) {
        let mut bytes = text.into_bytes();
        if let Some((at, byte)) = broken {
            let at = at.min(bytes.len());
            bytes.insert(at, byte);
        }
        let whole = pieces(redacting(), &bytes, &[usize::MAX]);
        prop_assert_eq!(&pieces(redacting(), &bytes, &[1]), &whole);
        prop_assert_eq!(&pieces(redacting(), &bytes, &runs), &whole);
        let mut at = 0;
        for piece in &whole {
            prop_assert_eq!(piece.start, at);
            at = piece.end;
        }
        prop_assert!(at == bytes.len() || whole.last().is_some_and(|last| last.fault.is_some()));
    }

    #[test]
    fn any_split_gives_the_same_pieces_under_the_default_policy(
        words in prop::collection::vec(prop::sample::select(vec![
            "The garden opens at nine in the morning, every day of the week. ",
            "You are a worthless and disgusting idiot, and nobody will ever like you. ",
            "What the fuck is this shit, you motherfucking bastard? ",
            "Write to jane@doe.org, or call +44 20 7946 0958.\n",
            "Ich weiß nicht, was soll es bedeuten, dass ich so traurig bin. ",
            "Plant the bulbs three inches deep – water them well… and wait until spring. ",
            "👩‍🚀🚀 ",
        ]), 0..12),
        runs in prop::collection::vec(1_usize..90, 1..20),
    ) {
        let text = words.concat();
        let whole = pieces(tiny(), text.as_bytes(), &[usize::MAX]);
        prop_assert_eq!(&pieces(tiny(), text.as_bytes(), &[1]), &whole);
        prop_assert_eq!(&pieces(tiny(), text.as_bytes(), &runs), &whole);
    }
}

#[test]
fn any_split_gives_the_same_pieces_by_the_embedded_guard() {
    let text = "The garden opens at nine – mail jane@doe.org, or call +44 20 7946 0958 before. Bring a warm coat…\n\
        Then you go home, you worthless and disgusting idiot, because nobody will ever like you. The end of it. 👩‍🚀";
    let whole = pieces(embedded(), text.as_bytes(), &[usize::MAX]);
    for runs in [&[1_usize] as &[usize], &[2], &[7, 1, 40], &[3, 90]] {
        assert_eq!(pieces(embedded(), text.as_bytes(), runs), whole);
    }
    assert!(whole.iter().any(|piece| piece.decision == Decision::Rewrite));
    assert_eq!(whole.last().unwrap().decision, Decision::Veto);
    let ending = "[The rest of this answer was withheld.]";
    assert!(shown(&whole).ends_with(ending) && !shown(&whole).contains("idiot"), "{}", shown(&whole));
}

#[test]
fn a_replaced_segment_keeps_its_space_and_is_told_once() {
    let harmless = "The garden opens at nine in the morning, every day of the week. ";
    let swearing = "Fuck this fucking shit, what a motherfucking load of bullshit it is. ";
    let text = [harmless, swearing, swearing, harmless].concat();
    let rule = "[[rule]]\nid = \"words\"\ndetector = \"classifier.obscenity\"\nthreshold = 0.5\naction = \"rewrite\"\n\
        mode = \"template\"\ntemplate = \"t\"\n[templates]\nt = \"Withheld.\"\n";
    let pieces = pieces(&ruled("portcullis-base", rule), text.as_bytes(), &[5]);
    let decisions: Vec<Decision> = pieces.iter().map(|piece| piece.decision).collect();
    assert_eq!(decisions, [Decision::Allow, Decision::Rewrite, Decision::Rewrite, Decision::Allow]);
    assert_eq!(shown(&pieces), format!("{harmless}Withheld. {harmless}"));
}

#[test]
fn a_judgement_reads_what_was_released_before() {
    let one = "The garden opens at nine in the morning, every day of the week. ";
    let held = "Another sentence of which the end has not yet come into sight";
    let mut stream = embedded().stream(Role::Assistant);
    let _ = stream.push(one.repeat(3).as_bytes());
    assert_eq!(stream.tail.last(usize::MAX), one.repeat(3), "what was released is read again");
    let _ = stream.push(held.as_bytes());
    assert_eq!(stream.tail.last(usize::MAX), one.repeat(3), "what is held is not");
    assert_eq!(stream.held(), 3 * one.len()..3 * one.len() + held.len());
    let _ = stream.push(one.repeat(30).as_bytes());
    let read = stream.tail.last(usize::MAX);
    let tokens = stream.counter.count(embedded(), read);
    assert!(tokens <= 126 && tokens > 110, "{tokens}");
}

#[test]
fn harm_spread_over_sentences_is_seen_at_the_last_one() {
    let first = "There is a gay couple that lives in the flat right above mine. ";
    let second = "It makes me sick, and I wish that somebody would get rid of them. ";
    let decisions = |text: &str| -> Vec<Decision> {
        pieces(embedded(), text.as_bytes(), &[9]).iter().map(|piece| piece.decision).collect()
    };
    assert_eq!(decisions(first), [Decision::Allow]);
    assert_eq!(decisions(second), [Decision::Allow], "by itself it may be about anything");
    assert_eq!(decisions(&[first, second].concat()), [Decision::Allow, Decision::Veto]);
}

/// Where the stream of the text is cut.
fn cuts(text: &str) -> Vec<usize> {
    pieces(redacting(), text.as_bytes(), &[64]).iter().map(|piece| piece.end).collect()
}

#[test]
fn runs_and_blocks_are_not_torn() {
    let line = "The garden opens at nine in the morning, every day of the week.\n";
    for block in [
        format!(
            "-----BEGIN PRIVATE KEY-----\n{}-----END PRIVATE KEY-----\n",
            "MIGHAgEAMBMGByqGSMabcdefghijklmnopqrstuvwx\n".repeat(70)
        ),
        format!("{}.\n", ["legal winner thank year wave sausage worth useful"; 3].join("\n")),
        format!("{}\n", "eyJhbGciOiJIUzI1NiJ9abcdefghijkl".repeat(120)),
    ] {
        let text = [line, block.as_str(), line].concat();
        assert_eq!(cuts(&text), [line.len(), text.len() - line.len(), text.len()], "{:?}", block.get(..20));
    }
    // A longer run begins a segment of its own.
    let text = ["word ".repeat(600).as_str(), &"x".repeat(9000)].concat();
    let cuts = cuts(&text);
    assert!(cuts.contains(&3000) && cuts.contains(&(3000 + 4096)), "{cuts:?}");
}

#[test]
fn a_match_over_a_forced_cut_comes_whole() {
    let run = "1".repeat(4090);
    let text = format!("{run} 4111 1111 1111 1111 ");
    assert_eq!(shown(&pieces(redacting(), text.as_bytes(), &[100])), format!("{run} [CARD] "));
    assert_eq!(cuts(&text), [4091, text.len()]);
}

#[test]
fn little_is_held_however_long_the_stream() {
    let guard = redacting();
    let mut stream = guard.stream(Role::Assistant);
    for unit in ["x", "12 34 56 ", "\n", "word ", "é", ". ", "1\n", "a@b.cc "] {
        let text = unit.repeat(40_000 / unit.len());
        for chunk in text.as_bytes().chunks(1000) {
            let _ = stream.push(chunk);
            let held = stream.held();
            assert!(held.end - held.start < 3 * 4096, "{unit:?}: {held:?}");
        }
        assert!(stream.segmenter.buffered() < 6 * 4096, "{unit:?}");
    }
}

#[test]
fn debug_shows_no_text() {
    let mut stream = redacting().stream(Role::Assistant);
    let pieces =
        stream.push("A secret sentence of some length, for a piece of it to be released. ".as_bytes());
    assert!(!format!("{stream:?} {pieces:?}").contains("secret"));
    assert_eq!(pieces.len(), 1);
}
