//! Users of a served cluster: those of a file, or one well-known user.
//!
//! The well-known user is for trying things out: it exists only while the cluster listens at this
//! machine's loopback address. Leaves out what users may do, which is the proxies'.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use stayput_engine::quantity::{QuantityError, parse_duration};
use stayput_store::proxy::{
    BadTokenLife, BadUser, ClusterSecret, TempAuth, TokenLife, UserEntry, UserKey, UserTable,
};

/// Default user without a file, as in Swift's documents: account, name and key.
pub const KNOWN_USER: (&str, &str, &str) = ("test", "tester", "testing");

/// Error in the users of a cluster.
#[derive(Debug, thiserror::Error)]
pub enum UsersError {
    /// The file cannot be read.
    #[error("{}: cannot read it: {source} (name a TOML file with a [[user]] for each)", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Error of the operating system.
        source: std::io::Error,
    },
    /// The file is no TOML, or has keys that it should not.
    #[error("{}: {why} (each [[user]] has `account`, `name`, `key` and `groups`)", path.display())]
    Flawed {
        /// The file.
        path: PathBuf,
        /// Description of the flaw, without text of the file: there are keys in it.
        why: String,
    },
    /// A user of the file is invalid.
    #[error("{}: {source}", path.display())]
    User {
        /// The file.
        path: PathBuf,
        /// Rejected user, and the reason.
        source: BadUser,
    },
    /// The file's settings of tokens are invalid.
    #[error("{}: [tokens] `life`: {source}", path.display())]
    Tokens {
        /// The file.
        path: PathBuf,
        /// Flaw of the setting.
        source: TokenLifeError,
    },
    /// The well-known user on an address that other machines can reach.
    #[error(
        "at {at} others can reach the cluster, and its one user has a key that everybody knows \
         (name your own users with --users FILE, or listen at 127.0.0.1)"
    )]
    Known {
        /// Address to listen at.
        at: SocketAddr,
    },
}

/// Error of a text that is no lifetime of tokens.
#[derive(Debug, thiserror::Error)]
pub enum TokenLifeError {
    /// It is no duration.
    #[error(transparent)]
    Duration(#[from] QuantityError),
    /// No token can live so long.
    #[error(transparent)]
    Life(#[from] BadTokenLife),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UsersFile {
    #[serde(default)]
    user: Vec<UserEntry>,
    #[serde(default)]
    tokens: TokensTable,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokensTable {
    #[serde(default)]
    life: Option<String>,
}

/// Users who may log in, and the lifetime of their tokens.
#[derive(Debug)]
pub struct LogIns {
    users: UserTable,
    life: TokenLife,
}

impl LogIns {
    /// Builds the authentication of a cluster with that secret.
    #[must_use]
    pub fn auth(&self, secret: ClusterSecret) -> TempAuth {
        TempAuth::new(secret, &self.users).with_token_life(self.life)
    }
}

/// Reads the users of `file`; without a file, returns the well-known user if `at` is a loopback
/// address.
///
/// # Errors
/// See [`UsersError`].
pub fn users(file: Option<&Path>, at: SocketAddr) -> Result<LogIns, UsersError> {
    let Some(file) = file else {
        if !at.ip().is_loopback() {
            return Err(UsersError::Known { at });
        }
        let (account, name, key) = KNOWN_USER;
        let known = UserEntry {
            account: account.to_owned(),
            name: name.to_owned(),
            key: Some(UserKey::new(key)),
            key_sha256: None,
            groups: vec![".admin".to_owned()],
        };
        let path = PathBuf::from("the well-known user");
        let users =
            UserTable::new(vec![known]).map_err(|source| UsersError::User { path, source })?;
        return Ok(LogIns { users, life: TokenLife::default() });
    };
    let path = file.to_owned();
    let text = std::fs::read_to_string(file)
        .map_err(|source| UsersError::File { path: path.clone(), source })?;
    let parsed: UsersFile = toml::from_str(&text)
        .map_err(|error| UsersError::Flawed { path: path.clone(), why: place_of(&error, &text) })?;
    let users = UserTable::new(parsed.user)
        .map_err(|source| UsersError::User { path: path.clone(), source })?;
    let life = match parsed.tokens.life {
        None => TokenLife::default(),
        Some(life) => read_life(&life).map_err(|source| UsersError::Tokens { path, source })?,
    };
    Ok(LogIns { users, life })
}

fn read_life(text: &str) -> Result<TokenLife, TokenLifeError> {
    Ok(TokenLife::new(parse_duration(text)?)?)
}

/// Message of a TOML error with its line number, without showing the line.
fn place_of(error: &toml::de::Error, text: &str) -> String {
    let message = error.message().trim_end();
    match error.span() {
        Some(span) => {
            let before = text.get(..span.start).unwrap_or_default();
            format!("line {}: {message}", before.matches('\n').count() + 1)
        }
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn error(text: &str) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("users.toml");
        fs::write(&path, text).unwrap();
        users(Some(&path), at("0.0.0.0:80"))
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    }

    #[test]
    fn the_known_user_is_for_this_machine_alone() {
        users(None, at("127.0.0.1:8080")).unwrap();
        users(None, at("[::1]:8080")).unwrap();
        let refused = users(None, at("0.0.0.0:8080")).err().map(|error| error.to_string());
        assert!(refused.is_some_and(|why| why.contains("--users FILE")));
    }

    #[test]
    fn users_of_a_file_may_be_reached_from_anywhere() {
        let own = "[[user]]\naccount = \"a\"\nname = \"b\"\nkey = \"long-enough\"\ngroups = [\".admin\"]\n";
        assert_eq!(error(own), "");
    }

    #[test]
    fn tokens_live_as_long_as_the_file_says_and_not_less_than_a_second() {
        let own = "[[user]]\naccount = \"a\"\nname = \"b\"\nkey = \"long-enough\"\n";
        let with = |life: &str| error(&format!("{own}[tokens]\nlife = {life}\n"));
        assert_eq!(with("\"1s\""), "");
        assert_eq!(with("\"12 h\""), "");
        for bad in ["\"0s\"", "\"500ms\"", "\"banana\"", "\"-1s\""] {
            let wrong = with(bad);
            assert!(wrong.contains("[tokens] `life`"), "{bad}: {wrong}");
        }
        assert!(with("3600").contains("line 6"), "{}", with("3600"));
    }

    #[test]
    fn a_flawed_file_is_told_by_line_and_shows_no_key() {
        let wrong = error("[[user]]\naccount = \"a\"\nname = \"b\"\nkey = \"hidden\nrest\"\n");
        assert!(wrong.contains("line 5") && !wrong.contains("hidden"), "{wrong}");
        let wrong = error("[[user]]\naccount = \"a\"\nnme = \"b\"\nkey = \"hidden\"\n");
        assert!(wrong.contains("line 3") && !wrong.contains("hidden"), "{wrong}");
        assert!(error("").contains("no [[user]]"));
    }
}
