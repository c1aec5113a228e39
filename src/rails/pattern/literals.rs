//! One automaton over the literals of every detector: Aho and Corasick (1975).

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use std::sync::LazyLock;

use super::{DETECTORS, Trigger};

/// The automaton and, for each of its literals, the detector that is triggered.
#[derive(Debug)]
pub(super) struct Literals {
    automaton: AhoCorasick,
    rows: Vec<usize>,
}

static ALL: LazyLock<Literals> = LazyLock::new(Literals::new);

impl Literals {
    /// Those of [`DETECTORS`], made at the first call.
    pub(super) fn all() -> &'static Self {
        &ALL
    }

    #[expect(
        clippy::expect_used,
        reason = "the literals are constants of the program, and every test builds them"
    )]
    fn new() -> Self {
        let mut literals: Vec<(usize, &str)> = Vec::new();
        for (row, detector) in DETECTORS.iter().enumerate() {
            match detector.trigger {
                Trigger::Literals(listed) => literals.extend(listed.iter().map(|literal| (row, *literal))),
                Trigger::Tokens(forms) => literals.extend(forms.iter().map(|form| (row, form.prefix))),
                Trigger::Bytes(_) | Trigger::Numbers | Trigger::Every(_) => {}
            }
        }
        let (rows, literals): (Vec<usize>, Vec<&str>) = literals.into_iter().unzip();
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(true)
            // Twice as fast as the compact automaton on prose, for a millisecond more at the start.
            .kind(Some(AhoCorasickKind::DFA))
            .build(literals)
            .expect("a few hundred short literals");
        Self { automaton, rows }
    }

    /// Every literal in the text, overlapping ones too, as its detector's row and its first byte, by their ends.
    pub(super) fn find<'a>(&'a self, text: &'a str) -> impl Iterator<Item = (usize, usize)> + 'a {
        self.automaton
            .find_overlapping_iter(text)
            .filter_map(|found| Some((*self.rows.get(found.pattern().as_usize())?, found.start())))
    }
}
