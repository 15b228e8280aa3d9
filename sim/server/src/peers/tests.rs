//! A handshake that somebody meddles with opens nothing; one that nobody meddles with leads where
//! it is to.

use std::cell::RefCell;
use std::net::Ipv4Addr;

use futures_util::future::join;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::handshake::{PeerError, Stranger, answer, call, hear};
use super::proof::{CLAIM_BYTES, HELLO_BYTES, MAGIC, NONCE_BYTES, Opening, VERDICT_BYTES, Verdict};
use super::*;

/// All that a caller says, and all that it is told.
const SAID: usize = HELLO_BYTES + CLAIM_BYTES;
const TOLD: usize = NONCE_BYTES + VERDICT_BYTES;
const ROOM: usize = 1024;

fn secret(fill: u8) -> PeerSecret {
    PeerSecret::new([fill; 32])
}

fn at(last: u8) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::new(10, 1, 0, last), 6200))
}

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

async fn calling(mut stream: DuplexStream, secret: PeerSecret) -> Result<(), PeerError> {
    call(&mut stream, &secret, at(2), at(1)).await
}

/// The called one's side: what was to be opened, answered with a verdict.
async fn called(
    mut stream: DuplexStream,
    secret: PeerSecret,
    verdict: Verdict,
) -> Result<Opening, Stranger> {
    let opening = hear(&mut stream, &secret).await?;
    // Whoever meddles may have hung up.
    let _told = answer(&mut stream, &secret, &opening, verdict).await;
    Ok(opening)
}

/// Change of the byte at a place by somebody between the two: lets another pass in its stead, or
/// cuts the way there.
type Meddling<'a> = &'a dyn Fn(usize, u8) -> Option<u8>;

/// Carries bytes from one to the other until either ends; keeps what it let pass.
async fn carry(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
    meddling: Meddling<'_>,
    kept: &RefCell<Vec<u8>>,
) {
    let mut byte = [0];
    while let Ok(1) = from.read(&mut byte).await {
        let place = kept.borrow().len();
        let Some(passes) = meddling(place, byte[0]) else { break };
        kept.borrow_mut().push(passes);
        if to.write_all(&[passes]).await.is_err() {
            break;
        }
    }
    // The other side may be gone.
    let _ended = to.shutdown().await;
}

struct Met {
    caller: Result<(), PeerError>,
    called: Result<Opening, Stranger>,
    said: Vec<u8>,
}

fn meet(verdict: Verdict, up: Meddling<'_>, down: Meddling<'_>) -> Met {
    let (caller, near) = duplex(ROOM);
    let (far, listener) = duplex(ROOM);
    let (mut near_read, mut near_write) = tokio::io::split(near);
    let (mut far_read, mut far_write) = tokio::io::split(far);
    let (said, told) = (RefCell::default(), RefCell::default());
    let (ends, _ways) = run(join(
        join(calling(caller, secret(1)), called(listener, secret(1), verdict)),
        join(
            carry(&mut near_read, &mut far_write, up, &said),
            carry(&mut far_read, &mut near_write, down, &told),
        ),
    ));
    Met { caller: ends.0, called: ends.1, said: said.into_inner() }
}

const PASS: Meddling<'_> = &|_, byte| Some(byte);

#[test]
fn those_who_know_the_secret_agree_on_where_a_connection_leads() {
    let met = meet(Verdict::Accepted, PASS, PASS);
    assert!(met.caller.is_ok(), "{:?}", met.caller);
    let opening = met.called.unwrap();
    assert_eq!((opening.to, opening.from), (at(1), at(2)));
    let refused = meet(Verdict::Refused, PASS, PASS).caller;
    assert!(matches!(refused, Err(PeerError::Refused)), "{refused:?}");
    let elsewhere = meet(Verdict::Elsewhere, PASS, PASS).caller;
    assert!(matches!(elsewhere, Err(PeerError::Elsewhere)), "{elsewhere:?}");
}

#[test]
fn a_caller_whose_words_are_changed_anywhere_is_no_peer() {
    for place in 0..SAID {
        for flip in [1, 0x80] {
            let met = meet(
                Verdict::Accepted,
                &|at, it| Some(if at == place { it ^ flip } else { it }),
                PASS,
            );
            assert!(met.called.is_err(), "byte {place} of {SAID} was changed by {flip}");
            assert!(met.caller.is_err(), "byte {place} of {SAID} was changed by {flip}");
        }
    }
}

#[test]
fn a_caller_believes_nothing_that_is_changed_anywhere() {
    for verdict in [Verdict::Accepted, Verdict::Refused, Verdict::Elsewhere] {
        for place in 0..TOLD {
            for flip in [1, 2, 3, 0x80] {
                let met =
                    meet(verdict, PASS, &|at, it| Some(if at == place { it ^ flip } else { it }));
                let unbelieved = matches!(met.caller, Err(PeerError::Unproven | PeerError::HungUp));
                assert!(unbelieved, "byte {place} of {TOLD} changed by {flip}: {:?}", met.caller);
            }
        }
    }
}

