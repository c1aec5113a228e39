//! Readings: the forms of a text that a person reads or a machine decodes where the text as it stands says something else.
//!
//! [`Normalized`] is the form of record. [`Readings`] adds others only where something in the text calls for it: words in
//! look-alike letters, in leet, stretched or taken apart are spelt as they are read, and what is encoded is decoded, rung by
//! rung. Every reading maps its bytes back to the caller's. Rails judge the readings beside the text; a benign text has
//! none, with few exceptions, and one look at it tells.
//!
//! Words are the evidence, so a [`Lexicon`] makes readings good: the guard takes the vocabulary of its model. With [`NoWords`]
//! only what needs no evidence is seen through.
//!
//! Time and memory are linear in the text for each rung. A rung is at most as long as the one before it, save for what
//! normalization adds.

mod decode;
mod edited;
mod lexicon;
mod respell;
#[cfg(test)]
mod tests;
mod unveil;

pub use lexicon::{Lexicon, NoWords};

use std::sync::Arc;

use crate::normalize::{ByteMap, Normalized};
use crate::span::{NormalizedSpan, Span};
use crate::verdict::Disguise;
use edited::Edited;
use lexicon::Words;

/// Most places that a reading names; more become one.
const MOST_PLACES: usize = 64;
/// Places so many bytes apart are one.
const NEAR: usize = 2;

/// Another form of a text.
#[derive(Clone)]
pub struct Reading {
    text: String,
    /// The maps down to the caller's text, the first of them from `text`.
    maps: Vec<Arc<ByteMap>>,
    via: Vec<Disguise>,
    places: Vec<Span>,
}

impl Reading {
    /// The text of the reading, normalized.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it saw through, sorted, each once; never empty.
    #[must_use]
    pub fn via(&self) -> &[Disguise] {
        &self.via
    }

    /// Where the caller's text reads otherwise: byte ranges in order, that do not overlap; never empty.
    #[must_use]
    pub fn places(&self) -> &[Span] {
        &self.places
    }

    /// The range of the caller's text that `span` of the reading was made from, on its character boundaries.
    ///
    /// What was decoded as a block maps to the whole block. `span` is first widened to character boundaries and cut at the
    /// end of the text; an empty one gives an empty range.
    #[must_use]
    pub fn to_caller(&self, span: NormalizedSpan) -> Span {
        let start = self.text.floor_char_boundary(span.start);
        let end = self.text.ceil_char_boundary(span.end);
        if end <= start {
            let at = self.maps.iter().fold(start, |at, map| map.start(at));
            return Span::new(at, at);
        }
        down(&self.maps, start, end)
    }
}

// The judged text stays out of Debug output.
impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reading")
            .field("bytes", &self.text.len())
            .field("via", &self.via)
            .finish_non_exhaustive()
    }
}

/// The readings of one text.
#[derive(Clone, Debug, Default)]
pub struct Readings {
    list: Vec<Reading>,
    deeper: bool,
}

impl Readings {
    /// The readings of `text`, whose normalized form is `normalized`: each text once, and none that says what that does.
    ///
    /// At most `max_depth` rungs are decoded, one inside the other; with 0 nothing is decoded.
    #[must_use]
    pub fn new(text: &str, normalized: &Normalized<'_>, lexicon: &dyn Lexicon, max_depth: usize) -> Self {
        let words = Words(lexicon);
        let mut readings = Self::default();
        let mut rung = Rung::first(text, normalized, &words);
        for depth in 0..=max_depth {
            let current = rung.text.as_deref().unwrap_or_else(|| normalized.text());
            let respelt = respell::respell(current, &words);
            let decoded = if max_depth > 0 { decode::decode(current, &words) } else { None };
            let next = match decoded {
                Some(_) if depth == max_depth => {
                    readings.deeper = true;
                    None
                }
                Some((decoded, via)) => Some(rung.clone().edited(decoded, via).shown(&words)),
                None => None,
            };
            let reading = match respelt {
                Some((edited, via)) => rung.edited(edited, via),
                None => rung,
            };
            readings.add(reading, normalized.text());
            let Some(next) = next else { break };
            rung = next;
        }
        readings
    }

    /// The readings, the text as it stands not among them.
    #[must_use]
    pub fn list(&self) -> &[Reading] {
        &self.list
    }

    /// Whether something is encoded deeper than was decoded.
    #[must_use]
    pub const fn deeper(&self) -> bool {
        self.deeper
    }

    /// Adds what a rung says, where nothing before it does.
    fn add(&mut self, rung: Rung, stored: &str) {
        let Rung { text: Some(text), maps, via, places } = rung else { return };
        if text != stored && self.list.iter().all(|other| other.text != text) {
            self.list.push(Reading { text, maps, via, places: gathered(places) });
        }
    }
}

/// A form of the text and the way to it.
#[derive(Clone)]
struct Rung {
    /// Nothing for the normalized text itself.
    text: Option<String>,
    maps: Vec<Arc<ByteMap>>,
    via: Vec<Disguise>,
    places: Vec<Span>,
}

impl Rung {
    /// The text as it shows, normalized.
    fn first(text: &str, normalized: &Normalized<'_>, words: &Words<'_>) -> Self {
        let mut rung = Self { text: None, maps: Vec::new(), via: Vec::new(), places: Vec::new() };
        match unveil::unveil(text, words) {
            Some((edited, via)) => rung.edited(edited, via).normalized(),
            None => {
                if normalized.is_changed() {
                    rung.maps.push(Arc::new(normalized.map().clone()));
                }
                rung
            }
        }
    }

    /// With an edit of its text.
    fn edited(mut self, edited: Edited, via: Vec<Disguise>) -> Self {
        self.places.extend(edited.places.iter().map(|place| down(&self.maps, place.start, place.end)));
        self.via.extend(via);
        self.via.sort_unstable();
        self.via.dedup();
        self.over(edited.text, edited.map)
    }

    /// A decoded text as it shows, normalized.
    fn shown(self, words: &Words<'_>) -> Self {
        match unveil::unveil(self.text.as_deref().unwrap_or_default(), words) {
            Some((edited, via)) => self.edited(edited, via).normalized(),
            None => self.normalized(),
        }
    }

    fn normalized(self) -> Self {
        let normalized = Normalized::new(self.text.as_deref().unwrap_or_default());
        if !normalized.is_changed() {
            return self;
        }
        let (text, map) = normalized.into_parts();
        let text = text.into_owned();
        self.over(text, map)
    }

    fn over(mut self, text: String, map: ByteMap) -> Self {
        self.maps.insert(0, Arc::new(map));
        Self { text: Some(text), ..self }
    }
}

/// The caller's range of a range of the first map's text, which is not empty.
fn down(maps: &[Arc<ByteMap>], start: usize, end: usize) -> Span {
    let (start, end) = maps.iter().fold((start, end), |(start, end), map| (map.start(start), map.end(end)));
    Span::new(start, end)
}

/// The places in order, near ones as one.
fn gathered(mut places: Vec<Span>) -> Vec<Span> {
    places.sort_unstable();
    let mut gathered: Vec<Span> = Vec::new();
    for place in places {
        let full = gathered.len() == MOST_PLACES;
        match gathered.last_mut() {
            Some(last) if full || place.start <= last.end + NEAR => last.end = last.end.max(place.end),
            _ => gathered.push(place),
        }
    }
    gathered
}
