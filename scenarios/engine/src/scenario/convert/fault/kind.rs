//! What a fault is: exactly one kind, with the keys that go with it and no others.

use std::num::NonZeroU32;

use stayput_host::config::Chance;

use super::Section;
use super::target::Target;
use crate::quantity::{parse_byte_rate, parse_chance};
use crate::scenario::convert::bounded;
use crate::scenario::convert::limits::MAX_SLOW_FACTOR;
use crate::scenario::error::Flaw;
use crate::scenario::fault::Sides;
use crate::scenario::raw::Text;
use crate::scenario::{FaultKind, Place};

/// The kinds, as files name them.
pub(super) const NAMES: [&str; 10] = [
    "partition",
    "latency",
    "loss",
    "throttle",
    "flap",
    "crash",
    "power",
    "slow_disk",
    "full_disk",
    "read_errors",
];

/// What a section says that happens.
pub(super) struct What {
    /// As the file names it.
    pub(super) name: &'static str,
    pub(super) kind: FaultKind,
    /// The places that it is drawn from; empty if its place is written.
    pub(super) targets: Vec<Place>,
}

pub(super) fn what(section: &Section<'_>) -> Result<What, Flaw> {
    let raw = section.raw;
    let name = section.kind_name()?;
    section.check_keys(name)?;
    let listed = |names| section.sides(name, names);
    let on_sides = || section.sides("on", raw.on.as_ref());
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let (kind, targets) = match name {
        "latency" => {
            let such_as = "such as \"20ms\"";
            let added = section.above_zero(name, raw.latency.as_ref(), such_as)?;
            with_sides(on_sides()?, |sides| FaultKind::Latency { sides, added })
        }
        "loss" => {
            let chance = section.chance(name, raw.loss.as_ref())?;
            if chance.get() == Chance::BILLION {
                let why = "loses everything";
                return Err(section.flaw(name, why, "use a partition, or write less than 100 %"));
            }
            with_sides(on_sides()?, |sides| FaultKind::Loss { sides, chance })
        }
        "throttle" => section.throttle(raw.throttle.as_ref())?,
        "crash" => at(section.machine(name, &text(&raw.crash))?, FaultKind::Crash),
        "power" => at(section.machine(name, &text(&raw.power))?, FaultKind::Power),
        "slow_disk" => {
            let factor = section.factor()?;
            at(section.disk(name, &text(&raw.slow_disk))?, |place| FaultKind::SlowDisk {
                place,
                factor,
            })
        }
        "full_disk" => at(section.disk(name, &text(&raw.full_disk))?, FaultKind::FullDisk),
        "read_errors" => {
            let chance = section.chance("chance", raw.chance.as_ref())?;
            at(section.disk(name, &text(&raw.read_errors))?, |place| FaultKind::ReadErrors {
                place,
                chance,
            })
        }
        "flap" => with_sides(listed(raw.flap.as_ref())?, FaultKind::Partition),
        _ => with_sides(listed(raw.partition.as_ref())?, FaultKind::Partition),
    };
    Ok(What { name, kind, targets })
}

fn at((place, targets): Target, kind: impl FnOnce(Place) -> FaultKind) -> (FaultKind, Vec<Place>) {
    (kind(place), targets)
}

fn with_sides(
    (sides, targets): (Sides, Vec<Place>),
    kind: impl FnOnce(Sides) -> FaultKind,
) -> (FaultKind, Vec<Place>) {
    (kind(sides), targets)
}

impl Section<'_> {
    /// The one kind that the section names.
    fn kind_name(&self) -> Result<&'static str, Flaw> {
        let raw = self.raw;
        let given = [
            raw.partition.is_some(),
            raw.latency.is_some(),
            raw.loss.is_some(),
            raw.throttle.is_some(),
            raw.flap.is_some(),
            raw.crash.is_some(),
            raw.power.is_some(),
            raw.slow_disk.is_some(),
            raw.full_disk.is_some(),
            raw.read_errors.is_some(),
        ];
        let named = NAMES.into_iter().zip(given).filter(|(_, given)| *given);
        match named.map(|(name, _)| name).collect::<Vec<_>>().as_slice() {
            [name] => Ok(name),
            [] if raw.between.is_some() && (raw.down.is_some() || raw.up.is_some()) => Ok("flap"),
            [] if raw.between.is_some() => Ok("partition"),
            _ => Err(Flaw::new(
                &self.name,
                format!("wants exactly one of {}", NAMES.join(", ")),
                "give each fault a [[fault]] section of its own",
            )),
        }
    }

    /// Refuses keys that go with other kinds.
    fn check_keys(&self, kind: &str) -> Result<(), Flaw> {
        let raw = self.raw;
        let sided: &[&str] = &["partition", "latency", "loss", "flap"];
        let keys: [(&str, bool, &[&str]); 7] = [
            ("on", raw.on.is_some(), &["latency", "loss", "throttle"]),
            ("one_way", raw.one_way.is_some(), sided),
            (
                "between",
                raw.between.is_some(),
                &["partition", "latency", "loss", "flap", "throttle"],
            ),
            ("factor", raw.factor.is_some(), &["slow_disk"]),
            ("chance", raw.chance.is_some(), &["read_errors"]),
            ("down", raw.down.is_some(), &["flap"]),
            ("up", raw.up.is_some(), &["flap"]),
        ];
        match keys.into_iter().find(|(_, given, kinds)| *given && !kinds.contains(&kind)) {
            Some((key, _, kinds)) => {
                let why = format!("goes with {} only, this is {kind}", kinds.join(", "));
                Err(self.flaw(key, why, "leave it out"))
            }
            None => Ok(()),
        }
    }

    fn throttle(&self, rate: Option<&Text>) -> Result<(FaultKind, Vec<Place>), Flaw> {
        let text = rate.map_or("", |rate| &rate.0);
        let rate = parse_byte_rate(text)
            .map_err(|error| self.flaw("throttle", error.to_string(), error.fix))?;
        match (&self.raw.on, &self.raw.between) {
            (Some(names), None) => {
                Ok(at(self.card("on", names)?, |place| FaultKind::ThrottleCard { place, rate }))
            }
            (None, Some(sides)) => {
                let between = self.trunk(sides)?;
                Ok((FaultKind::ThrottleTrunk { between, rate }, Vec::new()))
            }
            _ => {
                let fix = "write either on = \"node:5\" (its card) or between = [[\"zone:1\"], [\"zone:2\"]] (the trunk)";
                Err(self.flaw("throttle", "wants either `on` or `between`", fix))
            }
        }
    }

    /// A chance above zero.
    fn chance(&self, key: &str, text: Option<&Text>) -> Result<Chance, Flaw> {
        let fix = "write how likely it is, such as \"1 %\"";
        let text = text.ok_or_else(|| self.flaw(key, "is missing", fix))?;
        let chance =
            parse_chance(&text.0).map_err(|error| self.flaw(key, error.to_string(), error.fix))?;
        if chance == Chance::NEVER {
            return Err(self.flaw(key, "is zero", fix));
        }
        Ok(chance)
    }

    fn factor(&self) -> Result<NonZeroU32, Flaw> {
        let fix = "write how many times as long an access takes: factor = 10";
        if self.raw.factor.is_none() {
            return Err(self.flaw("factor", "is missing", fix));
        }
        let factor = bounded(&self.key("factor"), self.raw.factor, 2, 2, MAX_SLOW_FACTOR)?;
        NonZeroU32::new(factor).ok_or_else(|| self.flaw("factor", "is zero", fix))
    }
}