#[test]
fn a_handshake_that_is_cut_off_anywhere_opens_nothing() {
    for place in 0..SAID {
        let met = meet(Verdict::Accepted, &|at, byte| (at < place).then_some(byte), PASS);
        assert!(met.called.is_err() && met.caller.is_err(), "cut off after {place} of {SAID}");
    }
    for place in 0..TOLD {
        let met = meet(Verdict::Accepted, PASS, &|at, byte| (at < place).then_some(byte));
        assert!(matches!(met.caller, Err(PeerError::HungUp)), "cut off after {place} of {TOLD}");
    }
}

#[test]
fn what_a_peer_once_said_opens_nothing_again() {
    let once = meet(Verdict::Accepted, PASS, PASS);
    assert_eq!((once.called.is_ok(), once.said.len()), (true, SAID));
    let (mut replaying, listener) = duplex(ROOM);
    let again = run(async {
        replaying.write_all(&once.said).await.unwrap();
        called(listener, secret(1), Verdict::Accepted).await
    });
    assert!(again.is_err());
}

#[test]
fn a_callers_own_words_prove_nothing_to_it() {
    // Its nonce comes back as the other's, and its proof as the verdict's.
    for verdict in 0..=3 {
        let (caller, mut mirror) = duplex(ROOM);
        let mirroring = async {
            let (mut hello, mut claim) = ([0; HELLO_BYTES], [0; CLAIM_BYTES]);
            mirror.read_exact(&mut hello).await.unwrap();
            mirror.write_all(&hello[MAGIC.len()..]).await.unwrap();
            mirror.read_exact(&mut claim).await.unwrap();
            mirror.write_all(&[verdict]).await.unwrap();
            mirror.write_all(&claim[CLAIM_BYTES - VERDICT_BYTES + 1..]).await.unwrap();
        };
        let (called, ()) = run(join(calling(caller, secret(1)), mirroring));
        assert!(matches!(called, Err(PeerError::Unproven)), "{called:?}");
    }
}

#[test]
fn two_secrets_open_nothing() {
    let (caller, listener) = duplex(ROOM);
    let both = join(calling(caller, secret(1)), called(listener, secret(2), Verdict::Accepted));
    let (caller, called) = run(both);
    assert!(matches!(caller, Err(PeerError::HungUp)), "{caller:?}");
    assert!(matches!(called, Err(Stranger::Other)), "{called:?}");
}

#[test]
fn strangers_are_found_out_at_their_first_wrong_byte() {
    for (said, is_http) in [
        (&b"GET / HTTP/1.1\r\n\r\n"[..], true),
        (b"PUT /d1/0/AUTH_test", true),
        (b"s", false),
        (b"stayput-peer/2\r\n", false),
        (b"\x16\x03\x01\x02\x00", false),
        (b"\0", false),
        (b"", false),
    ] {
        let (mut stranger, mut listener) = duplex(ROOM);
        let heard = run(async {
            stranger.write_all(said).await.unwrap();
            if said.starts_with(b"s") || said.is_empty() {
                // So far it could be a peer.
                stranger.shutdown().await.unwrap();
            }
            hear(&mut listener, &secret(1)).await
        });
        let told_apart = match heard {
            Err(Stranger::Http) => is_http,
            Err(Stranger::Other) => !is_http,
            Ok(_) => false,
        };
        assert!(told_apart, "{:?}: {heard:?}", String::from_utf8_lossy(said));
    }
}

#[test]
fn a_process_is_looked_up_again_once_it_is_not_where_it_was() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    runtime.block_on(async {
        let listen = || std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let (there, gone) = (listen(), listen());
        let (there_at, gone_at) = (there.local_addr().unwrap(), gone.local_addr().unwrap());
        drop(gone);
        let way = there_at.to_string();
        let found = Found::default();
        assert_eq!(found.take(&way), None);
        let stream = connect(None, &way).await.unwrap();
        found.keep(&way, stream.peer_addr().unwrap());
        let before = found.take(&way);
        assert_eq!((before, found.take(&way)), (Some(there_at), None));
        // A name that nobody has: it is not looked up while the process is where it was.
        assert_eq!(connect(before, "").await.unwrap().peer_addr().unwrap(), there_at);
        assert_eq!(connect(Some(gone_at), &way).await.unwrap().peer_addr().unwrap(), there_at);
        connect(Some(gone_at), "").await.unwrap_err();
    });
}

#[test]
fn neither_secret_nor_proof_is_shown() {
    assert_eq!(format!("{:?}", secret(7)), "PeerSecret(…)");
}
