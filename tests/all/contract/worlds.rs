//! Worlds as backends of the contract's suite.

use std::rc::Rc;

use stayput_host::Purpose;
use stayput_host::contract::{Awaited, ContractBackend, ContractMain};
use stayput_host::topology::HostSpec;
use stayput_testkit::world::{self, LIMIT};
use stayput_world::{RunEnd, World};

/// World under test.
pub(super) struct WorldBackend(Box<dyn World>);

pub(super) fn fabric() -> WorldBackend {
    WorldBackend(world::fabric())
}

pub(super) fn turmoil() -> WorldBackend {
    WorldBackend(world::turmoil())
}

pub(super) fn tcp() -> WorldBackend {
    WorldBackend(world::tcp())
}

#[cfg(unix)]
pub(super) fn real_disks() -> WorldBackend {
    WorldBackend(super::real_disks::real_disks())
}

impl ContractBackend for WorldBackend {
    fn start(&mut self, spec: HostSpec, main: ContractMain) {
        self.0.add_host(spec, Rc::new(main));
    }

    fn run(&mut self, awaited: &dyn Awaited) {
        let end = self.0.run(&mut || awaited.is_there(), LIMIT);
        assert_eq!(end, RunEnd::Done, "the awaited report did not come");
    }

    fn body_bytes(&self, purpose: Purpose) -> u64 {
        self.0.ledger().totals().by_purpose.get(&purpose).copied().unwrap_or_default()
    }

    fn payload_bytes(&self) -> u64 {
        self.0.ledger().totals().payload
    }

    fn fuel_spent(&self) -> u64 {
        self.0.fuel_spent()
    }
}
