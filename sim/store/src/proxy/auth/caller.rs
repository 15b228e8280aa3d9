//! Caller of a request, and the access that its identity gives.
//!
//! Pure. Leaves out grants of access lists: see `access`.

use std::fmt;
use std::sync::Arc;

use hyper::Method;

use super::ACCOUNT_PREFIX;
use crate::swift::Path;

/// Identity of an authenticated user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// Name in messages and logs.
    pub(super) shown: String,
    /// Account of the user, as in URLs.
    pub(super) account: String,
    /// Names in access lists that match the user.
    pub(super) listed: Vec<String>,
    pub(super) own: OwnAccess,
    pub(super) foreign: ForeignAccess,
}

/// Access to the own account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OwnAccess {
    /// Only grants of access lists.
    Member,
    /// All but creating and deleting the account, which is for reseller admins, as in Swift.
    Admin,
}

/// Access to other accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ForeignAccess {
    /// Only grants of access lists.
    Nobody,
    /// Reads.
    Reader,
    /// All.
    Admin,
}

impl Identity {
    /// Identity of the holder of a fixed token.
    pub(super) fn holder(account: &str) -> Self {
        Self {
            shown: format!("the holder of {account}"),
            account: account.to_owned(),
            listed: vec![account.to_owned()],
            own: OwnAccess::Admin,
            foreign: ForeignAccess::Nobody,
        }
    }
}

/// Sender of a request.
#[derive(Clone, Debug, Default)]
pub(in crate::proxy) struct Caller {
    /// `None` without a token.
    pub(super) identity: Option<Arc<Identity>>,
    /// Value of the header `Referer`.
    pub(super) referer: Option<String>,
}

impl Caller {
    /// Name in messages and logs; `None` without a token.
    pub(in crate::proxy) fn shown(&self) -> Option<&str> {
        self.identity.as_ref().map(|identity| identity.shown.as_str())
    }
}

/// Access to a path that a request needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::proxy) enum Access {
    /// Reads an object, or lists.
    Read,
    /// Changes an object.
    Write,
    /// Changes a container or the metadata of an account; runs jobs.
    Manage,
    /// Creates or deletes an account.
    Govern,
}

impl Access {
    /// Access that a request needs to its path. A COPY reads it; its destination needs an
    /// authorisation of its own.
    pub(in crate::proxy) fn of(method: &Method, path: &Path) -> Self {
        let is_account = path.container().is_none();
        match *method {
            Method::GET | Method::HEAD => Self::Read,
            Method::PUT | Method::DELETE if is_account => Self::Govern,
            _ if path.object().is_none() => Self::Manage,
            _ if method.as_str() == "COPY" => Self::Read,
            _ => Self::Write,
        }
    }
}

/// The verb in messages.
impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "write to",
            Self::Manage => "manage",
            Self::Govern => "make or delete",
        })
    }
}

impl Caller {
    /// True if the identity alone gives that access.
    pub(super) fn may(&self, path: &Path, access: Access) -> bool {
        let Some(Identity { account, own, foreign, .. }) = self.identity.as_deref() else {
            return false;
        };
        let in_own = account == path.account()
            && match own {
                OwnAccess::Admin => access != Access::Govern,
                OwnAccess::Member => false,
            };
        let in_foreign = match foreign {
            ForeignAccess::Admin => true,
            ForeignAccess::Reader => access == Access::Read,
            ForeignAccess::Nobody => false,
        };
        in_own || in_foreign && is_of_users(path.account())
    }

    /// True if the caller may do all in the account of `path`, and see all of its headers.
    pub(in crate::proxy) fn owns(&self, path: &Path) -> bool {
        self.may(path, Access::Manage)
    }
}

/// True if an account can be a user's: names that begin with a dot are the cluster's own.
fn is_of_users(account: &str) -> bool {
    account
        .strip_prefix(ACCOUNT_PREFIX)
        .is_some_and(|name| !name.is_empty() && !name.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::swift::decode_path;

    const ALL: [Access; 4] = [Access::Read, Access::Write, Access::Manage, Access::Govern];

    fn caller(own: OwnAccess, foreign: ForeignAccess) -> Caller {
        let identity = Identity { own, foreign, ..Identity::holder("AUTH_test") };
        Caller { identity: Some(Arc::new(identity)), referer: None }
    }

    fn may(caller: &Caller, path: &str) -> Vec<Access> {
        let path = decode_path(path).unwrap();
        ALL.into_iter().filter(|access| caller.may(&path, *access)).collect()
    }

    #[test]
    fn an_admin_does_all_in_the_own_account_but_make_and_delete_it() {
        let admin = caller(OwnAccess::Admin, ForeignAccess::Nobody);
        assert_eq!(may(&admin, "/AUTH_test/c/o"), ALL[..3]);
        assert_eq!(may(&admin, "/AUTH_tes"), []);
        assert_eq!(may(&admin, "/AUTH_test2/c/o"), []);
        let holder =
            Caller { identity: Some(Arc::new(Identity::holder("AUTH_test"))), referer: None };
        assert_eq!(may(&holder, "/AUTH_test"), ALL[..3], "who has a fixed token may no more");
        assert_eq!(may(&holder, "/AUTH_other"), []);
        assert_eq!(may(&caller(OwnAccess::Member, ForeignAccess::Nobody), "/AUTH_test/c/o"), []);
        assert_eq!(may(&Caller::default(), "/AUTH_test/c/o"), []);
    }

    #[test]
    fn a_resellers_admin_does_all_in_all_accounts_of_users() {
        let admin = caller(OwnAccess::Member, ForeignAccess::Admin);
        assert_eq!(may(&admin, "/AUTH_other/c"), ALL);
        for not_of_users in ["/AUTH_", "/AUTH_.cluster", "/other", "/.expiring"] {
            assert_eq!(may(&admin, not_of_users), [], "{not_of_users}");
        }
    }

    #[test]
    fn a_resellers_reader_reads_in_all_accounts_and_owns_none() {
        let reader = caller(OwnAccess::Member, ForeignAccess::Reader);
        assert_eq!(may(&reader, "/AUTH_other/c/o"), [Access::Read]);
        assert!(!reader.owns(&decode_path("/AUTH_other").unwrap()));
    }

    #[test]
    fn the_access_that_a_request_needs_follows_from_method_and_path() {
        let of = |method: &str, path: &str| {
            Access::of(&Method::from_bytes(method.as_bytes()).unwrap(), &decode_path(path).unwrap())
        };
        for (method, wanted) in [
            ("GET", [Access::Read; 3]),
            ("HEAD", [Access::Read; 3]),
            ("PUT", [Access::Govern, Access::Manage, Access::Write]),
            ("POST", [Access::Manage, Access::Manage, Access::Write]),
            ("DELETE", [Access::Govern, Access::Manage, Access::Write]),
            ("COPY", [Access::Manage, Access::Manage, Access::Read]),
            ("BREW", [Access::Manage, Access::Manage, Access::Write]),
        ] {
            let paths = ["/AUTH_a", "/AUTH_a/c", "/AUTH_a/c/o"];
            assert_eq!(paths.map(|path| of(method, path)), wanted, "{method}");
        }
    }
}
