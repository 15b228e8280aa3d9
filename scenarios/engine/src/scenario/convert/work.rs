//! `[[work]]`: job descriptions, their objects and how they are drawn.
//!
//! Leaves out whether a description is a good one: the cluster's proxy says that.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::arrivals::arrivals;
use super::bounded;
use super::limits::{
    MAX_DESCRIPTIONS, MAX_DRAWABLE, MAX_JOB_BYTES, MAX_JOBS, MAX_WEIGHT, MAX_WORK,
    MAX_ZIPF_EXPONENT,
};
use crate::quantity::Decimal;
use crate::scenario::error::Flaw;
use crate::scenario::raw::{RawJob, RawWork, Text};
use crate::scenario::work::filled;
use crate::scenario::{
    DataSource, Description, OBJECT_NAME_FIX, ObjectPattern, Pick, Work, read_bounded,
};

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
        jobs: descriptions(section, raw, folder)?,
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

/// The descriptions, by `job` or by `jobs`, with the values of `with` in them.
fn descriptions(section: &str, raw: &RawWork, folder: &Path) -> Result<Vec<Description>, Flaw> {
    let shared = With::new(section, &raw.with)?;
    let jobs: Vec<Description> = match (&raw.job, &raw.jobs) {
        (Some(value), None) => {
            let text = job(&format!("{section}.job"), value, &[&shared], folder)?;
            vec![Description { text, weight: 1 }]
        }
        (None, Some(jobs)) if jobs.len() > MAX_DESCRIPTIONS => {
            let why = format!("there are more than {MAX_DESCRIPTIONS}");
            return Err(Flaw::new(format!("{section}.jobs"), why, "write fewer"));
        }
        (None, Some(jobs)) => {
            let one = |(at, raw): (usize, &RawJob)| {
                let section = format!("{section}.jobs[{}]", at + 1);
                let own = With::new(&section, &raw.with)?;
                // What a description says for itself goes before what is said for all.
                let text = job(&format!("{section}.job"), &raw.job, &[&own, &shared], folder)?;
                own.all_used()?;
                let weight_key = format!("{section}.weight");
                let weight = bounded(&weight_key, raw.weight, 1, 0, MAX_WEIGHT)?;
                Ok(Description { text, weight })
            };
            jobs.iter().enumerate().map(one).collect::<Result<_, Flaw>>()?
        }
        _ => {
            let fix =
                "write job = \"jobs/a.json\", or jobs = [{ job = \"jobs/a.json\", weight = 3 }, …]";
            return Err(Flaw::new(section, "wants one of `job` and `jobs`", fix));
        }
    };
    shared.all_used()?;
    if jobs.iter().all(|job| job.weight == 0) {
        let fix = "write at least one job, with a weight above zero";
        return Err(Flaw::new(format!("{section}.jobs"), "has nothing to draw", fix));
    }
    Ok(jobs)
}

/// The values that a section puts into its descriptions, and which of them had a place there.
struct With<'a> {
    section: &'a str,
    values: &'a BTreeMap<String, Text>,
    used: RefCell<BTreeSet<String>>,
}

impl<'a> With<'a> {
    fn new(section: &'a str, values: &'a BTreeMap<String, Text>) -> Result<Self, Flaw> {
        for name in values.keys() {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
            if name == "object" || name.is_empty() || !name.bytes().all(plain) {
                let why = format!("`{name}` is no name for a value");
                let fix = "take letters, digits, - and _; {object} is the drawn object";
                return Err(Flaw::new(format!("{section}.with"), why, fix));
            }
        }
        Ok(Self { section, values, used: RefCell::default() })
    }

    fn fill(&self, mut text: String) -> String {
        for (name, value) in self.values {
            if text.contains(&format!("{{{name}}}")) {
                self.used.borrow_mut().insert(name.clone());
                text = filled(&text, name, &value.0);
            }
        }
        text
    }

    /// A value without a place is most likely a typing error.
    fn all_used(&self) -> Result<(), Flaw> {
        let used = self.used.borrow();
        match self.values.keys().find(|name| !used.contains(*name)) {
            None => Ok(()),
            Some(name) => Err(Flaw::new(
                format!("{}.with.{name}", self.section),
                format!("has no place: no description of the section has {{{name}}} in it"),
                "write the name as it stands there, or leave the value out",
            )),
        }
    }
}

/// The description's text, filled in: the value itself if it is a JSON list, else the file that it
/// names.
fn job(key: &str, value: &str, with: &[&With<'_>], folder: &Path) -> Result<String, Flaw> {
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
    let text = with.iter().fold(text, |text, with| with.fill(text));
    match serde_json::from_str::<serde_json::Value>(&text) {
        Ok(serde_json::Value::Array(_)) => Ok(text),
        Ok(_) => Err(Flaw::new(key, format!("{what} is no JSON list"), "write a list of nodes")),
        Err(error) => {
            Err(Flaw::new(key, format!("{what} is no JSON: {error}"), "correct the JSON"))
        }
    }
}

pub(super) fn pick(key: &str, text: &str) -> Result<Pick, Flaw> {
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
