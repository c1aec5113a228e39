//! Where a stream is cut into segments: at ends of sentences and lines that no pattern's match can cross.
//!
//! Cuts depend on the stream's bytes alone, never on how they arrive. To settle a cut the segmenter may look at what
//! follows, but at an amount that the bytes decide, and it waits until that much is there.

use std::collections::VecDeque;

use super::open::is_open;
use crate::rails::text::TextRails;
use crate::sentence::SentenceEnds;
use crate::span::Span;
use crate::verdict::Detection;

/// Least bytes of a segment, the last one excepted: a shorter one would cost as much to judge.
const LEAST: usize = 48;
/// From this many bytes on, any space will do for a cut.
const LONG: usize = 256;
/// From this many bytes on, any character will do. More than the longest match of a pattern.
const LONGEST: usize = 4096;
/// Bytes without a digit after which what stands before them can no longer grow: the patterns that reach over spaces hold
/// digits, and the longest words that may follow one (` extension `) are shorter than this.
const QUIET: usize = 32;
/// Bytes from a candidate inside a match that is under way to the next one.
const STEP: usize = 8;
/// Most bytes looked at after a cut: more than the longest e-mail address.
const AHEAD: usize = 384;
/// Bytes before a segment that are scanned with it: more than any pattern looks back.
const BEHIND: usize = 512;
/// Most bytes before a segment that are scanned with it, where they hold no cut to begin at.
const MOST_BEHIND: usize = 2 * LONGEST;

/// One stretch of the stream, ready to be judged.
pub(super) struct Segment {
    /// Its first byte's offset in the stream.
    pub(super) start: usize,
    /// Its text, never empty.
    pub(super) text: String,
    /// What the patterns found in it, by its own offsets.
    pub(super) found: Vec<Detection>,
    /// What comes after it, as far as its end was settled by that.
    pub(super) ahead: String,
    /// What the patterns found there, by its offsets.
    pub(super) found_ahead: Vec<Detection>,
}

/// A place where a segment may end.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    at: usize,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// After a sentence or line.
    Sentence,
    /// After a space in a long sentence.
    Space,
    /// Anywhere in a run that is too long.
    Forced,
}

/// What looking closer at a candidate gave.
enum Settled {
    /// The segment ends at the first byte; these matches were found before the second.
    Cut(usize, usize, Vec<Detection>),
    /// It does not end here.
    Not,
    /// More of the stream must be seen.
    Unknown,
}

/// The held text, and as much before it as patterns look back.
pub(super) struct Segmenter {
    text: String,
    /// The offset in the stream of the text's first byte.
    base: usize,
    /// Where the held text begins.
    held: usize,
    /// How far ends of sentences were looked for.
    at: usize,
    ends: SentenceEnds,
    /// The next candidate, when it waits for what follows.
    waiting: Option<Candidate>,
    /// No cut before this: the last match that crossed a candidate, or may do so, goes on to here.
    closed_until: usize,
    /// The cuts before the held text, and whether they were forced.
    cuts: VecDeque<(usize, bool)>,
    /// Most bytes that the policy lets be judged at once.
    limit: usize,
    /// Whether the stream is one segment.
    whole: bool,
}

impl Segmenter {
    /// Nothing held; segments are of at most `limit` bytes, or the longest that there are. A stream that is judged `whole` is
    /// one segment, which comes at its end, or as soon as there is more of it than may be judged.
    pub(super) fn new(limit: usize, whole: bool) -> Self {
        Self {
            text: String::new(),
            base: 0,
            held: 0,
            at: 0,
            ends: SentenceEnds::default(),
            waiting: None,
            closed_until: 0,
            cuts: VecDeque::from([(0, false)]),
            limit,
            whole,
        }
    }

    /// Adds what came.
    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// The offset in the stream of the first byte that is held, and of the next one to come.
    pub(super) const fn bounds(&self) -> (usize, usize) {
        (self.base + self.held, self.base + self.text.len())
    }

