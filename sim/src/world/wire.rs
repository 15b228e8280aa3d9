//! What a payload costs on an Ethernet wire: headers of each segment, acknowledgements, handshake and end.
//!
//! Models TCP with timestamps over IPv4 and Ethernet, without preamble, checksum and gap between frames, as
//! a capture on a virtual link shows it. Leaves out options in data segments beyond timestamps, and retransmission.

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

/// Bytes on the wire to acknowledge them: one segment for every two.
#[must_use]
pub const fn acknowledgements(payload: u64) -> u64 {
    payload.div_ceil(SEGMENT_PAYLOAD).div_ceil(2) * SEGMENT_HEADER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_body_costs_about_five_percent() {
        let body = 8 << 20;
        let wire = data(body) + acknowledgements(body);
        let overhead_per_mille = (wire - body) * 1_000 / body;
        assert!((46..=75).contains(&overhead_per_mille), "{overhead_per_mille} per mille");
    }
}
