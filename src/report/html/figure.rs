//! Numbers as people read them.

use super::super::{Kpi, Rate, Unit};

/// A share in percent, with as many digits as tell it from nothing.
pub(super) fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    match percent {
        0.0 => "0%".to_owned(),
        _ if percent < 0.1 => format!("{percent:.3}%"),
        _ if percent < 10.0 => format!("{percent:.2}%"),
        _ => format!("{percent:.1}%"),
    }
}

/// A rate, or a dash where there is none.
pub(super) fn rate(rate: &Rate) -> String {
    rate.value.map_or_else(dash, percent)
}

/// The interval of a rate, or a dash.
pub(super) fn interval(low: Option<f64>, high: Option<f64>) -> String {
    match (low, high) {
        (Some(low), Some(high)) => format!("{} – {}", percent(low), percent(high)),
        _ => dash(),
    }
}

/// A whole number with its thousands apart.
pub(super) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A latency.
pub(super) fn microseconds(us: f64) -> String {
    if us < 1000.0 {
        format!("{us:.0} µs")
    } else if us < 1e6 {
        format!("{:.2} ms", us / 1e3)
    } else {
        format!("{:.2} s", us / 1e6)
    }
}

/// A time that people took.
pub(super) fn seconds(s: f64) -> String {
    let minutes = (s / 60.0) as u64;
    match minutes {
        0 => format!("{s:.0} s"),
        1..60 => format!("{minutes} min"),
        60..2880 => format!("{} h {} min", minutes / 60, minutes % 60),
        _ => format!("{} d {} h", minutes / 1440, minutes % 1440 / 60),
    }
}

/// The value of a key figure.
pub(super) fn kpi(kpi: &Kpi) -> String {
    let Some(value) = kpi.value else { return dash() };
    match kpi.unit {
        Unit::Share => percent(value),
        Unit::Score => format!("{:.1}", 100.0 * value),
        Unit::Microseconds => microseconds(value),
        Unit::Seconds => seconds(value),
        Unit::Count => count(value as u64),
    }
}

/// The first digits of a digest.
pub(super) fn digest(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

/// What stands where there is nothing.
pub(super) fn dash() -> String {
    "–".to_owned()
}
