//! Trace of a run: its semantic events in order, hashed, and kept as text on request.
//!
//! Leaves out task polls: another order of polls that leads to the same events is the same run.

use std::cell::RefCell;
use std::fmt;
use std::io::Write;
use std::rc::Rc;

use stayput_host::Time;
use xxhash_rust::xxh3::Xxh3;

/// Semantic event of a run.
#[derive(Clone, Debug)]
pub enum TraceEvent<'a> {
    /// Delivery of bytes to their connection.
    Delivered {
        /// The sender's name.
        from: &'a str,
        /// The receiver's name.
        to: &'a str,
        /// The connection, counted over the world.
        connection: u64,
        /// Number of bytes.
        bytes: u64,
        /// A digest of them.
        digest: u64,
    },
    /// Loss of bytes.
    Dropped {
        /// The sender's name.
        from: &'a str,
        /// The receiver's name.
        to: &'a str,
        /// The connection, counted over the world.
        connection: u64,
        /// Number of bytes.
        bytes: u64,
    },
    /// Durable change of a disk.
    Committed {
        /// The host's name.
        host: &'a str,
        /// The disk's name.
        disk: &'a str,
        /// File, directory or table.
        what: &'a str,
        /// Number of bytes.
        bytes: u64,
    },
    /// Beginning or end of a fault.
    Fault {
        /// Text of the fault and its change.
        what: &'a str,
    },
    /// Outcome of a job at its client.
    Job {
        /// Number of the job, from zero.
        index: u64,
        /// Outcome.
        outcome: &'a str,
    },
}

impl fmt::Display for TraceEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delivered { from, to, connection, bytes, digest } => {
                write!(f, "delivered {from} > {to} #{connection} {bytes} B {digest:016x}")
            }
            Self::Dropped { from, to, connection, bytes } => {
                write!(f, "dropped {from} > {to} #{connection} {bytes} B")
            }
            Self::Committed { host, disk, what, bytes } => {
                write!(f, "committed {host} {disk} {what} {bytes} B")
            }
            Self::Fault { what } => write!(f, "fault {what}"),
            Self::Job { index, outcome } => write!(f, "job {index} {outcome}"),
        }
    }
}

impl TraceEvent<'_> {
    /// Encodes the event for the hash, injectively: numbers in little endian, texts with their
    /// length.
    fn encode(&self, at: Time, into: &mut Vec<u8>) {
        let (tag, texts, numbers): (u8, [&str; 3], [u64; 3]) = match self {
            Self::Delivered { from, to, connection, bytes, digest } => {
                (1, [from, to, ""], [*connection, *bytes, *digest])
            }
            Self::Dropped { from, to, connection, bytes } => {
                (2, [from, to, ""], [*connection, *bytes, 0])
            }
            Self::Committed { host, disk, what, bytes } => (3, [host, disk, what], [*bytes, 0, 0]),
            Self::Fault { what } => (4, [what, "", ""], [0, 0, 0]),
            Self::Job { index, outcome } => (5, [outcome, "", ""], [*index, 0, 0]),
        };
        into.push(tag);
        into.extend_from_slice(&at.as_nanos().to_le_bytes());
        for text in texts {
            into.extend_from_slice(&(text.len() as u64).to_le_bytes());
            into.extend_from_slice(text.as_bytes());
        }
        for number in numbers {
            into.extend_from_slice(&number.to_le_bytes());
        }
    }
}

/// The trace of a world. Clones are the same trace.
#[derive(Clone, Default)]
pub struct Trace(Rc<RefCell<State>>);

#[derive(Default)]
struct State {
    hash: Xxh3,
    event: Vec<u8>,
    lines: Option<Vec<u8>>,
}

impl Trace {
    /// Trace that also keeps a line for each event.
    #[must_use]
    pub fn keeping_lines() -> Self {
        Self(Rc::new(RefCell::new(State { lines: Some(Vec::new()), ..State::default() })))
    }

    /// Adds an event.
    pub fn note(&self, at: Time, event: &TraceEvent<'_>) {
        let state = &mut *self.0.borrow_mut();
        state.event.clear();
        event.encode(at, &mut state.event);
        state.hash.update(&state.event);
        if let Some(lines) = &mut state.lines {
            // Writing into a vector cannot fail.
            let _infallible = writeln!(lines, "{} {event}", at.as_nanos());
        }
    }

    /// The lines so far, if they are kept. They are taken out.
    #[must_use]
    pub fn take_lines(&self) -> Vec<u8> {
        self.0.borrow_mut().lines.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The digest of all events so far, in hexadecimal.
    #[must_use]
    pub fn hash(&self) -> String {
        format!("{:032x}", self.0.borrow().hash.digest128())
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace").field("hash", &self.hash()).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hash(events: &[(u64, TraceEvent<'_>)]) -> String {
        let trace = Trace::default();
        events.iter().for_each(|(at, event)| trace.note(Time::from_nanos(*at), event));
        trace.hash()
    }

    fn job(index: u64, outcome: &str) -> TraceEvent<'_> {
        TraceEvent::Job { index, outcome }
    }

