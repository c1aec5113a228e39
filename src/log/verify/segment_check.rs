//! The check of one segment after the other, line by line.

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use blake3::Hash;
use jiff::Timestamp;
use serde::Deserialize;

use super::finding::{Finding, FindingKind, short};
use super::{Report, hash_of};
use crate::log::envelope::{self, Sealed};
use crate::log::head::{Head, Kept};
use crate::log::lines::{self, Found};
use crate::log::read::body_error;
use crate::log::segment::{self, VERSION};
use crate::log::{Body, Event};
use crate::trust::KeyRing;

/// A step back of the clock that is worth a note, in seconds: threads hand in their verdicts a little out of order.
const STEP_BACK: i64 = 1;

/// The state between two lines.
pub(super) struct Check<'a> {
    keys: &'a KeyRing,
    kept: Option<&'a Kept>,
    /// Entries that must come, with their hashes and who says so.
    awaited: BTreeMap<u64, (Hash, &'static str)>,
    report: &'a mut Report,
    /// Number and hash of the last entry.
    before: Option<(u64, Hash)>,
    /// Number of the last segment, and its first entry.
    segment: Option<(u64, u64)>,
    /// Whether the last line closed its segment.
    closed: bool,
    time: Option<Timestamp>,
}

impl<'a> Check<'a> {
    pub(super) fn new(
        keys: &'a KeyRing,
        kept: Option<&'a Kept>,
        awaited: BTreeMap<u64, (Hash, &'static str)>,
        report: &'a mut Report,
    ) -> Self {
        Self { keys, kept, awaited, report, before: None, segment: None, closed: false, time: None }
    }

    /// Reads one segment.
    pub(super) fn segment(&mut self, number: u64, input: &mut impl BufRead) -> io::Result<()> {
        self.begins(number);
        self.report.segments += 1;
        self.closed = false;
        let mut buffer = Vec::new();
        let mut line = 0;
        loop {
            line += 1;
            let at = (number, line);
            let found = lines::next(input, &mut buffer)?;
            let next = self.before.map(|(seq, _)| seq.saturating_add(1));
            match found {
                Found::Line => self.line(at, &buffer),
                Found::End => break,
                Found::Torn => {
                    let found = format!("{} bytes without a line feed", buffer.len());
                    self.problem(FindingKind::Torn, at, next, "a whole line", found);
                    break;
                }
                Found::TooLong => {
                    let most = format!("at most {} bytes", lines::MAX_LINE);
                    self.problem(FindingKind::Line, at, next, most, "a longer line");
                    break;
                }
            }
        }
        if line == 1 {
            self.problem(FindingKind::Frame, (number, 1), None, "the header of a segment", "an empty file");
        }
        Ok(())
    }

    /// Says what was to come and did not.
    pub(super) fn finish(self) {
        let last = self.before.map(|(seq, _)| seq);
        for (seq, (_, name)) in &self.awaited {
            let first = self.report.first.unwrap_or_default();
            if self.report.entries > 0 && *seq < first {
                continue;
            }
            let found = last.map_or("no entry".to_owned(), |last| format!("{last} as the last entry"));
            let expected = format!("entry {seq}, which {name} vouches for");
            let finding = match (last, self.segment) {
                (Some(last), Some((segment, _))) if *seq <= last => {
                    Finding::at(FindingKind::Truncated, (segment, 0), Some(*seq), expected, "no such entry")
                }
                (_, Some((segment, _))) => Finding {
                    line: None,
                    ..Finding::at(FindingKind::Truncated, (segment, 0), None, expected, found)
                },
                _ => Finding::of_file(FindingKind::Truncated, crate::log::FOLDER, &expected, &found),
            };
            self.report.problem(finding);
        }
        self.report.last = last;
        self.report.hash = self.before.map(|(_, hash)| hash.to_hex().to_string());
        if let Some(kept) = self.kept.filter(|_| self.segment.is_none()) {
            let expected = format!("segment {}, as kept.json says", kept.segment);
            self.report.problem(Finding::of_file(
                FindingKind::Segment,
                crate::log::FOLDER,
                &expected,
                "no segment",
            ));
        }
    }

    /// Holds the number of a segment against what came before.
    fn begins(&mut self, number: u64) {
        match self.segment {
            Some((before, _)) => {
                if number != before.saturating_add(1) {
                    let expected = format!("segment {}", before.saturating_add(1));
                    let found = format!("segment {number}");
                    self.problem(FindingKind::Segment, (number, 1), None, expected, found);
                }
                if !self.closed {
                    let expected = "a signature that closes it, since another segment follows";
                    let finding = Finding::at(FindingKind::Frame, (before, 0), None, expected, "none");
                    self.report.problem(Finding { line: None, ..finding });
                }
            }
            None => self.starts(number),
        }
        self.segment = Some((number, self.before.map_or(0, |(seq, _)| seq.saturating_add(1))));
    }

    /// Holds the first segment against what says that there were none before.
    fn starts(&mut self, number: u64) {
        let kept = self.kept.map_or(1, |kept| kept.segment);
        if number > kept {
            let expected = format!("segment {kept}");
            self.problem(FindingKind::Segment, (number, 1), None, expected, format!("segment {number}"));
        } else if self.kept.is_some() {
            let found = match number {
                _ if number == kept => format!("segments before {kept} removed because of their age"),
                _ => format!("segments from {number} on, not removed yet"),
            };
            let note = Finding::at(FindingKind::Removed, (number, 1), None, "segments of every age", found);
            self.report.note(note);
        }
        if let Some(kept) = self.kept.filter(|kept| kept.segment == number)
            && let Some(before) = kept.first.checked_sub(1)
        {
            self.before = Some((before, hash_of(&kept.previous)));
        }
    }

    fn line(&mut self, at: (u64, u64), line: &[u8]) {
        let next = self.before.map(|(seq, _)| seq.saturating_add(1));
        self.report.entries += 1;
        let sealed = match envelope::open(line) {
            Ok(sealed) => sealed,
            Err(what) => {
                let expected = what.strip_prefix("expected ").unwrap_or(what);
                return self.problem(FindingKind::Line, at, next, expected, "something else");
            }
        };
        let seq = Some(sealed.seq);
        self.report.first = self.report.first.or(seq);
        if self.closed {
            self.problem(
                FindingKind::Frame,
                at,
                seq,
                "nothing after the line that closes a segment",
                "an entry",
            );
        }
        if !sealed.holds() {
            let (expected, found) = (short(&sealed.computed()), short(&sealed.hash));
            self.problem(FindingKind::Edited, at, seq, format!("the hash {expected}"), found);
        }
        // Without a first segment there is nothing to hold a line against.
        let is_start = self.before.is_none();
        let expected = match next {
            Some(next) => Some(next),
            None if at.0 == 1 => Some(0),
            None => None,
        };
        if let Some(expected) = expected.filter(|expected| *expected != sealed.seq) {
            self.problem(
                FindingKind::Order,
                at,
                seq,
                format!("entry {expected}"),
                format!("entry {}", sealed.seq),
            );
        }
        let before =
            self.before.map(|(_, hash)| hash).or((is_start && at.0 == 1).then_some(envelope::NOTHING));
        if let Some(before) = before.filter(|before| *before != sealed.prev) {
            let (expected, found) = (short(&before), short(&sealed.prev));
            self.problem(
                FindingKind::Chain,
                at,
                seq,
                format!("the hash {expected} of the entry before"),
                found,
            );
        }
        self.body(at, &sealed);
        if let Some((hash, name)) = self.awaited.remove(&sealed.seq)
            && hash != sealed.hash
        {
            let expected = format!("the hash {} that {name} vouches for", short(&hash));
            self.problem(FindingKind::Head, at, seq, expected, short(&sealed.hash));
        }
        self.closed |= sealed.is_head();
        self.before = Some((sealed.seq, sealed.hash));
    }

    fn body(&mut self, at: (u64, u64), sealed: &Sealed<'_>) {
        let seq = Some(sealed.seq);
        if sealed.is_header() != (at.1 == 1) {
            let (expected, found) = match at.1 {
                1 => ("the header of a segment", "an entry"),
                _ => ("an entry", "the header of a segment"),
            };
            self.problem(FindingKind::Frame, at, seq, expected, found);
        }
        if sealed.is_header() {
            self.header(at, sealed);
        } else if sealed.is_head() {
            self.head(at, sealed);
        } else {
            match serde_json::from_slice::<Body>(sealed.body) {
                Ok(body) => self.said(at, sealed.seq, &body),
                Err(error) => {
                    self.problem(FindingKind::Line, at, seq, "a decision or an event", body_error(&error));
                }
            }
        }
    }

    fn header(&mut self, at: (u64, u64), sealed: &Sealed<'_>) {
        let seq = Some(sealed.seq);
        let Some(header) = segment::header_of(sealed) else {
            return self.problem(FindingKind::Frame, at, seq, "the header of a segment", "another object");
        };
        if header.version != VERSION {
            let found = format!("version {}", header.version);
            self.problem(FindingKind::Frame, at, seq, format!("version {VERSION}"), found);
        }
        if header.number != at.0 {
            let found = format!("the header of segment {}", header.number);
            self.problem(FindingKind::Segment, at, seq, format!("that of segment {}", at.0), found);
        }
        if header.first != sealed.seq || hash_of(&header.previous) != sealed.prev {
            let expected = "the entry's own number and hash in its header";
            self.problem(FindingKind::Frame, at, seq, expected, "others");
        }
    }

    fn head(&mut self, at: (u64, u64), sealed: &Sealed<'_>) {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Line {
            head: Head,
        }
        let seq = Some(sealed.seq);
        let Ok(Line { head }) = serde_json::from_slice(sealed.body) else {
            return self.problem(FindingKind::Frame, at, seq, "a signed head", "another object");
        };
        if let Err(error) = head.verify(self.keys) {
            return self.problem(
                FindingKind::Signature,
                at,
                seq,
                "a signature that holds",
                error.to_string(),
            );
        }
        self.report.signed = self.report.signed.max(Some(head.last));
        let first = self.segment.map_or(0, |(_, first)| first);
        let said = (head.segment, head.first, head.last.saturating_add(1), hash_of(&head.hash), head.closed);
        if said != (at.0, first, sealed.seq, sealed.prev, true) {
            let expected = format!("a head of segment {} with the entries {first} to before this", at.0);
            let found =
                format!("one of segment {} with the entries {} to {}", head.segment, head.first, head.last);
            self.problem(FindingKind::Head, at, seq, expected, found);
        }
    }

