//! Words with their counts, as they go from one session to the next: the word's length in four bytes,
//! its count in eight, the word.

use crate::table::{Slot, Table, KEY_BYTES};
use base::peer::{Receiver, Sender};

const HEAD_BYTES: usize = 12;

/// Sends a word of `table`.
#[inline(always)]
pub fn send(target: &mut Sender, table: &Table, slot: &Slot) {
    let mut bytes = [0; HEAD_BYTES + KEY_BYTES];
    bytes[..4].copy_from_slice(&slot.len.to_le_bytes());
    bytes[4..HEAD_BYTES].copy_from_slice(&slot.count.to_le_bytes());
    bytes[HEAD_BYTES..].copy_from_slice(&slot.key.to_le_bytes());
    target.push(&bytes[..HEAD_BYTES + KEY_BYTES.min(slot.len as usize)]);
    if slot.len as usize > KEY_BYTES {
        target.push_in_parts(table.rest(slot));
    }
}

/// A stream of them, of which the first is looked at.
pub struct Counts {
    receiver: Receiver,
    /// The first one's length and count, if there is one.
    head: Option<(usize, u64)>,
}

impl Counts {
    /// Opens the stream from a peer.
    pub fn open(peer: &[u8]) -> Self {
        let mut counts = Counts { receiver: Receiver::open(peer), head: None };
        counts.fetch();
        counts
    }

    /// The first word.
    #[inline(always)]
    pub fn word(&self) -> Option<&[u8]> {
        let (len, _) = self.head?;
        // That it is there was seen when its head was read.
        Some(unsafe { self.receiver.waiting().get_unchecked(HEAD_BYTES..HEAD_BYTES + len) })
    }

    /// The first word's count.
    #[inline(always)]
    pub fn count(&self) -> u64 {
        self.head.map_or(0, |(_, count)| count)
    }

    /// Goes on to the next one.
    #[inline(always)]
    pub fn advance(&mut self) {
        if let Some((len, _)) = self.head {
            self.receiver.take(HEAD_BYTES + len);
            self.fetch();
        }
    }

    #[inline(never)]
    fn fetch(&mut self) {
        self.head = self.receiver.peek(HEAD_BYTES).map(|head| unsafe {
            let len = (head.as_ptr() as *const u32).read_unaligned();
            let count = (head.as_ptr().add(4) as *const u64).read_unaligned();
            (len as usize, count)
        });
        if let Some((len, _)) = self.head {
            self.receiver.peek(HEAD_BYTES + len);
        }
    }
}
