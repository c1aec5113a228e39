//! Which words drove what the classifiers found: those without which the score falls furthest become the finding's spans.

use std::borrow::Cow;
use std::ops::Range;
use std::time::Instant;

use super::forms::{Forms, Together};
use super::judge::Looked;
use super::pieces::{told_apart, without, words};
use super::subject::Passage;
use super::{Guard, NamedHead};
use crate::rails::classifier::{HeadScores, Judged, Length, Outcome, Route};
use crate::request::Request;
use crate::span::{NormalizedSpan, Span};
use crate::verdict::{Source, Verdict};

/// Words of a window that are each left out in turn. A window of more is searched in two steps.
const WORDS: usize = 32;
/// Runs of words that are left out in the first of two steps; the strongest of them are searched in the second, as far as
/// [`WORDS`] allows for both.
const RUNS: usize = 16;
/// What a word has to do for the logit, beside the word that does most, to be named: chosen on the published trial split of
/// SemEval-2021's toxic spans. Nothing is decided by it.
const SHARE: f32 = 0.4;

/// A text as it was judged: with what stands around it, and whether it is a string of a tool call's arguments.
pub(super) type Text<'a> = (&'a Request, Passage<'a>, bool);

/// One window of one form of a text, and the findings that rest on it.
struct Aim {
    /// The place of the text.
    text: usize,
    /// The place of the form among those of the text.
    form: usize,
    window: NormalizedSpan,
    /// Whether there is more of the form than this window.
    is_part: bool,
    /// How long the form is, whatever is left out of it.
    length: Length,
    /// What can be left out, and where it is in what was judged.
    pieces: Vec<(NormalizedSpan, Span)>,
    blamed: Vec<Blamed>,
    /// Whether every shortened text had an answer.
    answered: bool,
}

/// A finding, and what each piece does for it.
struct Blamed {
    finding: usize,
    head: usize,
    /// The logit with nothing left out.
    logit: f32,
    /// The fall of the logit without each piece; none where that was not asked.
    drops: Vec<Option<f32>>,
    /// The fall without each of the runs of the first step, and the run.
    runs: Vec<(f32, Range<usize>)>,
}

/// A text with some of its pieces left out.
struct Shortened {
    aim: usize,
    left_out: Range<usize>,
    text: String,
    deadline: Option<Instant>,
}

