//! The same random traffic over the fabric and over turmoil: the same bytes under the same labels,
//! and about the same times.
//!
//! Leaves out bandwidth, loss and faults, which turmoil's network does not have.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use stayput_host::config::NetworkConfig;
use stayput_host::topology::HostKey;
use stayput_host::{Backend, BoxStream, Host, Label, Purpose, Seed, Time};
use stayput_world::fabric::Fabric;
use stayput_world::turmoil::Turmoil;
use stayput_world::{RunMeters, Trace};

use crate::support::{LIMIT, address, close, ms, pattern, read_some, spec, write_labelled};

const HOSTS: u8 = 3;
/// One way between any two hosts: many of turmoil's ticks of a millisecond.
const FAR: Duration = Duration::from_millis(20);
/// Turmoil's rounding to its ticks, for each way.
const TICKS: Duration = Duration::from_millis(2);
const QUESTION: Label = Label::body(Purpose::Control);
const ANSWER: Label = Label::body(Purpose::JobResult);

/// One connection: when it is opened, between whom, and the bytes of each question and answer.
#[derive(Clone, Debug)]
struct Dialogue {
    begin_ms: u64,
    from: u8,
    to: u8,
    rounds: Vec<(usize, usize)>,
}

fn dialogues() -> impl Strategy<Value = Vec<Dialogue>> {
    let rounds = vec((1_usize..20_000, 1_usize..20_000), 0..4);
    let dialogue =
        (1_u64..50, 0..HOSTS, 1..HOSTS, rounds).prop_map(|(begin_ms, from, on, rounds)| Dialogue {
            begin_ms,
            from,
            to: (from + on) % HOSTS,
            rounds,
        });
    vec(dialogue, 1..5)
}

/// Bytes by sender, receiver and label.
type Sent = BTreeMap<(HostKey, HostKey, Label), u64>;

/// End of each dialogue at who opened it.
type Ends = Vec<Option<Time>>;

fn port(number: usize) -> u16 {
    1_000 + u16::try_from(number).expect("few dialogues")
}

async fn read_exactly(stream: &mut BoxStream, len: usize) {
    let mut read = Vec::new();
    while read.len() < len {
        let data = read_some(stream, len - read.len()).await.expect("no fault");
        assert!(!data.is_empty(), "the stream ends after {} of {len} bytes", read.len());
        read.extend_from_slice(&data);
    }
    assert!(read == pattern(len), "{len} bytes came as others");
}

async fn answer(host: Host, number: usize, rounds: Vec<(usize, usize)>) {
    let mut listener = host.listen(port(number)).expect("the port is free");
    let (mut stream, _) = listener.accept().await.expect("somebody connects");
    for (question, answer) in rounds {
        read_exactly(&mut stream, question).await;
        write_labelled(&mut stream, &pattern(answer), ANSWER).await.expect("no fault");
    }
    assert!(read_some(&mut stream, 1).await.expect("no fault").is_empty(), "nothing comes after");
}

async fn ask(host: &Host, number: usize, dialogue: &Dialogue) {
    host.sleep(ms(dialogue.begin_ms)).await;
    let to = address(HostKey(u32::from(dialogue.to)), port(number));
    let mut stream = host.connect(to).await.expect("it listens");
    for (question, answer) in &dialogue.rounds {
        write_labelled(&mut stream, &pattern(*question), QUESTION).await.expect("no fault");
        read_exactly(&mut stream, *answer).await;
    }
    close(&mut stream).await.expect("no fault");
}

fn observe(mut world: impl Backend + RunMeters, dialogues: &[Dialogue]) -> (Sent, Ends) {
    let ends: Rc<RefCell<Ends>> = Rc::new(RefCell::new(vec![None; dialogues.len()]));
    for index in 0..HOSTS {
        let (ends, dialogues) = (Rc::clone(&ends), dialogues.to_vec());
        let main = move |host: Host| {
            for (number, dialogue) in dialogues.iter().cloned().enumerate() {
                if dialogue.to == index {
                    host.spawn(answer(host.clone(), number, dialogue.rounds.clone()));
                }
                if dialogue.from == index {
                    let (asking, ends) = (host.clone(), Rc::clone(&ends));
                    host.spawn(async move {
                        ask(&asking, number, &dialogue).await;
                        ends.borrow_mut()[number] = Some(asking.now());
                    });
                }
            }
            Box::pin(async {}) as _
        };
        world.add_local_host(spec(index), Rc::new(main));
    }
    world.run(&mut || ends.borrow().iter().all(Option::is_some), LIMIT);
    let ledger = world.ledger();
    let rows = ledger.rows().map(|(way, label, bytes)| ((way.from, way.to, *label), bytes.sent));
    let ends = ends.borrow().clone();
    (rows.filter(|(_, sent)| *sent > 0).collect(), ends)
}

/// Bytes that the dialogues say.
fn said(dialogues: &[Dialogue]) -> Sent {
    let mut said = Sent::new();
    for Dialogue { from, to, rounds, .. } in dialogues {
        let (from, to) = (HostKey(u32::from(*from)), HostKey(u32::from(*to)));
        for (question, answer) in rounds {
            *said.entry((from, to, QUESTION)).or_default() += *question as u64;
            *said.entry((to, from, ANSWER)).or_default() += *answer as u64;
        }
    }
    said
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn both_networks_bring_the_same_bytes_in_about_the_same_time(dialogues in dialogues()) {
        let network = NetworkConfig::uniform(FAR);
        let fabric = Fabric::new(Seed(1), network.clone(), Trace::default());
        let turmoil = Turmoil::new(Seed(1), network, Trace::default());
        let (sent, ends) = observe(fabric, &dialogues);
        let (sent_there, ends_there) = observe(turmoil, &dialogues);
        prop_assert_eq!(&sent, &said(&dialogues));
        prop_assert_eq!(&sent_there, &said(&dialogues));
        for (dialogue, (end, end_there)) in dialogues.iter().zip(ends.iter().zip(&ends_there)) {
            let (end, end_there) = (end.expect("no fault"), end_there.expect("no fault"));
            // The handshake goes there and back, and so does each round.
            let ways = 2 + 2 * u32::try_from(dialogue.rounds.len()).expect("few");
            let least = ms(dialogue.begin_ms) + FAR * ways;
            prop_assert!(end >= Time::ZERO + least && end < Time::ZERO + least + TICKS * ways);
            // Turmoil's acceptor answers a handshake without the way back.
            let whole = end_there + FAR;
            let off = end.since(whole).max(whole.since(end));
            prop_assert!(off <= TICKS * ways, "{dialogue:?} ends at {end} and {end_there}");
        }
    }
}
