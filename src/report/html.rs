//! The report as one page: no script, no network, nothing from outside that is not escaped.

mod chart;
mod figure;
mod oversight;
mod quality;
mod summary;
mod trend;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::Report;

const STYLE: &str = include_str!("html/style.css");

/// Why a page cannot be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PageError {
    /// The drawing library refused.
    #[error("cannot draw {what}: {why}")]
    Draw {
        /// The chart.
        what: &'static str,
        /// What it said.
        why: String,
    },
}

/// The report as an HTML document in UTF-8. It is the same for the same report, loads nothing, runs nothing, and says so to the
/// browser: its Content-Security-Policy allows its own style sheet, by digest, and nothing else.
///
/// # Errors
/// [`PageError`].
pub fn page(report: &Report) -> Result<String, PageError> {
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        BASE64.encode(Sha256::digest(STYLE.as_bytes()))
    );
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { (report.title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (summary::header(report))
                main {
                    (summary::figures(report))
                    (trend::section(report)?)
                    (quality::rules(report))
                    (quality::slices(report)?)
                    (quality::reliability(report)?)
                    (quality::drift(report))
                    (oversight::reviews(report))
                    (oversight::exceptions(report))
                    (oversight::alerts(report))
                    (oversight::policies(report))
                    (oversight::log(report))
                }
                footer {
                    "Made by Portcullis from the decision log of one installation. The log holds no texts, and so does this page. \
                     Intervals are exact 95% intervals (Clopper and Pearson 1934)."
                }
            }
        }
    };
    Ok(page.into_string())
}

/// A table that scrolls where it is too wide: a caption, columns (those that begin with `#` hold numbers) and rows.
fn table(caption: &str, columns: &[&str], rows: impl IntoIterator<Item = Markup>) -> Markup {
    html! {
        div.scroll {
            table {
                caption { (caption) }
                thead { tr {
                    @for column in columns {
                        @match column.strip_prefix('#') {
                            Some(name) => th.n scope="col" { (name) },
                            None => th scope="col" { (column) },
                        }
                    }
                } }
                tbody { @for row in rows { tr { (row) } } }
            }
        }
    }
}
