//! Scenario keys of the kinds, and the effects of each on a disk or a host.
//!
//! Leaves out the syntax of scenarios, which is the engine's, and effects on the network, which
//! need one.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::time::Duration;

use stayput_host::config::{ByteRate, Chance};
use stayput_host::{DiskError, Seed};

use super::*;
use crate::fault::{
    ClusterPlace, DiskFault, DiskRead, EffectCounter, EffectLog, FaultId, FaultKeyError,
    FaultSection, HostControl, NetworkRule, ParsedFault, ProcessFault, RuleVerdict, Sides,
    StopPoint,
};
use stayput_host::topology::HostKey;

const NODE: ClusterPlace = ClusterPlace::Node(5);

/// Section that has the keys that it is given, a good value for each, and notes which are read.
struct Section {
    has: BTreeSet<&'static str>,
    chance: Chance,
    read: RefCell<BTreeSet<String>>,
}

impl Section {
    fn with(keys: impl IntoIterator<Item = &'static str>) -> Self {
        let chance = Chance::per_billion(1_000).expect("below all");
        Self { has: keys.into_iter().collect(), chance, read: RefCell::default() }
    }

    /// Notes a read; an error if the key is not there.
    fn read(&self, key: &str) -> Result<(), FaultKeyError> {
        self.read.borrow_mut().insert(key.to_owned());
        let missing = || FaultKeyError::new(key, "is missing", "write it");
        self.has.contains(key).then_some(()).ok_or_else(missing)
    }

    fn parse(&self, spec: &FaultSpec) -> Result<ParsedFault, FaultKeyError> {
        (spec.parse)(self)
    }
}

impl FaultSection for Section {
    fn has(&self, key: &str) -> bool {
        self.read.borrow_mut().insert(key.to_owned());
        self.has.contains(key)
    }

    fn duration(&self, key: &str, _example: &str) -> Result<Duration, FaultKeyError> {
        self.read(key).map(|()| Duration::from_millis(20))
    }

    fn chance(&self, key: &str) -> Result<Chance, FaultKeyError> {
        self.read(key).map(|()| self.chance)
    }

    fn byte_rate(&self, key: &str) -> Result<ByteRate, FaultKeyError> {
        self.read(key).map(|()| ByteRate::new(1_000_000).expect("not zero"))
    }

    fn number(
        &self,
        key: &str,
        bounds: RangeInclusive<u32>,
        _fix: &str,
    ) -> Result<u32, FaultKeyError> {
        self.read(key).map(|()| *bounds.end())
    }

    fn sides(&self, key: &str) -> Result<Sides<ClusterPlace>, FaultKeyError> {
        self.read.borrow_mut().extend([key, "between", "one_way"].map(str::to_owned));
        Ok(Sides { from: vec![NODE], to: None, one_way: false })
    }

    fn trunk(&self) -> Result<[ClusterPlace; 2], FaultKeyError> {
        self.read("between").map(|()| [ClusterPlace::Zone(1), ClusterPlace::Zone(2)])
    }

    fn card(&self, key: &str) -> Result<ClusterPlace, FaultKeyError> {
        self.read(key).map(|()| NODE)
    }

    fn machine(&self, key: &str) -> Result<ClusterPlace, FaultKeyError> {
        self.read(key).map(|()| NODE)
    }

    fn disk(&self, key: &str) -> Result<ClusterPlace, FaultKeyError> {
        self.read(key).map(|()| NODE)
    }
}

