//! A batch of what was read, judged: on one of the scan's threads.

use portcullis::{Coverage, Guard, Request, Verdict};
use std::sync::Arc;

use super::found::{self, Found};
use super::page::{Page, Text};
use super::read::{Ended, Entry};

/// What became of an entry.
pub(super) enum Outcome {
    Judged(Judged),
    Unjudged(Found),
    Ended(Ended),
}

/// A text that was judged.
pub(super) struct Judged {
    pub(super) page: Arc<Page>,
    pub(super) is_section: bool,
    pub(super) coverage: Coverage,
    pub(super) found: Vec<Found>,
}

/// Judges the texts of a batch.
pub(super) fn judge(guard: &Guard, entries: Vec<Entry>, each_alone: bool) -> Vec<Outcome> {
    let mut requests = Vec::with_capacity(entries.len());
    let mut waiting: Vec<Result<Text, Outcome>> = Vec::with_capacity(entries.len());
    for entry in entries {
        waiting.push(match entry {
            Entry::Text(mut text) => {
                requests.push(std::mem::take(&mut text.request));
                Ok(text)
            }
            Entry::Unjudged(found) => Err(Outcome::Unjudged(found)),
            Entry::Ended(ended) => Err(Outcome::Ended(ended)),
        });
    }
    let verdicts = verdicts(guard, &requests, each_alone);
    let mut answers = requests.into_iter().zip(verdicts);
    let outcome = |waiting| match waiting {
        Err(outcome) => Some(outcome),
        Ok(text) => answers.next().map(|(request, verdict)| judged(Text { request, ..text }, &verdict)),
    };
    waiting.into_iter().filter_map(outcome).collect()
}

/// The verdicts; each text alone where a deadline counts from the moment that its batch is taken up.
pub(super) fn verdicts(guard: &Guard, requests: &[Request], each_alone: bool) -> Vec<Verdict> {
    match each_alone {
        true => requests.iter().map(|request| guard.check(request)).collect(),
        false => guard.check_batch(requests),
    }
}

fn judged(text: Text, verdict: &Verdict) -> Outcome {
    let found = found::of_verdict(&text, verdict);
    Outcome::Judged(Judged {
        page: text.page,
        is_section: text.is_section,
        coverage: verdict.coverage,
        found,
    })
}