    #[test]
    fn time_order_and_each_field_are_in_the_hash() {
        let base = hash(&[(1, job(0, "ok")), (2, job(1, "ok"))]);
        assert_eq!(base, hash(&[(1, job(0, "ok")), (2, job(1, "ok"))]));
        for other in [
            hash(&[(2, job(1, "ok")), (1, job(0, "ok"))]),
            hash(&[(1, job(0, "ok")), (3, job(1, "ok"))]),
            hash(&[(1, job(0, "ok")), (2, job(2, "ok"))]),
            hash(&[(1, job(0, "ok")), (2, job(1, "failed"))]),
            hash(&[(1, job(0, "ok"))]),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn texts_that_are_split_otherwise_are_other_events() {
        let committed = |host, disk| TraceEvent::Committed { host, disk, what: "", bytes: 0 };
        assert_ne!(hash(&[(0, committed("ab", "c"))]), hash(&[(0, committed("a", "bc"))]));
        let fault = TraceEvent::Fault { what: "ok" };
        assert_ne!(hash(&[(0, fault)]), hash(&[(0, job(0, "ok"))]));
    }

    #[test]
    fn lines_are_kept_only_on_request_and_taken_once() {
        let (silent, kept) = (Trace::default(), Trace::keeping_lines());
        for trace in [&silent, &kept] {
            let event = TraceEvent::Delivered {
                from: "node:1",
                to: "proxy:1",
                connection: 7,
                bytes: 10,
                digest: 0xab,
            };
            trace.note(Time::from_nanos(5), &event);
            trace.clone().note(Time::from_nanos(6), &job(3, "ok"));
        }
        assert!(silent.take_lines().is_empty());
        let lines = String::from_utf8(kept.take_lines()).expect("texts");
        let first = "5 delivered node:1 > proxy:1 #7 10 B 00000000000000ab";
        assert_eq!(lines, format!("{first}\n6 job 3 ok\n"));
        assert!(kept.take_lines().is_empty());
        assert_eq!(silent.hash(), kept.hash(), "lines change nothing");
    }

    /// Fields of an event: its kind, texts and numbers, of which it uses as many as it has.
    type Fields = (u8, [usize; 3], [u64; 3]);

    /// Texts that could be mistaken for each other where lengths or ends were not encoded.
    const TEXTS: [&str; 6] = ["", "a", "b", "ab", "ba", "a\0"];

    fn event((kind, texts, numbers): Fields) -> TraceEvent<'static> {
        let [one, two, three] = texts.map(|text| TEXTS[text]);
        let [first, second, third] = numbers;
        match kind {
            0 => TraceEvent::Delivered {
                from: one,
                to: two,
                connection: first,
                bytes: second,
                digest: third,
            },
            1 => TraceEvent::Dropped { from: one, to: two, connection: first, bytes: second },
            2 => TraceEvent::Committed { host: one, disk: two, what: three, bytes: first },
            3 => TraceEvent::Fault { what: one },
            _ => TraceEvent::Job { index: first, outcome: one },
        }
    }

    /// The fields that an event of the kind has, the others zero.
    fn used((kind, texts, numbers): Fields) -> Fields {
        let (of_texts, of_numbers) = [(2, 3), (2, 2), (3, 1), (1, 0), (1, 1)][usize::from(kind)];
        let mut used: Fields = (kind, [0; 3], [0; 3]);
        used.1[..of_texts].copy_from_slice(&texts[..of_texts]);
        used.2[..of_numbers].copy_from_slice(&numbers[..of_numbers]);
        used
    }

    fn fields() -> impl Strategy<Value = Fields> {
        let texts = prop::array::uniform3(0..TEXTS.len());
        (0_u8..5, texts, prop::array::uniform3(prop_oneof![0_u64..3, Just(256), Just(u64::MAX)]))
    }

    fn encoded(at: u64, fields: Fields) -> Vec<u8> {
        let mut bytes = Vec::new();
        event(fields).encode(Time::from_nanos(at), &mut bytes);
        bytes
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

        #[test]
        fn events_are_encoded_alike_only_if_they_are_the_same(
            one in fields(), other in fields(), at in 0_u64..3, other_at in 0_u64..3,
        ) {
            let same = at == other_at && used(one) == used(other);
            prop_assert_eq!(encoded(at, one) == encoded(other_at, other), same);
        }

        #[test]
        fn no_encoded_event_begins_another(one in fields(), other in fields()) {
            let (one, other) = (encoded(1, one), encoded(1, other));
            prop_assert!(one == other || !one.starts_with(&other));
        }
    }

    #[test]
    fn each_kind_of_event_has_a_line_of_its_own() {
        let lines: Vec<String> =
            (0..5).map(|kind| event((kind, [3, 2, 4], [1, 2, 255])).to_string()).collect();
        assert_eq!(
            lines,
            [
                "delivered ab > b #1 2 B 00000000000000ff",
                "dropped ab > b #1 2 B",
                "committed ab b ba 1 B",
                "fault ab",
                "job 1 ab",
            ]
        );
    }
}