/// Keys of a kind, its name included.
fn keys_of(spec: &'static FaultSpec) -> BTreeSet<&'static str> {
    spec.keys.iter().copied().chain([spec.key]).collect()
}

#[test]
fn a_kind_reads_each_of_its_keys_and_no_other() {
    for spec in BUILT_IN {
        let all = keys_of(spec);
        let mut read = BTreeSet::new();
        // A throttle hits either a card or a trunk, so its keys are never read all at once.
        for left_out in all.iter().copied().map(Some).chain([None]) {
            let section = Section::with(all.iter().copied().filter(|key| Some(*key) != left_out));
            let _either = section.parse(spec);
            read.extend(section.read.take());
        }
        let declared: BTreeSet<String> = all.into_iter().map(str::to_owned).collect();
        assert_eq!(read, declared, "{}", spec.key);
    }
}

#[test]
fn a_kind_is_named_by_its_key_and_a_flap_is_a_partition_that_comes_and_goes() {
    for spec in BUILT_IN {
        let keys = keys_of(spec).into_iter().filter(|key| spec.key != "throttle" || *key != "on");
        let parsed = Section::with(keys).parse(spec).expect("all keys are there");
        let is_flap = spec.key == "flap";
        assert_eq!(parsed.kind.name(), if is_flap { "partition" } else { spec.key });
        assert_eq!(parsed.rhythm.is_some(), is_flap, "{}", spec.key);
        assert!(!parsed.kind.to_string().is_empty());
    }
}

#[test]
fn a_throttle_hits_a_card_or_a_trunk_and_never_both() {
    let parse = |keys: &[&'static str]| Section::with(keys.iter().copied()).parse(&throttle::SPEC);
    let shown = |keys: &[&'static str]| parse(keys).expect("it is whole").kind.to_string();
    assert_eq!(shown(&["throttle", "on"]), "throttle of node:5 to 8 Mbit/s");
    assert_eq!(shown(&["throttle", "between"]), "throttle between zone:1 and zone:2 to 8 Mbit/s");
    for keys in [&["throttle"][..], &["throttle", "on", "between"]] {
        let refused = parse(keys).expect_err("neither or both");
        assert_eq!(
            (refused.key.as_str(), refused.why.as_str()),
            ("throttle", "wants either `on` or `between`")
        );
    }
}

#[test]
fn a_loss_of_everything_is_refused_as_what_a_partition_is_for() {
    let all = Chance::per_billion(Chance::BILLION).expect("all");
    let section = Section { chance: all, ..Section::with(["loss", "on"]) };
    let refused = section.parse(&loss::SPEC).expect_err("it loses everything");
    assert!(refused.to_string().contains("use a partition"), "{refused}");
    let nearly = Chance::per_billion(Chance::BILLION - 1).expect("nearly all");
    let section = Section { chance: nearly, ..Section::with(["loss", "on"]) };
    assert!(section.parse(&loss::SPEC).is_ok());
}

fn counter(log: &EffectLog) -> EffectCounter {
    log.counter(FaultId(0))
}

fn counts(log: &EffectLog) -> Vec<(&'static str, u64)> {
    log.of(FaultId(0)).counts().iter().map(|(effect, count)| (*effect, *count)).collect()
}

#[test]
fn a_disk_fault_changes_its_own_hook_alone() {
    let ever = Chance::per_billion(Chance::BILLION).expect("all");
    let factor = NonZeroU32::new(3).expect("not zero");
    let faults: [&dyn DiskFault; 5] = [
        &SlowDisk { factor },
        &FullDisk,
        &ReadErrors { chance: ever },
        &StopDisk { point: StopPoint::After(2) },
        &TornWrites,
    ];
    for fault in faults {
        let log = EffectLog::default();
        let mut read = DiskRead::new(Seed(1), "node:1/d1", 4);
        let name = fault.name();
        let took = fault.access_ns(100, &counter(&log));
        assert_eq!(took, if name == "slow_disk" { 300 } else { 100 }, "{name}");
        let grown = fault.grow(&counter(&log));
        assert_eq!(grown, if name == "full_disk" { Err(DiskError::NoSpace) } else { Ok(()) });
        let what = "read 4 of node:1/d1 could not be corrected".to_owned();
        let failed = Err(DiskError::Failed { what });
        let given = fault.read(&mut read, &counter(&log));
        assert_eq!(given, if name == "read_errors" { failed } else { Ok(()) }, "{name}");
        let stop = (name == "stop_disk").then_some(StopPoint::After(2));
        assert_eq!(fault.stop_point(), stop, "{name}");
        assert_eq!(fault.tears_writes(&counter(&log)), name == "torn_writes", "{name}");
        let effect = match name {
            "slow_disk" => Some("delayed_accesses"),
            "full_disk" => Some("refused_writes"),
            "read_errors" => Some("failed_reads"),
            "torn_writes" => Some("torn_disks"),
            // Counted where it stops.
            _ => None,
        };
        let expected: Vec<_> = effect.into_iter().map(|effect| (effect, 1)).collect();
        assert_eq!(counts(&log), expected, "{name}");
    }
}

#[test]
fn an_access_that_would_take_longer_than_all_time_takes_all_time() {
    let factor = NonZeroU32::new(1_000_000).expect("not zero");
    let log = EffectLog::default();
    assert_eq!(SlowDisk { factor }.access_ns(u64::MAX / 2, &counter(&log)), u64::MAX);
}

#[test]
fn a_network_fault_has_a_verdict_or_a_rate_and_not_both() {
    let added = Duration::from_millis(3);
    let chance = Chance::per_billion(7).expect("below all");
    let rate = ByteRate::new(9).expect("not zero");
    let rules: [(&dyn NetworkRule, RuleVerdict, Option<ByteRate>); 4] = [
        (&NetworkPartition, RuleVerdict::Drop, None),
        (&Latency { added }, RuleVerdict::Delay(added), None),
        (&Loss { chance }, RuleVerdict::Lose(chance), None),
        (&Throttle { rate }, RuleVerdict::Pass, Some(rate)),
    ];
    for (rule, verdict, rate_max) in rules {
        assert_eq!(rule.verdict(HostKey(0), HostKey(1)), verdict, "{rule:?}");
        assert_eq!(rule.rate_max(), rate_max, "{rule:?}");
    }
}

#[test]
fn a_crash_kills_the_process_a_power_loss_cuts_the_power_and_both_restore_at_the_end() {
    #[derive(Default)]
    struct Noted(RefCell<Vec<&'static str>>);
    impl HostControl for Noted {
        fn kill_process(&self) {
            self.0.borrow_mut().push("kill");
        }

        fn cut_power(&self) {
            self.0.borrow_mut().push("cut");
        }

        fn restore(&self) {
            self.0.borrow_mut().push("restore");
        }
    }
    let faults: [(&dyn ProcessFault, &str); 2] = [(&Crash, "kill"), (&Power, "cut")];
    for (fault, begins) in faults {
        let host = Noted::default();
        fault.begin(&host);
        assert_eq!(*host.0.borrow(), [begins]);
        fault.end(&host);
        assert_eq!(*host.0.borrow(), [begins, "restore"]);
    }
}
