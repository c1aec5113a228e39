//! Times on the command line: a moment, a day, or how long ago.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use portcullis::log::Query;
use std::time::SystemTime;

/// The entries of a period.
#[derive(clap::Args)]
pub(super) struct Period {
    /// From this time on.
    #[arg(long, value_name = "TIME", value_parser = parse)]
    since: Option<String>,

    /// Before this time.
    #[arg(long, value_name = "TIME", value_parser = parse)]
    until: Option<String>,
}

impl Period {
    /// What asks for them.
    pub(super) fn query(&self) -> Query {
        Query { since: self.since.clone(), until: self.until.clone(), ..Query::default() }
    }
}

/// Reads `2031-05-09T14:03:59Z`, `2031-05-09` (its begin, in UTC), or `90m`, `24h` and `7d` for so long ago, into the form in which
/// records write times.
fn parse(word: &str) -> Result<String, String> {
    let moment = moment(word).ok_or_else(|| {
        "expected a time such as 2031-05-09T14:03:59Z, a day such as 2031-05-09, or how long ago, such as 24h".to_owned()
    })?;
    let time = SystemTime::from(moment);
    portcullis::record::timestamp(time).map_err(|error| error.to_string())
}

fn moment(word: &str) -> Option<Timestamp> {
    if let Ok(moment) = word.parse::<Timestamp>() {
        return Some(moment);
    }
    if let Ok(day) = word.parse::<Date>() {
        return day.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    }
    let (number, unit) = word.split_at_checked(word.len().checked_sub(1)?)?;
    let number: i64 = number.parse().ok().filter(|number| (0..=1_000_000_000).contains(number))?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    let span = number.checked_mul(seconds)?;
    Timestamp::now().checked_sub(jiff::SignedDuration::from_secs(span)).ok()
}