    /// Bytes kept, held or not.
    #[cfg(test)]
    pub(super) fn buffered(&self) -> usize {
        self.text.len()
    }

    /// The text that is held.
    pub(super) fn held(&self) -> &str {
        self.text.get(self.held..).unwrap_or_default()
    }

    /// The next segment, when its end is settled; with `ended` nothing will follow, and all that is held comes.
    pub(super) fn next(&mut self, ended: bool, patterns: &TextRails) -> Option<Segment> {
        if self.whole && !ended && self.held().len() <= self.limit {
            return None;
        }
        while !self.whole
            && let Some(candidate) = self.waiting.take().or_else(|| self.advance())
        {
            match self.settle(candidate, ended, patterns) {
                Settled::Cut(cut, view, found) => return Some(self.take(cut, view, found, candidate.kind)),
                Settled::Not => {}
                Settled::Unknown => {
                    self.waiting = Some(candidate);
                    return None;
                }
            }
        }
        if !(ended || self.whole) || self.held == self.text.len() {
            return None;
        }
        let end = self.text.len();
        let found = self.scan(end, patterns);
        Some(self.take(end, end, found, Kind::Sentence))
    }

    /// Reads on to the next candidate.
    fn advance(&mut self) -> Option<Candidate> {
        let [least, long, longest] = [LEAST, LONG, LONGEST].map(|size| size.min(self.limit));
        for c in self.text.get(self.at..)?.chars() {
            self.at += c.len_utf8();
            let ended = self.ends.step(c);
            let size = self.at - self.held;
            let kind = match () {
                () if size >= longest => Kind::Forced,
                () if ended && size >= least => Kind::Sentence,
                () if c.is_whitespace() && size >= long => Kind::Space,
                () => continue,
            };
            if kind == Kind::Forced || self.at >= self.closed_until {
                return Some(Candidate { at: self.at, kind });
            }
        }
        None
    }

    fn settle(&mut self, candidate: Candidate, ended: bool, patterns: &TextRails) -> Settled {
        let at = match candidate.kind {
            Kind::Forced => self.last_space(candidate.at).unwrap_or(candidate.at),
            _ => candidate.at,
        };
        if candidate.kind != Kind::Forced {
            if is_open(self.text.get(self.held..at).unwrap_or_default()) {
                self.closed_until = at + STEP;
                return Settled::Not;
            }
            if self.is_quiet(at) {
                return Settled::Cut(at, at, self.scan(at, patterns));
            }
        }
        let view = match candidate.kind {
            // A later space will do as well, one after a sentence or without digits about.
            Kind::Space => return Settled::Not,
            Kind::Sentence => self.quiet_after(at),
            Kind::Forced => {
                let view = at + AHEAD;
                (self.text.len() >= view).then(|| self.text.floor_char_boundary(view))
            }
        };
        let view = match view {
            Some(view) => view,
            None if ended => self.text.len(),
            None => return Settled::Unknown,
        };
        let found = self.scan(view, patterns);
        let crosses = |at: usize| {
            let spans = found.iter().flat_map(|detection| &detection.spans);
            spans.filter(move |span| span.start < at && at < span.end)
        };
        let mut cut = at;
        while let Some(start) = crosses(cut).map(|span| span.start).min() {
            if candidate.kind == Kind::Sentence {
                self.closed_until = crosses(cut).map(|span| span.end).max().unwrap_or_default();
                return Settled::Not;
            }
            cut = start;
            if cut <= self.held {
                // One match is longer than a segment may be: it comes whole.
                cut = at;
                while let Some(end) = crosses(cut).map(|span| span.end).max() {
                    cut = end;
                }
                break;
            }
        }
        Settled::Cut(cut, view, found)
    }

    /// The end of the last space in the held text before `at`: a run without spaces is better not torn.
    fn last_space(&self, at: usize) -> Option<usize> {
        let held = self.text.get(self.held..at)?;
        let space = held.rfind(char::is_whitespace)?;
        Some(self.held + space + held.get(space..)?.chars().next()?.len_utf8())
    }

