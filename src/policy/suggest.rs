//! "Did you mean": the nearest known word to a misspelt one.

/// The words known, for the end of a message: `known: a, b, c`, with a guess before it where one is near.
pub(super) fn hint<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    let list = known.clone().into_iter().collect::<Vec<_>>().join(", ");
    let list = if list.is_empty() { "none".to_owned() } else { list };
    match nearest(word, known) {
        Some(guess) => format!("did you mean `{guess}`? known: {list}"),
        None => format!("known: {list}"),
    }
}

/// The known word at the smallest edit distance, if a third of the letters or fewer differ.
fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Names are short; a hostile one is not worth a quadratic comparison.
    if word.len() > 64 {
        return None;
    }
    let best =
        known.into_iter().map(|candidate| (distance(word, candidate), candidate)).min_by_key(|(d, _)| *d);
    best.filter(|(distance, candidate)| *distance <= candidate.chars().count().div_ceil(3)).map(|(_, c)| c)
}

/// Insertions, deletions and substitutions that make one word the other (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, a) in from.chars().enumerate() {
        let mut diagonal = line;
        let mut left = line + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(&to) {
            let above = *cell;
            left = (diagonal + usize::from(a != *b)).min(above + 1).min(left + 1);
            diagonal = above;
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = line + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}
