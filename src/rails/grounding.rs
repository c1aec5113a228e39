//! The grounding rail: how far each sentence of an answer is borne out by the sources that it should rest on.
//!
//! The support of a sentence is the largest cosine between its state and that of a passage: a sentence of a source, or two
//! neighbours. A state is the mean of the trunk's hidden states after its first layer, which say what a text is about; later
//! layers say what harm is in it. `docs/rails/grounding.md` tells how good that is.

#[cfg(test)]
mod tests;

use std::time::Instant;

use super::classifier::{ClassifierRail, TokenStates};
use crate::encode::EncodeError;
use crate::normalize::Normalized;
use crate::sentence::Sentences;
use crate::span::Span;
use crate::verdict::{Detection, Source};

/// The detector.
pub const NAME: &str = "grounding.unsupported";
/// The category of what the rail finds, where the rule names none.
const CATEGORY: &str = "grounding";
/// Layers after which states are compared.
const LAYERS: usize = 1;
/// Fewer words than this state nothing.
const LEAST_WORDS: usize = 3;
/// Passages that are encoded at once.
const CHUNK: usize = 256;
/// Most comparisons of a sentence with a passage: some seconds' work.
const MOST_COMPARED: usize = 1 << 22;

/// What became of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    /// Every sentence was compared with every passage.
    Whole,
    /// The deadline passed first.
    Late,
    /// There are too many of them.
    TooMany,
}

/// Appends a detection for each sentence of `text`, of three words and more: its score is 1 less its support, in `0..=1`.
///
/// # Errors
/// [`EncodeError`], also where the model reads no token ids.
pub fn scan(
    classifier: &ClassifierRail,
    text: &str,
    sources: &[String],
    deadline: Option<Instant>,
    out: &mut Vec<Detection>,
) -> Result<Compared, EncodeError> {
    let claims: Vec<Span> =
        Sentences::new(text).spans(text).filter(|span| is_claim(part(text, *span))).collect();
    let passages: Vec<&str> = sources.iter().flat_map(|source| passages(source)).collect();
    if claims.len().saturating_mul(passages.len()) > MOST_COMPARED {
        return Ok(Compared::TooMany);
    }
    let is_late = || deadline.is_some_and(|deadline| Instant::now() >= deadline);
    let mut states: Vec<Vec<f32>> = Vec::with_capacity(claims.len());
    for chunk in claims.chunks(CHUNK) {
        if is_late() {
            return Ok(Compared::Late);
        }
        let chunk: Vec<&str> = chunk.iter().map(|span| part(text, *span)).collect();
        states.extend(pooled(classifier, &chunk)?);
    }
    let mut support = vec![0.0_f32; claims.len()];
    for chunk in passages.chunks(CHUNK).filter(|_| !claims.is_empty()) {
        if is_late() {
            return Ok(Compared::Late);
        }
        for passage in pooled(classifier, chunk)? {
            for (most, state) in support.iter_mut().zip(&states) {
                let cosine = dot(state, &passage);
                // `max` would drop a NaN, and a NaN must surface.
                if cosine.is_nan() || cosine > *most {
                    *most = cosine;
                }
            }
        }
    }
    out.extend(claims.into_iter().zip(support).map(|(span, support)| Detection {
        detector: NAME.to_owned(),
        category: CATEGORY.to_owned(),
        score: 1.0 - support.clamp(0.0, 1.0),
        spans: vec![span],
        source: Source::Grounding,
        via: Vec::new(),
        place: None,
        repair: None,
    }));
    Ok(Compared::Whole)
}

fn part(text: &str, span: Span) -> &str {
    text.get(span.start..span.end).unwrap_or_default()
}

fn is_claim(sentence: &str) -> bool {
    let words = sentence.split_whitespace().filter(|word| word.contains(char::is_alphanumeric));
    words.take(LEAST_WORDS).count() == LEAST_WORDS
}

/// The sentences of a source and every two neighbours.
fn passages(source: &str) -> impl Iterator<Item = &str> {
    let sentences: Vec<Span> = Sentences::new(source).spans(source).collect();
    let pairs: Vec<Span> = sentences
        .windows(2)
        .filter_map(|pair| Some(Span::new(pair.first()?.start, pair.last()?.end)))
        .collect();
    sentences.into_iter().chain(pairs).map(|span| part(source, span))
}

/// The state of each text, of length 1.
fn pooled(classifier: &ClassifierRail, texts: &[&str]) -> Result<Vec<Vec<f32>>, EncodeError> {
    let normalized: Vec<Normalized<'_>> = texts.iter().map(|text| Normalized::new(text)).collect();
    let texts: Vec<&str> = normalized.iter().map(Normalized::text).collect();
    Ok(classifier.token_states(&texts, LAYERS)?.iter().map(mean).collect())
}

/// The mean of the rows, of length 1.
fn mean(states: &TokenStates) -> Vec<f32> {
    let mut sum: Vec<f32> = Vec::new();
    for row in &states.rows {
        sum.resize(row.len(), 0.0);
        for (sum, value) in sum.iter_mut().zip(row) {
            *sum += value;
        }
    }
    let length = dot(&sum, &sum).sqrt();
    if length > 0.0 {
        for value in &mut sum {
            *value /= length;
        }
    }
    sum
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
