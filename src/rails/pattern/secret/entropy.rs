//! How random a string looks: Shannon's entropy of its bytes, in thousandths of a bit a byte.
//!
//! In integers, so that it is the same on every machine.

/// Zero for a string of one byte repeated; 6000 for sixty-four different bytes.
pub(super) fn entropy(text: &str) -> u32 {
    let mut counts = [0_u32; 256];
    for byte in text.bytes() {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    let total = counts.iter().sum::<u32>().max(1);
    let weighted: u64 = counts.iter().map(|&count| u64::from(count) * u64::from(log2(count.max(1)))).sum();
    log2(total).saturating_sub(u32::try_from(weighted / u64::from(total)).unwrap_or(u32::MAX))
}

/// The binary logarithm of a number from 1 on, in thousandths, by repeated squaring.
fn log2(number: u32) -> u32 {
    const PLACES: u32 = 16;
    let whole = number.ilog2();
    // In 1..2, with thirty bits after the point.
    let mut mantissa = (u64::from(number) << 30) >> whole;
    let mut fraction = 0_u32;
    for _ in 0..PLACES {
        mantissa = (mantissa * mantissa) >> 30;
        fraction <<= 1;
        if mantissa >= 2 << 30 {
            mantissa >>= 1;
            fraction |= 1;
        }
    }
    whole * 1000 + ((fraction * 1000) >> PLACES)
}

#[cfg(test)]
mod tests {
    use super::{entropy, log2};

    #[test]
    fn logarithms_and_entropies_are_those_of_the_definition() {
        for number in [1, 2, 3, 10, 100, 1000, 65_535] {
            let exact = f64::from(number).log2() * 1000.0;
            assert!((f64::from(log2(number)) - exact).abs() < 1.5, "{number}");
        }
        assert_eq!(entropy(""), 0);
        assert_eq!(entropy("aaaaaaaa"), 0);
        assert_eq!(entropy("abababab"), 1000);
        assert_eq!(entropy("0123456789abcdef"), 4000);
    }
}
