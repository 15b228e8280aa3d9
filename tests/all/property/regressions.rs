//! Cases that once failed, each with what was wrong.

use stayput_jobs::placement::PlacementConfig;
use stayput_testkit::random::fault::{CaseFault, Kind};
use stayput_testkit::random::{Case, Links, Op, Step, judge};

/// The newest version was looked for on handoffs only if too few primaries answered. A write that
/// only handoffs had taken was lost from sight when the primary came back with an older version.
#[test]
fn a_write_that_only_a_handoff_took_is_newest_when_the_primary_is_back() {
    let put = |after_ms, bytes| Step { after_ms, op: Op::Put { own: 0, bytes } };
    let case = Case {
        seed: 40_607,
        regions: 1,
        zones: 1,
        nodes_per_zone: 2,
        devices: 1,
        replicas: 1,
        proxies: 2,
        clients: vec![vec![put(0, 0)], vec![put(0, 0), put(500, 0), put(11, 1_488)]],
        faults: vec![CaseFault::once(24, 593, Kind::Crash(6))],
        shuffle: None,
        links: Links::default(),
        replicate_ms: None,
    };
    assert_eq!(judge(&case, PlacementConfig::default().policy), Vec::<String>::new());
}
