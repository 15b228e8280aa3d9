//! `[[fault]]`: times and repetition, and the kind that the catalog reads, checked against the
//! cluster.
//!
//! Leaves out the keys of the kinds, which are in the kinds' own files.

mod section;
mod target;

use std::time::Duration;

use stayput_host::config::ClusterConfig;
use stayput_world::fault::{
    ClusterPlace, FaultCatalog, FaultRhythm, FaultSpec, ParsedFault, Repeat,
};

use self::section::Section;
use super::limits::{MAX_DRAWN_FAULTS, MAX_FAULT_TIMES, MAX_FAULTS};
use super::{bounded, time};
use crate::quantity::Decimal;
use crate::scenario::error::{Flaw, Lines};
use crate::scenario::raw::Text;
use crate::scenario::{DrawnFault, ScenarioFault};

/// A rate's decimal places may make up this denominator at most, so that no product overflows.
const MAX_RATE_SCALE: u128 = 1_000_000;

/// Keys that all kinds have.
const COMMON_KEYS: [&str; 7] = ["at", "for", "every", "times", "rate", "until", "may_miss"];

/// Kinds that a later version has.
const LATER_KINDS: [&str; 2] = ["bit_flips", "clock"];

/// The faults with fixed times, and those that the seed decides, each in the order of the file.
pub(super) fn faults(
    raw: &[toml::Table],
    catalog: &FaultCatalog,
    cluster: &ClusterConfig,
    lines: &Lines<'_>,
) -> Result<(Vec<ScenarioFault>, Vec<DrawnFault>), Flaw> {
    if raw.len() > MAX_FAULTS {
        return Err(Flaw::new("fault", format!("there are more than {MAX_FAULTS}"), "write fewer"));
    }
    let (mut fixed, mut drawn) = (Vec::new(), Vec::new());
    for (index, raw) in raw.iter().enumerate() {
        let name = format!("fault[{}]", index + 1);
        let line = lines.line_of(&name);
        let section = Section::new(name, raw, cluster);
        let ParsedFault { kind, rhythm } = section.parse_kind(catalog)?;
        let targets = section.drawn_targets();
        let (for_, repeat) = section.length(rhythm)?;
        if let Some(rate) = section.text("rate")? {
            let (at, until, per_second) = section.draws(&rate)?;
            let section = index + 1;
            drawn.push(DrawnFault {
                at,
                until,
                per_second,
                for_,
                repeat,
                kind,
                targets,
                section,
                line,
            });
        } else {
            let at = section.at(&targets)?;
            let may_miss = section.may_miss()?;
            fixed.push(ScenarioFault { at, for_, repeat, kind, may_miss, line });
        }
    }
    Ok((fixed, drawn))
}

