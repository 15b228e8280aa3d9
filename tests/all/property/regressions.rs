//! Cases that once failed, each with what was wrong.

use stayput_host::config::ClusterConfig;
use stayput_testkit::cluster::counts;
use stayput_testkit::random::{Campaign, Case, CaseFault, Links, Op, Step};

/// The newest version was looked for on handoffs only if too few primaries answered. A write that
/// only handoffs had taken was lost from sight when the primary came back with an older version.
#[test]
fn a_write_that_only_a_handoff_took_is_newest_when_the_primary_is_back() {
    let put = |after_ms, bytes| Step { after_ms, op: Op::Put { own: 0, bytes } };
    let case = Case {
        seed: 40_607,
        cluster: ClusterConfig {
            zones: 1,
            nodes_per_zone: 2,
            replicas: 1,
            proxies: 2,
            clients: 2,
            ..counts()
        },
        clients: vec![vec![put(0, 0)], vec![put(0, 0), put(500, 0), put(11, 1_488)]],
        faults: vec![CaseFault::new("crash", vec![6]).during(24, 593)],
        shuffle: None,
        links: Links::default(),
    };
    assert_eq!(Campaign::default().judge(&case), Vec::<String>::new());
}
