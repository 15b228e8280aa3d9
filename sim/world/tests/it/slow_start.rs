//! Slow start: round trips of a transfer, against a window that doubles in each.
//!
//! Leaves out the window after a loss, which is held beside the code.

use std::time::Duration;

use proptest::prelude::*;
use stayput_host::Time;
use stayput_host::config::{LinkConfig, NetworkConfig};

use crate::support::{ms, network, transfer_time};

/// One way over the long link.
const FAR: Duration = Duration::from_millis(40);
/// Ten segments (RFC 6928).
const INITIAL_WINDOW: usize = 10 * 1_448;

fn long(slow_start: bool) -> NetworkConfig {
    let cross_zone = LinkConfig::new(FAR, None);
    NetworkConfig { cross_zone, slow_start, ..network() }
}

/// Rounds in which a window that doubles has let so many bytes go.
fn rounds(bytes: usize) -> u32 {
    let (mut window, mut sent, mut rounds) = (INITIAL_WINDOW, 0, 0);
    while sent < bytes {
        sent += window;
        window *= 2;
        rounds += 1;
    }
    rounds
}

fn took(network: NetworkConfig, bytes: usize) -> Duration {
    transfer_time(network, bytes).since(Time::ZERO)
}

#[test]
fn the_oracle_counts_rounds_up_to_the_last_byte_of_each() {
    let sizes = [1, 14_480, 14_481, 43_440, 43_441, 101_360, 101_361];
    assert_eq!(sizes.map(rounds), [1, 1, 2, 2, 3, 3, 4]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_transfer_takes_a_round_trip_for_each_doubling_of_its_window(bytes in 1_usize..1_500_000) {
        // The handshake, the last round's way, and a round trip before each round but the first.
        let trips = 3 * FAR + 2 * FAR * (rounds(bytes) - 1);
        let took = took(long(true), bytes);
        // Chunks of a round leave one after the other, so that its end lags behind its beginning.
        let lag = Duration::from_secs_f64(2.0 * bytes as f64 / 125e6) + ms(1);
        prop_assert!(took >= trips, "{:?} for {} bytes, at least {:?}", took, bytes, trips);
        prop_assert!(took <= trips + lag, "{:?} for {} bytes, at most {:?}", took, bytes, trips + lag);
    }

    #[test]
    fn without_slow_start_the_card_alone_bounds_a_transfer(bytes in 1_usize..1_500_000) {
        let took = took(long(false), bytes);
        let card = Duration::from_secs_f64(bytes as f64 / 125e6);
        prop_assert!(took >= 3 * FAR + card);
        prop_assert!(took <= 3 * FAR + card * 11 / 10 + ms(1), "{:?} for {} bytes", took, bytes);
    }
}

#[test]
fn a_window_that_is_open_stays_open_for_the_next_message() {
    // The second of two equal messages on one connection finds the window that the first opened:
    // a transfer of both takes no more rounds than doubling asks for.
    let (one, two) = (took(long(true), 400_000), took(long(true), 800_000));
    let later = two.saturating_sub(one);
    assert!((2 * FAR..2 * FAR + ms(10)).contains(&later), "{later:?}: one round more");
}