impl Section<'_> {
    /// The one kind that the section names or implies, and what it says of it.
    fn parse_kind(&self, catalog: &FaultCatalog) -> Result<ParsedFault, Flaw> {
        let names = || catalog.specs().map(|spec| spec.key).collect::<Vec<_>>().join(", ");
        let is_later = |kind: &&&str| self.is_written(kind) && catalog.named(kind).is_none();
        if let Some(kind) = LATER_KINDS.iter().find(is_later) {
            let why = format!("this version has no `{kind}` faults yet");
            return Err(self.flaw(kind, why, format!("use one of {}", names())));
        }
        let named: Vec<_> = catalog.specs().filter(|spec| self.is_written(spec.key)).collect();
        let implied = || {
            let implies = |spec: &&FaultSpec| {
                spec.implied.as_ref().is_some_and(|by| by.holds(|key| self.is_written(key)))
            };
            catalog.specs().filter(implies).collect::<Vec<_>>()
        };
        let meant = if named.is_empty() { implied() } else { named };
        let [spec] = meant.as_slice() else {
            let known = |key: &&str| {
                COMMON_KEYS.contains(key)
                    || catalog.named(key).is_some()
                    || !catalog.kinds_with(key).is_empty()
            };
            if let Some(key) = self.keys().find(|key| !known(key)) {
                let why = format!("unknown field `{key}`, no kind of fault has it");
                return Err(self.flaw(key, why, format!("name a kind: one of {}", names())));
            }
            let why = format!("wants exactly one of {}", names());
            let fix = "give each fault a [[fault]] section of its own";
            return Err(Flaw::new(self.name(), why, fix));
        };
        self.check_keys(catalog, spec)?;
        (spec.parse)(self).map_err(|error| self.flaw(&error.key, error.why, error.fix))
    }

    /// Refuses keys that go with other kinds, and those that no kind has.
    fn check_keys(&self, catalog: &FaultCatalog, spec: &FaultSpec) -> Result<(), Flaw> {
        let goes =
            |key: &str| key == spec.key || spec.keys.contains(&key) || COMMON_KEYS.contains(&key);
        let Some(key) = self.keys().find(|key| !goes(key)) else { return Ok(()) };
        let kinds = catalog.kinds_with(key);
        if kinds.is_empty() {
            let keys: Vec<&str> = COMMON_KEYS.iter().chain(spec.keys).copied().collect();
            let why = format!("unknown field `{key}`, expected one of {}", keys.join(", "));
            return Err(self.flaw(key, why, "leave it out"));
        }
        let why = format!("goes with {} only, this is {}", kinds.join(", "), spec.key);
        Err(self.flaw(key, why, "leave it out"))
    }

    /// `for`, with the repetition that the section or the kind's rhythm gives.
    fn length(&self, rhythm: Option<FaultRhythm>) -> Result<(Duration, Option<Repeat>), Flaw> {
        let lasts = self.above_zero("for", "such as \"2s\"")?;
        match rhythm {
            Some(rhythm) => self.repeated_within(lasts, rhythm),
            None => Ok((lasts, self.repeat(lasts)?)),
        }
    }

    /// Length of time that must be written, and above zero.
    fn above_zero(&self, key: &str, such_as: &str) -> Result<Duration, Flaw> {
        let text = self.text(key)?;
        if text.is_none() {
            return Err(self.flaw(key, "is missing", format!("write how long, {such_as}")));
        }
        let length = time(&self.key(key), text.as_ref(), Duration::ZERO)?;
        if length.is_zero() {
            return Err(self.flaw(key, "is zero", format!("write how long, {such_as}")));
        }
        Ok(length)
    }

    /// Beginning of a fault with a fixed time.
    fn at(&self, targets: &[ClusterPlace]) -> Result<Duration, Flaw> {
        if self.is_written("until") {
            let fix = "write how often: rate = \"0.5/s\"";
            return Err(self.flaw("until", "goes with `rate`", fix));
        }
        if !targets.is_empty() {
            let fix = "write rate = \"0.5/s\" and until = \"20s\", or the number of one place";
            let why = "a place with `*` is drawn, and so is its time";
            return Err(Flaw::new(self.name(), why, fix));
        }
        let missing = || self.flaw("at", "is missing", "write when it begins, such as \"1s\"");
        let at = self.text("at")?.ok_or_else(missing)?;
        time(&self.key("at"), Some(&at), Duration::ZERO)
    }

    /// `every` and `times`.
    fn repeat(&self, lasts: Duration) -> Result<Option<Repeat>, Flaw> {
        let (every, times) = match (self.text("every")?, self.integer("times")?) {
            (None, None) => return Ok(None),
            (None, Some(_)) => {
                let fix = "write from when to when, such as every = \"5s\"";
                return Err(self.flaw("times", "goes with `every`", fix));
            }
            (Some(_), None) => {
                return Err(self.flaw("every", "goes with `times`", "write how often: times = 4"));
            }
            (Some(every), times) => (every, times),
        };
        let times = bounded(&self.key("times"), times, 1, 1, MAX_FAULT_TIMES)?;
        let every = time(&self.key("every"), Some(&every), Duration::ZERO)?;
        if every < lasts {
            let why = "is shorter than `for`: it would overlap itself";
            return Err(self.flaw("every", why, "write a longer time from one begin to the next"));
        }
        Ok(Some(Repeat { every, times }))
    }

    /// Length of each fault of a rhythm, and its repetition within `whole`.
    fn repeated_within(
        &self,
        whole: Duration,
        FaultRhythm { down, up }: FaultRhythm,
    ) -> Result<(Duration, Option<Repeat>), Flaw> {
        for key in ["every", "times"] {
            if self.is_written(key) {
                let why = "does not go with a kind that repeats by itself";
                return Err(self.flaw(key, why, "leave it out: `for` says how long it goes on"));
            }
        }
        let times = (whole + up).as_nanos() / (down + up).as_nanos();
        if times == 0 {
            return Err(self.flaw(
                "for",
                "is shorter than the first time down",
                "write the whole duration",
            ));
        }
        let bounded = u32::try_from(times).ok().filter(|times| *times <= MAX_FAULT_TIMES);
        let times = bounded.ok_or_else(|| {
            let why = format!("makes {times} times down, more than {MAX_FAULT_TIMES}");
            self.flaw("for", why, "write a shorter duration, or longer times down and up")
        })?;
        Ok((down, Some(Repeat { every: down + up, times })))
    }

    /// Begin and end of drawn faults, and their rate per second.
    fn draws(&self, rate: &Text) -> Result<(Duration, Duration, Decimal), Flaw> {
        let at = time(&self.key("at"), self.text("at")?.as_ref(), Duration::ZERO)?;
        let until = self.above_zero("until", "such as \"20s\"")?;
        if until <= at {
            return Err(self.flaw("until", "is not after `at`", "write a later time"));
        }
        if self.may_miss()? {
            let why = "goes without saying for faults that are drawn";
            return Err(self.flaw("may_miss", why, "leave it out"));
        }
        let number = rate.0.trim().strip_suffix("/s").map(str::trim).and_then(Decimal::parse);
        let fits =
            |number: &Decimal| !number.is_negative() && number.fraction().1 <= MAX_RATE_SCALE;
        let per_second = number.filter(|number| fits(number) && !number.is_zero());
        let per_second = per_second.ok_or_else(|| {
            let why = format!("`{}` is no rate above zero with at most six places", rate.0);
            self.flaw("rate", why, "write how often, such as \"0.5/s\"")
        })?;
        let (digits, scale) = per_second.fraction();
        let expected = digits.saturating_mul((until - at).as_nanos()) / scale / 1_000_000_000;
        if expected > MAX_DRAWN_FAULTS as u128 {
            let why = format!("makes about {expected} faults, more than {MAX_DRAWN_FAULTS}");
            return Err(self.flaw("rate", why, "write a smaller rate, or an earlier `until`"));
        }
        Ok((at, until, per_second))
    }
}
