//! Connections between hosts of one process over sockets of the loopback.
//!
//! One listening socket makes both ends of a connection at once, since connecting to it does not
//! wait for its owner. Leaves out who connects to whom, which is `switchboard`'s.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Mutex, PoisonError};

use rustix::net::sockopt::{set_socket_recv_buffer_size, set_socket_send_buffer_size};

/// Requested socket buffer in each direction. Systems that adjust buffers by themselves go up to
/// tens of MiB, and a slow reader would stop its writer late.
const BUFFER_BYTES: usize = 256 << 10;

/// Maker of connected sockets.
///
/// A connection holds a port at each end, one of them for a minute after its close (TCP's
/// TIME_WAIT): some 28,000 of them a minute are what a machine gives by default, and then
/// connecting fails.
#[derive(Debug)]
pub(super) struct Loopback {
    at: SocketAddr,
    listener: Mutex<TcpListener>,
}

impl Loopback {
    /// One at any free port.
    ///
    /// # Errors
    /// The system has no socket to give.
    pub(super) fn new() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        Ok(Self { at: listener.local_addr()?, listener: Mutex::new(listener) })
    }

    /// The two ends of a new connection.
    ///
    /// # Errors
    /// The system has no socket or port to give.
    pub(super) fn connect(&self) -> io::Result<(TcpStream, TcpStream)> {
        let listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner);
        let near = TcpStream::connect(self.at)?;
        let own = near.local_addr()?;
        let far = loop {
            let (far, from) = listener.accept()?;
            // Whoever else connects to the port is none of the process's hosts.
            if from == own {
                break far;
            }
        };
        drop(listener);
        for end in [&near, &far] {
            set_socket_send_buffer_size(end, BUFFER_BYTES)?;
            set_socket_recv_buffer_size(end, BUFFER_BYTES)?;
            // Small messages are answers that somebody waits for.
            end.set_nodelay(true)?;
            end.set_nonblocking(true)?;
        }
        Ok((near, far))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn two_ends_are_connected_and_a_stranger_to_none() {
        let loopback = Loopback::new().unwrap();
        let mut stranger = TcpStream::connect(loopback.at).unwrap();
        let (mut near, mut far) = loopback.connect().unwrap();
        for end in [&near, &far] {
            end.set_nonblocking(false).unwrap();
        }
        near.write_all(b"ping").unwrap();
        let mut read = [0; 4];
        far.read_exact(&mut read).unwrap();
        assert_eq!(&read, b"ping");
        assert_eq!(stranger.read(&mut read).unwrap_or(0), 0, "it was hung up on");
    }
}
