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

/// Length of the run of bytes from `at` on that `belongs` holds for, counted up to `most`.
pub(super) fn run(bytes: &[u8], at: usize, most: usize, belongs: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    rest.iter().take(most).take_while(|byte| belongs(**byte)).count()
}

/// Length of the run of bytes before `at` that `belongs` holds for, counted up to `most` and not past `floor`.
pub(super) fn run_back(
    bytes: &[u8],
    at: usize,
    most: usize,
    floor: usize,
    belongs: impl Fn(u8) -> bool,
) -> usize {
    let rest = bytes.get(floor..at).unwrap_or_default();
    rest.iter().rev().take(most).take_while(|byte| belongs(**byte)).count()
}

/// Where the word of ASCII letters and digits begins whose first digit is at `at`; `None` where it began earlier with
/// another digit, is joined to something before it, or has more than `most` letters first.
pub(super) fn word_start(bytes: &[u8], at: usize, most: usize, floor: usize) -> Option<usize> {
    let start = at - run_back(bytes, at, most + 1, floor, |b| b.is_ascii_alphabetic());
    let one = before(bytes, start, 1, floor);
    let joined = one.is_ascii_alphanumeric() || one == b'_' || one >= 0x80;
    (at - start <= most && !joined).then_some(start)
}

/// Whether a word can end before `end`: no letter, digit or `_` follows.
pub(super) fn word_ends(bytes: &[u8], end: usize) -> bool {
    let one = byte(bytes, end);
    !(one.is_ascii_alphanumeric() || one == b'_' || one >= 0x80)
}

/// Whether a number can begin at `at`: not inside a longer number, word, path or decimal.
pub(super) fn number_opens(bytes: &[u8], at: usize, floor: usize) -> bool {
    let (one, two) = (before(bytes, at, 1, floor), before(bytes, at, 2, floor));
    !(one.is_ascii_alphanumeric()
        || one >= 0x80
        || b"_-+/$".contains(&one)
        || (b".,:".contains(&one) && two.is_ascii_alphanumeric()))
}

/// Whether a number can end before `end`.
pub(super) fn number_closes(bytes: &[u8], end: usize) -> bool {
    let (one, two) = (byte(bytes, end), byte(bytes, end + 1));
    !(one.is_ascii_alphanumeric()
        || one >= 0x80
        || b"_/=@%".contains(&one)
        || (b"-.,:".contains(&one) && two.is_ascii_alphanumeric()))
}
