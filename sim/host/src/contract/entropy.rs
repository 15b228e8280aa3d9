//! Claim about keyed entropy.

use rand::Rng;

use super::ContractBackend;
use super::script::start_reporting;

/// Claims that other draws do not change the stream of a key.
pub fn entropy_depends_on_its_key_alone(backend: &mut dyn ContractBackend) {
    let draws = start_reporting(backend, 0, |host| async move {
        let first = host.entropy("p", b"id", 0).next_u64();
        host.entropy("other", b"", 0).next_u64();
        (first, host.entropy("p", b"id", 0).next_u64())
    });
    let (first, again) = draws.wait(backend);
    assert_eq!(first, again);
}
