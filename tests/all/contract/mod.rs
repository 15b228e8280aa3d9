//! The seam's contract on every backend, and promises that only worlds with faults or real disks
//! make.
//!
//! The claims themselves are `stayput_host::contract`'s, except for those over HTTP.

mod disks;
mod faults;
mod http;
#[cfg(unix)]
mod killed;
mod real;
#[cfg(unix)]
mod same_disks;
#[cfg(unix)]
mod threads;
mod worlds;

use std::time::Duration;

use stayput_host::contract::cores::time_of_three_overheads;
use stayput_host::contract_tests;

mod on_fabric {
    use super::worlds::fabric;

    super::contract_tests!(
        fabric() => network, closing, clock, entropy, compute, cores, disk, metering
    );
}

/// Without `closing`: turmoil resets a connection when an end is dropped with bytes unread, loses
/// what was written, and lets a writer whose reader is gone wait for ever.
mod on_turmoil {
    use super::worlds::turmoil;

    super::contract_tests!(turmoil() => network, clock, entropy, compute, cores, disk, metering);
}

/// Without `cores`: real work takes its own time, not its fuel's.
mod on_tcp {
    use super::worlds::tcp;

    super::contract_tests!(tcp() => network, closing, clock, entropy, compute, disk, metering);
}

/// The server's hosts with connections in memory; without `cores` as well.
#[cfg(unix)]
mod on_threads {
    use super::threads::threads;

    super::contract_tests!(threads() => network, closing, clock, entropy, compute, disk, metering);
}

#[test]
fn simulated_work_takes_no_longer_than_its_fuel_and_overhead() {
    let times = [
        time_of_three_overheads(&mut worlds::fabric()),
        time_of_three_overheads(&mut worlds::turmoil()),
    ];
    for took in times {
        assert!(took <= Duration::from_millis(23), "{took:?}");
    }
}
