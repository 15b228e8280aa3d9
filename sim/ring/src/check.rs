//! Naive checker of finished rings. It reads a [`Ring`] through its public methods and shares no
//! code with the builder.
//!
//! Safety first: distinct devices, then distinct regions, zones and hosts as far as devices of
//! nonzero weight allow, then handoffs. Loads last: where every weight's share respects the spread,
//! each device must hold its share within the tolerance; everywhere, no replica may be able to move
//! without loss of spread from a device that holds more per weight to one that holds less.
//! Leaves out chains of several moves that could do better, and the number of moves made.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::{Device, DeviceId, Partition, Region, Ring, Zone};

/// Broken promise of a ring.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RingViolation {
    /// Two replicas lie on one device.
    #[error("partition {0} has two replicas on one device")]
    SharedDevice(Partition),
    /// Replicas lie closer together than they must.
    #[error(
        "partition {partition} lies in {found:?} regions, zones, hosts; {possible:?} are possible"
    )]
    Close {
        /// The partition.
        partition: Partition,
        /// Distinct regions, zones and hosts.
        found: [usize; 3],
        /// The most that the topology and the replica count allow.
        possible: [usize; 3],
    },
    /// A device of weight zero holds data.
    #[error("device {0} has weight 0 and holds replicas")]
    NotDrained(DeviceId),
    /// A primary is missing or comes twice, or a device does.
    #[error("partition {0}: primaries and handoffs are not every device once")]
    Handoffs(Partition),
    /// A handoff comes before one that is farther from what was used so far.
    #[error("partition {partition}: handoff {device} comes before a farther one")]
    HandoffOrder {
        /// The partition.
        partition: Partition,
        /// The handoff.
        device: DeviceId,
    },
    /// A device is off a share that the topology allows.
    #[error("device {device} holds {held} replicas, its share is {share}")]
    Share {
        /// The device.
        device: DeviceId,
        /// Replicas on it.
        held: u64,
        /// Replicas by weight.
        share: f64,
    },
    /// A move would bring loads nearer to weights and cost nothing.
    #[error(
        "partition {partition} could move from device {from} to {to}, which has less per weight"
    )]
    Uneven {
        /// The partition.
        partition: Partition,
        /// Device that holds the replica.
        from: DeviceId,
        /// Device that could hold it.
        to: DeviceId,
    },
}

type Domains = (BTreeSet<Region>, BTreeSet<(Region, Zone)>, BTreeSet<(Region, Zone, IpAddr)>);

fn domains<'ring>(devices: impl Iterator<Item = &'ring Device>) -> Domains {
    let mut domains = Domains::default();
    for device in devices {
        domains.0.insert(device.region);
        domains.1.insert((device.region, device.zone));
        domains.2.insert((device.region, device.zone, device.ip));
    }
    domains
}

fn distinct<'ring>(devices: impl Iterator<Item = &'ring Device>) -> [usize; 3] {
    let (regions, zones, hosts) = domains(devices);
    [regions.len(), zones.len(), hosts.len()]
}

fn takes_data(device: &&Device) -> bool {
    device.weight.get() > 0.0
}

/// All violations of a ring at rest. A device may be `tolerance_parts` replicas off its share.
pub fn check(ring: &Ring, tolerance_parts: u64) -> Vec<RingViolation> {
    let mut violations = spread(ring);
    for partition in ring.partitions() {
        violations.extend(handoffs(ring, partition));
    }
    violations.extend(loads(ring, tolerance_parts));
    violations
}

/// Violations of distance: shared devices, shared domains.
pub fn spread(ring: &Ring) -> Vec<RingViolation> {
    let replicas = ring.replica_count();
    let possible = distinct(ring.devices().filter(takes_data)).map(|count| count.min(replicas));
    let mut violations = Vec::new();
    for partition in ring.partitions() {
        let primaries = ring.primaries(partition);
        let ids: BTreeSet<DeviceId> = primaries.iter().map(|device| device.id).collect();
        if ids.len() != replicas {
            violations.push(RingViolation::SharedDevice(partition));
        }
        let found = distinct(primaries.into_iter());
        if (0..3).any(|level| found[level] < possible[level]) {
            violations.push(RingViolation::Close { partition, found, possible });
        }
    }
    violations
}

