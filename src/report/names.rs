//! Things counted by name, as many names as memory should hold: a log may be made up to have a new one in every line.

use std::collections::BTreeMap;

/// Most slices, rules, heads, policies and models that are told apart; what comes after is counted as `(other)`.
pub const MAX_NAMES: usize = 500;

/// The name of what was not told apart.
pub(super) const OTHER: &str = "(other)";

/// A `T` for each name.
#[derive(Clone, Debug)]
pub(super) struct Named<T>(BTreeMap<String, T>);

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Default> Named<T> {
    /// What is counted under `name`.
    pub(super) fn of(&mut self, name: &str) -> &mut T {
        let name = if self.0.len() < MAX_NAMES || self.0.contains_key(name) { name } else { OTHER };
        self.0.entry(name.to_owned()).or_default()
    }

    /// Names and what was counted, in the order of the names.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&String, &T)> {
        self.0.iter()
    }

    /// Whether `name` was counted.
    pub(super) fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}
