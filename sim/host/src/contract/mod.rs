//! Conformance suite of the seam's contract, for every backend, also one out of tree.
//!
//! A backend implements [`ContractBackend`] in its tests, with `stayput-host` as a development
//! dependency with the feature `contract`, and lists the groups of claims that it keeps:
//!
//! ```ignore
//! fn my_backend() -> MyBackend { /* a fresh one for each claim */ }
//!
//! stayput_host::contract_tests!(
//!     my_backend() => network, closing, clock, entropy, compute, cores, disk, metering
//! );
//! ```
//!
//! Each claim becomes a test named after it. Groups exist because backends differ in a few
//! promises: `closing` fails where dropping an end with bytes unread resets the connection, and
//! `cores` means nothing where work takes real time. A backend that leaves a group out says why.
//!
//! Leaves out crashes, loss of power and other faults, which only backends that have them can
//! show, and everything above the seam.

pub mod clock;
pub mod closing;
pub mod compute;
pub mod cores;
pub mod disk;
pub mod entropy;
pub mod metering;
pub mod network;
mod script;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

pub use self::script::{start_host, start_reporting};
use crate::config::{ByteRate, DiskConfig, FuelRate};
use crate::topology::{HostPlace, HostSpec};
use crate::{HostMain, Purpose};

/// Backend under test: starts hosts, on threads of its own perhaps, and meters them.
pub trait ContractBackend {
    /// Adds a host and starts it. It has begun before the next host starts, if hosts run on threads
    /// of their own.
    fn start(&mut self, spec: HostSpec, main: HostMain);

    /// Runs all hosts until `awaited` is there.
    ///
    /// # Panics
    /// It does not come within the backend's patience.
    fn run(&mut self, awaited: &dyn Awaited);

    /// Bytes of bodies that were sent for `purpose`.
    fn body_bytes(&self, purpose: Purpose) -> u64;

    /// Bytes that were sent, heads included.
    fn payload_bytes(&self) -> u64;

    /// Fuel that all cores have spent.
    fn fuel_spent(&self) -> u64;
}

/// Value that a run waits for.
pub trait Awaited {
    /// True once the value is there.
    fn is_there(&self) -> bool;

    /// Waits at most `limit` while other threads work; true if the value came.
    fn comes_within(&self, limit: Duration) -> bool;
}

/// Value that a host reports to the claim outside, from whichever thread. Clones share it.
#[derive(Debug)]
pub struct ClaimReport<T>(Arc<(Mutex<Option<T>>, Condvar)>);

impl<T> Clone for ClaimReport<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for ClaimReport<T> {
    fn default() -> Self {
        Self(Arc::new((Mutex::new(None), Condvar::new())))
    }
}

impl<T> ClaimReport<T> {
    /// Reports `value`, in the place of an earlier one.
    pub fn set(&self, value: T) {
        let (slot, changed) = &*self.0;
        *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
        changed.notify_all();
    }

    /// Runs `backend` until a value is reported, and takes it.
    ///
    /// # Panics
    /// The backend's run ends without it.
    pub fn wait(&self, backend: &mut dyn ContractBackend) -> T {
        backend.run(self);
        let value = self.0.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        value.expect("the run ended because the report was there")
    }
}

impl<T> Awaited for ClaimReport<T> {
    fn is_there(&self) -> bool {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn comes_within(&self, limit: Duration) -> bool {
        let (slot, changed) = &*self.0;
        let slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = changed.wait_timeout_while(slot, limit, |slot| slot.is_none());
        let (slot, _timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        slot.is_some()
    }
}

/// Host `node:index+1` at `10.0.0.index+1`, in a zone of its own, with two cores of 10⁹ units of
/// fuel per second and the disk `d1`.
///
/// # Panics
/// Never: all rates are above zero.
#[must_use]
pub fn host_spec(index: u8) -> HostSpec {
    HostSpec {
        name: format!("node:{}", index + 1),
        ip: Ipv4Addr::new(10, 0, 0, index + 1),
        place: HostPlace::Zone { region: 1, zone: u32::from(index) + 1 },
        is_worker: false,
        nic: ByteRate::new(1_250_000_000).expect("not zero"),
        cores: 2,
        fuel_per_second: FuelRate::new(1_000_000_000).expect("not zero"),
        disks: vec!["d1".to_owned()],
        disk: DiskConfig {
            read: ByteRate::new(500_000_000).expect("not zero"),
            write: ByteRate::new(400_000_000).expect("not zero"),
            seek: Duration::from_micros(100),
            capacity: None,
        },
    }
}

/// Address of a host of [`host_spec`].
#[must_use]
pub fn host_address(index: u8, port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(host_spec(index).ip), port)
}

/// Makes a test of each claim of the groups that are named, on a fresh backend each. See
/// [`contract`](crate::contract).
#[macro_export]
macro_rules! contract_tests {
    ($new:expr; $group:ident: $($claim:ident),+ $(,)?) => {
        mod $group {
            use super::*;

            $(#[test]
            fn $claim() {
                $crate::contract::$group::$claim(&mut $new);
            })+
        }
    };
    (@network $new:expr) => {
        $crate::contract_tests!($new; network:
            bytes_arrive_in_order_and_the_end_after_them,
            both_ends_may_close_their_half,
            an_acceptor_knows_who_connects,
            a_port_that_nobody_listens_on_refuses,
            a_port_that_is_taken_is_not_given_again,
            a_slow_reader_stops_its_writer,
        );
    };
    (@closing $new:expr) => {
        $crate::contract_tests!($new; closing:
            an_answer_arrives_though_its_writer_reads_nothing_and_leaves,
            a_writer_gets_an_error_when_its_reader_is_gone,
        );
    };
    (@clock $new:expr) => {
        $crate::contract_tests!($new; clock:
            a_sleep_ends_no_earlier_than_its_time,
            a_timeout_drops_its_future,
            a_guarded_task_ends_with_its_guard,
        );
    };
    (@entropy $new:expr) => {
        $crate::contract_tests!($new; entropy: entropy_depends_on_its_key_alone);
    };
    (@compute $new:expr) => {
        $crate::contract_tests!($new; compute: work_runs_once_and_its_fuel_is_counted);
    };
    (@cores $new:expr) => {
        $crate::contract_tests!($new; cores:
            work_queues_for_cores_and_takes_its_fuels_time,
            overhead_keeps_a_core_and_is_no_fuel,
        );
    };
    (@disk $new:expr) => {
        $crate::contract_tests!($new; disk:
            files_read_back_what_was_appended,
            a_removed_file_stays_readable_while_it_is_open,
            a_batch_changes_the_table_in_order,
        );
    };
    (@metering $new:expr) => {
        $crate::contract_tests!($new; metering: bytes_are_counted_by_purpose_and_part);
    };
    ($new:expr => $($group:ident),+ $(,)?) => {
        $($crate::contract_tests!(@$group $new);)+
    };
}
