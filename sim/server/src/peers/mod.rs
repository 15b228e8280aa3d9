//! Other processes of the cluster: who is where, how they are called, and the port at which they
//! call.
//!
//! ```text
//! proof       the messages, and what they prove
//! handshake   the messages, one after the other
//! port        who calls: peers are handed to the listener that they name, strangers go
//! ```
//! A connection to an actor of another process is a socket to that process's port, on which both
//! sides first prove that they know the cluster's secret. Then it is a connection like those within
//! a process. Leaves out encryption: see `proof`.

mod handshake;
mod port;
mod proof;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use self::handshake::PeerError;
pub(super) use self::port::PeerPort;
pub use self::proof::PeerSecret;
use stayput_host::BoxStream;

use super::meters::Meters;
use super::stream::SocketStream;

/// The other processes of a cluster, as one of them knows them.
#[derive(Clone, Debug)]
pub struct Peers {
    secret: PeerSecret,
    ways: BTreeMap<IpAddr, Arc<str>>,
    found: Arc<Found>,
}

/// Last addresses of the processes, by their names: a name is not looked up for each connection.
#[derive(Debug, Default)]
struct Found(Mutex<BTreeMap<String, SocketAddr>>);

impl Found {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, SocketAddr>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes out where `way` led. Who got through by it keeps it; else the next one looks the name
    /// up.
    fn take(&self, way: &str) -> Option<SocketAddr> {
        self.lock().remove(way)
    }

    /// `way` led there, to a peer.
    fn keep(&self, way: &str, at: SocketAddr) {
        self.lock().insert(way.to_owned(), at);
    }
}

impl Peers {
    /// `ways` says of each actor of another process, by its address within the cluster, where that
    /// process is: `HOST:PORT`.
    pub fn new(secret: PeerSecret, ways: impl IntoIterator<Item = (IpAddr, Arc<str>)>) -> Self {
        Self { secret, ways: ways.into_iter().collect(), found: Arc::default() }
    }

    /// Address of the process of the actor at `ip`; `None` if it is this process.
    pub(super) fn way(&self, ip: IpAddr) -> Option<&Arc<str>> {
        self.ways.get(&ip)
    }

    /// An actor of each other process, and where that is.
    pub(super) fn processes(&self) -> impl Iterator<Item = (IpAddr, &Arc<str>)> {
        let by_process: BTreeMap<&Arc<str>, IpAddr> =
            self.ways.iter().map(|(ip, way)| (way, *ip)).collect();
        by_process.into_iter().map(|(way, ip)| (ip, way))
    }
}

/// A connection from the actor at `from` to the one at `to`, in the process at `way`.
pub(super) async fn dial(
    peers: &Peers,
    meters: Arc<Meters>,
    way: &str,
    from: SocketAddr,
    to: SocketAddr,
) -> io::Result<BoxStream> {
    let mut stream = connect(peers.found.take(way), way).await?;
    let at = stream.peer_addr()?;
    // Small messages are answers that somebody waits for.
    stream.set_nodelay(true)?;
    handshake::call(&mut stream, &peers.secret, from, to).await?;
    peers.found.keep(way, at);
    Ok(Box::new(SocketStream::new(stream, meters, ())))
}

/// Connects to where `way` led before, or else to where it leads now.
#[expect(clippy::disallowed_types, reason = "sockets are what the seam stands for here")]
async fn connect(before: Option<SocketAddr>, way: &str) -> io::Result<tokio::net::TcpStream> {
    if let Some(before) = before
        && let Ok(stream) = tokio::net::TcpStream::connect(before).await
    {
        return Ok(stream);
    }
    tokio::net::TcpStream::connect(way).await
}

/// Checks that the process at `way` is there and knows the secret.
///
/// # Errors
/// It is not, or does not.
pub(super) async fn look(peers: &Peers, way: &str, to: SocketAddr) -> Result<(), PeerError> {
    #[expect(clippy::disallowed_types, reason = "sockets are what the seam stands for here")]
    let mut stream = tokio::net::TcpStream::connect(way).await?;
    match handshake::call(&mut stream, &peers.secret, to, to).await {
        Ok(()) | Err(PeerError::Refused) => Ok(()),
        Err(error) => Err(error),
    }
}
