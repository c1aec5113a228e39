//! Live text: safe pieces of a stream as it comes, each judged before it is released.
//!
//! [`Stream`] holds a stream back until the end of a sentence or line that no match of a pattern can cross, then judges
//! that segment together with as much of what was released before it as fits one window of the model. What it gives
//! depends on the stream's bytes alone: any split of them gives the same pieces. `docs/stream.md` tells the design.

mod open;
mod piece;
mod segment;
mod tail;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;

use crate::guard::{Guard, Passage};
use crate::normalize::Normalized;
use crate::request::{Request, RequestError, Role};
use crate::span::Span;
use crate::tokenize::{Tokens, Words};
use crate::verdict::{Coverage, Decision, Detection, Edit, Finding, Source, Verdict};
pub use piece::Piece;

use segment::{Segment, Segmenter};
use tail::Tail;

/// Tokens of a text that cannot be encoded: too many to be read before another.
const UNCOUNTED: usize = 1 << 20;
/// Most bytes taken in at once, so that a large push needs no more memory than many small ones.
const CHUNK: usize = 4096;

/// A live stream under judgement.
///
/// ```
/// use portcullis::{Decision, Guard, Role};
///
/// let guard = Guard::embedded()?;
/// let mut stream = guard.stream(Role::Assistant);
/// let mut shown = String::new();
/// for token in ["Sure", "! Write to jo", "@example", ".org, ", "she will", " help", " you.\n"] {
///     for piece in stream.push(token.as_bytes()) {
///         shown.push_str(&piece.text);
///     }
///     if stream.is_closed() {
///         break; // vetoed: tell the model to stop
///     }
/// }
/// for piece in stream.finish() {
///     shown.push_str(&piece.text);
/// }
/// assert_eq!(shown, "Sure! Write to [EMAIL], she will help you.\n");
/// assert_eq!(stream.decision(), Decision::Rewrite);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Memory does not grow with the stream, and work grows in proportion to it.
pub struct Stream {
    guard: Guard,
    /// What every segment's request has in common.
    request: Request,
    segmenter: Segmenter,
    tail: Tail,
    counter: Counter,
    /// The beginning of a character whose end has not come yet.
    undecoded: Vec<u8>,
    /// What rules ask to be added at the end, each with the decision that did.
    notices: Vec<(String, String)>,
    /// The last of what was shown, as much as the longest notice needs to be found in it.
    shown: String,
    /// The text that took the place of the whole last segment.
    replaced_by: Option<String>,
    decision: Decision,
    closed: bool,
}

impl Guard {
    /// A stream of text in the role `role`, to be judged as it comes.
    #[must_use]
    pub fn stream(&self, role: Role) -> Stream {
        let windowing = self.windowing();
        let policy = self.policy().policy();
        Stream {
            guard: self.clone(),
            request: Request { role, ..Request::default() },
            segmenter: Segmenter::new(policy.max_bytes(), self.is_of_whole(role)),
            tail: Tail::new(windowing.capacity()),
            counter: Counter::default(),
            undecoded: Vec::new(),
            notices: Vec::new(),
            shown: String::new(),
            replaced_by: None,
            decision: Decision::Allow,
            closed: false,
        }
    }
}

impl Stream {
    /// The same stream with the templates for readers of this language, a tag such as `de` or `pt-BR`.
    #[must_use]
    pub fn with_locale(mut self, locale: Option<String>) -> Self {
        self.request.locale = locale;
        self
    }

    /// The same stream as text of this data slice.
    #[must_use]
    pub fn with_slice(mut self, slice: Option<String>) -> Self {
        self.request.slice = slice;
        self
    }