    /// Whether the bytes before `at` keep matches from reaching over it.
    fn is_quiet(&self, at: usize) -> bool {
        let from = self.text.floor_char_boundary(at.saturating_sub(QUIET));
        let near = self.text.get(from..at).unwrap_or_default();
        !near.contains(char::is_numeric) && (near.ends_with(char::is_whitespace) || self.is_prose(at))
    }

    /// Whether the run without spaces that goes on over `at` has no sign of an address or a key.
    fn is_prose(&self, at: usize) -> bool {
        let from = self.text.floor_char_boundary(at.saturating_sub(AHEAD));
        let run = self.text.get(from..at).unwrap_or_default().rsplit(char::is_whitespace).next();
        !run.is_some_and(|run| run.contains(|c: char| c.is_ascii_punctuation()))
    }

    /// The first end of a word from `at` on with enough bytes without a digit before it, or where to give up; nothing when
    /// that has not come yet.
    fn quiet_after(&self, at: usize) -> Option<usize> {
        let from = self.text.floor_char_boundary(at.saturating_sub(QUIET));
        let mut digit = from;
        for (place, c) in self.text.get(from..)?.char_indices() {
            let end = from + place + c.len_utf8();
            if c.is_numeric() {
                digit = end;
            }
            // What is cut inside a word may look like something else.
            let quiet = end - digit >= QUIET && c.is_whitespace();
            if end >= at && (quiet || end - at >= AHEAD) {
                return Some(end);
            }
        }
        None
    }

    /// What the patterns find before `end`.
    fn scan(&self, end: usize, patterns: &TextRails) -> Vec<Detection> {
        let mut found = Vec::new();
        patterns.scan_places(self.text.get(..end).unwrap_or_default(), &mut found);
        found
    }

    /// Takes the segment that ends at `cut` out of the held text, which was seen up to `view`.
    fn take(&mut self, cut: usize, view: usize, mut found: Vec<Detection>, kind: Kind) -> Segment {
        let start = self.held;
        let ahead = self.text.get(cut..view).unwrap_or_default().to_owned();
        let mut found_ahead = found.clone();
        for detection in &mut found_ahead {
            detection.spans.retain(|span| cut <= span.start);
            for span in &mut detection.spans {
                *span = Span::new(span.start - cut, span.end - cut);
            }
        }
        for detection in &mut found {
            // What began before the segment and was not known for what it is then ends in it: its rest is withheld.
            detection.spans.retain(|span| start < span.end && span.end <= cut);
            for span in &mut detection.spans {
                *span = Span::new(span.start.max(start) - start, span.end - start);
            }
        }
        found.retain(|detection| !detection.spans.is_empty());
        let text = self.text.get(start..cut).unwrap_or_default().to_owned();
        let segment = Segment { start: self.base + start, text, found, ahead, found_ahead };
        if self.at != cut {
            self.at = cut;
            self.ends = SentenceEnds::default();
        }
        self.held = cut;
        self.cuts.push_back((cut, kind == Kind::Forced));
        self.forget();
        segment
    }

    /// Drops what no later scan needs.
    fn forget(&mut self) {
        let enough = self.held.saturating_sub(BEHIND);
        let last = |any: bool| {
            let cuts = self.cuts.iter().rev();
            cuts.filter(|(at, forced)| *at <= enough && (any || !forced)).map(|(at, _)| *at).next()
        };
        let from = match last(false) {
            Some(from) if self.held - from <= MOST_BEHIND => from,
            _ => last(true).unwrap_or(0),
        };
        self.text.drain(..from);
        self.base += from;
        self.held -= from;
        self.at -= from;
        self.closed_until = self.closed_until.saturating_sub(from);
        while self.cuts.front().is_some_and(|(at, _)| *at < from) {
            self.cuts.pop_front();
        }
        for (at, _) in &mut self.cuts {
            *at -= from;
        }
    }
}
