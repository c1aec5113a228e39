//! The rails that need no model: texts of three lengths, since the throughput of a linear scan does not fall with the length,
//! and word lists of growing number beside plain regular expressions and a filter of profanity.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a benchmark with broken parts cannot go on"
)]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use portcullis::normalize::Normalized;
use portcullis::rails::list::{ListRail, Matching, WordList};
use portcullis::rails::pattern::PatternRail;
use portcullis::rails::text::TextRails;
use portcullis::rails::url::Hosts;
use regex::{Regex, RegexSet};
use rustrict::CensorStr as _;

/// What is repeated: nothing to find, a match a word, and numbers that are no match.
const UNITS: [(&str, &str); 6] = [
    ("prose", "the kettle is on and the garden is quiet this morning, "),
    ("addresses", "192.168.1.1 "),
    ("phones", "+44 20 7946 0958, "),
    ("mail", "jo@example.org "),
    ("numbers", "order 1234567 and 12 of 30, "),
    ("code", "let token = config.get(\"api_key\"); // see https://example.org/docs/v2.1\n"),
];
const LENGTHS: [usize; 3] = [1 << 14, 1 << 17, 1 << 20];
/// Numbers of words, and the length of the text they are looked for in.
const RULES: [usize; 4] = [1, 4, 100, 1000];
const LENGTH: usize = 1 << 18;

fn scan(criterion: &mut Criterion) {
    let rail = PatternRail::new();
    let mut group = criterion.benchmark_group("patterns");
    group.sample_size(10);
    for (name, unit) in UNITS {
        for length in LENGTHS {
            let text = unit.repeat(length / unit.len());
            group.throughput(Throughput::Bytes(text.len() as u64));
            group.bench_function(BenchmarkId::new(name, length), |bencher| {
                bencher.iter(|| {
                    let mut found = Vec::new();
                    rail.scan(&text, &mut found);
                    found
                });
            });
        }
    }
    group.finish();
}

fn rules(criterion: &mut Criterion) {
    let text = prose();
    let words = words(1000);
    let mut group = criterion.benchmark_group("rules");
    group.sample_size(10);
    group.throughput(Throughput::Bytes(text.len() as u64));
    for number in RULES {
        let words: Vec<String> = words.iter().take(number).cloned().collect();
        let list = WordList {
            id: "words".to_owned(),
            words: words.clone(),
            allow: Vec::new(),
            matching: Matching::Word,
        };
        let lists = ListRail::new(std::slice::from_ref(&list)).expect("a list");
        let all = TextRails::new(std::slice::from_ref(&list), &Hosts::default()).expect("a list");
        let set = RegexSet::new(words.iter().map(|word| format!(r"(?i)\b{word}\b"))).expect("patterns");
        let union = Regex::new(&format!(r"(?i)\b(?:{})\b", words.join("|"))).expect("a pattern");
        let normalized = Normalized::new(&text);
        group.bench_function(BenchmarkId::new("list rail", number), |bencher| {
            bencher.iter(|| {
                let mut found = Vec::new();
                lists.scan(&normalized, &mut found);
                found
            });
        });
        group.bench_function(BenchmarkId::new("every rail", number), |bencher| {
            bencher.iter(|| {
                let mut found = Vec::new();
                all.scan(&text, &mut found);
                found
            });
        });
        group.bench_function(BenchmarkId::new("regex set", number), |bencher| {
            bencher.iter(|| set.matches(&text).len());
        });
        group.bench_function(BenchmarkId::new("regex union", number), |bencher| {
            bencher.iter(|| union.find_iter(&text).count());
        });
    }
    group.bench_function("rustrict", |bencher| bencher.iter(|| text.is_inappropriate()));
    group.finish();
}

/// Pronounceable made-up words, the same at every run.
fn words(number: usize) -> Vec<String> {
    const SYLLABLES: [&str; 16] = [
        "ba", "ren", "to", "shi", "lor", "ma", "ke", "vin", "du", "pel", "ra", "sto", "mi", "gan", "fe", "lu",
    ];
    let mut state = 1_u64;
    let mut syllable = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        SYLLABLES[(state >> 33) as usize % SYLLABLES.len()]
    };
    (0..number).map(|_| [syllable(), syllable(), syllable()].concat()).collect()
}

/// Sentences of everyday words with a listed word every thousand bytes or so.
fn prose() -> String {
    const WORDS: [&str; 24] = [
        "the", "kettle", "is", "on", "and", "garden", "quiet", "this", "morning", "while", "someone",
        "reads", "a", "letter", "from", "far", "away", "about", "weather", "trains", "bread", "nothing",
        "much", "today",
    ];
    let listed = words(1000);
    let mut state = 7_usize;
    let mut text = String::new();
    while text.len() < LENGTH {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345) & 0x7fff_ffff;
        let word = if state.is_multiple_of(200) {
            listed[(state >> 8) % 1000].as_str()
        } else {
            WORDS[(state >> 8) % WORDS.len()]
        };
        text.push_str(word);
        text.push_str(if (state >> 4).is_multiple_of(13) { ". " } else { " " });
    }
    text
}

criterion_group!(benches, scan, rules);
criterion_main!(benches);