    fn said(&mut self, at: (u64, u64), seq: u64, body: &Body) {
        match body {
            Body::Decision(_) => self.report.decisions += 1,
            Body::Event { event, .. } => {
                self.report.events += 1;
                self.event(at, seq, event);
            }
        }
        let time: Option<Timestamp> = body.time().parse().ok();
        if let (Some(before), Some(time)) = (self.time, time)
            && before.as_second() - time.as_second() > STEP_BACK
        {
            let expected = format!("a time from {before} on");
            self.report.note(Finding::at(FindingKind::Clock, at, Some(seq), expected, time.to_string()));
        }
        self.time = time.or(self.time);
    }

    /// What the log says of itself.
    fn event(&mut self, at: (u64, u64), seq: u64, event: &Event) {
        let seq = Some(seq);
        match event {
            Event::LogEntriesLost { last, signed } => {
                let found = last.map_or("none".to_owned(), |last| format!("those up to {last}"));
                let expected = format!("the entries up to {signed} that were signed for before");
                self.problem(FindingKind::Lost, at, seq, expected, found);
            }
            Event::LogHeadLost {} => {
                self.problem(FindingKind::Lost, at, seq, "a signed head when the log was opened", "none");
            }
            Event::LogTailCut { bytes } => {
                let found = format!("{bytes} bytes of a line that had no end");
                self.report.note(Finding::at(FindingKind::Torn, at, seq, "a whole line", found));
            }
            Event::RecordsLost { count, since } => {
                let found = format!("{count} that could not be appended since {since}");
                self.report.note(Finding::at(FindingKind::Lost, at, seq, "every entry", found));
            }
            _ => {}
        }
    }

    fn problem(
        &mut self,
        kind: FindingKind,
        at: (u64, u64),
        seq: Option<u64>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) {
        self.report.problem(Finding::at(kind, at, seq, expected, found));
    }
}
