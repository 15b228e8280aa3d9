//! Words with their counts, as they go from one session to the next: the word's length in four bytes,
//! its count in eight, the word.

use base::peer::{Receiver, Sender};

const HEAD_BYTES: usize = 12;

/// Sends a word, which may be given in two parts.
pub fn send(target: &mut Sender, word: &[&[u8]; 2], count: u64) {
    let mut head = [0; HEAD_BYTES];
    head[..4].copy_from_slice(&((word[0].len() + word[1].len()) as u32).to_le_bytes());
    head[4..].copy_from_slice(&count.to_le_bytes());
    target.push(&head);
    target.push(word[0]);
    target.push(word[1]);
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
    pub fn word(&self) -> Option<&[u8]> {
        let (len, _) = self.head?;
        Some(&self.receiver.waiting()[HEAD_BYTES..HEAD_BYTES + len])
    }

    /// The first word's count.
    pub fn count(&self) -> u64 {
        self.head.map_or(0, |(_, count)| count)
    }

    /// Goes on to the next one.
    pub fn advance(&mut self) {
        if let Some((len, _)) = self.head {
            self.receiver.take(HEAD_BYTES + len);
            self.fetch();
        }
    }

    fn fetch(&mut self) {
        self.head = self.receiver.peek(HEAD_BYTES).map(|head| {
            let (mut len, mut count) = ([0; 4], [0; 8]);
            len.copy_from_slice(&head[..4]);
            count.copy_from_slice(&head[4..]);
            (u32::from_le_bytes(len) as usize, u64::from_le_bytes(count))
        });
        if let Some((len, _)) = self.head {
            self.receiver.peek(HEAD_BYTES + len);
        }
    }
}
