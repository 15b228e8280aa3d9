//! The places that faults hit: checked to be of a kind that the fault can hit, or drawn from all of that kind (`node:*`).

use stayput_host::config::ClusterConfig;

use super::Section;
use crate::scenario::error::Flaw;
use crate::scenario::fault::Sides;
use crate::scenario::raw::Names;
use crate::scenario::{Place, PlaceError};

/// A place, or the first of those that are drawn from; then all of these.
pub(super) type Target = (Place, Vec<Place>);

impl Section<'_> {
    /// A single machine that runs a process of the cluster.
    pub(super) fn machine(&self, key: &str, name: &str) -> Result<Target, Flaw> {
        let target = self.target(key, name)?;
        match target.0 {
            Place::Node(_) | Place::Proxy(_) | Place::Worker(_) => Ok(target),
            _ => Err(self.flaw(
                key,
                format!("{name} is not a single machine of the cluster"),
                "name a node, proxy or worker, such as \"node:2\"",
            )),
        }
    }

    /// A single machine that has a network card.
    pub(super) fn card(&self, key: &str, names: &Names) -> Result<Target, Flaw> {
        let fix = "name a node, proxy, worker or client, such as on = \"node:5\"";
        let [name] = names.0.as_slice() else {
            return Err(self.flaw(key, "throttles one card at a time", fix));
        };
        let target = self.target(key, name)?;
        match target.0 {
            Place::Node(_) | Place::Proxy(_) | Place::Worker(_) | Place::Client(_) => Ok(target),
            _ => Err(self.flaw(key, format!("{name} is not a single machine"), fix)),
        }
    }

    /// A disk, or a node for all of its disks.
    pub(super) fn disk(&self, key: &str, name: &str) -> Result<Target, Flaw> {
        let target = self.target(key, name)?;
        match target.0 {
            Place::Device(_) | Place::Node(_) => Ok(target),
            _ => Err(self.flaw(
                key,
                format!("{name} has no disk of the store"),
                "name a disk or a node, such as \"device:9\" or \"node:5\"",
            )),
        }
    }

    /// Two sides of the network: those that `key` lists against all others, or `between`.
    pub(super) fn sides(
        &self,
        key: &str,
        listed: Option<&Names>,
    ) -> Result<(Sides, Vec<Place>), Flaw> {
        let one_way = self.raw.one_way.unwrap_or(false);
        let fix = format!("write either {key} = [\"zone:3\"] or between = [[…], […]]");
        match (listed, &self.raw.between) {
            (Some(names), None) => {
                let (side, targets) = self.side(key, &names.0)?;
                Ok((Sides { side, others: None, one_way }, targets))
            }
            (None, Some(sides)) => {
                let [first, second] = self.two_sides(sides)?;
                Ok((Sides { side: first, others: Some(second), one_way }, Vec::new()))
            }
            (Some(_), Some(_)) => Err(self.flaw("between", format!("stands beside {key}"), fix)),
            (None, None) => Err(self.flaw(key, "is missing", fix)),
        }
    }

    /// The two places that a trunk is between.
    pub(super) fn trunk(&self, sides: &[Vec<String>]) -> Result<[Place; 2], Flaw> {
        let fix = "write between = [[\"zone:1\"], [\"zone:2\"]]";
        let [first, second] = self.two_sides(sides)?;
        let ([first], [second]) = (first.as_slice(), second.as_slice()) else {
            return Err(self.flaw("between", "a trunk is between two places", fix));
        };
        let at = |place: Place| match place {
            Place::Zone(zone) => Some(((zone - 1) / self.cluster.zones + 1, Some(zone))),
            Place::Region(region) => Some((region, None)),
            Place::Worker(_) | Place::Client(_) => Some((0, Some(u32::from(place == *first)))),
            Place::Node(_) | Place::Proxy(_) | Place::Device(_) => None,
        };
        let (Some((one, one_zone)), Some((other, other_zone))) = (at(*first), at(*second)) else {
            return Err(self.flaw("between", "a trunk is between zones, regions or outside", fix));
        };
        let outside = |place: Place| matches!(place, Place::Worker(_) | Place::Client(_));
        let same_kind = std::mem::discriminant(first) == std::mem::discriminant(second);
        let within = if outside(*first) || outside(*second) {
            outside(*first) && same_kind
        } else {
            one == other && (one_zone.is_none() || other_zone.is_none())
        };
        if within {
            let why = format!("no trunk is between {first} and {second}");
            return Err(self.flaw("between", why, fix));
        }
        Ok([*first, *second])
    }

    fn two_sides(&self, sides: &[Vec<String>]) -> Result<[Vec<Place>; 2], Flaw> {
        let fix = "write between = [[\"zone:3\"], [\"zone:1\"]]";
        let [first, second] = sides else {
            return Err(self.flaw("between", "wants two sides", fix));
        };
        let (first, drawn) = self.side("between", first)?;
        let (second, drawn_too) = self.side("between", second)?;
        if !drawn.is_empty() || !drawn_too.is_empty() {
            let why = "a place with `*` stands against all others";
            return Err(self.flaw("between", why, "write it without between"));
        }
        if let Some(place) = first.iter().find(|place| second.contains(place)) {
            let why = format!("{place} is on both sides");
            return Err(self.flaw("between", why, "leave it out of one"));
        }
        Ok([first, second])
    }

    /// Places that have a network.
    fn side(&self, key: &str, names: &[String]) -> Result<(Vec<Place>, Vec<Place>), Flaw> {
        if names.is_empty() {
            let fix = "name a place, such as \"zone:3\"";
            return Err(self.flaw(key, "has an empty side", fix));
        }
        let (mut side, mut drawn) = (Vec::new(), Vec::new());
        for name in names {
            let (place, targets) = self.target(key, name)?;
            if let Place::Device(_) = place {
                let why = format!("{name} is a disk, which has no network");
                return Err(self.flaw(key, why, "name its node"));
            }
            if !targets.is_empty() && names.len() > 1 {
                let why = format!("{name} stands beside other places");
                return Err(self.flaw(key, why, "let a place with `*` stand alone"));
            }
            side.push(place);
            drawn = targets;
        }
        Ok((side, drawn))
    }

    fn target(&self, key: &str, name: &str) -> Result<Target, Flaw> {
        target(name, self.cluster).map_err(|error| {
            let fix = "write region:1, zone:2, node:5, device:9, proxy:1, worker:2 or client:3";
            self.flaw(key, error.to_string(), fix)
        })
    }
}

fn target(name: &str, cluster: &ClusterConfig) -> Result<Target, PlaceError> {
    let Some(kind) = name.strip_suffix(":*") else {
        return Ok((Place::parse(name, cluster)?, Vec::new()));
    };
    let all = Place::all(kind, cluster).ok_or_else(|| PlaceError::Form(name.to_owned()))?;
    let missing = || PlaceError::Missing { text: name.to_owned(), have: 0 };
    Ok((all.first().copied().ok_or_else(missing)?, all))
}
