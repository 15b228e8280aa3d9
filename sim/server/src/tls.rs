//! TLS for clients: what is read from a certificate and its key, and a socket that shakes hands
//! when it is first used.
//!
//! A client that only connects costs the listener nothing but a connection: the handshake is part
//! of the first reading, and has a limit of its own. Who speaks something else is told so by an
//! alert. Leaves out certificates of clients, and other certificates while a server runs.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use stayput_host::LocalFuture;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::{FallibleAccept, TlsStream};

use super::stream::Socket;

/// Time limit of a handshake.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// Protocol within TLS, the only one that is offered.
const HTTP: &[u8] = b"http/1.1";

/// Error of a certificate or key that TLS cannot use.
#[derive(Debug, thiserror::Error)]
pub enum BadTls {
    /// The certificates.
    #[error("there is no certificate in it that can be used: {0}")]
    Certificate(String),
    /// The key.
    #[error("there is no private key in it that can be used: {0}")]
    Key(String),
    /// Both, together.
    #[error("the certificate and the key do not belong together: {0}")]
    Pair(String),
}

/// A certificate and its key: what a door needs to speak TLS. Clones are the same.
#[derive(Clone, Debug)]
pub struct Tls(Arc<ServerConfig>);

impl Tls {
    /// Of a chain of certificates, the server's own first, and of that one's private key; both in
    /// PEM.
    ///
    /// # Errors
    /// See [`BadTls`].
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, BadTls> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificates).collect();
        let chain = chain.map_err(|error| BadTls::Certificate(error.to_string()))?;
        if chain.is_empty() {
            let nothing = "it has no section BEGIN CERTIFICATE";
            return Err(BadTls::Certificate(nothing.to_owned()));
        }
        let key =
            PrivateKeyDer::from_pem_slice(key).map_err(|error| BadTls::Key(error.to_string()))?;
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| BadTls::Pair(error.to_string()))?
            .with_no_client_auth();
        let mut config = config.with_single_cert(chain, key).map_err(|error| match error {
            rustls::Error::InvalidCertificate(_) => BadTls::Certificate(error.to_string()),
            rustls::Error::InconsistentKeys(_) => BadTls::Pair(error.to_string()),
            error => BadTls::Key(error.to_string()),
        })?;
        config.alpn_protocols = vec![HTTP.to_vec()];
        Ok(Self(Arc::new(config)))
    }

    /// `socket`, with TLS on it.
    pub(super) fn on<S: Socket>(&self, socket: S) -> TlsSocket<S> {
        let shaking = TlsAcceptor::from(Arc::clone(&self.0)).accept(socket).into_fallible();
        #[expect(clippy::disallowed_types, reason = "the clock here is tokio's")]
        let late = tokio::time::sleep_until(tokio::time::Instant::now() + HANDSHAKE_MAX);
        TlsSocket { state: State::Shaking(Box::new(shaking)), late: Some(Box::pin(late)) }
    }
}

/// A socket that carries TLS.
pub(super) struct TlsSocket<S: Socket> {
    state: State<S>,
    /// Deadline of the handshake; `None` once it is over.
    late: Option<LocalFuture<'static, ()>>,
}

enum State<S: Socket> {
    Shaking(Box<FallibleAccept<S>>),
    Open(Box<TlsStream<S>>),
    /// No TLS came about: there is only the socket, to be closed.
    Bare(S),
    Gone,
}

impl<S: Socket> TlsSocket<S> {
    /// Stream within, after the handshake.
    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Pin<&mut TlsStream<S>>>> {
        if let State::Shaking(shaking) = &mut self.state {
            match Pin::new(shaking.as_mut()).poll(cx) {
                Poll::Ready(Ok(open)) => {
                    self.state = State::Open(Box::new(open));
                    self.late = None;
                }
                Poll::Ready(Err((error, socket))) => {
                    self.state = State::Bare(socket);
                    return Poll::Ready(Err(error));
                }
                Poll::Pending => {
                    if self.late.as_mut().is_none_or(|late| late.as_mut().poll(cx).is_pending()) {
                        return Poll::Pending;
                    }
                    self.state = State::Gone;
                    return Poll::Ready(Err(ErrorKind::TimedOut.into()));
                }
            }
        }
        match &mut self.state {
            State::Open(open) => Poll::Ready(Ok(Pin::new(open.as_mut()))),
            _ => Poll::Ready(Err(ErrorKind::NotConnected.into())),
        }
    }
}

impl<S: Socket> AsyncRead for TlsSocket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let State::Bare(socket) = &mut self.state {
            // Whoever closes it takes off what still comes.
            return Pin::new(socket).poll_read(cx, buf);
        }
        match ready!(ready!(self.poll_open(cx))?.poll_read(cx, buf)) {
            // Many clients just hang up. What may be cut off is told by the length of what is
            // within.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Poll::Ready(Ok(())),
            read => Poll::Ready(read),
        }
    }
}

impl<S: Socket> AsyncWrite for TlsSocket<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_open(cx))?.poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.state {
            State::Open(open) => Pin::new(open.as_mut()).poll_flush(cx),
            // Nothing was written.
            _ => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.state {
            State::Open(open) => Pin::new(open.as_mut()).poll_shutdown(cx),
            State::Bare(socket) => Pin::new(socket).poll_shutdown(cx),
            // A handshake that nobody waits for any more is given up.
            State::Shaking(_) | State::Gone => {
                self.state = State::Gone;
                Poll::Ready(Ok(()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(certificates: &str, key: &str) -> String {
        Tls::from_pem(certificates.as_bytes(), key.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_certificate_is_told_from_what_is_no_key() {
        assert!(refused("", "").contains("no certificate"));
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA";
        assert!(refused(broken, "").contains("no certificate"), "{}", refused(broken, ""));
        let empty = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(refused(empty, "").contains("no private key"), "{}", refused(empty, ""));
    }
}
