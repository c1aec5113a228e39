//! Hosts that look like others: the skeletons of Unicode Technical Standard #39, and scripts mixed within a label.

use std::collections::{BTreeSet, HashSet};
use unicode_security::confusable_detection::skeleton;

/// Looks the same as an allowed host, or has it in front of another domain.
const IMITATION: f32 = 0.95;
/// Letters of Latin and of a look-alike script in one label.
const MIXED: f32 = 0.8;
/// No Latin letter, but all of it looks Latin.
const WHOLE_SCRIPT: f32 = 0.6;

/// The allowed hosts, and what they look like.
#[derive(Clone, Debug, Default)]
pub(super) struct Imitated {
    hosts: HashSet<String>,
    looks: HashSet<String>,
    /// The numbers of labels that the hosts have.
    labels: BTreeSet<usize>,
}

impl Imitated {
    /// Of hosts in lower case, decoded.
    pub(super) fn new(hosts: &HashSet<String>) -> Self {
        Self {
            hosts: hosts.clone(),
            looks: hosts.iter().map(|host| look(host)).collect(),
            labels: hosts.iter().map(|host| host.split('.').count()).collect(),
        }
    }

    /// Whether the last labels of `host`, which is not allowed, look like an allowed host, or one stands before others.
    fn are_imitated_by(&self, host: &str) -> bool {
        let ends: Vec<usize> = host.match_indices('.').map(|(dot, _)| dot).chain([host.len()]).collect();
        let starts: Vec<usize> = std::iter::once(0).chain(ends.iter().map(|dot| dot + 1)).collect();
        let part = |first: usize, last: usize| host.get(*starts.get(first)?..*ends.get(last)?);
        self.labels.iter().any(|&labels| {
            let tail = ends.len().checked_sub(labels).and_then(|first| part(first, ends.len() - 1));
            // `bank.example.evil.example`
            let in_front = || {
                (0..ends.len().saturating_sub(labels))
                    .filter_map(|first| part(first, first + labels - 1))
                    .any(|part| labels > 1 && self.hosts.contains(part))
            };
            tail.is_some_and(|tail| self.looks.contains(&look(tail))) || in_front()
        })
    }
}

/// How likely `host`, which is not allowed, in lower case and decoded, means to be taken for another.
pub(super) fn score(host: &str, allowed: &Imitated) -> Option<f32> {
    if allowed.are_imitated_by(host) {
        return Some(IMITATION);
    }
    host.split('.').filter_map(label).max_by(f32::total_cmp)
}

/// The skeleton, without regard to capitals, since hosts have none.
fn look(host: &str) -> String {
    // The skeleton of `m` is `rn`, that of `0` is `O` and that of `1` is `l`.
    let once: String = skeleton(host).collect::<String>().to_lowercase();
    skeleton(&once).collect::<String>().to_lowercase()
}

fn label(label: &str) -> Option<f32> {
    if label.is_ascii() {
        return None;
    }
    let latin =
        label.chars().any(|c| c.is_alphabetic() && (c.is_ascii() || ('\u{c0}'..='\u{24f}').contains(&c)));
    let alike = label.chars().any(is_alike);
    match (alike, latin) {
        (true, true) => Some(MIXED),
        (true, false) => look(label).is_ascii().then_some(WHOLE_SCRIPT),
        _ => None,
    }
}

/// Letters of scripts with many letters that look Latin: Greek, Cyrillic, Armenian, Cherokee, Lisu, Coptic.
const fn is_alike(c: char) -> bool {
    matches!(c,
        '\u{370}'..='\u{52f}' | '\u{531}'..='\u{58f}' | '\u{13a0}'..='\u{13ff}' | '\u{1c80}'..='\u{1c8f}'
        | '\u{2c80}'..='\u{2cff}' | '\u{a4d0}'..='\u{a4ff}' | '\u{ab70}'..='\u{abbf}')
}
