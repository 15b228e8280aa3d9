//! The verdict on two policies: a sentence that claims only what the intervals carry.

use std::cmp::Ordering;

use super::pair_point::{PairFigure, PairPoint};
use super::{ComparedFigure, VALUES_MIN};

/// The verdict on a pair.
pub(super) fn of_pair(pair: &PairPoint, closed_loop: bool) -> String {
    let mut claims = Vec::new();
    let mut even = Vec::new();
    let mut few = Vec::new();
    for figure in ComparedFigure::ALL {
        let found = pair.figures.get(figure.key());
        let (Some(noun), Some(found)) = (noun(figure), found) else { continue };
        match found.difference.beside(0.0) {
            Some(Ordering::Less) => claims.push(claim(noun, "lower", found)),
            Some(Ordering::Greater) => claims.push(claim(noun, "higher", found)),
            Some(Ordering::Equal) => even.push(noun),
            None => few.push(noun),
        }
    }
    if !even.is_empty() {
        claims.push(format!("no difference shown in {}", even.join(", ")));
    }
    if !few.is_empty() {
        let why = format!("nothing claimed of {} (fewer than {VALUES_MIN} seeds)", few.join(", "));
        claims.push(why);
    }
    if closed_loop {
        claims.push("no claim about times (clients wait for answers)".to_owned());
    }
    if pair.seeds_with_same_jobs < pair.seeds {
        let (same, seeds) = (pair.seeds_with_same_jobs, pair.seeds);
        claims.push(format!(
            "bytes and makespan are compared in the {same} of {seeds} seeds in which the same jobs completed"
        ));
    }
    format!("{} beside {} over {} seeds: {}", pair.one, pair.other, pair.seeds, claims.join("; "))
}

fn claim(noun: &str, direction: &str, found: &PairFigure) -> String {
    let ratio = found.ratio.as_ref().and_then(super::Estimate::interval);
    let by = match (ratio, found.difference.interval()) {
        (Some((low, high)), _) => format!(" ({} to {} times)", significant(low), significant(high)),
        (None, Some((low, high))) => format!(" (by {low} to {high})"),
        (None, None) => String::new(),
    };
    format!("{noun} {direction}{by}")
}

/// Formats a ratio with three decimals, or three significant digits below 0.1.
fn significant(ratio: f64) -> String {
    let mut decimals = 3;
    let mut scaled = ratio.abs();
    while scaled > 0.0 && scaled < 0.1 && decimals < 9 {
        scaled *= 10.0;
        decimals += 1;
    }
    format!("{ratio:.decimals$}")
}

/// The figure's name in a sentence; `None` for those that only tables have.
const fn noun(figure: ComparedFigure) -> Option<&'static str> {
    match figure {
        ComparedFigure::LatencyP50 => Some("median latency"),
        ComparedFigure::LatencyP99 => Some("99th percentile of latency"),
        ComparedFigure::BodyBytes => Some("body bytes"),
        ComparedFigure::Makespan => Some("makespan"),
        ComparedFigure::Failed => Some("failed jobs"),
        ComparedFigure::LatencyP90 | ComparedFigure::CrossZoneBytes => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{PairGathered, WarmUp};
    use super::*;
    use crate::fixtures::policy;

    /// The verdict on seeds whose latencies are these, of the one and of the other.
    fn verdict(latencies: &[(u64, u64)], closed_loop: bool) -> String {
        let mut pair = PairGathered::default();
        for (one, other) in latencies {
            let (one, other) = (policy("a", &[Some(*one)]), policy("b", &[Some(*other)]));
            pair.add(&one, &other, WarmUp::Percent(0), !closed_loop);
        }
        pair.point("a", "b", closed_loop).verdict
    }

    #[test]
    fn an_interval_on_one_side_is_a_claim_with_its_size() {
        let verdict_text = verdict(&[(50, 100); 6], false);
        assert!(
            verdict_text.starts_with(
                "a beside b over 6 seeds: median latency lower (0.500 to 0.500 times)"
            ),
            "{verdict_text}"
        );
        assert!(
            verdict_text.contains("no difference shown in body bytes, makespan, failed jobs"),
            "{verdict_text}"
        );
        let verdict_text = verdict(&[(100, 50); 6], false);
        assert!(
            verdict_text.contains("median latency higher (2.000 to 2.000 times)"),
            "{verdict_text}"
        );
    }

    #[test]
    fn an_interval_that_holds_zero_carries_nothing() {
        let mut seeds = vec![(50, 100); 7];
        seeds.extend([(101, 100), (101, 100)]);
        // Of nine, the interval reaches from the second to the eighth.
        let verdict_text = verdict(&seeds, false);
        assert!(verdict_text.contains("no difference shown in median latency"), "{verdict_text}");
        assert!(
            !verdict_text.contains("lower") && !verdict_text.contains("higher"),
            "{verdict_text}"
        );
    }

    #[test]
    fn few_seeds_carry_nothing_however_large_the_difference() {
        let verdict_text = verdict(&[(1, 1_000_000); 5], false);
        assert!(verdict_text.contains("nothing claimed of median latency"), "{verdict_text}");
        assert!(!verdict_text.contains("lower"), "{verdict_text}");
    }

    #[test]
    fn a_closed_loop_claims_no_time() {
        let verdict_text = verdict(&[(1, 1_000_000); 9], true);
        assert!(verdict_text.contains("no claim about times"), "{verdict_text}");
        assert!(
            !verdict_text.contains("latency") && !verdict_text.contains("makespan"),
            "{verdict_text}"
        );
    }

    #[test]
    fn small_ratios_keep_three_digits() {
        assert_eq!(significant(0.5), "0.500");
        assert_eq!(significant(0.000_789_4), "0.000789");
        assert_eq!(significant(0.0), "0.000");
        assert_eq!(significant(12.0), "12.000");
    }
}