/// Violations of one partition's handoffs: completeness, then order.
pub fn handoffs(ring: &Ring, partition: Partition) -> Option<RingViolation> {
    let primaries = ring.primaries(partition);
    let handoffs: Vec<&Device> = ring.handoffs(partition).collect();
    let mut ids: Vec<DeviceId> =
        primaries.iter().chain(&handoffs).map(|device| device.id).collect();
    ids.sort_unstable();
    let all: Vec<DeviceId> = ring.devices().map(|device| device.id).collect();
    if ids != all {
        return Some(RingViolation::Handoffs(partition));
    }
    let mut used = domains(primaries.iter().copied());
    for (at, handoff) in handoffs.iter().enumerate() {
        let rank = |device: &Device| {
            let Device { region, zone, ip, .. } = *device;
            (
                takes_data(&device),
                !used.0.contains(&region),
                !used.1.contains(&(region, zone)),
                !used.2.contains(&(region, zone, ip)),
            )
        };
        let present = rank(handoff);
        if present.0 && handoffs[at..].iter().any(|later| rank(later) > present) {
            return Some(RingViolation::HandoffOrder { partition, device: handoff.id });
        }
        if !present.0 && handoffs[at..].iter().any(takes_data) {
            return Some(RingViolation::HandoffOrder { partition, device: handoff.id });
        }
        used.0.insert(handoff.region);
        used.1.insert((handoff.region, handoff.zone));
        used.2.insert((handoff.region, handoff.zone, handoff.ip));
    }
    None
}

/// Violations of weight.
pub fn loads(ring: &Ring, tolerance_parts: u64) -> Vec<RingViolation> {
    let size = ring.devices().map(|device| device.id.index() + 1).max().unwrap_or(0);
    let mut held = vec![0_u64; size];
    for partition in ring.partitions() {
        ring.primaries(partition).iter().for_each(|device| held[device.id.index()] += 1);
    }
    let mut violations = Vec::new();
    for device in ring.devices().filter(|device| !takes_data(device)) {
        if held[device.id.index()] > 0 {
            violations.push(RingViolation::NotDrained(device.id));
        }
    }
    if shares_fit(ring) {
        for device in ring.devices().filter(takes_data) {
            let (held, share) = (held[device.id.index()], share(ring, device));
            let share = share * ring.part_power().partitions() as f64;
            if (held as f64 - share).abs() > tolerance_parts as f64 {
                violations.push(RingViolation::Share { device: device.id, held, share });
            }
        }
    }
    violations.extend(free_moves(ring, &held, tolerance_parts));
    violations
}

/// Replicas of one partition that a device should hold by weight alone.
fn share(ring: &Ring, device: &Device) -> f64 {
    let weights: f64 = ring.devices().map(|device| device.weight.get()).sum();
    ring.replica_count() as f64 * device.weight.get() / weights
}

/// True if shares by weight alone keep the spread: at most one replica per domain where domains
/// suffice, at least one where they do not.
fn shares_fit(ring: &Ring) -> bool {
    let replicas = ring.replica_count();
    let active: Vec<&Device> = ring.devices().filter(takes_data).collect();
    let (regions, zones, hosts) = domains(active.iter().copied());
    let fits = |domains: usize, inside: &dyn Fn(&Device) -> bool| {
        let within = active.iter().filter(|device| inside(device));
        let total: f64 = within.map(|device| share(ring, device)).sum();
        // Sums of doubles are a hair off where they should be exactly one.
        (domains < replicas || total <= 1.0 + 1e-9) && (domains > replicas || total >= 1.0 - 1e-9)
    };
    regions.iter().all(|region| fits(regions.len(), &|d| d.region == *region))
        && zones.iter().all(|zone| fits(zones.len(), &|d| (d.region, d.zone) == *zone))
        && hosts.iter().all(|host| fits(hosts.len(), &|d| (d.region, d.zone, d.ip) == *host))
        && active.iter().all(|device| fits(active.len(), &|d| d.id == device.id))
}

/// Single moves that keep the spread and even out the loads by more than the tolerance.
fn free_moves(ring: &Ring, held: &[u64], tolerance_parts: u64) -> Vec<RingViolation> {
    let active: Vec<&Device> = ring.devices().filter(takes_data).collect();
    let possible = distinct(active.iter().copied()).map(|count| count.min(ring.replica_count()));
    let per_weight = |device: &Device, held: u64| held as f64 / device.weight.get();
    let mut violations = Vec::new();
    for partition in ring.partitions() {
        let primaries = ring.primaries(partition);
        for from in primaries.iter().copied().filter(takes_data) {
            let much = per_weight(from, held[from.id.index()].saturating_sub(tolerance_parts));
            for to in active.iter().filter(|to| primaries.iter().all(|known| known.id != to.id)) {
                let little = per_weight(to, held[to.id.index()] + tolerance_parts);
                if much <= little * (1.0 + 1e-9) {
                    continue;
                }
                let kept = primaries.iter().filter(|device| device.id != from.id);
                let then = distinct(kept.chain([to]).copied());
                if (0..3).all(|level| then[level] >= possible[level]) {
                    violations.push(RingViolation::Uneven { partition, from: from.id, to: to.id });
                }
            }
        }
    }
    violations
}