impl Guard {
    /// Names the words behind each finding of a classifier in `judged`, the verdicts on `texts`.
    ///
    /// Costs at most [`WORDS`] and one further encodings of the window that a score is from, and nothing where no classifier has found
    /// anything. Decisions and rewrites stay as they are. A text whose deadline passes meanwhile, or a window that cannot be
    /// judged, gets no words.
    pub(super) fn attribute(&self, texts: &[Text<'_>], judged: &mut [Looked], start: Instant) {
        let blamed: Vec<Vec<(usize, usize)>> =
            judged.iter().map(|looked| self.blamed(&looked.verdict, looked.together.as_ref())).collect();
        if blamed.iter().all(Vec::is_empty) {
            return;
        }
        let read: Vec<Cow<'_, str>> =
            texts.iter().map(|(request, passage, _)| passage.read(&request.text)).collect();
        let forms: Vec<Option<Forms<'_>>> = read
            .iter()
            .zip(judged.iter().zip(&blamed))
            .map(|(text, (Looked { together, .. }, blamed))| {
                let places = &together.as_ref().filter(|_| !blamed.is_empty())?.forms;
                let plain = blamed.iter().all(|(_, head)| places.get(*head) == Some(&0));
                Some(if plain { Forms::plain(text) } else { self.forms(text) })
            })
            .collect();
        let mut aims = Vec::new();
        let looked = forms.iter().zip(blamed.iter().zip(&*judged));
        for (text, ((_, passage, _), (forms, (blamed, Looked { together, .. })))) in
            texts.iter().zip(looked).enumerate()
        {
            if let (Some(forms), Some(together)) = (forms, together) {
                self.aim((text, *passage), forms, together, blamed, &mut aims);
            }
        }
        let deadlines: Vec<Option<Instant>> =
            texts.iter().map(|(request, ..)| self.due(request, start)).collect();
        let form = |aim: &Aim| forms.get(aim.text).and_then(Option::as_ref).map_or("", |f| f.text(aim.form));
        // A logit of the device and one of the CPU differ by more than their words.
        let on_device = judged.iter().any(|looked| looked.verdict.device.is_some());
        let route = if on_device { Route::Device } else { Route::Cpu };
        for step in [Aim::first_step, Aim::second_step] {
            let mut asked = Vec::new();
            for (place, aim) in aims.iter().enumerate() {
                let deadline = deadlines.get(aim.text).copied().flatten();
                for left_out in step(aim) {
                    if let Some(text) = aim.without(form(aim), &left_out) {
                        asked.push(Shortened { aim: place, left_out, text, deadline });
                    }
                }
            }
            self.answer(&asked, route, &mut aims);
        }
        for aim in aims.iter().filter(|aim| aim.answered) {
            let (Some(Looked { verdict, .. }), Some((request, passage, _))) =
                (judged.get_mut(aim.text), texts.get(aim.text))
            else {
                continue;
            };
            for blamed in &aim.blamed {
                let spans = aim.named(blamed, passage.before.len(), &request.text);
                if let Some(finding) = verdict.findings.get_mut(blamed.finding).filter(|_| !spans.is_empty())
                {
                    finding.spans = spans;
                }
            }
        }
    }

    /// When an answer to the request is worthless, if ever.
    pub(super) fn due(&self, request: &Request, start: Instant) -> Option<Instant> {
        let allowed = request.deadline.or(self.0.deadline);
        allowed.and_then(|allowed| start.checked_add(allowed))
    }

    /// The findings that rest on the text and on a head that read all of it, each with the head's place.
    fn blamed(&self, verdict: &Verdict, together: Option<&Together>) -> Vec<(usize, usize)> {
        let Some(Together { outcome: Outcome::Scored(_), .. }) = together else { return Vec::new() };
        let heads: Vec<(NamedHead<'_>, &(String, f32))> = self.all_heads().zip(&verdict.scores).collect();
        let mut blamed: Vec<(usize, usize)> = Vec::new();
        let findings = verdict.findings.iter().enumerate();
        for (number, finding) in
            findings.filter(|(_, found)| found.source == Source::Classifier && found.place.is_none())
        {
            // A rule on a family may be met by several heads with the same score; its findings come by the heads' names.
            let taken = |head: usize| {
                let same_rule = |(other, _): &&(usize, usize)| {
                    verdict.findings.get(*other).is_some_and(|other| other.rule == finding.rule)
                };
                blamed.iter().filter(same_rule).any(|(_, other)| *other == head)
            };
            let candidates = heads.iter().enumerate().filter(|(place, (head, (_, score)))| {
                let detector = head.detector();
                let mut rules = self.policy().policy().rules().iter();
                score.to_bits() == finding.score.to_bits()
                    && !taken(*place)
                    && rules.any(|rule| rule.id == finding.rule && rule.detector.covers(&detector))
            });
            let head = candidates.min_by_key(|(_, (head, _))| head.detector()).map(|(place, _)| place);
            blamed.extend(head.map(|head| (number, head)));
        }
        blamed
    }

    /// Adds an aim for each window that a finding of the text rests on.
    fn aim(
        &self,
        (text, passage): (usize, Passage<'_>),
        forms: &Forms<'_>,
        together: &Together,
        blamed: &[(usize, usize)],
        aims: &mut Vec<Aim>,
    ) {
        let Outcome::Scored(HeadScores { logits, from, .. }) = &together.outcome else { return };
        let mut seen: Vec<(usize, usize)> = Vec::new();
        let first = aims.len();
        for &(finding, head) in blamed {
            let (Some(&form), Some(&window), Some(&logit)) =
                (together.forms.get(head), from.get(head), logits.get(head))
            else {
                continue;
            };
            let place = match seen.iter().position(|known| *known == (form, window)) {
                Some(place) => place,
                None => {
                    let Some(window) = self.0.classifier.window(forms.text(form), window) else { continue };
                    let length = passage.length(forms.text(form));
                    aims.push(Aim::new(text, form, window, forms, length));
                    seen.push((form, from.get(head).copied().unwrap_or_default()));
                    seen.len() - 1
                }
            };
            if let Some(aim) = aims.get_mut(first + place) {
                let drops = vec![None; aim.pieces.len()];
                aim.blamed.push(Blamed { finding, head, logit, drops, runs: Vec::new() });
            }
        }
    }

    /// Judges the shortened texts and keeps what each head loses.
    fn answer(&self, asked: &[Shortened], route: Route, aims: &mut [Aim]) {
        if asked.is_empty() {
            return;
        }
        let judged: Vec<Judged<'_>> = asked
            .iter()
            .map(|short| {
                let length = aims.get(short.aim).map_or(Length::Uncorrected, |aim| aim.length);
                Judged { text: &short.text, deadline: short.deadline, gates: None, length }
            })
            .collect();
        let (outcomes, _) = self.0.classifier.judge_by(&judged, route);
        for (short, outcome) in asked.iter().zip(outcomes) {
            let Some(aim) = aims.get_mut(short.aim) else { continue };
            match outcome {
                Outcome::Scored(scores) => aim.keep(&short.left_out, &scores.logits),
                _ => aim.answered = false,
            }
        }
    }
}

impl Aim {
    fn new(text: usize, form: usize, window: NormalizedSpan, forms: &Forms<'_>, length: Length) -> Self {
        let whole = forms.text(form);
        let words = words(whole.get(window.start..window.end).unwrap_or_default());
        let words = words
            .into_iter()
            .map(|word| NormalizedSpan::new(window.start + word.start, window.start + word.end))
            .collect();
        let pieces = told_apart(words, |piece| forms.to_caller(form, piece));
        let around = |span: Option<&str>| span.is_some_and(|text| !text.trim().is_empty());
        let is_part = around(whole.get(..window.start)) || around(whole.get(window.end..));
        Self { text, form, window, is_part, length, pieces, blamed: Vec::new(), answered: true }
    }

    /// The pieces that are left out at first: each alone, or runs of them where there are many; before them none, where the
    /// window is a part of the text and may cut words.
    fn first_step(&self) -> Vec<Range<usize>> {
        let count = self.pieces.len();
        let run = if count > WORDS { count.div_ceil(RUNS) } else { 1 };
        let nothing = self.is_part.then_some(0..0);
        let runs = (0..count).step_by(run).map(|start| start..count.min(start + run));
        nothing.into_iter().chain(runs).collect()
    }

    /// The pieces that are left out alone after that: those of the runs that do most for one of the heads.
    fn second_step(&self) -> Vec<Range<usize>> {
        let mut runs: Vec<(f32, Range<usize>)> = Vec::new();
        for blamed in self.blamed.iter().filter(|_| self.answered) {
            let most = blamed.runs.iter().map(|(drop, _)| *drop).fold(0.0, f32::max);
            for (drop, run) in blamed.runs.iter().filter(|(drop, _)| *drop > 0.0 && *drop >= SHARE * most) {
                let share = drop / most;
                match runs.iter_mut().find(|(_, known)| known == run) {
                    Some((known, _)) => *known = known.max(share),
                    None => runs.push((share, run.clone())),
                }
            }
        }
        runs.sort_by(|(a, first), (b, second)| b.total_cmp(a).then(first.start.cmp(&second.start)));
        let mut room = WORDS - RUNS;
        let fits = runs.into_iter().map_while(|(_, run)| {
            room = room.checked_sub(run.len())?;
            Some(run)
        });
        fits.flatten().map(|piece| piece..piece + 1).collect()
    }

    /// The window without these pieces.
    fn without(&self, text: &str, left_out: &Range<usize>) -> Option<String> {
        let piece = match self.pieces.get(left_out.clone())? {
            [] => NormalizedSpan::new(self.window.end, self.window.end),
            [only] => only.0,
            [first, .., last] => NormalizedSpan::new(first.0.start, last.0.end),
        };
        Some(without(text, self.window, piece))
    }

    /// Keeps the logits of the window without these pieces.
    fn keep(&mut self, left_out: &Range<usize>, logits: &[f32]) {
        for blamed in &mut self.blamed {
            let Some(logit) = logits.get(blamed.head) else { continue };
            let drop = blamed.logit - logit;
            match left_out.len() {
                0 => blamed.logit = *logit,
                1 => {
                    blamed.drops.iter_mut().skip(left_out.start).take(1).for_each(|place| *place = Some(drop))
                }
                _ => blamed.runs.push((drop, left_out.clone())),
            }
        }
    }

    /// Where in `text` the words are that the finding rests on; what was judged has `before` bytes before it.
    fn named(&self, blamed: &Blamed, before: usize, text: &str) -> Vec<Span> {
        let most = blamed.drops.iter().flatten().copied().fold(0.0, f32::max);
        let alone = |number: usize| blamed.drops.get(number).copied().flatten();
        let mut named: Vec<Span> = match most > 0.0 {
            true => (0..self.pieces.len())
                .filter(|number| alone(*number).is_some_and(|drop| drop > 0.0 && drop >= SHARE * most))
                .filter_map(|number| Some(self.pieces.get(number)?.1))
                .collect(),
            // No word of the strongest run does anything alone: they say the same.
            false => {
                let strongest = blamed.runs.iter().filter(|(drop, _)| *drop > 0.0);
                let strongest = strongest.max_by(|(a, _), (b, _)| a.total_cmp(b));
                let pieces = strongest.and_then(|(_, run)| self.pieces.get(run.clone()));
                pieces.unwrap_or_default().iter().map(|(_, span)| *span).collect()
            }
        };
        for span in &mut named {
            // What was shown before the text is not reported.
            *span = Span::new(span.start.saturating_sub(before), span.end.saturating_sub(before));
            *span = trimmed(text, *span);
        }
        named.retain(|span| !span.is_empty());
        named.sort_unstable();
        joined(text, named)
    }
}

/// The span without the marks that a sentence or a quotation puts around a word.
fn trimmed(text: &str, span: Span) -> Span {
    let is_mark = |c: char| c.is_whitespace() || ".,;:!?…()[]{}\"'“”‘’«»".contains(c);
    let Some(found) = text.get(span.start..span.end) else { return span };
    let body = found.trim_matches(is_mark);
    if body.is_empty() {
        return span;
    }
    let start = span.start + (found.len() - found.trim_start_matches(is_mark).len());
    Span::new(start, start + body.len())
}

/// The spans, in order, with those as one between which there is no letter and no digit.
fn joined(text: &str, spans: Vec<Span>) -> Vec<Span> {
    let mut joined: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        let between = joined.last().and_then(|last| text.get(last.end..span.start));
        match joined.last_mut() {
            Some(last)
                if span.start <= last.end || between.is_some_and(|b| !b.contains(char::is_alphanumeric)) =>
            {
                last.end = last.end.max(span.end);
            }
            _ => joined.push(span),
        }
    }
    joined
}

#[cfg(test)]
mod tests;
