//! Handshake of a connection between processes: the messages of `proof`, one after the other.
//!
//! Neither side reads a byte too much, so the connection can be handed on when this is over. Leaves
//! out limits of time, which are the caller's and the port's.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::super::stream::Socket;
use super::proof::{
    CLAIM_BYTES, HELLO_BYTES, MAGIC, NONCE_BYTES, Opening, PeerSecret, VERDICT_BYTES, Verdict,
    nonce,
};

/// Error of a connection to another process of the cluster, on the caller's side.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// Nothing came within the time limit.
    #[error("it does not answer")]
    NoAnswer,
    /// The connection broke.
    #[error("{0}")]
    Broken(#[from] io::Error),
    /// The other side hung up, as it does on those who do not know its cluster's secret.
    #[error("it hung up (is it a process of this cluster, with the same cluster file?)")]
    HungUp,
    /// The other side does not know the secret.
    #[error("it has another secret than this cluster (give both the same cluster file)")]
    Unproven,
    /// The other side knows who calls and has nobody there.
    #[error("nobody listens there")]
    Refused,
    /// The other side is another process of the cluster than the one that was meant.
    #[error("it is another process of the cluster (do both have the same cluster file?)")]
    Elsewhere,
}

impl From<PeerError> for io::Error {
    fn from(error: PeerError) -> Self {
        let kind = match error {
            PeerError::Broken(source) => return source,
            PeerError::NoAnswer => ErrorKind::TimedOut,
            PeerError::HungUp | PeerError::Unproven => ErrorKind::PermissionDenied,
            PeerError::Refused => ErrorKind::ConnectionRefused,
            PeerError::Elsewhere => ErrorKind::HostUnreachable,
        };
        Self::new(kind, error.to_string())
    }
}

/// Caller that is no peer.
#[derive(Debug)]
pub(super) enum Stranger {
    /// It speaks HTTP and may be told so.
    Http,
    /// It speaks something else, has another secret, or is gone.
    Other,
}

/// Asks for a connection from `from` to `to` on the other side of `stream`.
pub(super) async fn call(
    stream: &mut impl Socket,
    secret: &PeerSecret,
    from: SocketAddr,
    to: SocketAddr,
) -> Result<(), PeerError> {
    let caller = nonce()?;
    let mut hello = [0; HELLO_BYTES];
    hello[..MAGIC.len()].copy_from_slice(MAGIC);
    hello[MAGIC.len()..].copy_from_slice(&caller);
    stream.write_all(&hello).await?;
    stream.flush().await?;
    let called = told::<NONCE_BYTES>(stream).await?;
    let opening = Opening { caller, called, to, from };
    stream.write_all(&secret.claim(&opening)).await?;
    stream.flush().await?;
    let said = told::<VERDICT_BYTES>(stream).await?;
    match secret.heard_verdict(&opening, &said).ok_or(PeerError::Unproven)? {
        Verdict::Accepted => Ok(()),
        Verdict::Refused => Err(PeerError::Refused),
        Verdict::Elsewhere => Err(PeerError::Elsewhere),
    }
}

/// The next message of the called one.
async fn told<const BYTES: usize>(stream: &mut impl Socket) -> Result<[u8; BYTES], PeerError> {
    let mut message = [0; BYTES];
    match stream.read_exact(&mut message).await {
        Ok(_) => Ok(message),
        Err(error)
            if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) =>
        {
            Err(PeerError::HungUp)
        }
        Err(error) => Err(error.into()),
    }
}

/// Address that the caller on `stream` opens, once it has proved that it knows the secret.
pub(super) async fn hear(
    stream: &mut impl Socket,
    secret: &PeerSecret,
) -> Result<Opening, Stranger> {
    let caller = hello(stream).await?;
    let gone = |_: io::Error| Stranger::Other;
    let called = nonce().map_err(gone)?;
    stream.write_all(&called).await.map_err(gone)?;
    stream.flush().await.map_err(gone)?;
    let mut claim = [0; CLAIM_BYTES];
    stream.read_exact(&mut claim).await.map_err(gone)?;
    secret.heard_claim(caller, called, &claim).ok_or(Stranger::Other)
}

/// The nonce of a hello. Whoever says something else is found out at the first byte that is wrong.
async fn hello(stream: &mut impl Socket) -> Result<[u8; NONCE_BYTES], Stranger> {
    let mut hello = [0; HELLO_BYTES];
    let mut filled = 0;
    while filled < HELLO_BYTES {
        let read = stream.read(&mut hello[filled..]).await;
        match read {
            Ok(0) | Err(_) => return Err(Stranger::Other),
            Ok(len) => filled += len,
        }
        let word = filled.min(MAGIC.len());
        if hello[..word] != MAGIC[..word] {
            // Methods are in capitals; a hello is not.
            let is_http = hello[0].is_ascii_uppercase();
            return Err(if is_http { Stranger::Http } else { Stranger::Other });
        }
    }
    let mut nonce = [0; NONCE_BYTES];
    nonce.copy_from_slice(&hello[MAGIC.len()..]);
    Ok(nonce)
}

/// Tells the caller what becomes of it.
pub(super) async fn answer(
    stream: &mut impl Socket,
    secret: &PeerSecret,
    opening: &Opening,
    verdict: Verdict,
) -> io::Result<()> {
    stream.write_all(&secret.verdict(opening, verdict)).await?;
    stream.flush().await
}
