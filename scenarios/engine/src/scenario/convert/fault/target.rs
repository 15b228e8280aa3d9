//! Places that faults hit: checked to be of a kind that the fault can hit, or drawn from all of
//! that kind (`node:*`).
//!
//! A place that is drawn reads as the first of them. Leaves out the draw.

use stayput_host::config::ClusterConfig;
use stayput_world::fault::{ClusterPlace, ClusterPlaceError, FaultKeyError, Sides};

use super::section::Section;
use crate::scenario::raw::Names;

/// A place, or the first of those that are drawn from; then all of these.
type Target = (ClusterPlace, Vec<ClusterPlace>);

impl Section<'_> {
    /// A single machine that runs a process of the cluster.
    pub(super) fn read_machine(
        &self,
        key: &str,
        name: &str,
    ) -> Result<ClusterPlace, FaultKeyError> {
        let is_machine = |place| {
            matches!(
                place,
                ClusterPlace::Node(_) | ClusterPlace::Proxy(_) | ClusterPlace::Worker(_)
            )
        };
        self.one(key, name, is_machine, || {
            (
                format!("{name} is not a single machine of the cluster"),
                "name a node, proxy or worker, such as \"node:2\"",
            )
        })
    }

    /// A single machine that has a network card.
    pub(super) fn read_card(
        &self,
        key: &str,
        names: &Names,
    ) -> Result<ClusterPlace, FaultKeyError> {
        let fix = "name a node, proxy, worker or client, such as on = \"node:5\"";
        let [name] = names.0.as_slice() else {
            return Err(FaultKeyError::new(key, "throttles one card at a time", fix));
        };
        let has_card = |place| {
            matches!(
                place,
                ClusterPlace::Node(_)
                    | ClusterPlace::Proxy(_)
                    | ClusterPlace::Worker(_)
                    | ClusterPlace::Client(_)
            )
        };
        self.one(key, name, has_card, || (format!("{name} is not a single machine"), fix))
    }

    /// A disk, or a node for all of its disks.
    pub(super) fn read_disk(&self, key: &str, name: &str) -> Result<ClusterPlace, FaultKeyError> {
        let has_disk = |place| matches!(place, ClusterPlace::Device(_) | ClusterPlace::Node(_));
        self.one(key, name, has_disk, || {
            (
                format!("{name} has no disk of the store"),
                "name a disk or a node, such as \"device:9\" or \"node:5\"",
            )
        })
    }

    /// A single place that `fits`, or drawn ones.
    fn one(
        &self,
        key: &str,
        name: &str,
        fits: impl Fn(ClusterPlace) -> bool,
        refusal: impl Fn() -> (String, &'static str),
    ) -> Result<ClusterPlace, FaultKeyError> {
        let (place, drawn) = self.target(key, name)?;
        if !fits(place) {
            let (why, fix) = refusal();
            return Err(FaultKeyError::new(key, why, fix));
        }
        self.set_drawn_targets(drawn);
        Ok(place)
    }

    /// Two sides of the network: those that `key` lists against all others, or `between`.
    pub(super) fn read_sides(&self, key: &str) -> Result<Sides<ClusterPlace>, FaultKeyError> {
        let one_way = self.read("one_way")?.unwrap_or(false);
        let fix = format!("write either {key} = [\"zone:3\"] or between = [[…], […]]");
        match (self.names(key)?, self.between()?) {
            (Some(names), None) => {
                let (from, drawn) = self.side(key, &names.0)?;
                self.set_drawn_targets(drawn);
                Ok(Sides { from, to: None, one_way })
            }
            (None, Some(sides)) => {
                let [from, to] = self.two_sides(&sides)?;
                Ok(Sides::between(from, to, one_way))
            }
            (Some(_), Some(_)) => {
                Err(FaultKeyError::new("between", format!("stands beside {key}"), fix))
            }
            (None, None) => Err(FaultKeyError::new(key, "is missing", fix)),
        }
    }

    /// The two places that a trunk is between.
    pub(super) fn read_trunk(&self) -> Result<[ClusterPlace; 2], FaultKeyError> {
        let fix = "write between = [[\"zone:1\"], [\"zone:2\"]]";
        let refuse = |why: &str| FaultKeyError::new("between", why, fix);
        let [first, second] = self.two_sides(&self.between()?.unwrap_or_default())?;
        let ([first], [second]) = (first.as_slice(), second.as_slice()) else {
            return Err(refuse("a trunk is between two places"));
        };
        let at = |place: ClusterPlace| match place {
            ClusterPlace::Zone(zone) => Some(((zone - 1) / self.cluster.zones + 1, Some(zone))),
            ClusterPlace::Region(region) => Some((region, None)),
            ClusterPlace::Worker(_) | ClusterPlace::Client(_) => {
                Some((0, Some(u32::from(place == *first))))
            }
            ClusterPlace::Node(_) | ClusterPlace::Proxy(_) | ClusterPlace::Device(_) => None,
        };
        let (Some((one, one_zone)), Some((other, other_zone))) = (at(*first), at(*second)) else {
            return Err(refuse("a trunk is between zones, regions or outside"));
        };
        let outside = |place: ClusterPlace| {
            matches!(place, ClusterPlace::Worker(_) | ClusterPlace::Client(_))
        };
        let same_kind = std::mem::discriminant(first) == std::mem::discriminant(second);
        let within = if outside(*first) || outside(*second) {
            outside(*first) && same_kind
        } else {
            one == other && (one_zone.is_none() || other_zone.is_none())
        };
        if within {
            return Err(refuse(&format!("no trunk is between {first} and {second}")));
        }
        Ok([*first, *second])
    }

    fn between(&self) -> Result<Option<Vec<Vec<String>>>, FaultKeyError> {
        self.read("between")
    }

    fn two_sides(&self, sides: &[Vec<String>]) -> Result<[Vec<ClusterPlace>; 2], FaultKeyError> {
        let fix = "write between = [[\"zone:3\"], [\"zone:1\"]]";
        let [first, second] = sides else {
            return Err(FaultKeyError::new("between", "wants two sides", fix));
        };
        let (first, drawn) = self.side("between", first)?;
        let (second, drawn_too) = self.side("between", second)?;
        if !drawn.is_empty() || !drawn_too.is_empty() {
            let why = "a place with `*` stands against all others";
            return Err(FaultKeyError::new("between", why, "write it without between"));
        }
        if let Some(place) = first.iter().find(|place| second.contains(place)) {
            let why = format!("{place} is on both sides");
            return Err(FaultKeyError::new("between", why, "leave it out of one"));
        }
        Ok([first, second])
    }

    /// Places that have a network.
    fn side(
        &self,
        key: &str,
        names: &[String],
    ) -> Result<(Vec<ClusterPlace>, Vec<ClusterPlace>), FaultKeyError> {
        if names.is_empty() {
            let fix = "name a place, such as \"zone:3\"";
            return Err(FaultKeyError::new(key, "has an empty side", fix));
        }
        let (mut side, mut drawn) = (Vec::new(), Vec::new());
        for name in names {
            let (place, targets) = self.target(key, name)?;
            if let ClusterPlace::Device(_) = place {
                let why = format!("{name} is a disk, which has no network");
                return Err(FaultKeyError::new(key, why, "name its node"));
            }
            if !targets.is_empty() && names.len() > 1 {
                let why = format!("{name} stands beside other places");
                return Err(FaultKeyError::new(key, why, "let a place with `*` stand alone"));
            }
            side.push(place);
            drawn = targets;
        }
        Ok((side, drawn))
    }

    fn target(&self, key: &str, name: &str) -> Result<Target, FaultKeyError> {
        target(name, self.cluster).map_err(|error| {
            let fix = "write region:1, zone:2, node:5, device:9, proxy:1, worker:2 or client:3";
            FaultKeyError::new(key, error.to_string(), fix)
        })
    }
}

fn target(name: &str, cluster: &ClusterConfig) -> Result<Target, ClusterPlaceError> {
    let Some(kind) = name.strip_suffix(":*") else {
        return Ok((ClusterPlace::parse(name, cluster)?, Vec::new()));
    };
    let all =
        ClusterPlace::all(kind, cluster).ok_or_else(|| ClusterPlaceError::Form(name.to_owned()))?;
    let missing = || ClusterPlaceError::Missing { text: name.to_owned(), have: 0 };
    Ok((all.first().copied().ok_or_else(missing)?, all))
}
