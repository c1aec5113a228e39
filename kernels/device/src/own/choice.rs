//! Which plans are used: those that answered as the reference did, and of these for each size the one that was fastest.

use std::time::Duration;

use portcullis::encode::{Answers, Batch};

// What candle's f16 is from its f32 on the processor, on these batches: logits 0.003 at most, 0.0014 in the mean; states 0.003 and 0.0002.
/// How far a logit may be from the reference's, and all in the mean.
const MOST_LOGIT: f32 = 0.05;
const MEAN_LOGIT: f32 = 0.01;
/// The same for the means of states.
const MOST_STATE: f32 = 0.05;
const MEAN_STATE: f32 = 0.002;

/// Lengths of the sequences of the batches that plans are tried on.
const TRIED: [&[usize]; 5] = [&[1], &[17], &[128], &[512], &[1, 2, 7, 16, 17, 64, 127, 129, 300, 511]];

/// The batches that plans are tried on.
pub(crate) fn tried(vocabulary: usize, positions: usize) -> Vec<Batch> {
    let cut = |lengths: &[usize]| lengths.iter().map(|length| *length.min(&positions)).collect::<Vec<_>>();
    TRIED.iter().map(|lengths| batch(&cut(lengths), vocabulary)).collect()
}

/// Sequences of these lengths, whose ids are from everywhere in the vocabulary.
pub(crate) fn batch(lengths: &[usize], vocabulary: usize) -> Batch {
    let mut batch = Batch::new();
    for length in lengths {
        batch.push((0..*length).filter_map(|at| u32::try_from((at + length) * 7919 % vocabulary).ok()));
    }
    batch
}

/// What is wrong with an answer, its numbers one after another; nothing where it is near the reference's.
pub(crate) fn disagreement(logits: &[f32], means: &[f32], expected: &Answers) -> Option<String> {
    let apart = |name: &str, found: &[f32], expected: &[Vec<f32>], most_allowed: f32, mean_allowed: f32| {
        let count = expected.iter().map(Vec::len).sum::<usize>();
        let apart = || found.iter().zip(expected.iter().flatten()).map(|(a, b)| (a - b).abs());
        let mean = apart().sum::<f32>() / count.max(1) as f32;
        let most = apart().fold(0.0, f32::max);
        // Not the other way round: a number that is none is in the mean.
        let good = found.len() == count && most <= most_allowed && mean <= mean_allowed;
        (!good).then(|| format!("{name} differ by {most:.3} at most, {mean:.4} in the mean"))
    };
    apart("logits", logits, &expected.logits, MOST_LOGIT, MEAN_LOGIT)
        .or_else(|| apart("states", means, &expected.states, MOST_STATE, MEAN_STATE))
}

/// From the times that plans took at sizes in tokens, ascending: up to which size each time the fastest is used. Neighbouring sizes meet
/// at their geometric mean, and the last has no end.
pub(crate) fn fastest<T: Copy + PartialEq>(measured: &[(usize, Vec<(T, Duration)>)]) -> Vec<(usize, T)> {
    let mut chosen: Vec<(usize, T)> = Vec::new();
    for (place, (size, times)) in measured.iter().enumerate() {
        let Some((best, _)) = times.iter().min_by_key(|(_, time)| *time) else { continue };
        let next = measured.get(place + 1).map(|(next, _)| (*size as f64 * *next as f64).sqrt() as usize);
        let to = next.unwrap_or(usize::MAX);
        match chosen.last_mut().filter(|(_, last)| last == best) {
            Some((end, _)) => *end = to,
            None => chosen.push((to, *best)),
        }
    }
    chosen
}

/// What is used for a size.
pub(crate) fn at<T: Copy>(chosen: &[(usize, T)], tokens: usize) -> Option<T> {
    chosen.iter().find(|(to, _)| tokens <= *to).or(chosen.last()).map(|(_, of)| *of)
}

/// The choice in words.
pub(crate) fn told<T>(chosen: &[(usize, T)], name: impl Fn(&T) -> String) -> String {
    let parts = chosen.iter().enumerate().map(|(place, (to, of))| match *to {
        usize::MAX if place == 0 => name(of),
        usize::MAX => format!("{} above", name(of)),
        to => format!("{} to {to}", name(of)),
    });
    parts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_near_or_it_is_not() {
        let expected =
            Answers { logits: vec![vec![1.0, 2.0], vec![3.0, 4.0]], states: vec![vec![0.5; 8]; 2] };
        let (logits, means) = ([1.01, 2.0, 2.98, 4.0], [0.5; 16]);
        assert_eq!(disagreement(&logits, &means, &expected), None);
        assert!(disagreement(&logits[..3], &means, &expected).is_some());
        assert!(disagreement(&[1.01, 2.0, f32::NAN, 4.0], &means, &expected).is_some());
        assert!(disagreement(&[1.01, 2.0, f32::INFINITY, 4.0], &means, &expected).is_some());
        assert!(disagreement(&[1.2, 2.0, 3.0, 4.0], &means, &expected).is_some());
        let mut other = means;
        other[15] = 0.7;
        let said = disagreement(&logits, &other, &expected).unwrap();
        assert_eq!(said, "states differ by 0.200 at most, 0.0125 in the mean");
        other[15] = f32::NAN;
        assert!(disagreement(&logits, &other, &expected).is_some());
    }

    #[test]
    fn each_size_has_the_fastest() {
        let us = Duration::from_micros;
        let measured = [
            (16, vec![('a', us(40)), ('b', us(50))]),
            (64, vec![('a', us(45)), ('b', us(50))]),
            (256, vec![('a', us(90)), ('b', us(60))]),
            (1024, vec![]),
        ];
        let chosen = fastest(&measured);
        assert_eq!(chosen, [(128, 'a'), (512, 'b')]);
        let found = [1, 128, 129, 5000].map(|tokens| at(&chosen, tokens).unwrap());
        assert_eq!(found, ['a', 'a', 'b', 'b']);
        assert_eq!(told(&chosen, char::to_string), "a to 128, b to 512");
        let chosen = fastest(&measured[..2]);
        assert_eq!(
            (chosen.as_slice(), told(&chosen, char::to_string).as_str()),
            (&[(usize::MAX, 'a')][..], "a")
        );
        assert_eq!(at::<char>(&[], 7), None);
    }

    #[test]
    fn what_is_tried_is_of_every_model() {
        for vocabulary in [100, 30522] {
            for batch in tried(vocabulary, 512) {
                assert!(batch.ids().iter().all(|id| (*id as usize) < vocabulary));
            }
        }
        let lengths: Vec<usize> = tried(100, 512).iter().map(Batch::tokens).collect();
        assert_eq!(lengths, [1, 17, 128, 512, 1174]);
    }
}
