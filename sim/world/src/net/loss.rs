//! Segments that are lost: how long their retransmission takes, and what it costs in bytes.
//!
//! Each segment of a chunk, and each of its retransmissions, is lost with the link's chance, or
//! with that of a fault. What three or more segments follow is noticed by duplicate
//! acknowledgements, a round trip later (fast retransmit, RFC 5681); else the sender waits for its
//! timer (RFC 6298), twice as long each time. Leaves out selective subtleties: a round of losses
//! costs one wait, however many there were in it.

use std::time::Duration;

use stayput_host::config::Chance;
use stayput_host::time::nanos;

use super::draw::DrawStream;
use crate::fault::FaultId;
use crate::wire;

/// The least time after which a sender retransmits on its own, as Linux has it.
pub(super) const TIMEOUT_MIN: Duration = Duration::from_millis(200);
/// The most: RFC 6298 allows 60 seconds or more.
const TIMEOUT_MAX: Duration = Duration::from_secs(60);
/// Rounds of retransmission, after which the last is taken to arrive: 10^-6 even when half of all
/// segments are lost.
const ROUNDS_MAX: u32 = 20;
/// Segments that must follow a lost one for its loss to be noticed by duplicate acknowledgements.
const DUPLICATES: u64 = 3;

/// Causes of loss on a way.
pub(super) struct Losing {
    /// The link itself.
    pub(super) link: Chance,
    /// Faults.
    pub(super) faults: Vec<(FaultId, Chance)>,
}

/// Losses of a chunk.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Losses {
    /// Each lost copy: the segment, counted from zero.
    pub(super) segments: Vec<u64>,
    /// The faults that lost them, a name for each.
    pub(super) by_fault: Vec<FaultId>,
    /// Delay until the chunk is whole, in nanoseconds.
    pub(super) delay_ns: u64,
    /// True if a timer ran out.
    pub(super) timed_out: bool,
}

/// Losses of a handshake's segment, and the faults that caused them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct LostHandshake {
    pub(super) times: u32,
    pub(super) by_fault: Vec<(FaultId, u64)>,
}

impl Losing {
    pub(super) fn never(&self) -> bool {
        self.link == Chance::NEVER && self.faults.is_empty()
    }

    /// Draws the losses of `segments` that are sent together; `more_follows` after them.
    pub(super) fn lose(
        &self,
        stream: &mut DrawStream,
        segments: u64,
        more_follows: bool,
        round_trip_ns: u64,
    ) -> Losses {
        let mut losses = Losses::default();
        let mut sent: Vec<u64> = (0..segments).collect();
        for round in 0..ROUNDS_MAX {
            sent.retain(|_| self.is_lost(stream, &mut losses.by_fault));
            let Some(last) = sent.last() else { break };
            losses.segments.extend_from_slice(&sent);
            let followed = more_follows || segments - 1 - last >= DUPLICATES;
            if round == 0 && followed {
                losses.delay_ns += round_trip_ns;
            } else {
                losses.timed_out = true;
                losses.delay_ns += timeout_ns(round_trip_ns, round);
            }
        }
        losses
    }

    /// Draws the losses of a handshake's segment, `times_max` at most.
    pub(super) fn lose_handshake(&self, stream: &mut DrawStream, times_max: u32) -> LostHandshake {
        let mut lost = LostHandshake::default();
        let mut by_fault = Vec::new();
        while lost.times < times_max && self.is_lost(stream, &mut by_fault) {
            lost.times += 1;
        }
        lost.by_fault = by_fault.into_iter().map(|fault| (fault, 1)).collect();
        lost
    }

    fn is_lost(&self, stream: &mut DrawStream, by_fault: &mut Vec<FaultId>) -> bool {
        if self.link != Chance::NEVER && self.link.hits(stream) {
            return true;
        }
        let fault = self.faults.iter().find(|(_, chance)| chance.hits(stream));
        by_fault.extend(fault.map(|(fault, _)| *fault));
        fault.is_some()
    }
}

/// Retransmission timeout after `times` timeouts, in nanoseconds.
pub(super) fn timeout_ns(round_trip_ns: u64, times: u32) -> u64 {
    let first = nanos(TIMEOUT_MIN).max(round_trip_ns.saturating_mul(2));
    first.saturating_mul(1 << times.min(16)).min(nanos(TIMEOUT_MAX).max(first))
}

/// Offset of a segment in its chunk of `bytes`, and its length.
pub(super) fn segment(index: u64, bytes: u64) -> (u64, u64) {
    let begin = index * wire::SEGMENT_PAYLOAD;
    (begin, wire::SEGMENT_PAYLOAD.min(bytes.saturating_sub(begin)))
}

#[cfg(test)]
mod tests {
    use super::super::draw::{Draws, Purpose};
    use super::*;
    use stayput_host::Seed;

    fn lose(percent: u32, segments: u64, more_follows: bool, nth: u64) -> Losses {
        let link = Chance::per_billion(percent * 10_000_000).expect("below all");
        let mut stream = Draws::new(Seed(5)).stream(Purpose::Loss, 1, 0, nth);
        Losing { link, faults: Vec::new() }.lose(&mut stream, segments, more_follows, 1_000_000)
    }

    #[test]
    fn nothing_is_lost_where_the_chance_is_none() {
        assert_eq!(lose(0, 46, false, 0), Losses::default());
    }

    #[test]
    fn as_many_copies_are_lost_as_the_chance_says() {
        // Of n segments with chance p, p / (1 - p) copies each: the lost ones are sent again and
        // may be lost again.
        let lost: usize = (0..2_000).map(|nth| lose(10, 46, true, nth).segments.len()).sum();
        let expected = 2_000 * 46 / 9;
        assert!(lost.abs_diff(expected) < expected / 30, "{lost} of {expected}");
    }

    #[test]
    fn a_loss_in_the_middle_costs_a_round_trip_and_one_at_the_end_a_timer() {
        let one = |more| (0..).map(|nth| lose(1, 46, more, nth)).find(|l| l.segments.len() == 1);
        let middle = one(true).expect("it comes up");
        assert_eq!((middle.delay_ns, middle.timed_out), (1_000_000, false));
        let tail = (0..).map(|nth| lose(1, 1, false, nth)).find(|l| l.segments.len() == 1);
        let tail = tail.expect("it comes up");
        assert_eq!((tail.delay_ns, tail.timed_out), (nanos(TIMEOUT_MIN), true));
    }

    #[test]
    fn a_timer_runs_twice_as_long_each_time_up_to_a_bound() {
        assert_eq!(timeout_ns(0, 0), 200_000_000);
        assert_eq!(timeout_ns(0, 1), 400_000_000);
        assert_eq!(timeout_ns(300_000_000, 0), 600_000_000);
        assert_eq!(timeout_ns(0, 40), 60_000_000_000);
    }
}
