//! Gates: when what an exit sees of a text is harmless enough to look no further.

/// For every exit and head the logit, on the scale of the whole model, that a text has to stay under to go no further.
///
/// Infinite where nothing depends on the head, negatively infinite where every text has to go on.
#[derive(Clone, Debug, PartialEq)]
pub struct Gates {
    exits: Vec<Vec<f32>>,
}

impl Gates {
    /// Gates by exit, the earliest first, and by head.
    #[must_use]
    pub const fn new(exits: Vec<Vec<f32>>) -> Self {
        Self { exits }
    }

    /// Whether a text with these `logits` at the exit number `exit` goes no further. One that is not a number goes on.
    #[must_use]
    pub fn stop(&self, exit: usize, logits: &[f32]) -> bool {
        self.exits.get(exit).is_some_and(|gates| {
            gates.len() == logits.len() && gates.iter().zip(logits).all(|(gate, logit)| logit < gate)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_head_has_to_stay_under_its_gate() {
        let gates = Gates::new(vec![vec![0.0, f32::INFINITY], vec![1.0, f32::NEG_INFINITY]]);
        assert!(gates.stop(0, &[-0.1, 50.0]));
        assert!(!gates.stop(0, &[0.0, 50.0]));
        assert!(!gates.stop(1, &[0.0, -50.0]));
        assert!(!gates.stop(0, &[f32::NAN, 0.0]) && !gates.stop(0, &[-0.1, f32::NAN]));
        assert!(!gates.stop(2, &[-0.1, 0.0]) && !gates.stop(0, &[-0.1]));
    }
}
