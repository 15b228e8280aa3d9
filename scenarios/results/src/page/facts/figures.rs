//! Names and units of compared figures, and their changes.

use crate::page::show;
use crate::stats::{ComparedFigure, Estimate, PairPoint};

/// The figure's name in tables and sentences.
pub(in crate::page) const fn figure_name(figure: ComparedFigure) -> &'static str {
    match figure {
        ComparedFigure::LatencyP50 => "median latency",
        ComparedFigure::LatencyP90 => "p90 latency",
        ComparedFigure::LatencyP99 => "p99 latency",
        ComparedFigure::BodyBytes => "bytes moved (bodies, all hops)",
        ComparedFigure::CrossZoneBytes => "bytes between zones",
        ComparedFigure::Makespan => "makespan",
        ComparedFigure::Failed => "jobs failed",
    }
}

/// A value of the figure with its unit.
pub(in crate::page) fn figure_value(figure: ComparedFigure, value: f64) -> String {
    match figure {
        ComparedFigure::BodyBytes | ComparedFigure::CrossZoneBytes => show::size(value),
        ComparedFigure::Failed => show::plain(value),
        _ => show::micros(value),
    }
}

/// The paired ratio of a figure, the first policy over the second.
pub(in crate::page) fn ratio(pair: &PairPoint, figure: ComparedFigure) -> Option<Estimate> {
    pair.figures.get(figure.key())?.ratio
}

/// The paired change of a figure as a fraction of the second policy's; of counts, the difference.
pub(in crate::page) fn change(pair: &PairPoint, figure: ComparedFigure) -> Option<Estimate> {
    match figure {
        ComparedFigure::Failed => Some(pair.figures.get(figure.key())?.difference),
        _ => ratio(pair, figure).map(|ratio| ratio.map(|ratio| ratio - 1.0)),
    }
}

/// A change in words: a ratio, or the difference of counts.
pub(in crate::page) fn change_words(pair: &PairPoint, figure: ComparedFigure) -> String {
    let signed = |value| {
        if value > 0.0 { format!("+{}", show::plain(value)) } else { show::plain(value) }
    };
    match figure {
        ComparedFigure::Failed => show::estimate(change(pair, figure).as_ref(), signed),
        _ => show::estimate(ratio(pair, figure).as_ref(), show::times),
    }
}
