//! Finding web addresses in running text: with a scheme, or bare hosts (RFC 3986 as people write it).

use crate::span::Span;

/// Longest host, and longest address that is read: what follows belongs to no host.
const HOST_BYTES: usize = 253;
const ADDRESS_BYTES: usize = 2048;
const SCHEME_BYTES: usize = 16;

/// Top-level domains by which a bare `name.domain` is taken for a host and not for a file, a method or a missing space.
const DOMAINS: [&str; 52] = [
    "ai", "app", "at", "au", "be", "biz", "br", "ca", "ch", "cloud", "cn", "co", "com", "cz", "de", "dev",
    "dk", "edu", "es", "eu", "fi", "fr", "gov", "hu", "ie", "il", "in", "info", "io", "it", "jp", "kr", "me",
    "mil", "mx", "net", "nl", "no", "online", "org", "pl", "pt", "ru", "se", "shop", "site", "tr", "ua",
    "uk", "us", "xyz", "za",
];

/// One address.
#[derive(Clone, Copy, Debug)]
pub(super) struct Address<'t> {
    /// The whole address.
    pub(super) span: Span,
    /// Without `://`; absent for a bare host.
    pub(super) scheme: Option<&'t str>,
    /// What stands before an `@`, where there is one.
    pub(super) login: Option<&'t str>,
    /// Without port, as written.
    pub(super) host: &'t str,
    /// From the first `/`, `?` or `#` on.
    pub(super) path: &'t str,
}

impl Address<'_> {
    /// Whether the host is surely a name of the DNS.
    pub(super) fn is_domain(&self) -> bool {
        let (head, last) = self.host.rsplit_once('.').unwrap_or_default();
        let www = self.host.get(..4).is_some_and(|www| www.eq_ignore_ascii_case("www."));
        // A capital after the stop begins a sentence: `It is done.In June …`
        let listed = DOMAINS.contains(&last);
        let puny = last.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("xn--"));
        !head.is_empty() && (www || puny || (listed && head.len() > 1))
    }
}

/// The addresses of a text, in order, none within another.
pub(super) struct Addresses<'t> {
    text: &'t str,
    /// Where the search goes on, and before which nothing belongs to an address.
    at: usize,
}

impl<'t> Addresses<'t> {
    pub(super) const fn of(text: &'t str) -> Self {
        Self { text, at: 0 }
    }
}

impl<'t> Iterator for Addresses<'t> {
    type Item = Address<'t>;

    fn next(&mut self) -> Option<Address<'t>> {
        let floor = self.at;
        let mut from = self.at;
        loop {
            let found = from + memchr::memchr2(b'.', b':', self.text.as_bytes().get(from..)?)?;
            from = found + 1;
            let address = if self.text.get(found..)?.starts_with("://") {
                with_scheme(self.text, found, floor)
            } else if self.text.as_bytes().get(found) == Some(&b'.') {
                let run = host_run(self.text, found, floor);
                // Its other points are of the same host.
                from = from.max(run.end);
                bare(self.text, run, floor)
            } else {
                None
            };
            if let Some(address) = address {
                self.at = address.span.end;
                return Some(address);
            }
        }
    }
}

fn with_scheme(text: &str, colon: usize, floor: usize) -> Option<Address<'_>> {
    let head = text.get(floor..colon)?;
    let scheme = head
        .bytes()
        .rev()
        .take(SCHEME_BYTES)
        .take_while(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b))
        .count();
    let start = colon - scheme;
    let scheme = text.get(start..colon).filter(|scheme| !scheme.is_empty())?;
    let end = address_end(text, colon + 3);
    let rest = text.get(colon + 3..end)?;
    // A backslash ends the authority for browsers.
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let (login, host) = match authority.rsplit_once('@') {
        Some((login, host)) => (Some(login), host),
        None => (None, authority),
    };
    let host = match host.find(']') {
        Some(bracket) if host.starts_with('[') => host.get(..=bracket)?,
        _ => host.split(':').next()?,
    };
    if host.is_empty() || host.len() > HOST_BYTES {
        return None;
    }
    let path = rest.get(authority.len()..)?;
    Some(Address { span: Span::new(start, end), scheme: Some(scheme), login, host, path })
}

/// The characters of a host around the point at `dot`, up to the longest there are on either side.
fn host_run(text: &str, dot: usize, floor: usize) -> Span {
    let length = |chars: &mut dyn Iterator<Item = char>| {
        chars.take(HOST_BYTES).take_while(|c| is_host(*c)).map(char::len_utf8).sum::<usize>()
    };
    let before = length(&mut text.get(floor..dot).unwrap_or_default().chars().rev());
    let after = length(&mut text.get(dot..).unwrap_or_default().chars());
    Span::new(dot - before, dot + after)
}

fn bare(text: &str, run: Span, floor: usize) -> Option<Address<'_>> {
    let Span { start, end } = run;
    let before = text.get(floor..start)?.chars().next_back();
    let host = text.get(start..end)?.trim_end_matches(['.', '-', '_']);
    let last = host.rsplit('.').next()?;
    let named =
        last.chars().count() >= 2 && (last.starts_with("xn--") || last.chars().all(char::is_alphabetic));
    let labels = host.split('.').all(|label| !label.is_empty() && label.len() <= 63);
    // After `@` it is a mailbox's, after a slash or backslash a file's.
    if host.len() > HOST_BYTES
        || !named
        || !labels
        || !host.contains('.')
        || matches!(before, Some('@' | '/' | '\\' | '.' | '$' | '#'))
    {
        return None;
    }
    let host_end = start + host.len();
    let end = match text.as_bytes().get(host_end) {
        // A scheme, with the word before it.
        Some(b':') if text.get(host_end..)?.starts_with("://") => return None,
        Some(b'/' | b'?' | b'#' | b':') => address_end(text, host_end),
        Some(b'@' | b'(' | b'=') => return None,
        _ => host_end,
    };
    Some(Address {
        span: Span::new(start, end),
        scheme: None,
        login: None,
        host,
        path: text.get(host_end..end)?,
    })
}

/// Where the address that goes on at `from` ends: before a space, a quotation mark or bracket, and the sentence's marks.
fn address_end(text: &str, from: usize) -> usize {
    let limit = text.floor_char_boundary(from.saturating_add(ADDRESS_BYTES).min(text.len()));
    let rest = text.get(from..limit).unwrap_or_default();
    let stop = |c: char| c.is_whitespace() || c.is_control() || "\"'`<>{}|^，。）」".contains(c);
    let rest = rest.get(..rest.find(stop).unwrap_or(rest.len())).unwrap_or_default();
    let mut kept = rest;
    loop {
        let trimmed = kept.trim_end_matches(['.', ',', ';', ':', '!', '?', '*']);
        let open = trimmed.matches('(').count() < trimmed.matches(')').count();
        let square = trimmed.matches('[').count() < trimmed.matches(']').count();
        let next = match trimmed.chars().next_back() {
            Some(')') if open => trimmed.strip_suffix(')'),
            Some(']') if square => trimmed.strip_suffix(']'),
            _ => None,
        };
        kept = match next {
            Some(next) => next,
            None => return from + trimmed.len(),
        };
    }
}

/// Letters, digits and hyphens of scripts that put spaces between words, and the underscore that some hosts have.
fn is_host(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || "-_.".contains(c)
        || (('\u{80}'..'\u{2e80}').contains(&c) && c.is_alphanumeric())
}
