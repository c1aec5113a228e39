//! The threads that a guard works on: the caller's alone, a pool of its own, or a pool that it was given.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rayon::{ThreadPool, ThreadPoolBuilder};

/// Bytes that one thread hashes before another is worth telling.
const WORTH_SHARING: usize = 1 << 20;

/// The threads that work may be spread over. What comes out does not depend on them.
pub struct Threads {
    number: usize,
    pool: Pool,
}

enum Pool {
    /// Made at the first piece of work that is worth more than one thread.
    Own(OnceLock<Option<ThreadPool>>),
    Given(Arc<ThreadPool>),
}

impl Threads {
    /// At most `number` threads of a pool of its own, which is made when it is first needed. With 1, or 0, all is done on the
    /// calling thread and no thread is ever made.
    #[must_use]
    pub const fn new(number: usize) -> Self {
        Self { number: if number > 1 { number } else { 1 }, pool: Pool::Own(OnceLock::new()) }
    }

    /// The threads of a pool that is there. Of one thread it is not asked: the calling thread does as well.
    #[must_use]
    pub fn of(pool: Arc<ThreadPool>) -> Self {
        Self { number: pool.current_num_threads().max(1), pool: Pool::Given(pool) }
    }

    /// How many threads there are, at least 1.
    #[must_use]
    pub const fn number(&self) -> usize {
        self.number
    }

    /// BLAKE3 of the bytes, which are shared out where they are many.
    pub(crate) fn blake3(&self, bytes: &[u8]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        // Outside a pool of ours `update_rayon` would take the global one.
        match self.pool(bytes.len() / WORTH_SHARING) {
            Some(pool) => pool.install(|| hasher.update_rayon(bytes)),
            None => hasher.update(bytes),
        };
        hasher.finalize()
    }

    /// The pool, when there are threads and pieces enough for one.
    pub(crate) fn pool(&self, pieces: usize) -> Option<&ThreadPool> {
        if self.number < 2 || pieces < 2 {
            return None;
        }
        match &self.pool {
            // Without a pool the caller's thread does the work: slower, never wrong.
            Pool::Own(own) => own.get_or_init(|| made(self.number)).as_ref(),
            Pool::Given(pool) => Some(pool),
        }
    }
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = matches!(self.pool, Pool::Given(_));
        f.debug_struct("Threads").field("number", &self.number).field("given", &given).finish()
    }
}

fn made(number: usize) -> Option<ThreadPool> {
    let name = |thread| format!("portcullis-{thread}");
    ThreadPoolBuilder::new().num_threads(number).thread_name(name).build().ok()
}
