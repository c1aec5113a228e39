//! The memory of this process, as Linux counts it; other systems give no figures.

use serde::Serialize;

/// Sizes in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Memory {
    /// Pages in memory, shared ones included.
    pub(super) resident: u64,
    /// Pages in memory, each shared one divided by the number of processes that share it.
    pub(super) proportional: u64,
    /// Pages in memory that only this process has now, those of files too.
    pub(super) private: u64,
    /// Pages in memory that no file holds: heap, stacks, and what was copied to be written to.
    pub(super) anonymous: u64,
    /// Address space mapped from files, the program's own image included.
    pub(super) files_mapped: u64,
    /// The part of `files_mapped` that is in memory.
    pub(super) files_resident: u64,
}

impl Memory {
    /// The figures now; nothing where the system does not tell.
    pub(super) fn now() -> Option<Self> {
        Self::parse(&std::fs::read_to_string("/proc/self/smaps").ok()?)
    }

    /// Adds up the mappings of a `/proc/PID/smaps`.
    fn parse(smaps: &str) -> Option<Self> {
        let mut sum = Self::default();
        let mut in_file = false;
        let mut mappings = 0;
        for line in smaps.lines() {
            let mut words = line.split_ascii_whitespace();
            let first = words.next().unwrap_or_default();
            let Some(field) = first.strip_suffix(':') else {
                // `start-end perms offset device inode path`
                in_file = words.nth(4).is_some_and(|path| path.starts_with('/'));
                mappings += 1;
                continue;
            };
            let Some(bytes) = words.next().and_then(|number| number.parse::<u64>().ok()).map(|kib| kib << 10)
            else {
                continue;
            };
            match field {
                "Size" if in_file => sum.files_mapped += bytes,
                "Rss" => {
                    sum.resident += bytes;
                    sum.files_resident += if in_file { bytes } else { 0 };
                }
                "Pss" => sum.proportional += bytes,
                "Private_Clean" | "Private_Dirty" => sum.private += bytes,
                "Anonymous" => sum.anonymous += bytes,
                _ => {}
            }
        }
        (mappings > 0).then_some(sum)
    }
}

#[cfg(test)]
mod tests;
