//! A few fixed projections of a text's state: enough to see that texts have changed in kind, too little to tell any of them.

/// Projections of a state.
pub const SKETCH: usize = 4;

/// The projections of a pooled state on directions of random signs, in units of the state's root of the sum of squares over its
/// width: by the lemma of Johnson and Lindenstrauss (Achlioptas 2003), distances between states show in them.
pub(super) fn project(state: &[f32]) -> [f32; SKETCH] {
    let mut sketch = [0.0; SKETCH];
    for (place, value) in state.iter().enumerate() {
        let bits = mixed(place as u64);
        for (number, sum) in sketch.iter_mut().enumerate() {
            *sum += if bits >> number & 1 == 0 { *value } else { -*value };
        }
    }
    let scale = (state.len().max(1) as f32).sqrt();
    sketch.map(|sum| sum / scale)
}

/// SplitMix64 of a number (Steele, Lea and Flood 2014).
const fn mixed(number: u64) -> u64 {
    let z = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::{SKETCH, project};

    #[test]
    fn projections_are_linear_and_differ() {
        let state: Vec<f32> = (0..384).map(|n| (n as f32 * 0.37).sin()).collect();
        let twice: Vec<f32> = state.iter().map(|value| 2.0 * value).collect();
        let (one, two) = (project(&state), project(&twice));
        assert!(one.iter().zip(&two).all(|(a, b)| (2.0 * a - b).abs() < 1e-5), "{one:?} {two:?}");
        assert!((1..SKETCH).all(|number| one[number] != one[0]), "{one:?}");
        assert_eq!(project(&[]), [0.0; SKETCH]);
    }
}
