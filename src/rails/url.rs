//! The URL rail: hosts that a policy denies or does not allow, hosts that imitate others, and disguised destinations.

mod address;
mod lookalike;
mod punycode;
#[cfg(test)]
mod tests;

use crate::span::Span;
use crate::verdict::{Detection, Source};
use address::{Address, Addresses};
use lookalike::Imitated;
use std::collections::HashSet;

/// Detectors and what a redaction puts in the place of what they find.
const NAMES: [&str; 6] =
    ["pii.url", "url.denied", "url.not_allowed", "url.lookalike", "url.userinfo", "url.ip_host"];
const PLACEHOLDER: &str = "[URL]";

/// The host or a domain above it is in the list: nothing to doubt.
const LISTED: f32 = 1.0;
/// A host without a scheme, by its top-level domain.
const BARE: f32 = 0.6;
/// A page about one person or account.
const PROFILE: f32 = 0.6;
/// Any other address: rarely personal.
const PAGE: f32 = 0.3;
/// A login that is itself a host, such as `https://bank.example@evil.example`.
const HOST_AS_LOGIN: f32 = 0.95;
/// Any other login in a web address.
const LOGIN: f32 = 0.6;
/// An address of digits, written so that one does not see which: `http://0x7f000001/`, `http://2130706433/`.
const OBSCURED: f32 = 0.95;
/// A public address in plain digits.
const NUMERIC: f32 = 0.6;
/// A private or loopback address.
const LOCAL: f32 = 0.3;

/// Sites whose first path segment names a person or account.
const PROFILES: [&str; 12] = [
    "facebook.com",
    "github.com",
    "gitlab.com",
    "instagram.com",
    "linkedin.com",
    "mastodon.social",
    "pinterest.com",
    "t.me",
    "tiktok.com",
    "twitter.com",
    "vk.com",
    "x.com",
];

/// Hosts that a policy names; each stands for the hosts below it too. In lower case, Unicode or Punycode.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts {
    /// When not empty, the only hosts that text may name.
    pub allow: Vec<String>,
    /// Hosts that no text may name.
    pub deny: Vec<String>,
}

/// The rail over a policy's hosts.
#[derive(Clone, Debug, Default)]
pub struct UrlRail {
    allow: HashSet<String>,
    deny: HashSet<String>,
    imitated: Imitated,
}

impl UrlRail {
    /// A rail over these hosts.
    #[must_use]
    pub fn new(hosts: &Hosts) -> Self {
        let decoded = |hosts: &[String]| hosts.iter().map(|host| punycode::host(host)).collect();
        let allow: HashSet<String> = decoded(&hosts.allow);
        Self { imitated: Imitated::new(&allow), allow, deny: decoded(&hosts.deny) }
    }

    /// The detectors.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.into_iter()
    }

    /// What a redaction puts in the place of a match; `None` for another rail's detector.
    #[must_use]
    pub fn placeholder(detector: &str) -> Option<&'static str> {
        NAMES.contains(&detector).then_some(PLACEHOLDER)
    }

    /// Appends a detection for each detector and score, with every address that earned it, in text order.
    ///
    /// A span takes in the whole address. Time is linear in `text.len()` and hardly depends on the number of hosts.
    pub fn scan(&self, text: &str, out: &mut Vec<Detection>) {
        let first = out.len();
        for address in Addresses::of(text) {
            let host = punycode::host(address.host);
            let mut report = |detector: &str, score| add(out, first, detector, score, address.span);
            if let Some(score) = personal(&address, &host) {
                report("pii.url", score);
            }
            if is_under(&host, &self.deny) {
                report("url.denied", LISTED);
            }
            let known = address.scheme.is_some() || address.is_domain();
            let allowed = is_under(&host, &self.allow);
            if known && !self.allow.is_empty() && !allowed {
                report("url.not_allowed", if address.scheme.is_some() { LISTED } else { BARE });
            }
            if known
                && !allowed
                && let Some(score) = lookalike::score(&host, &self.imitated)
            {
                report("url.lookalike", score);
            }
            if let Some(score) = login(&address) {
                report("url.userinfo", score);
            }
            if let Some(score) = numeric(&address) {
                report("url.ip_host", score);
            }
        }
    }
}

fn add(out: &mut Vec<Detection>, first: usize, detector: &str, score: f32, span: Span) {
    let fresh = out.get_mut(first..).unwrap_or_default();
    let same = |d: &&mut Detection| d.detector == detector && d.score.to_bits() == score.to_bits();
    match fresh.iter_mut().find(same) {
        Some(detection) => detection.spans.push(span),
        None => out.push(Detection {
            detector: detector.to_owned(),
            category: detector.split('.').next().unwrap_or_default().to_owned(),
            score,
            spans: vec![span],
            source: Source::Pattern,
            via: Vec::new(),
            place: None,
            repair: None,
        }),
    }
}

/// Whether `host` or a domain above it is among `domains`.
fn is_under(host: &str, domains: &HashSet<String>) -> bool {
    let above = host.match_indices('.').filter_map(|(dot, _)| host.get(dot + 1..));
    !domains.is_empty() && std::iter::once(host).chain(above).any(|domain| domains.contains(domain))
}

fn personal(address: &Address<'_>, host: &str) -> Option<f32> {
    if address.scheme.is_none() && !address.is_domain() {
        return None;
    }
    let site = host.strip_prefix("www.").unwrap_or(host);
    let names_someone =
        PROFILES.contains(&site) && address.path.bytes().filter(u8::is_ascii_alphanumeric).count() > 1;
    Some(if names_someone { PROFILE } else { PAGE })
}

fn login(address: &Address<'_>) -> Option<f32> {
    let login = address.login?;
    // `git@` and other users of other schemes are how those work.
    if !address
        .scheme
        .is_some_and(|scheme| ["http", "https", "ftp"].iter().any(|web| web.eq_ignore_ascii_case(scheme)))
    {
        return None;
    }
    let name = login.split(':').next().unwrap_or_default().replace("%2e", ".").replace("%2E", ".");
    let is_host = name.rsplit_once('.').is_some_and(|(head, tail)| {
        !head.is_empty() && tail.len() >= 2 && tail.bytes().all(|b| b.is_ascii_alphabetic())
    });
    Some(if is_host { HOST_AS_LOGIN } else { LOGIN })
}

fn numeric(address: &Address<'_>) -> Option<f32> {
    address.scheme?;
    let host = address.host;
    if let Ok(v4) = host.parse::<std::net::Ipv4Addr>() {
        return Some(if v4.is_private() || v4.is_loopback() || v4.is_unspecified() || v4.is_link_local() {
            LOCAL
        } else {
            NUMERIC
        });
    }
    if let Some(inside) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        let v6 = inside.parse::<std::net::Ipv6Addr>().ok()?;
        let local = v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local();
        return Some(if local { LOCAL } else { NUMERIC });
    }
    // The forms of inet_aton: one to four numbers in decimal, octal or hexadecimal.
    let is_number = |part: &str| match part.strip_prefix("0x").or_else(|| part.strip_prefix("0X")) {
        Some(hex) => !hex.is_empty() && hex.bytes().all(|b| b.is_ascii_hexdigit()),
        None => !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()),
    };
    let parts = host.split('.').count();
    (parts <= 4 && host.split('.').all(is_number) && host.len() >= 4).then_some(OBSCURED)
}
