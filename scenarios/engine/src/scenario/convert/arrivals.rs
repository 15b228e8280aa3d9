//! Arrivals of jobs and requests: "poisson 20/s", "bursts 5/s of 8 within 20ms", "closed".

use super::limits::{MAX_BURST, MAX_JOBS_PER_SECOND, MAX_TIME_S};
use crate::quantity::{Decimal, parse_duration};
use crate::scenario::Arrivals;
use crate::scenario::error::Flaw;

/// The most decimal places of a rate of arrivals, so that its reciprocal stays in range.
const MAX_RATE_PLACES: u128 = 1_000_000;
const FIX: &str =
    "write \"poisson 20/s\", \"bursts 5/s of 8\", \"bursts 5/s of 8 within 20ms\" or \"closed\"";

pub(super) fn arrivals(key: &str, text: &str) -> Result<Arrivals, Flaw> {
    let text = text.trim();
    let unknown = || Flaw::new(key, format!("`{text}` is no kind of arrivals"), FIX);
    if text == "closed" {
        return Ok(Arrivals::Closed);
    }
    let (kind, rest) = text.split_once(' ').ok_or_else(unknown)?;
    match kind {
        "poisson" => Ok(Arrivals::Poisson { per_second: rate(key, rest).ok_or_else(unknown)?? }),
        "bursts" => {
            let (per_second, rest) = rest.split_once(" of ").ok_or_else(unknown)?;
            let per_second = rate(key, per_second).ok_or_else(unknown)??;
            let (of, within) = rest.split_once(" within ").unwrap_or((rest, "0s"));
            let of = of.trim().parse::<u32>().map_err(|_| unknown())?;
            if !(1..=MAX_BURST).contains(&of) {
                let why = format!("a burst of {of} is out of bounds");
                return Err(Flaw::new(key, why, format!("write a number from 1 to {MAX_BURST}")));
            }
            let within = parse_duration(within)
                .map_err(|error| Flaw::new(key, error.to_string(), error.fix))?;
            if within.as_secs() > MAX_TIME_S {
                return Err(Flaw::new(key, "spreads a burst over more than a day", FIX));
            }
            Ok(Arrivals::Bursts { per_second, of, within })
        }
        _ => Err(unknown()),
    }
}

/// A rate such as "20/s"; `None` for what is no rate at all.
fn rate(key: &str, text: &str) -> Option<Result<Decimal, Flaw>> {
    let per_second = Decimal::parse(text.trim().strip_suffix("/s")?.trim())?;
    let (digits, scale) = per_second.fraction();
    let out_of_bounds = per_second.is_negative()
        || per_second.is_zero()
        || digits > u128::from(MAX_JOBS_PER_SECOND) * scale
        || scale > MAX_RATE_PLACES;
    let why = format!(
        "the rate is not from 0.000001 to {MAX_JOBS_PER_SECOND} per second with at most six places"
    );
    Some(if out_of_bounds { Err(Flaw::new(key, why, FIX)) } else { Ok(per_second) })
}
