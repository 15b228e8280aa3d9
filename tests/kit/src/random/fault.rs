//! Random faults: any kind of a catalog, at drawn places, once or again and again.
//!
//! A kind reads its keys from a section of a scenario; here the section is drawn
//! ([`super::section`]), so that every kind of the catalog is drawn too, those of a crate of your
//! own included. Leaves out faults of clients' machines, whose histories would be gone with them;
//! their links are troubled as all others are.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde::{Deserialize, Serialize};
use stayput_cluster::Cluster;
use stayput_engine::run::fault_on_hosts;
use stayput_host::Time;
use stayput_host::config::Chance;
use stayput_host::topology::HostKey;
use stayput_world as world;
use stayput_world::fault::kinds::Loss;
use stayput_world::fault::{FaultCatalog, FaultKind, FaultRhythm, ParsedFault, Repeat, Sides};

use super::case::Case;
use super::section::DrawnSection;

/// End of all faults after the first step: longer than a client keeps asking those who refuse.
pub const HORIZON_MS: u32 = 40_000;
/// Beginning of the last fault after the first step: most steps are taken before then.
const BEGIN_MS: u32 = 8_000;
/// Occurrences of a fault at most.
const TIMES_MAX: u32 = 6;
/// Faults of a case at most.
const FAULTS_MAX: usize = 8;
/// Kinds that are drawn more often: they break promises that the others only strain.
const OFTEN: [&str; 3] = ["partition", "crash", "power"];

/// Fault of a case: the key of its kind, and the values that the kind's keys are read from.
///
/// Hosts are numbered: nodes, proxies, the worker, clients. Numbers that are too large wrap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseFault {
    /// Key of the kind in the catalog.
    pub kind: String,
    /// Start, in milliseconds after the first step.
    pub at_ms: u32,
    /// Duration, in milliseconds.
    pub for_ms: u32,
    /// Hosts of one side. The first is the place of a fault of one machine, one disk or one card.
    pub on: Vec<u32>,
    /// Hosts of the other side; all others if empty.
    #[serde(default)]
    pub against: Vec<u32>,
    /// True if only what the first side sends is affected.
    #[serde(default)]
    pub one_way: bool,
    /// Size of chances, times, rates and numbers, in thousandths of their range.
    #[serde(default)]
    pub per_mille: u32,
    /// Recurrence, if any.
    #[serde(default)]
    pub again: Option<Again>,
}

/// Recurrence of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Again {
    /// Occurrences in all.
    pub times: u32,
    /// Rest in between, in milliseconds.
    pub rest_ms: u32,
}

impl CaseFault {
    /// Fault of a kind at some hosts, against all others, that begins at the first step and is over
    /// at once.
    #[must_use]
    pub fn new(kind: &str, on: Vec<u32>) -> Self {
        Self {
            kind: kind.to_owned(),
            at_ms: 0,
            for_ms: 1,
            on,
            against: Vec::new(),
            one_way: false,
            per_mille: 0,
            again: None,
        }
    }

    /// The fault at another time.
    #[must_use]
    pub fn during(self, at_ms: u32, for_ms: u32) -> Self {
        Self { at_ms, for_ms, ..self }
    }

    /// The fault as the world has it, in a cluster whose first step is at `start`.
    ///
    /// # Panics
    /// The catalog has no such kind, or the kind refuses every value of a key.
    #[must_use]
    pub fn in_world(&self, cluster: &Cluster, start: Time, catalog: &FaultCatalog) -> world::Fault {
        let ParsedFault { kind, rhythm } = self.parse(cluster, catalog);
        let kind = fault_on_hosts(cluster, &kind).unwrap_or_else(|error| panic!("{error}"));
        let (at, whole) = (start + ms(self.at_ms), ms(self.for_ms));
        let (lasts, repeat) = match rhythm {
            Some(rhythm) => within(whole, rhythm),
            None => (whole, self.again.map(|again| self.repeat(again))),
        };
        world::Fault { at, lasts, repeat, kind }
    }

    /// Kind with its places in a cluster, read from this fault's values.
    fn parse(&self, cluster: &Cluster, catalog: &FaultCatalog) -> ParsedFault {
        let spec = catalog.named(&self.kind);
        let spec = spec.unwrap_or_else(|| panic!("the catalog has no fault kind {}", self.kind));
        let parsed = (spec.parse)(&DrawnSection::new(self, cluster));
        parsed.unwrap_or_else(|error| panic!("{}: {error}", self.kind))
    }

