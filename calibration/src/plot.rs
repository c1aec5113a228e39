//! Plots as SVG text: ROC, precision and recall, reliability, latency and false positives by length.
//!
//! The same input gives the same text: no clock, no random ids, no system fonts. Text is laid out by estimate and set
//! by the viewer's sans-serif font.

mod by_length;
mod canvas;
mod quality;

pub use by_length::{LatencyLine, false_positives, latency};
pub use quality::{Named, precision_recall, reliability, roc};

/// A plot that cannot be drawn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlotError {
    /// There is nothing to draw.
    #[error("found no points to plot, expected at least one")]
    Empty,
    /// A coordinate is NaN, infinite or negative.
    #[error("found a coordinate that is not a finite number of at least 0 in {line:?}")]
    Coordinate {
        /// The name of the line.
        line: String,
    },
    /// The drawing library refused.
    #[error("cannot draw: {0}")]
    Draw(String),
}
