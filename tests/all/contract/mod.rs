//! The seam's contract: one suite that every backend passes, and what only worlds with faults can show.

mod disks;
mod faults;
#[cfg(unix)]
mod killed;
mod real;
#[cfg(unix)]
mod real_disks;
mod room;
#[cfg(unix)]
mod same_disks;
mod suite;
#[cfg(unix)]
mod threads;

use std::time::Duration;

#[cfg(unix)]
use self::real_disks::real_disks;
#[cfg(unix)]
use self::threads::threads;
use stayput_testkit::world::{fabric, tcp, turmoil};

/// Makes a test of each claim for a backend.
macro_rules! claims {
    ($name:ident, $world:ident: $($claim:ident),* $(,)?) => {
        mod $name { $(#[test] fn $claim() { super::suite::$claim(&mut super::$world()); })* }
    };
}

/// Makes a test of each claim for each backend.
macro_rules! every_backend {
    ($($claim:ident),* $(,)?) => {
        claims!(on_fabric, fabric: $($claim),*);
        claims!(on_turmoil, turmoil: $($claim),*);
        claims!(on_tcp, tcp: $($claim),*);
    };
}

/// The same without turmoil: there, dropping an end with bytes unread resets the connection, what was written is lost, and
/// a writer whose reader is gone waits for ever.
macro_rules! every_backend_that_closes_softly {
    ($($claim:ident),* $(,)?) => {
        claims!(softly_on_fabric, fabric: $($claim),*);
        claims!(softly_on_tcp, tcp: $($claim),*);
    };
}

every_backend![
    bytes_arrive_in_order_and_the_end_after_them,
    both_ends_may_close_their_half,
    an_acceptor_knows_who_connects,
    a_port_that_nobody_listens_on_refuses,
    a_port_that_is_taken_is_not_given_again,
    a_slow_reader_stops_its_writer,
    a_sleep_ends_no_earlier_than_its_time,
    a_timeout_drops_what_it_waited_for,
    a_guarded_task_ends_with_its_guard,
    entropy_depends_on_its_key_alone,
    work_queues_for_cores_and_takes_its_fuels_time,
    overhead_keeps_a_core_and_is_no_fuel,
    files_read_back_what_was_appended,
    a_removed_file_stays_readable_while_it_is_open,
    a_batch_changes_the_table_in_order,
    a_request_is_answered_over_http,
    body_bytes_are_counted_by_purpose,
];

every_backend_that_closes_softly![
    what_was_written_arrives_though_its_writer_reads_nothing_and_leaves,
    a_writer_hears_that_its_reader_is_gone,
];

#[cfg(unix)]
claims!(on_real_disks, real_disks:
    files_read_back_what_was_appended,
    a_removed_file_stays_readable_while_it_is_open,
    a_batch_changes_the_table_in_order,
);

#[cfg(unix)]
claims!(on_threads, threads:
    bytes_arrive_in_order_and_the_end_after_them,
    both_ends_may_close_their_half,
    an_acceptor_knows_who_connects,
    what_was_written_arrives_though_its_writer_reads_nothing_and_leaves,
    a_writer_hears_that_its_reader_is_gone,
    a_port_that_nobody_listens_on_refuses,
    a_port_that_is_taken_is_not_given_again,
    a_slow_reader_stops_its_writer,
    a_sleep_ends_no_earlier_than_its_time,
    a_timeout_drops_what_it_waited_for,
    a_guarded_task_ends_with_its_guard,
    entropy_depends_on_its_key_alone,
    files_read_back_what_was_appended,
    a_removed_file_stays_readable_while_it_is_open,
    a_batch_changes_the_table_in_order,
    a_request_is_answered_over_http,
    body_bytes_are_counted_by_purpose,
);

#[test]
fn simulated_work_takes_no_longer_than_its_fuel_and_overhead() {
    for mut world in [fabric(), turmoil()] {
        let took = suite::three_starts_take(&mut world);
        assert!(took <= Duration::from_millis(23), "{took:?}");
    }
}
