//! Worlds as backends of the contract's suite.

use stayput_host::contract::{Awaited, ContractBackend};
use stayput_host::topology::HostSpec;
use stayput_host::{Backend, HostMain, Purpose, RunEnd};
use stayput_server::LoopbackServer;
use stayput_testkit::world::{self, LIMIT};
use stayput_world::RunMeters;
use stayput_world::fabric::Fabric;
use stayput_world::metered::Metered;
use stayput_world::turmoil::Turmoil;

/// World under test.
pub(super) struct WorldBackend<B>(Box<B>);

pub(super) fn fabric() -> WorldBackend<Fabric> {
    WorldBackend(world::fabric())
}

pub(super) fn turmoil() -> WorldBackend<Turmoil> {
    WorldBackend(world::turmoil())
}

pub(super) fn tcp() -> WorldBackend<Metered<LoopbackServer>> {
    WorldBackend(world::tcp())
}

impl<B: Backend + RunMeters> ContractBackend for WorldBackend<B> {
    fn start(&mut self, spec: HostSpec, main: HostMain) {
        self.0.add_host(spec, main);
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
