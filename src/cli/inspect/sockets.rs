//! The sockets that this process holds open, and the network that it could reach, on Linux.

use std::collections::BTreeSet;
use std::fs;

/// What the descriptors of this process point to.
pub(super) struct Sockets {
    /// Open descriptors of any kind.
    pub(super) descriptors: usize,
    /// The sockets among them, by the kernel's name.
    pub(super) names: BTreeSet<String>,
}

impl Sockets {
    /// Those open now; nothing where the system does not tell.
    pub(super) fn open_now() -> Option<Self> {
        let mut found = Self { descriptors: 0, names: BTreeSet::new() };
        for entry in fs::read_dir("/proc/self/fd").ok()? {
            // The descriptor of this listing is gone by the time it is asked about.
            let Ok(target) = entry.and_then(|entry| fs::read_link(entry.path())) else { continue };
            found.descriptors += 1;
            if let Some(name) = target.to_str().filter(|name| name.starts_with("socket:")) {
                found.names.insert(name.to_owned());
            }
        }
        Some(found)
    }
}

/// The network interfaces that this process can see, the loopback left out; nothing where the system does not tell.
pub(super) fn interfaces() -> Option<Vec<String>> {
    let table = fs::read_to_string("/proc/self/net/dev").ok()?;
    let names = table.lines().skip(2).filter_map(|line| line.split_once(':')).map(|(name, _)| name.trim());
    Some(names.filter(|name| *name != "lo").map(str::to_owned).collect())
}
