//! Exponential and logarithm from fixed IEEE 754 operations, so that they give the same bits on every CPU.
//!
//! The platform's libm differs between systems in the last place, and a compiler may pick a fused multiply-add
//! where a target has one. Here are only additions, multiplications, divisions and bit moves, which IEEE 754
//! rounds one way, in an order that Rust never changes.

/// Adding and subtracting this rounds an `f64` of magnitude below 2^51 to the nearest integer, ties to even.
const ROUND_TO_INTEGER: f64 = 6_755_399_441_055_744.0; // 1.5 * 2^52

/// The upper bits of ln 2, short enough that a product with an integer below 2^11 is exact.
const LN_2_HIGH: f64 = f64::from_bits(0x3FE6_2E42_FEE0_0000);
/// ln 2 minus [`LN_2_HIGH`].
const LN_2_LOW: f64 = f64::from_bits(0x3DEA_39EF_3579_3C76);

/// 1/n! for n = 13 down to 0: the Taylor polynomial of e^r, whose rest is below 2^-57 for |r| <= ln(2)/2.
const INVERSE_FACTORIALS: [f64; 14] = [
    1.0 / 6_227_020_800.0,
    1.0 / 479_001_600.0,
    1.0 / 39_916_800.0,
    1.0 / 3_628_800.0,
    1.0 / 362_880.0,
    1.0 / 40_320.0,
    1.0 / 5_040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    1.0 / 2.0,
    1.0,
    1.0,
];

/// 1/(2n+1) for n = 11 down to 0: the series of artanh(s)/s in s², whose rest is below 2^-60 for |s| <= 0.1716.
const INVERSE_ODDS: [f64; 12] = [
    1.0 / 23.0,
    1.0 / 21.0,
    1.0 / 19.0,
    1.0 / 17.0,
    1.0 / 15.0,
    1.0 / 13.0,
    1.0 / 11.0,
    1.0 / 9.0,
    1.0 / 7.0,
    1.0 / 5.0,
    1.0 / 3.0,
    1.0,
];

/// e^x with a relative error below 2^-50.
///
/// NaN stays NaN; below -708 it is 0 and above 709 it is infinity, so the result is never subnormal.
pub(crate) fn exp(x: f64) -> f64 {
    if x.is_nan() {
        return f64::NAN;
    }
    if x < -708.0 {
        return 0.0;
    }
    if x > 709.0 {
        return f64::INFINITY;
    }
    let power = (x * std::f64::consts::LOG2_E + ROUND_TO_INTEGER) - ROUND_TO_INTEGER;
    let rest = (x - power * LN_2_HIGH) - power * LN_2_LOW;
    // The bounds above keep the power within -1022..=1023, so the exponent field neither wraps nor turns special.
    let scale = f64::from_bits(((power as i64 + 1023) as u64) << 52);
    horner(&INVERSE_FACTORIALS, rest) * scale
}

/// The natural logarithm, with an error below 2^-50 relative to the larger of the result and the power of two's part.
///
/// 0 gives negative infinity, infinity stays, negative numbers and NaN give NaN.
pub(crate) fn ln(x: f64) -> f64 {
    if x.is_nan() || x < 0.0 {
        return f64::NAN;
    }
    if x == 0.0 {
        return f64::NEG_INFINITY;
    }
    if x.is_infinite() {
        return x;
    }
    const TWO_54: f64 = 18_014_398_509_481_984.0;
    let (bits, shift) = if x < f64::MIN_POSITIVE { ((x * TWO_54).to_bits(), 54) } else { (x.to_bits(), 0) };
    let mut power = (bits >> 52) as i64 - 1023 - shift;
    let mut mantissa = f64::from_bits((bits & 0x000F_FFFF_FFFF_FFFF) | 0x3FF0_0000_0000_0000);
    if mantissa > std::f64::consts::SQRT_2 {
        mantissa *= 0.5;
        power += 1;
    }
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let power = power as f64;
    power * LN_2_HIGH + (2.0 * s * horner(&INVERSE_ODDS, s * s) + power * LN_2_LOW)
}

/// The logistic function 1 / (1 + e^-z).
pub(crate) fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + exp(-z))
}

/// ln(1 + e^z) without overflow.
pub(crate) fn softplus(z: f64) -> f64 {
    z.max(0.0) + ln(1.0 + exp(-z.abs()))
}

/// A polynomial at `x`, highest coefficient first.
fn horner(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().fold(0.0, |sum, &coefficient| sum * x + coefficient)
}

#[cfg(test)]
mod tests;
