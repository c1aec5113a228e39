//! Internet addresses: IPv4 in dotted decimal, IPv6 in full, compressed and mixed form (RFC 4291 section 2.2).

use std::net::{Ipv4Addr, Ipv6Addr};

use super::context::{self, Context};
use super::near::{before, byte};
use super::{Detector, Hit, Trigger};
use crate::span::Span;

pub(super) const DETECTOR: Detector = Detector {
    name: "pii.ip",
    category: "pii",
    placeholder: "[IP]",
    trigger: Trigger::Bytes(b"0123456789:"),
    at,
};

/// An address that names one host.
const HOST: f32 = 0.95;
/// Private, link-local, shared and documentation ranges: an address, but not a person's line.
const PRIVATE: f32 = 0.6;
/// Loopback, unspecified, multicast, broadcast and netmasks: nobody's address.
const NOBODY: f32 = 0.3;
/// Four small numbers after a word such as "version" or "section".
const NUMBERING: f32 = 0.2;

/// Longest textual form: an IPv6 address that ends in an IPv4 address.
const MOST_BYTES: usize = 45;

const WORDS: [&str; 8] = ["address", "addr", "host", "ip", "ipv4", "ipv6", "ping", "server"];

fn at(text: &str, at: usize, floor: usize) -> Option<Hit> {
    if byte(text.as_bytes(), at) == b':' { v6(text, at, floor) } else { v4(text, at, floor) }
}

fn v4(text: &str, at: usize, floor: usize) -> Option<Hit> {
    let bytes = text.as_bytes();
    let (one, two) = (before(bytes, at, 1, floor), before(bytes, at, 2, floor));
    if one.is_ascii_alphanumeric() || b"_-".contains(&one) || (one == b'.' && two.is_ascii_alphanumeric()) {
        return None;
    }
    let mut octets = [0_u8; 4];
    let mut end = at;
    for (place, octet) in octets.iter_mut().enumerate() {
        if place > 0 {
            if byte(bytes, end) != b'.' {
                return None;
            }
            end += 1;
        }
        let start = end;
        while end < start + 4 && byte(bytes, end).is_ascii_digit() {
            end += 1;
        }
        let digits = text.get(start..end)?;
        if digits.len() > 1 && digits.starts_with('0') {
            return None;
        }
        *octet = digits.parse().ok()?;
    }
    let (next, after) = (byte(bytes, end), byte(bytes, end + 1));
    let goes_on = next.is_ascii_alphanumeric()
        || next == b'_'
        || (b".-".contains(&next) && after.is_ascii_alphanumeric());
    if goes_on {
        return None;
    }
    let numbering = context::nearest(text, at, &WORDS, &[]) == Context::Against;
    let score = if numbering { NUMBERING } else { score_v4(Ipv4Addr::from(octets)) };
    Some(Hit::new(Span::new(at, end), score))
}

/// `at` is the first colon: at most four hexadecimal digits stand before it.
fn v6(text: &str, at: usize, floor: usize) -> Option<Hit> {
    let bytes = text.as_bytes();
    let lead = (1..=4).take_while(|&back| before(bytes, at, back, floor).is_ascii_hexdigit()).count();
    let start = at - lead;
    let one = before(bytes, start, 1, floor);
    if one.is_ascii_alphanumeric() || b"_:.".contains(&one) {
        return None;
    }
    let rest = bytes.get(start..)?;
    let run = rest
        .iter()
        .take(MOST_BYTES + 2)
        .take_while(|b| b.is_ascii_hexdigit() || **b == b':' || **b == b'.')
        .count();
    let next = byte(bytes, start + run);
    if next.is_ascii_alphanumeric() || next == b'_' {
        return None;
    }
    // A sentence may end, or a label go on, right after the address.
    let full = text.get(start..start + run)?;
    let (address, form) = [full, full.strip_suffix(['.', ':']).unwrap_or(full)]
        .into_iter()
        .find_map(|form| form.parse::<Ipv6Addr>().ok().map(|address| (address, form)))?;
    is_written_out(form, address).then_some(())?;
    Some(Hit::new(Span::new(start, start + form.len()), score_v6(address)))
}

/// Whether the text can be meant as an address: `ab::cd`, `::` and `00:11:22:33:44:55:66:77` also parse, and are a
/// path in a program, an operator and a hardware address.
fn is_written_out(form: &str, address: Ipv6Addr) -> bool {
    let groups: Vec<&str> = form.split(':').filter(|group| !group.is_empty()).collect();
    let long = groups.iter().any(|group| group.len() > 2);
    let routed =
        groups.first().is_some_and(|group| group.len() == 4 && group.starts_with(['2', '3', 'f', 'F']));
    let has_digit = form.bytes().any(|b| b.is_ascii_digit());
    match form.contains("::") {
        false => long,
        true => {
            has_digit
                && ((groups.len() >= 3 && long) || routed || address.is_loopback() || form.contains('.'))
        }
    }
}

fn score_v4(address: Ipv4Addr) -> f32 {
    let [first, second, ..] = address.octets();
    if address.is_loopback() || address.is_multicast() || first == 0 || first >= 240 {
        NOBODY
    } else if address.is_private()
        || address.is_link_local()
        || address.is_documentation()
        || (first == 100 && (64..128).contains(&second))
    {
        PRIVATE
    } else {
        HOST
    }
}

fn score_v6(address: Ipv6Addr) -> f32 {
    if let Some(v4) = address.to_ipv4_mapped() {
        return score_v4(v4);
    }
    let [first, second, ..] = address.segments();
    let documentation = first == 0x2001 && second == 0xdb8;
    if address.is_loopback() || address.is_multicast() || address.is_unspecified() {
        NOBODY
    } else if address.is_unique_local() || address.is_unicast_link_local() || documentation {
        PRIVATE
    } else {
        HOST
    }
}
