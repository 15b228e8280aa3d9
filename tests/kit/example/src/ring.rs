//! Ring of a cluster that grew: the devices came zone by zone, with a rebalance after each.
//!
//! Leaves out the hours between: the least time between two moves of a partition is zero.

use stayput_ring::{NewDevice, PartPower, Replicas, Ring, RingBuilder, RingError};

/// Rebalances after which a ring is at rest, at most.
const REBALANCES_MAX: u64 = 40;

/// Ring over `devices`, which are added in their order, zone by zone.
///
/// # Errors
/// The devices are too few for the replicas, or one comes twice.
pub fn grown(
    devices: &[NewDevice],
    part_power: PartPower,
    replicas: Replicas,
    seed: u64,
) -> Result<Ring, RingError> {
    let mut builder = RingBuilder::new(part_power, replicas, 0)?;
    for zone in devices.chunk_by(|a, b| (a.region, a.zone) == (b.region, b.zone)) {
        for device in zone {
            builder.add_device(device.clone())?;
        }
        // The first zones alone may have too few devices for the replicas.
        if let Err(error) = settle(&mut builder, seed)
            && !matches!(error, RingError::TooFewDevices { .. })
        {
            return Err(error);
        }
    }
    settle(&mut builder, seed)?;
    builder.ring()
}

/// Rebalances until nothing moves any more.
fn settle(builder: &mut RingBuilder, seed: u64) -> Result<(), RingError> {
    for hour in 0..REBALANCES_MAX {
        if builder.rebalance(hour, seed)?.moved_parts == 0 {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use stayput_testkit::ring::assert_keeps_to_the_rules;

    use super::grown;

    #[test]
    fn a_ring_that_grew_keeps_to_the_rules() {
        assert_keeps_to_the_rules(|wanted| {
            let ring = grown(&wanted.devices, wanted.part_power, wanted.replicas, wanted.seed);
            ring.expect("every topology has a ring")
        });
    }
}
