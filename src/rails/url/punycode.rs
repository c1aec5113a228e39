//! Punycode (RFC 3492): the letters behind the `xn--` of an internationalized host.

const BASE: u32 = 36;
const T_MIN: u32 = 1;
const T_MAX: u32 = 26;
const SKEW: u32 = 38;
const DAMP: u32 = 700;
const FIRST_BIAS: u32 = 72;
const FIRST: u32 = 128;

/// The host in lower case, with every label that is Punycode decoded; one that is not valid stays as it is.
pub(super) fn host(host: &str) -> String {
    let lower = host.trim_end_matches('.').to_lowercase();
    if !lower.contains("xn--") {
        return lower;
    }
    let labels = lower
        .split('.')
        .map(|label| label.strip_prefix("xn--").and_then(decoded).unwrap_or_else(|| label.to_owned()));
    labels.collect::<Vec<_>>().join(".")
}

/// The label without its prefix, decoded; at most the 63 characters of a label.
fn decoded(label: &str) -> Option<String> {
    let (literal, encoded) = label.rsplit_once('-').unwrap_or(("", label));
    if label.len() > 63 {
        return None;
    }
    let mut out: Vec<char> = literal.chars().collect();
    let (mut code, mut bias, mut index) = (FIRST, FIRST_BIAS, 0_u32);
    let mut digits = encoded.bytes().peekable();
    while digits.peek().is_some() {
        let before = index;
        let (mut weight, mut k) = (1_u32, BASE);
        loop {
            let digit = match digits.next()? {
                b @ b'a'..=b'z' => u32::from(b - b'a'),
                b @ b'0'..=b'9' => u32::from(b - b'0') + 26,
                _ => return None,
            };
            index = index.checked_add(digit.checked_mul(weight)?)?;
            let threshold = k.saturating_sub(bias).clamp(T_MIN, T_MAX);
            if digit < threshold {
                break;
            }
            weight = weight.checked_mul(BASE - threshold)?;
            k += BASE;
        }
        let length = u32::try_from(out.len()).ok()? + 1;
        bias = adapted(index - before, length, before == 0);
        code = code.checked_add(index / length)?;
        index %= length;
        out.insert(usize::try_from(index).ok()?, char::from_u32(code)?);
        index += 1;
    }
    Some(out.into_iter().collect::<String>().to_lowercase())
}

fn adapted(delta: u32, length: u32, first: bool) -> u32 {
    let mut delta = if first { delta / DAMP } else { delta / 2 };
    delta += delta / length;
    let mut k = 0;
    while delta > (BASE - T_MIN) * T_MAX / 2 {
        delta /= BASE - T_MIN;
        k += BASE;
    }
    k + (BASE - T_MIN + 1) * delta / (delta + SKEW)
}
