//! Frames however they are cut, and pipes between two hosts: whole, left early, broken and hostile.

use std::cell::RefCell;
use std::rc::Rc;

use proptest::prelude::*;
use stayput_host::contract::host_address;
use stayput_store::http::serve;

use super::*;
use crate::fixtures::{ServerMain, beside};

proptest! {
    #[test]
    fn any_bytes_are_frames_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let mut come = BytesMut::from(&bytes[..]);
        while let Ok(Some(PipeFrame::Data(_))) = frame_of(&mut come) {}
    }

    #[test]
    fn frames_come_out_however_they_are_cut(
        writes in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..9), 0..9),
        cut in 1_usize..7,
    ) {
        let mut sent = Vec::new();
        for write in &writes {
            sent.extend_from_slice(&(write.len() as u32).to_be_bytes());
            sent.extend_from_slice(write);
        }
        sent.extend_from_slice(&DIED.to_be_bytes());
        let (mut come, mut read, mut end) = (BytesMut::new(), Vec::new(), None);
        for piece in sent.chunks(cut) {
            come.extend_from_slice(piece);
            while let Some(frame) = frame_of(&mut come).unwrap() {
                match frame {
                    PipeFrame::Data(data) => read.push(data.to_vec()),
                    PipeFrame::End(how) => { end = Some(how); break; }
                }
            }
        }
        prop_assert_eq!(read, writes);
        prop_assert_eq!(end, Some(WriterEnd::Died));
    }
}

#[test]
fn a_write_longer_than_sessions_write_is_refused() {
    let length = u32::try_from(PIECE_BYTES + 1).expect("a write fits");
    let mut come = BytesMut::from(&length.to_be_bytes()[..]);
    let refused = frame_of(&mut come).expect_err("it is too long");
    assert!(matches!(refused, PipeBodyError::WriteTooLong { length } if length == PIECE_BYTES + 1));
}

#[test]
fn half_a_frame_waits_for_its_other_half() {
    let mut come = BytesMut::from(&5_u32.to_be_bytes()[..]);
    come.extend_from_slice(b"bana");
    assert!(frame_of(&mut come).expect("so far it is in order").is_none());
    come.extend_from_slice(b"na");
    let frame = frame_of(&mut come).expect("it is in order");
    assert_eq!(frame, Some(PipeFrame::Data(Bytes::from_static(b"banan"))));
    assert_eq!(&come[..], b"a", "what follows is left");
}

// Between two hosts.

const PORT: u16 = 6_204;
const PATH: &str = "/pipes/job-0-0/1/0";

/// Outcome at the reader's end.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Read {
    /// All bytes, and the end of the writer.
    Whole(Vec<u8>, WriterEnd),
    /// It broke after so many bytes.
    Broken(usize),
}

type Seen = Rc<RefCell<Option<Read>>>;

/// Host of a reader that reads `len` bytes at a time until `leaves_after` have come.
fn reader(seen: &Seen, len: usize, leaves_after: usize) -> ServerMain {
    let seen = Rc::clone(seen);
    Box::new(move |host: Host| {
        let (seen, own) = (Rc::clone(&seen), host.clone());
        let handler = move |request: Request| {
            let pipe = Rc::new(SessionPipe::new(room(&request)));
            let (seen, host, reading) = (Rc::clone(&seen), own.clone(), Rc::clone(&pipe));
            own.spawn(async move {
                let mut whole = Vec::new();
                let end = loop {
                    if whole.len() >= leaves_after {
                        reading.abandon();
                        return;
                    }
                    match reading.read(len).await {
                        Ok(data) if data.is_empty() => break Read::Whole(whole, WriterEnd::Exited),
                        Ok(data) => whole.extend_from_slice(&data),
                        Err(DeviceFault::PeerDied) => break Read::Whole(whole, WriterEnd::Died),
                        Err(_) => break Read::Broken(whole.len()),
                    }
                };
                *seen.borrow_mut() = Some(end);
            });
            async move { receive(&host, &pipe, request).await }
        };
        serve(&host, PORT, handler).expect("the port is free");
    })
}

/// Outcome of sending `writes` and an end over a pipe of that room, at both of its ends.
fn carried(
    writes: &[Vec<u8>],
    end: WriterEnd,
    room: usize,
    (len, leaves_after): (usize, usize),
) -> (Result<(), String>, Option<Read>) {
    let (seen, writes) = (Seen::default(), writes.to_vec());
    let sent = beside(vec![reader(&seen, len, leaves_after)], move |host| {
        let (pool, writes) = (ConnectionPool::new(host.clone()), writes.clone());
        async move {
            let pipe = Rc::new(SessionPipe::new(room));
            let writing = Rc::clone(&pipe);
            host.spawn(async move {
                for write in writes {
                    writing.write(write.into()).await.expect("it is not broken");
                }
                writing.end(end);
            });
            let sent = send(&pool, host_address(0, PORT), PATH, room, &pipe).await;
            host.sleep(Duration::from_millis(10)).await;
            sent.map_err(|error| error.to_string())
        }
    });
    (sent, seen.take())
}

