//! A guard that follows its policy: what is put in force, or changed in a policy's files, is taken up between two texts.

mod stamp;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, TryLockError};
use std::time::{Duration, Instant};

use crate::guard::{Guard, GuardBuilder, GuardError, PolicySource};
use stamp::Stamp;

/// How often a change is looked for, at most, unless something else is set.
pub const INTERVAL: Duration = Duration::from_secs(1);

/// A guard whose policy may change. Clones are the same guard; it may be used from many threads at once.
///
/// The model is opened once. A policy that cannot be used leaves the one before it in force, and is told by
/// [`LiveGuard::problem`].
///
/// ```
/// use portcullis::{Guard, LiveGuard, Request, Role};
///
/// let live = LiveGuard::open(Guard::builder())?;
/// let verdict = live.guard().check(&Request::new("How do I descale a kettle?", Role::User)?);
/// assert_eq!(live.problem(), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct LiveGuard(Arc<Shared>);

struct Shared {
    source: PolicySource,
    interval: Duration,
    opened: Instant,
    /// When the next look is due, in microseconds from `opened`.
    due: AtomicU64,
    /// What was last looked at; whoever holds it is looking.
    seen: Mutex<Stamp>,
    now: RwLock<Now>,
}

/// What is in force.
#[derive(Clone)]
struct Now {
    guard: Guard,
    problem: Option<String>,
}

impl LiveGuard {
    /// Opens the guard, which looks for a change at most every [`INTERVAL`].
    ///
    /// # Errors
    /// [`GuardError`], as for [`GuardBuilder::build`].
    pub fn open(builder: GuardBuilder) -> Result<Self, GuardError> {
        Self::open_every(builder, INTERVAL)
    }

    /// Opens the guard, which looks for a change at most every `interval`; at every call where that is zero.
    ///
    /// # Errors
    /// [`GuardError`], as for [`GuardBuilder::build`].
    pub fn open_every(builder: GuardBuilder, interval: Duration) -> Result<Self, GuardError> {
        let source = builder.policy_source().clone();
        // Before the guard: what changes while it is made is seen at the first look.
        let seen = Stamp::of(&source.watched());
        let guard = builder.build()?;
        Ok(Self(Arc::new(Shared {
            source,
            interval,
            opened: Instant::now(),
            due: AtomicU64::new(micros(interval)),
            seen: Mutex::new(seen),
            now: RwLock::new(Now { guard, problem: None }),
        })))
    }

    /// The guard by the policy in force. It stays as it is: ask again for the next text, or the next batch.
    #[must_use]
    pub fn guard(&self) -> Guard {
        let passed = micros(self.0.opened.elapsed());
        let due = self.0.due.load(Ordering::Relaxed);
        let next = passed.saturating_add(micros(self.0.interval));
        if passed >= due
            && self.0.due.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        {
            self.look();
        }
        self.now(|now| now.guard.clone())
    }

    /// Why the policy that is there now is not in force; nothing where it is.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        self.now(|now| now.problem.clone())
    }

    /// Looks for a change now, unless another thread is at it. Answers whether another policy is in force.
    pub fn look(&self) -> bool {
        let mut seen = match self.0.seen.try_lock() {
            Ok(seen) => seen,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return false,
        };
        let stamp = Stamp::of(&self.0.source.watched());
        // A policy that could not be used may become usable without a change, by its dates or its keys.
        if seen.is_same(&stamp) && self.problem().is_none() {
            return false;
        }
        let now = self.now(Clone::clone);
        let taken = self.0.source.read().and_then(|policy| {
            let same = policy.reference() == now.guard.policy().policy().reference();
            if same { Ok(None) } else { now.guard.with_policy(&policy).map(Some) }
        });
        *seen = stamp;
        let (guard, problem) = match taken {
            Ok(guard) => (guard, None),
            Err(error) => (None, Some(crate::guard::full_message(&error))),
        };
        let changed = guard.is_some();
        let mut current = self.0.now.write().unwrap_or_else(PoisonError::into_inner);
        *current = Now { guard: guard.unwrap_or(now.guard), problem };
        changed
    }

    fn now<T>(&self, of: impl Fn(&Now) -> T) -> T {
        of(&self.0.now.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for LiveGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveGuard")
            .field("source", &self.0.source)
            .field("interval", &self.0.interval)
            .finish_non_exhaustive()
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
