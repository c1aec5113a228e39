//! Work on items over several threads, a bounded number of them at once, with the results in the order of the items.

use anyhow::{Context as _, bail};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError, mpsc};

/// Items under way for each thread: one that is worked on, one that waits for it, one whose result waits for its turn.
const AHEAD: usize = 3;

/// Takes items from `next` until there are no more, works on them over `threads` threads, and hands the results to `take` in the order
/// of the items. `next` and `take` run on the caller's thread.
///
/// # Errors
/// The first error of `next` and `take`, and when `work` panics.
pub(super) fn ordered<T: Send, R: Send>(
    threads: usize,
    next: impl FnMut() -> anyhow::Result<Option<T>>,
    work: impl Fn(T) -> R + Sync,
    take: impl FnMut(R) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let (give, given) = mpsc::channel::<(usize, T)>();
    let (answer, answers) = mpsc::channel::<(usize, std::thread::Result<R>)>();
    let given = Mutex::new(given);
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            let (given, work, answer) = (&given, &work, answer.clone());
            scope.spawn(move || {
                loop {
                    let item = given.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok((number, item)) = item else { return };
                    let result = catch_unwind(AssertUnwindSafe(|| work(item)));
                    if answer.send((number, result)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(answer);
        let outcome = drive(AHEAD * threads.max(1), next, &give, &answers, take);
        // The threads end when nothing more can come.
        drop(give);
        outcome
    })
}

type Answers<R> = mpsc::Receiver<(usize, std::thread::Result<R>)>;

fn drive<T, R>(
    most: usize,
    mut next: impl FnMut() -> anyhow::Result<Option<T>>,
    give: &mpsc::Sender<(usize, T)>,
    answers: &Answers<R>,
    mut take: impl FnMut(R) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let (mut given, mut taken, mut ended) = (0, 0, false);
    let mut waiting = BTreeMap::new();
    loop {
        while !ended && given - taken < most {
            match next()? {
                Some(item) => {
                    give.send((given, item)).ok().context("no judging thread is left")?;
                    given += 1;
                }
                None => ended = true,
            }
        }
        if taken == given {
            return Ok(());
        }
        let (number, result) = answers.recv().context("no judging thread is left")?;
        let Ok(result) = result else { bail!("a judging thread has failed: nothing of its texts is known") };
        waiting.insert(number, result);
        while let Some(result) = waiting.remove(&taken) {
            taken += 1;
            take(result)?;
        }
    }
}

#[cfg(test)]
mod tests;
