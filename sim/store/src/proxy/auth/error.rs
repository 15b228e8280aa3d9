//! Failures of authentication and authorisation.

use hyper::Method;

use super::acl::BadAcl;
use super::caller::Access;
use super::temp::BadToken;
use crate::swift::Path;

/// Failure of a login, of a token, or of a caller without the access that a request needs.
#[derive(Debug, thiserror::Error)]
pub(in crate::proxy) enum AuthError {
    #[error("X-Auth-Token is missing: send your token with it")]
    NoToken,
    #[error("X-Auth-Token {0}")]
    BadToken(#[from] BadToken),
    /// Does not say whether anything exists at `path`.
    #[error("this token is for {user}, who may not {access} {path}{}", advice(*access, path))]
    Forbidden { user: String, access: Access, path: Path },
    #[error("too few replicas of {container} agree on who may use it: try again later")]
    AclUnavailable { container: Path },
    #[error("{header}: {source}")]
    BadAcl { header: &'static str, source: BadAcl },
    #[error("{method} does not go with tokens: GET one")]
    LoginMethod { method: Method },
    #[error("say X-Auth-User: account:user and X-Auth-Key: key")]
    NoCredentials,
    #[error("X-Auth-User does not name account and user: write account:user")]
    BadUserName,
    #[error("X-Auth-User and X-Auth-Key do not go together")]
    WrongKey,
    #[error(
        "Host is missing or names no host: say whom you ask, so that you can be told where to go on"
    )]
    NoHost,
}

fn advice(access: Access, path: &Path) -> &'static str {
    match (access, path.container()) {
        (Access::Read, Some(_)) => ": its X-Container-Read would have to name you",
        (Access::Write, Some(_)) => ": its X-Container-Write would have to name you",
        (Access::Govern, _) => ": that is for a .reseller_admin",
        _ => ": that is for an .admin of the account",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::swift::decode_path;

    #[test]
    fn a_denial_names_user_access_path_and_remedy() {
        for (access, path, part) in [
            (Access::Read, "/AUTH_a/c/o", "may not read /AUTH_a/c/o: its X-Container-Read"),
            (Access::Write, "/AUTH_a/c/o", "may not write to /AUTH_a/c/o: its X-Container-Write"),
            (Access::Manage, "/AUTH_a/c", "may not manage /AUTH_a/c: that is for an .admin"),
            (Access::Read, "/AUTH_a", "may not read /AUTH_a: that is for an .admin"),
            (Access::Govern, "/AUTH_a", "delete /AUTH_a: that is for a .reseller_admin"),
        ] {
            let (user, path) = ("test:bob".to_owned(), decode_path(path).unwrap());
            let message = AuthError::Forbidden { user, access, path }.to_string();
            assert!(message.starts_with("this token is for test:bob, who"), "{message}");
            assert!(message.contains(part), "{message}");
        }
    }
}
