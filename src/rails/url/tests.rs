//! Hosts, tricks and plain addresses.

use super::{Hosts, UrlRail, punycode};
use crate::verdict::Detection;
use proptest::prelude::*;

fn scan(hosts: &Hosts, text: &str) -> Vec<Detection> {
    let mut out = Vec::new();
    UrlRail::new(hosts).scan(text, &mut out);
    out
}

fn hosts(allow: &[&str], deny: &[&str]) -> Hosts {
    let owned = |hosts: &[&str]| hosts.iter().map(|host| (*host).to_owned()).collect();
    Hosts { allow: owned(allow), deny: owned(deny) }
}

/// What `detector` finds from `least` on, as text.
fn found<'t>(hosts: &Hosts, detector: &str, least: f32, text: &'t str) -> Vec<&'t str> {
    let hits = scan(hosts, text).into_iter().filter(|d| d.detector == detector && d.score >= least);
    hits.flat_map(|d| d.spans).map(|span| text.get(span.start..span.end).unwrap()).collect()
}

#[test]
fn addresses_end_where_people_end_them() {
    for (text, expected) in [
        ("See https://example.org/a?b=c#d.", vec!["https://example.org/a?b=c#d"]),
        ("(https://example.org/a_(b))", vec!["https://example.org/a_(b)"]),
        ("[x](http://example.org)", vec!["http://example.org"]),
        ("<a href=\"http://example.org/x\">", vec!["http://example.org/x"]),
        (
            "example.com, www.example.travel and example.com/a.html!",
            vec!["example.com", "www.example.travel", "example.com/a.html"],
        ),
        ("http://例え.jp/x", vec!["http://例え.jp/x"]),
        ("jo@example.com main.rs 3.14 e.g. done.In June self.name a.b", vec![]),
        ("C:\\x.com ../a.com", vec![]),
        ("svn+a.b://example.com/x", vec!["svn+a.b://example.com/x"]),
    ] {
        assert_eq!(found(&Hosts::default(), "pii.url", 0.0, text), expected, "{text:?}");
    }
    assert_eq!(
        found(&Hosts::default(), "pii.url", 0.5, "https://www.linkedin.com/in/jo-doe and https://x.com"),
        ["https://www.linkedin.com/in/jo-doe"]
    );
}

#[test]
fn denied_hosts_and_those_below_them() {
    let hosts = hosts(&[], &["evil.example", "böse.example"]);
    let text = "https://evil.example/x http://a.EVIL.example:80 evil.example notevil.example evil.example.org xn--bse-sna.example";
    assert_eq!(
        found(&hosts, "url.denied", 0.5, text),
        ["https://evil.example/x", "http://a.EVIL.example:80", "evil.example", "xn--bse-sna.example"]
    );
    assert_eq!(found(&hosts, "url.not_allowed", 0.0, text), Vec::<&str>::new());
}

#[test]
fn hosts_outside_the_allowed() {
    let hosts = hosts(&["example.org", "intranet"], &[]);
    let text = "https://example.org https://docs.example.org/x http://intranet/ https://example.com/y other.com main.rs";
    assert_eq!(found(&hosts, "url.not_allowed", 0.5, text), ["https://example.com/y", "other.com"]);
    assert_eq!(found(&hosts, "url.not_allowed", 0.9, text), ["https://example.com/y"]);
}

#[test]
fn imitations() {
    let hosts = hosts(&["paypal.com", "microsoft.com"], &[]);
    let text = "https://paypal.com https://www.paypal.com http://pаypal.com http://login.paypa1.com http://rnicrosoft.com \
                http://paypal.com.example.net http://xn--pypal-4ve.com http://example.com http://PAYPAL.com";
    assert_eq!(
        found(&hosts, "url.lookalike", 0.9, text),
        [
            "http://pаypal.com",
            "http://login.paypa1.com",
            "http://rnicrosoft.com",
            "http://paypal.com.example.net",
            "http://xn--pypal-4ve.com"
        ]
    );
    let none = Hosts::default();
    assert_eq!(
        found(&none, "url.lookalike", 0.7, "http://pаypal.com http://müller.de http://пример.рф"),
        ["http://pаypal.com"]
    );
    assert_eq!(found(&none, "url.lookalike", 0.5, "http://рау.com http://почта.рф"), ["http://рау.com"]);
}

#[test]
fn logins_and_numbers() {
    let none = Hosts::default();
    let text = "https://bank.example@evil.io/x https://jo:pw@example.org ssh://git@example.org https://example.org/@jo";
    assert_eq!(found(&none, "url.userinfo", 0.9, text), ["https://bank.example@evil.io/x"]);
    assert_eq!(found(&none, "url.userinfo", 0.5, text).len(), 2);
    let text = "http://2130706433/ http://0x7f.1/ http://8.8.8.8/x http://127.0.0.1:80 http://[2001:4860::88]/ http://[::1]/ 8.8.8.8";
    assert_eq!(found(&none, "url.ip_host", 0.9, text), ["http://2130706433/", "http://0x7f.1/"]);
    assert_eq!(
        found(&none, "url.ip_host", 0.5, text),
        ["http://2130706433/", "http://0x7f.1/", "http://8.8.8.8/x", "http://[2001:4860::88]/"]
    );
}

#[test]
fn punycode_is_that_of_the_standard() {
    for (written, read) in [
        ("xn--mnchen-3ya.de", "münchen.de"),
        ("XN--80AK6AA92E.com", "аррӏе.com"),
        ("xn--r8jz45g.jp", "例え.jp"),
        ("xn--ls8h.la", "💩.la"),
        ("xn--99999999.com", "xn--99999999.com"),
        ("example.org.", "example.org"),
    ] {
        assert_eq!(punycode::host(written), read);
    }
}

proptest! {
    #[test]
    fn spans_are_on_boundaries(text in "[a:/.@а \\PC]{0,60}") {
        for detection in scan(&hosts(&["a.a"], &["b.b"]), &text) {
            for span in detection.spans {
                prop_assert!(!span.is_empty() && text.get(span.start..span.end).is_some());
            }
        }
    }
}

#[test]
fn hostile_texts_take_bounded_time() {
    for unit in ["a.", ".", "://", "a://", "http://a.b/", "a", "xn--a.", "http://a@", "(", "а."] {
        let text = unit.repeat((1 << 17) / unit.len());
        let start = std::time::Instant::now();
        scan(&hosts(&["paypal.com"], &["evil.example"]), &text);
        assert!(start.elapsed() < std::time::Duration::from_secs(20), "{unit:?} took {:?}", start.elapsed());
    }
}
