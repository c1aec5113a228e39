//! The vault: what was redacted in one conversation, to be restored in the model's answer.
//!
//! A redaction with a vault leaves numbered placeholders, such as `[EMAIL_1]`; equal originals get equal ones. The
//! originals are in this process's memory only, are overwritten when the vault is dropped, and are shown by no `Debug`.
//! The text that [`Vault::restore`] answers is the caller's to keep safe.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use zeroize::Zeroizing;

/// The originals of one conversation.
///
/// ```
/// use portcullis::{Guard, Request, Role, Vault};
///
/// let guard = Guard::embedded()?;
/// let mut vault = Vault::new();
/// let question = Request::new("Please write to jo@example.org for me.", Role::User)?;
/// let verdict = guard.redact(&question, &mut vault);
/// assert_eq!(verdict.text.as_deref(), Some("Please write to [EMAIL_1] for me."));
///
/// // The model has never seen the address, and yet its answer can name it.
/// assert_eq!(vault.restore("I have written to [EMAIL_1]."), "I have written to jo@example.org.");
///
/// // In a live answer no torn placeholder is shown.
/// let mut restorer = vault.restorer();
/// let shown: Vec<String> = ["Sent to [EM", "AIL", "_1] to", "day."].map(|token| restorer.push(token)).into();
/// assert_eq!(shown, ["Sent to ", "", "jo@example.org to", "day."]);
/// assert_eq!(restorer.finish(), "");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct Vault {
    /// Placeholders and what they stand for, in the order in which they were made.
    entries: Vec<(String, Zeroizing<String>)>,
    /// The place in `entries` of each placeholder.
    places: BTreeMap<String, usize>,
    /// The last number given, by kind.
    numbers: BTreeMap<String, usize>,
    bytes: usize,
}

impl Vault {
    /// Most originals that are kept; what is redacted beyond them gets a plain placeholder and cannot be restored.
    pub const MOST_ENTRIES: usize = 4096;
    /// Most bytes of all originals together, likewise.
    pub const MOST_BYTES: usize = 1 << 20;

    /// An empty vault.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many originals are kept.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none is kept.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Forgets and overwrites everything, and counts from 1 again.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The numbered form of `placeholder`, such as `[EMAIL]`, for an original that stands in `text`; nothing when the vault
    /// is full or the placeholder has no brackets.
    pub(crate) fn keep(&mut self, placeholder: &str, original: &str, text: &str) -> Option<String> {
        let kind = placeholder.strip_suffix(']')?;
        let own = |name: &str| {
            name.strip_prefix(kind).and_then(|rest| rest.strip_prefix('_')).is_some_and(|n| !n.contains('_'))
        };
        if let Some((known, _)) =
            self.entries.iter().find(|(name, kept)| kept.as_str() == original && own(name))
        {
            return Some(known.clone());
        }
        if self.entries.len() >= Self::MOST_ENTRIES || self.bytes + original.len() > Self::MOST_BYTES {
            return None;
        }
        let number = self.numbers.entry(kind.to_owned()).or_default();
        // A number that the text itself names is passed over: its writer must not choose what is restored.
        let taken = text.contains(&format!("{kind}_"));
        let name = loop {
            *number += 1;
            let name = format!("{kind}_{number}]");
            if !(taken && text.contains(&name)) {
                break name;
            }
        };
        self.bytes += original.len();
        self.places.insert(name.clone(), self.entries.len());
        self.entries.push((name.clone(), Zeroizing::new(original.to_owned())));
        Some(name)
    }

    /// The text with every placeholder of this vault replaced by its original; others stay as they are.
    #[must_use]
    pub fn restore(&self, text: &str) -> String {
        let mut restorer = self.restorer();
        let mut restored = restorer.push(text);
        restored.push_str(&restorer.finish());
        restored
    }

    /// Restores a text that comes in parts.
    #[must_use]
    pub fn restorer(&self) -> Restorer<'_> {
        let longest = self.entries.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        Restorer { vault: self, longest, held: String::new() }
    }

    fn original(&self, placeholder: &str) -> Option<&str> {
        let place = self.places.get(placeholder)?;
        self.entries.get(*place).map(|(_, original)| original.as_str())
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("entries", &self.entries.len()).finish_non_exhaustive()
    }
}

/// Restores a live text: see [`Vault::restorer`].
pub struct Restorer<'v> {
    vault: &'v Vault,
    /// Bytes of the longest placeholder.
    longest: usize,
    /// What may be the beginning of a placeholder.
    held: String,
}

impl Restorer<'_> {
    /// Takes the next part of the text, and answers what can be shown: all but what may be the beginning of a placeholder.
    #[must_use = "this is the text to show"]
    pub fn push(&mut self, text: &str) -> String {
        let text = std::mem::take(&mut self.held) + text;
        let mut shown = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some((before, from)) = rest.find('[').and_then(|at| rest.split_at_checked(at)) {
            shown.push_str(before);
            let inner = from.get(1..).unwrap_or_default();
            let length = 1 + inner.find(|c: char| !is_inner(c)).unwrap_or(inner.len());
            if length == from.len() && length < self.longest {
                self.held = from.to_owned();
                return shown;
            }
            let original = from.get(..=length).and_then(|placeholder| self.vault.original(placeholder));
            let (stands, used) = match original {
                Some(original) => (original, length + 1),
                None => (from.get(..length).unwrap_or(from), length),
            };
            shown.push_str(stands);
            rest = from.get(used..).unwrap_or_default();
        }
        shown.push_str(rest);
        shown
    }

    /// What was held back, when nothing more will come.
    #[must_use = "this is the text to show"]
    pub fn finish(self) -> String {
        self.held
    }
}

impl fmt::Debug for Restorer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Restorer").field("held", &self.held.len()).finish_non_exhaustive()
    }
}

/// Whether a placeholder may hold this character between its brackets.
fn is_inner(c: char) -> bool {
    c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'
}
