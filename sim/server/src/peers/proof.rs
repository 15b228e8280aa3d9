//! Proof between two processes of a cluster that both know its secret, for this one connection.
//!
//! ```text
//! caller → called   hello: a magic word, and a nonce that the caller has just drawn
//! called → caller   the called one's own nonce
//! caller → called   claim: both addresses of the connection, with the caller's proof
//! called → caller   verdict: whether it leads there, with the called one's proof
//! ```
//! A proof is an HMAC-SHA-256 over its side's label, both nonces, both addresses and, of the called
//! one, the verdict. So no proof is worth anything on another connection, for another address, or
//! in the mouth of the other side; who knows nothing is told nothing but a nonce. All messages have
//! fixed lengths. Leaves out secrecy and what follows on the connection, whose bytes are sealed by
//! nothing: they belong on a network that nobody else can write to.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// First bytes of every hello: nothing that speaks HTTP begins so.
pub(super) const MAGIC: &[u8; 16] = b"stayput-peer/1\r\n";
pub(super) const NONCE_BYTES: usize = 32;
pub(super) const PROOF_BYTES: usize = 32;
const ADDRESS_BYTES: usize = 18;
pub(super) const HELLO_BYTES: usize = MAGIC.len() + NONCE_BYTES;
pub(super) const CLAIM_BYTES: usize = 2 * ADDRESS_BYTES + PROOF_BYTES;
pub(super) const VERDICT_BYTES: usize = 1 + PROOF_BYTES;
/// Each label has one length, so that what follows it is at the same place.
const CALLER: &[u8; 24] = b"stayput peer, the caller";
const CALLED: &[u8; 24] = b"stayput peer, the called";

/// Drawn for one connection.
pub(super) type Nonce = [u8; NONCE_BYTES];

/// A nonce from the system.
pub(super) fn nonce() -> io::Result<Nonce> {
    let mut nonce = [0; NONCE_BYTES];
    getrandom::fill(&mut nonce).map_err(io::Error::other)?;
    Ok(nonce)
}

/// Secret of a cluster's processes. Its debug form does not show it.
#[derive(Clone)]
pub struct PeerSecret([u8; 32]);

impl std::fmt::Debug for PeerSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PeerSecret(…)")
    }
}

/// A connection that is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opening {
    pub(super) caller: Nonce,
    pub(super) called: Nonce,
    pub(super) to: SocketAddr,
    pub(super) from: SocketAddr,
}

/// Verdict on a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The connection leads where it was to.
    Accepted = 1,
    /// Nobody listens there, or too many wait to be accepted.
    Refused = 2,
    /// That address is another process's.
    Elsewhere = 3,
}

impl Verdict {
    fn of_byte(byte: u8) -> Option<Self> {
        [Self::Accepted, Self::Refused, Self::Elsewhere].into_iter().find(|it| *it as u8 == byte)
    }
}

impl PeerSecret {
    /// The secret of these bytes, which were drawn at random.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    fn proving(&self, label: &[u8; 24], opening: &Opening) -> Hmac<Sha256> {
        let mut block = [0; 64];
        block[..32].copy_from_slice(&self.0);
        let mut proving = Hmac::<Sha256>::new(&block.into());
        let (to, from) = (address_bytes(opening.to), address_bytes(opening.from));
        for field in [&label[..], &opening.caller, &opening.called, &to, &from] {
            proving.update(field);
        }
        proving
    }

    /// Claim of the caller, after the called one's nonce.
    pub(super) fn claim(&self, opening: &Opening) -> [u8; CLAIM_BYTES] {
        let proof = self.proving(CALLER, opening).finalize().into_bytes();
        let mut claim = [0; CLAIM_BYTES];
        claim[..ADDRESS_BYTES].copy_from_slice(&address_bytes(opening.to));
        claim[ADDRESS_BYTES..2 * ADDRESS_BYTES].copy_from_slice(&address_bytes(opening.from));
        claim[2 * ADDRESS_BYTES..].copy_from_slice(&proof);
        claim
    }

    /// Address that a claim opens; `None` if its caller does not know the secret. The time that
    /// takes does not depend on where its proof is wrong.
    pub(super) fn heard_claim(
        &self,
        caller: Nonce,
        called: Nonce,
        claim: &[u8; CLAIM_BYTES],
    ) -> Option<Opening> {
        let (addresses, proof) = claim.split_at(2 * ADDRESS_BYTES);
        let (to, from) = addresses.split_at(ADDRESS_BYTES);
        let opening = Opening { caller, called, to: address(to)?, from: address(from)? };
        self.proving(CALLER, &opening).verify_slice(proof).ok()?;
        Some(opening)
    }

    /// Answer of the called one to a claim that holds.
    pub(super) fn verdict(&self, opening: &Opening, verdict: Verdict) -> [u8; VERDICT_BYTES] {
        let mut proving = self.proving(CALLED, opening);
        proving.update(&[verdict as u8]);
        let mut said = [0; VERDICT_BYTES];
        said[0] = verdict as u8;
        said[1..].copy_from_slice(&proving.finalize().into_bytes());
        said
    }

    /// Verdict on a claim; `None` if the called one does not know the secret.
    pub(super) fn heard_verdict(
        &self,
        opening: &Opening,
        said: &[u8; VERDICT_BYTES],
    ) -> Option<Verdict> {
        let mut proving = self.proving(CALLED, opening);
        proving.update(&said[..1]);
        proving.verify_slice(&said[1..]).ok()?;
        Verdict::of_byte(said[0])
    }
}

fn address_bytes(address: SocketAddr) -> [u8; ADDRESS_BYTES] {
    let ip = match address.ip() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    };
    let mut bytes = [0; ADDRESS_BYTES];
    bytes[..16].copy_from_slice(&ip.octets());
    bytes[16..].copy_from_slice(&address.port().to_be_bytes());
    bytes
}

fn address(bytes: &[u8]) -> Option<SocketAddr> {
    let (ip, port) = bytes.split_at_checked(16)?;
    let ip = Ipv6Addr::from(<[u8; 16]>::try_from(ip).ok()?).to_canonical();
    Some(SocketAddr::new(ip, u16::from_be_bytes(port.try_into().ok()?)))
}
