//! Cost of a payload on an Ethernet wire: headers of each segment, acknowledgements, handshake and
//! end.
//!
//! Models TCP with timestamps over IPv4 and Ethernet, without preamble, checksum and gap between
//! frames, as a capture on a virtual link shows it. A receiver acknowledges what came in one go
//! with one segment, as kernels do that merge segments before they look at them. Leaves out options
//! in data segments beyond timestamps.

/// Payload in a full segment: an Ethernet frame of 1500 bytes less IP's 20 and TCP's 32.
pub const SEGMENT_PAYLOAD: u64 = 1_448;
/// Ethernet's 14, IP's 20 and TCP's 32 bytes.
pub const SEGMENT_HEADER: u64 = 66;
/// A SYN carries 8 bytes of options more.
pub const SYN: u64 = 74;

/// Bytes on the wire for a run of `payload` bytes sent at once.
#[must_use]
pub const fn data(payload: u64) -> u64 {
    payload + payload.div_ceil(SEGMENT_PAYLOAD) * SEGMENT_HEADER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_more_begins_with_the_byte_that_does_not_fit() {
        assert_eq!(data(0), 0);
        assert_eq!(data(1_448), 1_514, "a full Ethernet frame without its checksum");
        assert_eq!(data(1_449), 1_449 + 2 * 66);
    }

    #[test]
    fn a_run_of_bytes_costs_what_its_segments_cost_one_by_one() {
        for payload in (0..20_000).step_by(7) {
            let (mut left, mut wire) = (payload, 0);
            while left > 0 {
                let segment = left.min(SEGMENT_PAYLOAD);
                wire += segment + SEGMENT_HEADER;
                left -= segment;
            }
            assert_eq!(data(payload), wire, "{payload}");
        }
    }
}
