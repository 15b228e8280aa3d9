//! The certificate and the key that a server shows its clients, from their files.
//!
//! Leaves out their use, and reading them again while a server runs.

use std::fs;
use std::path::{Path, PathBuf};

use stayput_server::{BadTls, Tls};

/// Error in the files of certificate and key.
#[derive(Debug, thiserror::Error)]
pub enum TlsFileError {
    /// A file cannot be read.
    #[error("{}: cannot read it: {source} (name a PEM file that this user may read)", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Error of the operating system.
        source: std::io::Error,
    },
    /// The certificates are flawed.
    #[error("{}: {source} (name a PEM file with the server's certificate, and after it those that vouch for it)", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// Flaw of the certificates.
        source: BadTls,
    },
    /// The key is flawed.
    #[error("{}: {source} (name a PEM file with the private key of the certificate)", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Flaw of the key.
        source: BadTls,
    },
    /// The key does not belong to the certificate.
    #[error("{} and {}: {source} (name the key that the certificate was made for)", certificate.display(), key.display())]
    Pair {
        /// The file of certificates.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// Flaw of the pair.
        source: BadTls,
    },
}

/// Loads the TLS settings of a server from its certificate and its key.
///
/// # Errors
/// See [`TlsFileError`].
pub fn tls(certificate: &Path, key: &Path) -> Result<Tls, TlsFileError> {
    let read = |path: &Path| {
        fs::read(path).map_err(|source| TlsFileError::File { path: path.to_owned(), source })
    };
    let (certificates, keys) = (read(certificate)?, read(key)?);
    Tls::from_pem(&certificates, &keys).map_err(|source| match source {
        BadTls::Certificate(_) => {
            TlsFileError::Certificate { path: certificate.to_owned(), source }
        }
        BadTls::Key(_) => TlsFileError::Key { path: key.to_owned(), source },
        BadTls::Pair(_) => {
            let (certificate, key) = (certificate.to_owned(), key.to_owned());
            TlsFileError::Pair { certificate, key, source }
        }
    })
}
