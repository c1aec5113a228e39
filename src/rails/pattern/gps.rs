//! Coordinates: latitude and longitude in decimal degrees, or in degrees with minutes, seconds and hemispheres (ISO 6709's
//! human form).

use super::context;
use super::near::{before, byte, run, word_ends};
use super::{Detector, Hit, Trigger};
use crate::span::Span;

pub(super) const DETECTOR: Detector =
    Detector { name: "pii.gps", category: "pii", placeholder: "[LOCATION]", trigger: Trigger::Numbers, at };

/// Both hemispheres are named.
const HEMISPHERES: f32 = 0.9;
/// Two decimal numbers in range with at least four decimals, after a word about places.
const ANNOUNCED: f32 = 0.85;
/// The same, unannounced: also any two small numbers of a table.
const PAIR: f32 = 0.4;

const WORDS: [&str; 15] = [
    "coordinate",
    "coordinates",
    "coords",
    "geo",
    "geolocation",
    "gps",
    "lat",
    "latitude",
    "latlng",
    "location",
    "lng",
    "lon",
    "longitude",
    "position",
    "whereabouts",
];

/// Decimals of a position within some ten metres.
const LEAST_DECIMALS: usize = 4;

/// One angle.
struct Angle {
    degrees: f64,
    decimals: usize,
    /// Whether a hemisphere of its axis follows.
    hemisphere: Option<char>,
    end: usize,
}

fn at(text: &str, at: usize, floor: usize) -> Option<Hit> {
    let bytes = text.as_bytes();
    let start = at - usize::from(matches!(before(bytes, at, 1, floor), b'-' | b'+'));
    let (one, two) = (before(bytes, start, 1, floor), before(bytes, start, 2, floor));
    if one.is_ascii_alphanumeric() || b"_./-+".contains(&one) || (one == b',' && two.is_ascii_digit()) {
        return None;
    }
    let latitude = angle(text, at)?;
    let mut next = latitude.end;
    for c in text.get(next..)?.chars().take(16) {
        let between = matches!(c, ',' | ';' | ' ' | '\u{a0}' | '/' | '-' | '+' | '"' | ':' | '=')
            || c.is_ascii_alphabetic();
        if c.is_ascii_digit() || !between {
            break;
        }
        next += c.len_utf8();
    }
    let between = text.get(latitude.end..next)?;
    let longitude = angle(text, next)?;
    let words = between.trim_matches(|c: char| !c.is_ascii_alphabetic()).to_ascii_lowercase();
    let named = matches!(words.as_str(), "lon" | "long" | "lng" | "longitude");
    if between.is_empty()
        || !(words.is_empty() || named || words == "and")
        || !word_ends(bytes, longitude.end)
    {
        return None;
    }
    if latitude.degrees > 90.0 || longitude.degrees > 180.0 {
        return None;
    }
    let precise = latitude.decimals.min(longitude.decimals) >= LEAST_DECIMALS;
    let score = match (latitude.hemisphere, longitude.hemisphere) {
        (Some('N' | 'S'), Some('E' | 'W')) => HEMISPHERES,
        (None, None) if precise && (named || context::announces(text, start, &WORDS, &[])) => ANNOUNCED,
        (None, None) if precise && words.is_empty() && between.contains(',') => PAIR,
        _ => return None,
    };
    Some(Hit::new(Span::new(start, longitude.end), score))
}

/// An angle whose first digit is at `at`.
fn angle(text: &str, at: usize) -> Option<Angle> {
    let bytes = text.as_bytes();
    let is_digit = |b: u8| b.is_ascii_digit();
    let whole = run(bytes, at, 4, is_digit);
    if !(1..=3).contains(&whole) {
        return None;
    }
    let mut end = at + whole;
    let mut decimals = 0;
    if byte(bytes, end) == b'.' {
        decimals = run(bytes, end + 1, 16, is_digit);
        end += if decimals > 0 { decimals + 1 } else { 0 };
    }
    let degrees: f64 = text.get(at..end)?.parse().ok()?;
    let mut marked = false;
    // `° 26′ 46.3″`, with spaces or none.
    for mark in [&['°', 'º'][..], &['′', '\'', '’'][..], &['″', '"', '”'][..]] {
        let place = if marked && !mark.contains(&'°') { end + sexagesimal(bytes, end) } else { end };
        match text.get(place..).and_then(|rest| rest.chars().next()) {
            Some(c) if mark.contains(&c) => {
                marked = true;
                end = place + c.len_utf8();
            }
            _ => break,
        }
    }
    let gap = usize::from(byte(bytes, end) == b' ' && (marked || decimals > 0));
    let letter = char::from(byte(bytes, end + gap));
    let hemisphere = ("NSEW".contains(letter) && word_ends(bytes, end + gap + 1)).then_some(letter);
    if hemisphere.is_some() {
        end += gap + 1;
    }
    (marked || decimals > 0).then_some(Angle { degrees, decimals, hemisphere, end })
}

/// Length of a space and minutes or seconds.
fn sexagesimal(bytes: &[u8], at: usize) -> usize {
    let gap = usize::from(byte(bytes, at) == b' ');
    let whole = run(bytes, at + gap, 3, |b| b.is_ascii_digit());
    let point = at + gap + whole;
    let part =
        if byte(bytes, point) == b'.' { 1 + run(bytes, point + 1, 4, |b| b.is_ascii_digit()) } else { 0 };
    if matches!(whole, 1..=2) { gap + whole + part } else { 0 }
}
