//! The map from the bytes of a text to the bytes of the text it was made from, as runs.

/// Runs in rising order; none at all means that both texts are the same.
#[derive(Clone, Default)]
pub(crate) struct ByteMap {
    runs: Vec<Run>,
}

/// From byte `normalized` to the next run.
#[derive(Clone, Copy)]
struct Run {
    normalized: usize,
    caller: usize,
    /// How many caller's bytes the whole run came from; 0 where the bytes correspond one to one.
    width: usize,
}

impl ByteMap {
    /// The map of a text onto itself.
    pub(crate) const fn identity() -> Self {
        Self { runs: Vec::new() }
    }

    /// Appends one character (or an unchanged text): `len` bytes from `normalized` on, produced by `caller..caller + width`.
    pub(crate) fn push(&mut self, normalized: usize, len: usize, caller: usize, width: usize) {
        // Lookups ask for whole characters, so equal lengths may count as one to one.
        let width = if width == len { 0 } else { width };
        if let Some(last) = self.runs.last() {
            let one_to_one = width == 0 && last.width == 0;
            // Both sides rise, so the sums cannot underflow.
            let follows = one_to_one && normalized + last.caller == caller + last.normalized;
            let same_source = width != 0 && width == last.width && caller == last.caller;
            if follows || same_source {
                return;
            }
        }
        self.runs.push(Run { normalized, caller, width });
    }

    /// Appends a block: whatever part of it is asked for, all of `caller..caller + width` made it. `width` is not 0.
    pub(crate) fn push_block(&mut self, normalized: usize, caller: usize, width: usize) {
        self.runs.push(Run { normalized, caller, width });
    }

    /// First caller's byte of the character at normalized byte `at`.
    pub(crate) fn start(&self, at: usize) -> usize {
        self.run(at).map_or(at, |run| match run.width {
            0 => run.caller + (at - run.normalized),
            _ => run.caller,
        })
    }

    /// One past the last caller's byte of the character that ends at normalized byte `at`.
    pub(crate) fn end(&self, at: usize) -> usize {
        let Some(last) = at.checked_sub(1) else { return self.start(0) };
        self.run(last).map_or(at, |run| match run.width {
            0 => run.caller + (at - run.normalized),
            width => run.caller + width,
        })
    }

    fn run(&self, at: usize) -> Option<&Run> {
        let after = self.runs.partition_point(|run| run.normalized <= at);
        self.runs.get(after.checked_sub(1)?)
    }
}
