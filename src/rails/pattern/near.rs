//! Looking at single bytes beside a match without ever leaving the text.

/// The byte at `at`, or NUL past the end: a text to judge never holds NUL.
pub(super) fn byte(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}

/// The byte `back` places before `at` (1 is the neighbour), or NUL where that lies before `floor`.
pub(super) fn before(bytes: &[u8], at: usize, back: usize, floor: usize) -> u8 {
    match at.checked_sub(back) {
        Some(place) if place >= floor => byte(bytes, place),
        _ => 0,
    }
}

/// The digits of `text[start..end]`, as numbers, passing over everything else.
pub(super) fn digits(bytes: &[u8], start: usize, end: usize) -> impl DoubleEndedIterator<Item = u8> {
    bytes.get(start..end).unwrap_or_default().iter().filter(|b| b.is_ascii_digit()).map(|b| b - b'0')
}
