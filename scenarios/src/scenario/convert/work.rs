//! `[[work]]`: job descriptions, their objects and how they are drawn.
//!
//! Leaves out whether a description is a good one: the cluster's proxy says that.

use std::path::Path;

use super::bounded;
use super::limits::{
    MAX_DRAWABLE, MAX_JOB_BYTES, MAX_JOBS, MAX_JOBS_PER_SECOND, MAX_WORK, MAX_ZIPF_EXPONENT,
};
use crate::quantity::Decimal;
use crate::scenario::error::Flaw;
use crate::scenario::raw::RawWork;
use crate::scenario::{
    Arrivals, DataSource, OBJECT_NAME_FIX, ObjectPattern, Pick, Work, read_bounded,
};

/// The most decimal places of a rate of arrivals, so that its reciprocal stays in range.
const MAX_RATE_PLACES: u128 = 1_000_000;

pub(super) fn work(raw: &[RawWork], folder: &Path, data: &[DataSource]) -> Result<Vec<Work>, Flaw> {
    if raw.is_empty() {
        return Err(Flaw::new("work", "is missing", "add a [[work]] section with a job"));
    }
    if raw.len() > MAX_WORK {
        return Err(Flaw::new("work", format!("there are more than {MAX_WORK}"), "write fewer"));
    }
    let mut jobs: u64 = 0;
    let mut drawable: usize = 0;
    let mut all = Vec::with_capacity(raw.len());
    for (at, raw) in raw.iter().enumerate() {
        let section = format!("work[{}]", at + 1);
        let work = one(&section, raw, folder, data)?;
        jobs += u64::from(work.runs);
        if jobs > MAX_JOBS {
            return Err(Flaw::new(
                format!("{section}.runs"),
                format!("makes more than {MAX_JOBS} jobs in all"),
                "ask for fewer",
            ));
        }
        drawable += work.objects.len();
        if drawable > MAX_DRAWABLE {
            return Err(Flaw::new(
                format!("{section}.objects"),
                format!("makes more than {MAX_DRAWABLE} objects to draw from in all sections"),
                "name fewer",
            ));
        }
        all.push(work);
    }
    Ok(all)
}

fn one(section: &str, raw: &RawWork, folder: &Path, data: &[DataSource]) -> Result<Work, Flaw> {
    let key = format!("{section}.objects");
    let pattern = ObjectPattern::parse(&raw.objects)
        .map_err(|error| Flaw::new(&key, error.to_string(), OBJECT_NAME_FIX))?;
    let matching = data.iter().map(|source| &source.name).filter(|name| pattern.matches(name));
    let objects: Vec<_> = matching.cloned().collect();
    if objects.is_empty() {
        return Err(Flaw::new(
            &key,
            format!("no [[data]] object matches {pattern}"),
            "name objects that a [[data]] section puts there",
        ));
    }
    let runs = u32::try_from(MAX_JOBS).unwrap_or(u32::MAX);
    Ok(Work {
        job: job(&format!("{section}.job"), &raw.job, folder)?,
        pattern,
        objects,
        pick: pick(&format!("{section}.pick"), raw.pick.as_deref().unwrap_or("zipf 1.0"))?,
        runs: bounded(&format!("{section}.runs"), raw.runs, 64, 1, runs)?,
        arrivals: arrivals(
            &format!("{section}.arrivals"),
            raw.arrivals.as_deref().unwrap_or("poisson 20/s"),
        )?,
    })
}

/// The description's text: the value itself if it is a JSON list, else the file that it names.
fn job(key: &str, value: &str, folder: &Path) -> Result<String, Flaw> {
    let too_large = || Flaw::new(key, "the job description is over 64 KiB", "make it smaller");
    let (text, what) = if value.trim_start().starts_with('[') {
        (value.to_owned(), "the inline job".to_owned())
    } else {
        let path = folder.join(value);
        let what = path.display().to_string();
        let bytes = read_bounded(&path, MAX_JOB_BYTES)
            .map_err(|error| {
                let fix =
                    "name a file, relative to the scenario, or write the job's JSON list inline";
                Flaw::new(key, format!("cannot read the job file {what}: {error}"), fix)
            })?
            .ok_or_else(too_large)?;
        let text = String::from_utf8(bytes)
            .map_err(|_| Flaw::new(key, format!("{what} is not UTF-8"), "save it as UTF-8"))?;
        (text, what)
    };
    if text.len() as u64 > MAX_JOB_BYTES {
        return Err(too_large());
    }
    match serde_json::from_str::<serde_json::Value>(&text) {
        Ok(serde_json::Value::Array(_)) => Ok(text),
        Ok(_) => Err(Flaw::new(key, format!("{what} is no JSON list"), "write a list of nodes")),
        Err(error) => {
            Err(Flaw::new(key, format!("{what} is no JSON: {error}"), "correct the JSON"))
        }
    }
}

fn pick(key: &str, text: &str) -> Result<Pick, Flaw> {
    let flaw = |why: String| Flaw::new(key, why, "write \"zipf 1.0\", \"uniform\" or \"each\"");
    match text.trim() {
        "uniform" => Ok(Pick::Uniform),
        "each" => Ok(Pick::Each),
        other => {
            let exponent = other.strip_prefix("zipf ").and_then(|s| Decimal::parse(s.trim()));
            let exponent = exponent.ok_or_else(|| flaw(format!("`{other}` is no way to pick")))?;
            let (digits, scale) = exponent.fraction();
            if exponent.is_negative() || digits > u128::from(MAX_ZIPF_EXPONENT) * scale {
                return Err(flaw(format!("the exponent is not from 0 to {MAX_ZIPF_EXPONENT}")));
            }
            Ok(Pick::Zipf(exponent))
        }
    }
}

fn arrivals(key: &str, text: &str) -> Result<Arrivals, Flaw> {
    let flaw = |why: String| Flaw::new(key, why, "write \"poisson 20/s\" or \"closed\"");
    let text = text.trim();
    if text == "closed" {
        return Ok(Arrivals::Closed);
    }
    let rate = text.strip_prefix("poisson ").and_then(|rest| rest.trim().strip_suffix("/s"));
    let rate = rate.and_then(|number| Decimal::parse(number.trim()));
    let per_second = rate.ok_or_else(|| flaw(format!("`{text}` is no kind of arrivals")))?;
    let (digits, scale) = per_second.fraction();
    if per_second.is_negative()
        || per_second.is_zero()
        || digits > u128::from(MAX_JOBS_PER_SECOND) * scale
        || scale > MAX_RATE_PLACES
    {
        return Err(flaw(format!(
            "the rate is not from 0.000001 to {MAX_JOBS_PER_SECOND} per second with at most six places"
        )));
    }
    Ok(Arrivals::Poisson { per_second })
}
