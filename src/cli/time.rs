//! Times as flags take them.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// A day of UTC or a time.
pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    let day = |text: &str| text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok();
    // A date alone must be tried first: a time also parses as the date in it.
    let time = if text.len() <= 10 { day(text).map(|day| day.timestamp()) } else { text.parse().ok() };
    time.ok_or_else(|| "expected a day such as 2026-11-01 or a time such as 2026-11-01T12:00:00Z".to_owned())
}