    /// Takes the next bytes, of any number and cut anywhere, and answers the pieces that they settle, often none.
    ///
    /// Bytes that are not UTF-8, and NUL, are a fault: the stream ends by the policy's `on_fault`, with what was held.
    /// What comes after the end is passed over.
    #[must_use = "the pieces are the stream's safe text"]
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for chunk in bytes.chunks(CHUNK) {
            if self.closed {
                break;
            }
            self.undecoded.extend_from_slice(chunk);
            let broken = self.decode();
            self.drain(false, &mut pieces);
            if let Some(error) = broken {
                self.fail(&error, &mut pieces);
            }
        }
        pieces
    }

    /// Ends the stream and answers the pieces that were held for what might follow. Further calls answer none.
    #[must_use = "the pieces are the stream's safe text"]
    pub fn finish(&mut self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        if !self.undecoded.is_empty() {
            let at = self.segmenter.bounds().1;
            self.fail(&RequestError::InvalidUtf8 { at }, &mut pieces);
        }
        self.drain(true, &mut pieces);
        if !self.closed {
            pieces.extend(self.notify());
        }
        self.closed = true;
        pieces
    }

    /// Whether nothing more is released: after an escalation, a veto or a fault, or when it was finished.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.closed
    }

    /// The strongest decision so far.
    #[must_use]
    pub const fn decision(&self) -> Decision {
        self.decision
    }

    /// The bytes that have come and are held, as offsets in the stream.
    #[must_use]
    pub fn held(&self) -> Range<usize> {
        let (start, end) = self.segmenter.bounds();
        start..end + self.undecoded.len()
    }

    /// Hands on the bytes that are whole characters, up to the first that is none.
    fn decode(&mut self) -> Option<RequestError> {
        let from = self.segmenter.bounds().1;
        let (valid, broken) = match std::str::from_utf8(&self.undecoded) {
            Ok(text) => (text, false),
            Err(error) => {
                let valid = self.undecoded.get(..error.valid_up_to()).unwrap_or_default();
                (std::str::from_utf8(valid).unwrap_or_default(), error.error_len().is_some())
            }
        };
        let nul = valid.bytes().position(|byte| byte == 0);
        let text = valid.get(..nul.unwrap_or(valid.len())).unwrap_or_default();
        self.segmenter.push(text);
        let error = match nul {
            Some(at) => Some(RequestError::NulByte { at: from + at }),
            None => broken.then_some(RequestError::InvalidUtf8 { at: from + valid.len() }),
        };
        let taken = valid.len();
        self.undecoded.drain(..taken);
        error
    }

    /// Judges the segments that are settled.
    fn drain(&mut self, ended: bool, pieces: &mut Vec<Piece>) {
        while !self.closed
            && let Some(segment) = self.segmenter.next(ended, self.guard.patterns())
        {
            pieces.push(self.judge(segment));
        }
    }

    fn judge(&mut self, segment: Segment) -> Piece {
        let windowing = self.guard.windowing();
        let size = self.counter.count(&self.guard, &segment.text);
        let room = windowing.capacity().saturating_sub(size).max(windowing.overlap());
        let ahead = self.ahead(&segment);
        let request = Request { text: segment.text, ..self.request.clone() };
        let (before, behind) = (self.tail.last(room), self.tail.text());
        let is_open = !self.guard.is_of_whole(request.role);
        let passage = Passage { before, behind, ahead: &ahead, is_open };
        let verdict = self.guard.judge_passage(&request, passage, segment.found);
        self.piece(segment.start, &request.text, verdict)
    }

    /// What comes after the segment, up to the first match that a rule would replace.
    fn ahead(&self, segment: &Segment) -> String {
        let policy = self.guard.policy();
        let is_met = |found: &&Detection| {
            policy
                .rules_in(&found.detector, (&self.request).into())
                .any(|(_, rule)| found.score >= rule.threshold())
        };
        let met = segment.found_ahead.iter().filter(is_met).flat_map(|found| &found.spans);
        match met.map(|span| span.start).min().and_then(|first| segment.ahead.get(..first)) {
            Some(before) => format!("{before}["),
            None => segment.ahead.clone(),
        }
    }

    /// Ends the stream by the policy's `on_fault`.
    fn fail(&mut self, error: &RequestError, pieces: &mut Vec<Piece>) {
        if self.closed {
            return;
        }
        let (start, _) = self.segmenter.bounds();
        let request = Request { text: self.segmenter.held().to_owned(), ..self.request.clone() };
        let verdict = self.guard.fault(&request, &format!("the stream cannot be read: {error}"));
        pieces.push(self.piece(start, &request.text, verdict));
        self.closed = true;
    }

    /// What a verdict on the stretch from `start` on, of the text `text`, comes to.
    fn piece(&mut self, start: usize, text: &str, verdict: Verdict) -> Piece {
        self.decision = self.decision.max(verdict.decision);
        let mut edits = verdict.edits;
        let shown = match verdict.text {
            Some(mut rewritten) if verdict.decision.releases() => {
                // A notice waits for the end of the stream.
                if let Some(notice) = edits.pop_if(|edit| edit.start == text.len()) {
                    rewritten.truncate(rewritten.len().saturating_sub(notice.replacement.len()));
                }
                self.keep_notices(&verdict.findings, &verdict.decision_id);
                self.join(text, rewritten, &mut edits, &verdict.findings)
            }
            _ => {
                self.closed = true;
                edits.clear();
                let locale = self.request.locale.as_deref();
                let ending = self.guard.policy().stream_ending(locale).unwrap_or_default().to_owned();
                self.shown.push_str(&ending);
                ending + &self.due()
            }
        };
        self.remember(&shown);
        let Self { tail, counter, guard, .. } = self;
        tail.push(&shown, |word| counter.count(guard, word));
        let (mut findings, mut exceptions) = (verdict.findings, verdict.exceptions);
        let used = exceptions.iter_mut().flat_map(|used| &mut used.spans);
        for span in findings.iter_mut().flat_map(|finding| &mut finding.spans).chain(used) {
            *span = Span::new(start + span.start, start + span.end);
        }
        for edit in &mut edits {
            (edit.start, edit.end) = (start + edit.start, start + edit.end);
        }
        Piece {
            start,
            end: start + text.len(),
            decision: verdict.decision,
            text: shown,
            findings,
            exceptions,
            edits,
            coverage: verdict.coverage,
            coverage_reason: verdict.coverage_reason,
            fault: verdict.fault,
            decision_id: verdict.decision_id,
        }
    }

    /// Keeps what the rules of these findings append for the end, each once.
    fn keep_notices(&mut self, findings: &[Finding], decision_id: &str) {
        for finding in findings.iter().filter(|finding| finding.action == Decision::Rewrite) {
            let notice = self.guard.policy().notice(&finding.rule, self.request.locale.as_deref());
            let Some(notice) = notice.map(str::trim) else { continue };
            if !self.notices.iter().any(|(known, _)| known == notice) {
                self.notices.push((notice.to_owned(), decision_id.to_owned()));
            }
        }
    }

    /// Keeps the end of what was shown.
    fn remember(&mut self, shown: &str) {
        self.shown.push_str(shown);
        let needed = self.guard.policy().longest_notice().max(CHUNK);
        let from = self.shown.floor_char_boundary(self.shown.len().saturating_sub(2 * needed));
        self.shown.drain(..from);
    }

    /// The notices that were not shown yet, each in a paragraph of its own.
    fn due(&mut self) -> String {
        let mut due = String::new();
        for (notice, _) in std::mem::take(&mut self.notices) {
            if !self.shown.contains(&notice) {
                due.push_str(match due.is_empty() {
                    true if self.shown.is_empty() => "",
                    true if self.shown.ends_with('\n') => "\n",
                    _ => "\n\n",
                });
                due.push_str(&notice);
            }
        }
        due
    }

    /// The notices that are due, as a piece behind the last byte.
    fn notify(&mut self) -> Option<Piece> {
        let decision_id = self.notices.first()?.1.clone();
        let text = Some(self.due()).filter(|due| !due.is_empty())?;
        let at = self.segmenter.bounds().1;
        Some(Piece {
            start: at,
            end: at,
            decision: Decision::Rewrite,
            edits: vec![Edit { start: at, end: at, replacement: text.clone() }],
            text,
            findings: Vec::new(),
            exceptions: Vec::new(),
            coverage: Coverage::Full,
            coverage_reason: None,
            fault: None,
            decision_id,
        })
    }

    /// Fits a rewritten segment to what stands around it: a text that takes the place of a whole segment keeps the
    /// space behind it, and is shown once where it would take the place of several in a row.
    fn join(&mut self, text: &str, rewritten: String, edits: &mut [Edit], findings: &[Finding]) -> String {
        // A classifier judges the whole segment, whichever words drove it.
        let is_whole = |found: &&Finding| found.spans.is_empty() || found.source == Source::Classifier;
        let whole = findings.iter().filter(is_whole).any(|found| found.action == Decision::Rewrite);
        let [edit] = edits else {
            self.replaced_by = None;
            return rewritten;
        };
        if !whole || edit.start > 0 || edit.end < text.len() {
            self.replaced_by = None;
            return rewritten;
        }
        if self.replaced_by.as_ref() == Some(&edit.replacement) {
            edit.replacement.clear();
            return String::new();
        }
        self.replaced_by = Some(edit.replacement.clone());
        let kept = text.trim_end().len();
        edit.end = kept;
        rewritten + text.get(kept..).unwrap_or_default()
    }
}

/// Counts tokens as the model does, or words where it is hashed.
#[derive(Default)]
struct Counter {
    tokens: Tokens,
    words: Words,
}

impl Counter {
    fn count(&mut self, guard: &Guard, text: &str) -> usize {
        let normalized = Normalized::new(text);
        match guard.bundle().tokenizer() {
            Some(tokenizer) => tokenizer
                .encode(normalized.text(), &mut self.tokens)
                .map_or(UNCOUNTED, |()| self.tokens.len()),
            None => {
                self.words.split(normalized.text());
                self.words.len()
            }
        }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("role", &self.request.role)
            .field("held", &self.held())
            .field("decision", &self.decision)
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}