    /// Recurrence as far as the horizon has room: shrunk cases may come to last too long.
    fn repeat(&self, Again { times, rest_ms }: Again) -> Repeat {
        let every = (self.for_ms + rest_ms).max(1);
        let fits = 1 + HORIZON_MS.saturating_sub(self.at_ms + self.for_ms) / every;
        Repeat { every: ms(every), times: times.min(fits) }
    }
}

/// Length and recurrence of a fault that comes and goes within `whole`.
fn within(whole: Duration, FaultRhythm { down, up }: FaultRhythm) -> (Duration, Option<Repeat>) {
    let times = (whole + up).as_nanos() / (down + up).as_nanos();
    match u32::try_from(times) {
        Ok(times) if times > 0 => (down, Some(Repeat { every: down + up, times })),
        _ => (whole.min(down), None),
    }
}

fn ms(ms: u32) -> Duration {
    Duration::from_millis(u64::from(ms))
}

/// Faults of a case with the keys of their kinds, as the world has them. Of a node's slow disks
/// only the first counts: their factors multiply, and what is queued on both would keep the disk
/// busy for minutes after they are mended.
pub(super) fn in_world<'a>(
    case: &'a Case,
    cluster: &Cluster,
    start: Time,
    catalog: &FaultCatalog,
) -> Vec<(&'a str, world::Fault)> {
    let mut slow = BTreeSet::new();
    let faults =
        case.faults.iter().map(|fault| (&*fault.kind, fault.in_world(cluster, start, catalog)));
    faults
        .chain(worn(case.links.loss_per_mille, cluster, start).map(|fault| ("loss", fault)))
        .filter(|(kind, fault)| *kind != "slow_disk" || slow.insert(fault.kind.hosts()))
        .collect()
}

/// Loss of segments on all links until all is mended.
fn worn(loss_per_mille: u32, cluster: &Cluster, start: Time) -> Option<world::Fault> {
    let chance = Chance::per_billion(loss_per_mille * (Chance::BILLION / 1_000));
    let chance = chance.filter(|chance| *chance != Chance::NEVER)?;
    let hosts = [&cluster.nodes, &cluster.proxies, &cluster.workers, &cluster.clients];
    let all: Vec<HostKey> = hosts.into_iter().flatten().copied().collect();
    let kind = FaultKind::ways(Sides::between(all.clone(), all, true), Loss { chance });
    Some(world::Fault::once(start, ms(HORIZON_MS), kind))
}

/// Strategy for up to eight faults of the kinds that `catalog` has.
///
/// ```
/// use proptest::prelude::*;
/// use stayput_testkit::random::faults;
/// use stayput_world::fault::FaultCatalog;
///
/// proptest!(|(faults in faults(&FaultCatalog::default()))| {
///     prop_assert!(faults.len() <= 8);
/// });
/// ```
pub fn faults(catalog: &FaultCatalog) -> impl Strategy<Value = Vec<CaseFault>> + use<> {
    vec(fault(catalog), 0..=FAULTS_MAX)
}

fn fault(catalog: &FaultCatalog) -> impl Strategy<Value = CaseFault> + use<> {
    let all: Vec<&str> = catalog.specs().map(|spec| spec.key).collect();
    let often: Vec<&str> = all.iter().filter(|kind| OFTEN.contains(kind)).copied().collect();
    let often = if often.is_empty() { all.clone() } else { often };
    let kind = prop_oneof![select(all), select(often)];
    let for_ms = prop_oneof![3 => 1..5_000_u32, 2 => 5_000..HORIZON_MS];
    let again = (2..=TIMES_MAX, 1_u32..3_000).prop_map(|(times, rest_ms)| Again { times, rest_ms });
    let again = prop_oneof![3 => Just(None), 1 => again.prop_map(Some)];
    let hosts = || vec(0_u32..16, 1..4);
    let against = prop_oneof![Just(Vec::new()), hosts()];
    (kind, 0..BEGIN_MS, for_ms, hosts(), against, any::<bool>(), 1_u32..1_000, again).prop_map(
        |(kind, at_ms, for_ms, on, against, one_way, per_mille, again)| CaseFault {
            kind: kind.to_owned(),
            at_ms,
            for_ms: for_ms.min(HORIZON_MS - at_ms),
            on,
            against,
            one_way,
            per_mille,
            again,
        },
    )
}
