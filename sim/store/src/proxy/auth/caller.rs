//! Who asks, and what that lets them do without anybody's leave.
//!
//! Pure: what access lists grant beyond that is `access`'s.

use std::sync::Arc;

use hyper::Method;

use super::ACCOUNT_PREFIX;
use crate::swift::Path;

/// Somebody who has proved who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// As refusals name them.
    pub(super) shown: String,
    /// Their account, as it is in URLs.
    pub(super) account: String,
    /// The names in access lists that mean them.
    pub(super) listed: Vec<String>,
    pub(super) own: Own,
    pub(super) elsewhere: Elsewhere,
}

/// What somebody may do in their own account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Own {
    /// What access lists grant.
    Member,
    /// All but making and deleting the account, which only those may who manage all accounts, as in Swift.
    Admin,
}

/// What somebody may do in other accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Elsewhere {
    /// What access lists grant.
    Nobody,
    /// Reading.
    Reader,
    /// All.
    Admin,
}

impl Identity {
    /// The holder of an account.
    pub(super) fn holder(account: &str) -> Self {
        Self {
            shown: format!("the holder of {account}"),
            account: account.to_owned(),
            listed: vec![account.to_owned()],
            own: Own::Admin,
            elsewhere: Elsewhere::Nobody,
        }
    }
}

/// Who asks, as far as a request shows it.
#[derive(Clone, Debug, Default)]
pub(in crate::proxy) struct Caller {
    /// `None` for somebody without a token.
    pub(super) identity: Option<Arc<Identity>>,
    /// The page that sent them, if they say so.
    pub(super) referer: Option<String>,
}

impl Caller {
    /// As refusals name them; `None` for somebody without a token.
    pub(in crate::proxy) fn shown(&self) -> Option<&str> {
        self.identity.as_ref().map(|identity| identity.shown.as_str())
    }
}

/// What is wanted of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::proxy) enum Access {
    /// Reading an object, or listing.
    Read,
    /// Changing an object.
    Write,
    /// Changing a container or what is said of an account; running jobs in it.
    Manage,
    /// Making or deleting an account.
    Govern,
}

impl Access {
    /// What a request wants of its path. A COPY reads it; what it writes to is to be asked for beside it.
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

    /// As refusals name it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write to",
            Self::Manage => "manage",
            Self::Govern => "make or delete",
        }
    }
}

impl Caller {
    /// Whether they may have that access without anybody's leave.
    pub(super) fn may(&self, path: &Path, access: Access) -> bool {
        let Some(Identity { account, own, elsewhere, .. }) = self.identity.as_deref() else {
            return false;
        };
        let at_home = account == path.account()
            && match own {
                Own::Admin => access != Access::Govern,
                Own::Member => false,
            };
        let anywhere = match elsewhere {
            Elsewhere::Admin => true,
            Elsewhere::Reader => access == Access::Read,
            Elsewhere::Nobody => false,
        };
        at_home || anywhere && is_of_users(path.account())
    }

    /// Whether they may do all in the account of `path`, and see all that is said of it.
    pub(in crate::proxy) fn owns(&self, path: &Path) -> bool {
        self.may(path, Access::Manage)
    }
}

/// Whether an account can be a user's: what begins with a dot is the cluster's own.
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

    fn caller(own: Own, elsewhere: Elsewhere) -> Caller {
        let identity = Identity { own, elsewhere, ..Identity::holder("AUTH_test") };
        Caller { identity: Some(Arc::new(identity)), referer: None }
    }

    fn may(caller: &Caller, path: &str) -> Vec<Access> {
        let path = decode_path(path).unwrap();
        ALL.into_iter().filter(|access| caller.may(&path, *access)).collect()
    }

    #[test]
    fn an_admin_does_all_in_the_own_account_but_make_and_delete_it() {
        let admin = caller(Own::Admin, Elsewhere::Nobody);
        assert_eq!(may(&admin, "/AUTH_test/c/o"), ALL[..3]);
        assert_eq!(may(&admin, "/AUTH_tes"), []);
        assert_eq!(may(&admin, "/AUTH_test2/c/o"), []);
        let holder =
            Caller { identity: Some(Arc::new(Identity::holder("AUTH_test"))), referer: None };
        assert_eq!(may(&holder, "/AUTH_test"), ALL[..3], "who has a fixed token may no more");
        assert_eq!(may(&holder, "/AUTH_other"), []);
        assert_eq!(may(&caller(Own::Member, Elsewhere::Nobody), "/AUTH_test/c/o"), []);
        assert_eq!(may(&Caller::default(), "/AUTH_test/c/o"), []);
    }

    #[test]
    fn a_resellers_admin_does_all_in_all_accounts_of_users() {
        let admin = caller(Own::Member, Elsewhere::Admin);
        assert_eq!(may(&admin, "/AUTH_other/c"), ALL);
        for not_of_users in ["/AUTH_", "/AUTH_.cluster", "/other", "/.expiring"] {
            assert_eq!(may(&admin, not_of_users), [], "{not_of_users}");
        }
    }

    #[test]
    fn a_resellers_reader_reads_in_all_accounts_and_owns_none() {
        let reader = caller(Own::Member, Elsewhere::Reader);
        assert_eq!(may(&reader, "/AUTH_other/c/o"), [Access::Read]);
        assert!(!reader.owns(&decode_path("/AUTH_other").unwrap()));
    }

    #[test]
    fn what_a_request_wants_is_told_by_its_method_and_its_path() {
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