#[test]
fn a_pipe_between_hosts_carries_all_writes_and_the_end_of_its_writer() {
    let long: Vec<u8> = (0..700_000_u32).map(|at| (at % 251) as u8).collect();
    for (writes, room, len) in [
        (vec![], 9, 9),
        (vec![b"banana".to_vec()], 1, 1),
        (vec![b"ban".to_vec(), b"ana".to_vec()], 100, 2),
        (vec![long.clone(), b"x".to_vec(), long], PIPE_BYTES, 100_000),
    ] {
        for end in [WriterEnd::Exited, WriterEnd::Died] {
            let (sent, read) = carried(&writes, end, room, (len, usize::MAX));
            assert_eq!(sent, Ok(()));
            assert!(read == Some(Read::Whole(writes.concat(), end)), "room {room}, {end:?}");
        }
    }
}

#[test]
fn a_reader_that_leaves_early_is_no_failure_of_the_writer() {
    let writes = vec![vec![7; 1_000_000]; 3];
    let (sent, read) = carried(&writes, WriterEnd::Exited, PIPE_BYTES, (1_000, 10_000));
    assert_eq!((sent, read), (Ok(()), None));
}

#[test]
fn a_host_that_nobody_serves_breaks_the_pipe() {
    let sent = beside(Vec::new(), |host| async move {
        let pipe = SessionPipe::new(9);
        pipe.end(WriterEnd::Exited);
        let pool = ConnectionPool::new(host.clone());
        let sent = send(&pool, host_address(0, PORT), PATH, 9, &pipe).await;
        let broken = pipe.write(Bytes::from_static(b"x")).await;
        (sent.map_err(|error| error.to_string()), broken)
    });
    assert!(sent.0.is_err() && matches!(sent.1, Err(DeviceFault::Failed { .. })), "{sent:?}");
}

/// Status of the answer to a body of these bytes, and the reader's end.
fn answered(body: &'static [u8]) -> (u16, Option<Read>) {
    let seen = Seen::default();
    let status = beside(vec![reader(&seen, 100, usize::MAX)], move |host| async move {
        let body = Body::full(Purpose::JobToJob, body);
        let request = hyper::Request::builder().method(Method::PUT).uri(PATH).body(body);
        let request = request.expect("it is a request");
        let answer = stayput_store::http::send(&host, host_address(0, PORT), request, LIMITS).await;
        host.sleep(Duration::from_millis(10)).await;
        answer.expect("it is answered").status.as_u16()
    });
    (status, seen.take())
}

#[test]
fn what_ends_without_an_end_or_is_no_frame_breaks_the_pipe_behind_what_came() {
    assert_eq!(
        answered(b"\0\0\0\x02ok\0\0\0\0"),
        (200, Some(Read::Whole(b"ok".to_vec(), WriterEnd::Exited)))
    );
    assert_eq!(
        answered(b"\0\0\0\x02ok\xff\xff\xff\xff").1,
        Some(Read::Whole(b"ok".to_vec(), WriterEnd::Died))
    );
    assert_eq!(answered(b""), (400, Some(Read::Broken(0))));
    assert_eq!(answered(b"\0\0\0\x02ok"), (400, Some(Read::Broken(2))));
    assert_eq!(answered(b"\0\0\0\x02o"), (400, Some(Read::Broken(0))));
    assert_eq!(answered(b"\0\0\0\x02ok\0\x01\0\x01more"), (400, Some(Read::Broken(2))));
    assert_eq!(answered(b"\xff\xff\xff\xfe"), (400, Some(Read::Broken(0))));
}

#[test]
fn the_room_of_a_pipe_is_what_its_sender_says_within_bounds() {
    let seen: Rc<RefCell<Vec<usize>>> = Rc::default();
    let serving = Rc::clone(&seen);
    let main: ServerMain = Box::new(move |host: Host| {
        let seen = Rc::clone(&serving);
        let handler = move |request: Request| {
            seen.borrow_mut().push(room(&request));
            async { Response::new(Body::empty()) }
        };
        serve(&host, PORT, handler).expect("the port is free");
    });
    beside(vec![main], |host| async move {
        let queries =
            ["", "?room=1", "?room=0", "?room=5000", "?room=99999999", "?room=-1", "?rom=9"];
        for query in queries {
            let request = hyper::Request::builder().uri(format!("{PATH}{query}"));
            let request = request.body(Body::empty()).expect("it is a request");
            let to = host_address(0, PORT);
            stayput_store::http::send(&host, to, request, LIMITS).await.expect("it is answered");
        }
    });
    assert_eq!(*seen.borrow(), [PIPE_BYTES, 1, 1, 5_000, PIPE_BYTES, PIPE_BYTES, PIPE_BYTES]);
}

#[test]
fn paths_of_pipes_tell_gangs_attempts_and_pipes_apart() {
    assert_eq!(path_of("tx-0-1", 2, 3), "/pipes/tx-0-1/2/3");
    assert!(is_path(&path_of("g", 1, 0)) && !is_path("/running/g/1"));
}
