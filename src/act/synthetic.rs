//! Values that look real and belong to nobody: from ranges set aside for documentation, fiction and tests.
//!
//! A value that is one already stays as it is, so that a second rewrite changes nothing.
//!
//! - E-mail: `user-0a1b2c3d@example.com` (RFC 2606).
//! - Telephone: 555-0100 to 555-0199 of a North American area code (ATIS-0300115), in the format found where that has ten
//!   digits, or eleven with the leading 1; else `+1 202 555 01xx`.
//! - Payment card: the issuer's range that test numbers come from, with a valid check digit, in the format found.
//! - Internet address: 192.0.2.0/24, 198.51.100.0/24 and 203.0.113.0/24 (RFC 5737), 2001:db8::/32 (RFC 3849).

use std::net::{Ipv4Addr, Ipv6Addr};

/// The value in the place of `text`, found by `detector`; nothing for a kind that has no such range.
pub(super) fn synthetic(detector: &str, text: &str, seed: [u8; 32]) -> Option<String> {
    match detector {
        "pii.email" => Some(email(text, seed)),
        "pii.phone" => Some(phone(text, seed)),
        "pii.card" => card(text, seed),
        "pii.ip" => ip(text, seed),
        _ => None,
    }
}

const LOCAL: &str = "user-";
const DOMAIN: &str = "@example.com";
const LOCAL_DIGITS: usize = 8;

fn email(text: &str, seed: [u8; 32]) -> String {
    let number = text.strip_prefix(LOCAL).and_then(|rest| rest.strip_suffix(DOMAIN));
    let made = |n: &str| n.len() == LOCAL_DIGITS && n.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if number.is_some_and(made) {
        return text.to_owned();
    }
    let [a, b, c, d, ..] = seed;
    format!("{LOCAL}{:08x}{DOMAIN}", u32::from_be_bytes([a, b, c, d]))
}

const AREA_AND_EXCHANGE: &[u8] = b"20255501";

fn phone(text: &str, seed: [u8; 32]) -> String {
    let digits = digits(text);
    let national = match digits.as_slice() {
        [b'1', rest @ ..] if rest.len() == 10 => rest,
        all if all.len() == 10 => all,
        _ => &[],
    };
    if national.starts_with(AREA_AND_EXCHANGE) {
        return text.to_owned();
    }
    let [first, second, ..] = seed.map(|byte| b'0' + byte % 10);
    let number = [AREA_AND_EXCHANGE, &[first, second]].concat();
    if national.is_empty() {
        return format!("+1 202 555 01{}{}", char::from(first), char::from(second));
    }
    let prefix = digits.get(..digits.len() - national.len()).unwrap_or_default();
    with_digits(text, &[prefix, &number].concat())
}

/// By the number of digits, the beginning of the numbers that payment services set aside for tests.
const TEST_RANGES: [(usize, &[u8]); 7] = [
    (13, b"422222"),
    (14, b"305693"),
    (15, b"378282"),
    (16, b"424242"),
    (17, b"601111"),
    (18, b"601111"),
    (19, b"424242"),
];

fn card(text: &str, seed: [u8; 32]) -> Option<String> {
    let found = digits(text);
    let (length, range) = TEST_RANGES.iter().find(|(length, _)| *length == found.len())?;
    if found.starts_with(range) {
        return Some(text.to_owned());
    }
    let mut number = range.to_vec();
    number.extend(seed.iter().map(|byte| b'0' + byte % 10).take(length - range.len() - 1));
    number.push(check_digit(&number));
    Some(with_digits(text, &number))
}

/// The last digit of a number that begins with these, by ISO/IEC 7812-1 annex B.
fn check_digit(number: &[u8]) -> u8 {
    let sum: u32 = number
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, u32::from(digit - b'0')) {
            (0, digit) => digit * 2 / 10 + digit * 2 % 10,
            (_, digit) => digit,
        })
        .sum();
    b'0' + u8::try_from((10 - sum % 10) % 10).unwrap_or_default()
}

fn ip(text: &str, seed: [u8; 32]) -> Option<String> {
    let [net, host, a, b, c, d, ..] = seed;
    if let Ok(found) = text.parse::<Ipv4Addr>() {
        let [a, b, c] = match net % 3 {
            0 => [192, 0, 2],
            1 => [198, 51, 100],
            _ => [203, 0, 113],
        };
        let made = Ipv4Addr::new(a, b, c, 1 + host % 254);
        return Some(if found.is_documentation() { found } else { made }.to_string());
    }
    let found: Ipv6Addr = text.parse().ok()?;
    let documentation = matches!(found.segments(), [0x2001, 0xdb8, ..]);
    let pair = |high, low| u16::from_be_bytes([high, low]) | 0x1000;
    let made = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, pair(a, b), pair(c, d));
    Some(if documentation { text.to_owned() } else { made.to_string() })
}

fn digits(text: &str) -> Vec<u8> {
    text.bytes().filter(u8::is_ascii_digit).collect()
}

/// The text with its digits replaced, one by one.
fn with_digits(text: &str, digits: &[u8]) -> String {
    let mut digits = digits.iter();
    let next = |c: char| match c.is_ascii_digit() {
        true => digits.next().map_or(c, |digit| char::from(*digit)),
        false => c,
    };
    text.chars().map(next).collect()
}
