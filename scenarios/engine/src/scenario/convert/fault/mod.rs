//! `[[fault]]`: when, for how long, how often, and what, checked against the cluster.

mod kind;
mod target;

use std::time::Duration;

use stayput_host::config::ClusterConfig;

use self::kind::{What, what};
use super::limits::{MAX_DRAWN_FAULTS, MAX_FAULT_TIMES, MAX_FAULTS};
use super::{bounded, time};
use crate::quantity::Decimal;
use crate::scenario::error::{Flaw, Lines};
use crate::scenario::fault::Repeat;
use crate::scenario::raw::{RawFault, Text};
use crate::scenario::{DrawnFault, Fault, Place};

/// A rate's decimal places may make up this denominator at most, so that no product overflows.
const MAX_RATE_SCALE: u128 = 1_000_000;

/// The faults with fixed times, and those that the seed decides, each in the order of the file.
pub(super) fn faults(
    raw: &[RawFault],
    cluster: &ClusterConfig,
    lines: &Lines<'_>,
) -> Result<(Vec<Fault>, Vec<DrawnFault>), Flaw> {
    if raw.len() > MAX_FAULTS {
        return Err(Flaw::new("fault", format!("there are more than {MAX_FAULTS}"), "write fewer"));
    }
    let (mut fixed, mut drawn) = (Vec::new(), Vec::new());
    for (index, raw) in raw.iter().enumerate() {
        let name = format!("fault[{}]", index + 1);
        let line = lines.line_of(&name);
        let section = Section { name, raw, cluster };
        section.refuse_later_kinds()?;
        let What { name: kind_name, kind, targets } = what(&section)?;
        let for_ = section.above_zero("for", Some(&raw.for_), "such as \"2s\"")?;
        let (for_, repeat) =
            if kind_name == "flap" { section.flap(for_)? } else { (for_, section.repeat(for_)?) };
        if let Some(rate) = &raw.rate {
            let (at, until, per_second) = section.draws(rate)?;
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
            fixed.push(Fault { at, for_, repeat, kind, may_miss: raw.may_miss, line });
        }
    }
    Ok((fixed, drawn))
}

/// A section, for messages that name its keys.
struct Section<'a> {
    name: String,
    raw: &'a RawFault,
    cluster: &'a ClusterConfig,
}

impl Section<'_> {
    fn key(&self, key: &str) -> String {
        format!("{}.{key}", self.name)
    }

    fn flaw(&self, key: &str, why: impl Into<String>, fix: impl Into<String>) -> Flaw {
        Flaw::new(self.key(key), why, fix)
    }

    fn refuse_later_kinds(&self) -> Result<(), Flaw> {
        let Some(kind) = self.raw.later_kind() else { return Ok(()) };
        let why = format!("this version has no `{kind}` faults yet");
        Err(self.flaw(kind, why, format!("use one of {}", kind::NAMES.join(", "))))
    }

    /// A length of time that must be written, and above zero.
    fn above_zero(&self, key: &str, text: Option<&Text>, such_as: &str) -> Result<Duration, Flaw> {
        if text.is_none() {
            return Err(self.flaw(key, "is missing", format!("write how long, {such_as}")));
        }
        let length = time(&self.key(key), text, Duration::ZERO)?;
        if length.is_zero() {
            return Err(self.flaw(key, "is zero", format!("write how long, {such_as}")));
        }
        Ok(length)
    }

    /// When a fault with a fixed time begins.
    fn at(&self, targets: &[Place]) -> Result<Duration, Flaw> {
        if self.raw.until.is_some() {
            return Err(self.flaw(
                "until",
                "goes with `rate`",
                "write how often: rate = \"0.5/s\"",
            ));
        }
        if !targets.is_empty() {
            let fix = "write rate = \"0.5/s\" and until = \"20s\", or the number of one place";
            return Err(Flaw::new(
                &self.name,
                "a place with `*` is drawn, and so is its time",
                fix,
            ));
        }
        let missing = || self.flaw("at", "is missing", "write when it begins, such as \"1s\"");
        let at = self.raw.at.as_ref().ok_or_else(missing)?;
        time(&self.key("at"), Some(at), Duration::ZERO)
    }

    /// `every` and `times`.
    fn repeat(&self, lasts: Duration) -> Result<Option<Repeat>, Flaw> {
        let (every, times) = match (&self.raw.every, self.raw.times) {
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
        let every = time(&self.key("every"), Some(every), Duration::ZERO)?;
        if every < lasts {
            let why = "is shorter than `for`: it would overlap itself";
            return Err(self.flaw("every", why, "write a longer time from one begin to the next"));
        }
        Ok(Some(Repeat { every, times }))
    }

    /// How long a flapping link is down each time, and how it repeats within `whole`.
    fn flap(&self, whole: Duration) -> Result<(Duration, Option<Repeat>), Flaw> {
        for (key, written) in
            [("every", self.raw.every.is_some()), ("times", self.raw.times.is_some())]
        {
            if written {
                let fix = "leave it out: `for` says how long it flaps";
                return Err(self.flaw(key, "does not go with flap, which repeats by itself", fix));
            }
        }
        let down = self.above_zero("down", self.raw.down.as_ref(), "such as \"50ms\"")?;
        let up = self.above_zero("up", self.raw.up.as_ref(), "such as \"150ms\"")?;
        let times = (whole + up).as_nanos() / (down + up).as_nanos();
        if times == 0 {
            return Err(self.flaw("for", "is shorter than `down`", "write the whole duration"));
        }
        let bounded = u32::try_from(times).ok().filter(|times| *times <= MAX_FAULT_TIMES);
        let times = bounded.ok_or_else(|| {
            let why = format!("makes {times} times down, more than {MAX_FAULT_TIMES}");
            self.flaw("for", why, "write a shorter duration, or longer `down` and `up`")
        })?;
        Ok((down, Some(Repeat { every: down + up, times })))
    }

    /// The begin and end of what is drawn, and how often.
    fn draws(&self, rate: &Text) -> Result<(Duration, Duration, Decimal), Flaw> {
        let at = time(&self.key("at"), self.raw.at.as_ref(), Duration::ZERO)?;
        let until = self.above_zero("until", self.raw.until.as_ref(), "such as \"20s\"")?;
        if until <= at {
            return Err(self.flaw("until", "is not after `at`", "write a later time"));
        }
        if self.raw.may_miss {
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
