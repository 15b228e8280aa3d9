//! UserTable who log in, and what their accounts let them do; before real storage nodes.
//!
//! Leaves out what access lists grant: `lists` has that.

use super::*;
use crate::proxy::{ClusterSecret, TempAuth, TokenLife, UserEntry, UserKey, UserTable};

/// Account, name, key and groups.
const USERS: [(&str, &str, &str, &[&str]); 6] = [
    ("test", "tester", "testing", &[".admin"]),
    ("test", "tester3", "testing3", &[]),
    ("test2", "tester2", "testing2", &[".admin"]),
    ("test2", "tester4", "testing4", &[]),
    ("admin", "admin", "a key: with a colon", &[".admin", ".reseller_admin"]),
    ("admin", "auditor", "look", &[".reseller_reader"]),
];

/// Effect of each method on a container and an object of it.
const URLS: [&str; 3] = ["/v1/AUTH_test", "/v1/AUTH_test/c", "/v1/AUTH_test/c/o"];

/// A store with users, and a container and an object of `test:tester`.
pub(super) struct House {
    room: Room,
}

pub(super) fn temp_auth() -> TempAuth {
    let entry = |(account, name, key, groups): (&str, &str, &str, &[&str])| UserEntry {
        account: account.to_owned(),
        name: name.to_owned(),
        key: Some(UserKey::new(key)),
        key_sha256: None,
        groups: groups.iter().map(|it| (*it).to_owned()).collect(),
    };
    let users = UserTable::new(USERS.into_iter().map(entry).collect()).unwrap();
    TempAuth::new(ClusterSecret::new(&[5; 32]).unwrap(), &users)
}

impl House {
    /// Nothing but nodes and a proxy.
    fn empty(auth: TempAuth) -> Self {
        Self {
            room: Room::with_auth(Authenticator::Temp(auth), |index, host| real::run(host, index)),
        }
    }

    pub(super) fn new() -> Self {
        let mut house = Self::empty(temp_auth());
        let tester = house.token("test:tester");
        assert_eq!(house.put(&tester, URLS[1], &[]), 201);
        assert_eq!(house.put(&tester, URLS[2], &[]), 201);
        house
    }

    /// One request; without a token if that is empty.
    pub(super) fn ask(
        &mut self,
        token: &str,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
    ) -> Got {
        let body = if method == "PUT" { "data" } else { "" };
        self.ask_with(token, method, url, headers, body)
    }

    /// The same, with a body of its own.
    pub(super) fn ask_with(
        &mut self,
        token: &str,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Got {
        let body = Body::full(Purpose::ObjectData, body.to_owned());
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = request(method, url, headers, body);
        request.headers_mut().remove("x-auth-token");
        if !token.is_empty() {
            let token = HeaderValue::try_from(token).unwrap();
            request.headers_mut().insert("x-auth-token", token);
        }
        self.room.client(|host| async move { send(&host, request).await })
    }

    /// The status of that.
    pub(super) fn status(&mut self, token: &str, method: &str, url: &str) -> u16 {
        self.ask(token, method, url, &[]).status.as_u16()
    }

    pub(super) fn put(&mut self, token: &str, url: &str, headers: &[(&str, &str)]) -> u16 {
        self.ask(token, "PUT", url, headers).status.as_u16()
    }

    pub(super) fn log_in(&mut self, url: &str, user: &str, key: &str) -> Got {
        self.ask("", "GET", url, &[("x-auth-user", user), ("x-auth-key", key)])
    }

    /// A token of one of [`USERS`].
    pub(super) fn token(&mut self, user: &str) -> String {
        let is_user = |(account, name, ..): &&(&str, &str, &str, &[&str])| {
            user.split_once(':') == Some((account, name))
        };
        let (_, _, key, _) = USERS.iter().find(is_user).unwrap();
        self.log_in("/auth/v1.0", user, key).header("x-auth-token").to_owned()
    }

    /// Runs something beside the proxy to its end.
    pub(super) fn beside<T: 'static, F: Future<Output = T> + 'static>(
        &mut self,
        does: impl FnOnce(Proxy) -> F + 'static,
    ) -> T {
        self.room.beside(does)
    }

    fn wait(&mut self, time: Duration) {
        self.room.client(move |host| async move { host.sleep(time).await });
    }
}

#[test]
fn a_user_logs_in_and_goes_on_where_the_answer_says() {
    let mut house = House::empty(temp_auth());
    for url in ["/auth/v1.0", "/auth/v1.0/", "/auth/v1", "/v1.0", "/auth/v1/test/auth"] {
        let got = house.log_in(url, "test:tester", "testing");
        assert_eq!(got.status, StatusCode::OK, "{url}");
        let token = got.header("x-auth-token").to_owned();
        assert!(token.starts_with("AUTH_tk") && token == got.header("x-storage-token"), "{token}");
        assert_eq!(got.header("x-auth-token-expires"), "86400");
        let storage = format!("http://{}:{PROXY_PORT}/v1/AUTH_test", ip(PROXY));
        assert_eq!(got.header("x-storage-url"), storage);
        assert_eq!(house.status(&token, "GET", "/v1/AUTH_test"), 204);
        let older = [("x-storage-token", &*token)];
        assert_eq!(house.ask("", "GET", "/v1/AUTH_test", &older).status, StatusCode::NO_CONTENT);
    }
    let older = [("x-storage-user", "admin:admin"), ("x-storage-pass", "a key: with a colon")];
    assert_eq!(house.ask("", "GET", "/auth/v1.0", &older).status, StatusCode::OK);
    let older = [("x-storage-user", "tester"), ("x-storage-pass", "testing")];
    assert_eq!(house.ask("", "GET", "/auth/v1/test/auth", &older).status, StatusCode::OK);
}

#[test]
fn who_lacks_the_key_is_told_no_more_than_that() {
    let mut house = House::empty(temp_auth());
    let mut bodies = Vec::new();
    for (user, key) in [
        ("test:tester", "hush"),
        ("test:nobody", "hush"),
        ("nobody:tester", "testing"),
        ("test2:tester", "testing"),
        (":", "testing"),
    ] {
        let got = house.log_in("/auth/v1.0", user, key);
        assert_eq!(got.status, StatusCode::UNAUTHORIZED, "{user}");
        assert_eq!(got.header("www-authenticate"), "Swift realm=\"unknown\"");
        assert_eq!(got.header("x-auth-token"), "");
        bodies.push(got.body.unwrap());
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "who is known does not show: {bodies:?}");
    for headers in [&[][..], &[("x-auth-user", "test:tester")], &[("x-auth-key", "testing")]] {
        let got = house.ask("", "GET", "/auth/v1.0", headers);
        assert_eq!(got.status, StatusCode::UNAUTHORIZED, "{headers:?}");
    }
    assert_eq!(house.log_in("/auth/v1.0", "tester", "testing").status.as_u16(), 401);
    assert_eq!(house.log_in("/auth/v1/test2/auth", "test:tester", "testing").status.as_u16(), 401);
    assert_eq!(house.status("", "POST", "/auth/v1.0"), 405);
}

#[test]
fn info_names_tempauth_where_users_log_in_and_claims_no_lists_that_are_refused() {
    let mut house = House::empty(temp_auth());
    let info = |got: &Got| serde_json::from_str::<serde_json::Value>(got.text()).unwrap();
    let told = info(&house.ask("", "GET", "/info", &[]));
    assert_eq!(told["tempauth"], serde_json::json!({ "account_acls": false }));
    let token = house.token("test:tester");
    let lists = [("x-account-access-control", "{}")];
    assert_eq!(house.ask(&token, "POST", URLS[0], &lists).status, StatusCode::NOT_IMPLEMENTED);
    let told = info(&Room::new(&[]).send(Method::GET, "/info", &[], Bytes::new()));
    assert_eq!(told["tempauth"], serde_json::Value::Null);
}

#[test]
fn where_tokens_are_fixed_nobody_logs_in() {
    let mut room = Room::new(&[]);
    let login = [("x-auth-user", "test:tester"), ("x-auth-key", "testing")];
    let got = room.send(Method::GET, "/auth/v1.0", &login, Bytes::new());
    assert_eq!(got.status, StatusCode::NOT_FOUND);
}

#[test]
fn a_token_that_expired_or_was_tampered_with_opens_nothing() {
    let mut house =
        House::empty(temp_auth().with_token_life(TokenLife::new(Duration::from_secs(60)).unwrap()));
    let token = house.token("test:tester");
    assert_eq!(house.status(&token, "GET", URLS[0]), 204);
    let last = if token.ends_with('0') { '1' } else { '0' };
    let other = format!("{}{last}", &token[..token.len() - 1]);
    for bad in [&other, &token[..50], "AUTH_tk", "secret", "\u{e9}"] {
        let got = house.ask(bad, "GET", URLS[0], &[]);
        assert_eq!(got.status, StatusCode::UNAUTHORIZED, "{bad}");
        assert_eq!(got.header("www-authenticate"), "Swift realm=\"AUTH_test\"");
    }
    house.wait(Duration::from_secs(61));
    let got = house.ask(&token, "GET", URLS[0], &[]);
    assert_eq!(got.status, StatusCode::UNAUTHORIZED);
    let why = String::from_utf8(got.body.unwrap().to_vec()).unwrap();
    assert!(why.contains("expired"), "{why}");
}

#[test]
fn no_account_reaches_into_another() {
    let mut house = House::new();
    let strangers = ["test2:tester2", "test2:tester4", "test:tester3"].map(|it| house.token(it));
    for url in URLS {
        for method in ["GET", "HEAD", "PUT", "POST", "DELETE", "COPY", "OPTIONS"] {
            for stranger in &strangers {
                assert_eq!(house.status(stranger, method, url), 403, "{method} {url}");
            }
            assert_eq!(house.status("", method, url), 401, "{method} {url}");
        }
    }
    // What is not there is refused like what is.
    assert_eq!(house.status(&strangers[0], "GET", "/v1/AUTH_test/absent/o"), 403);
    assert_eq!(house.status(&strangers[0], "GET", "/v1/AUTH_nobody"), 403);
    let tester = house.token("test:tester");
    assert_eq!(house.ask(&tester, "GET", URLS[2], &[]).body, Some(Bytes::from("data")));
}

#[test]
fn an_admin_does_all_in_the_account_but_make_and_delete_it() {
    let mut house = House::new();
    let tester = house.token("test:tester");
    for (method, url, status) in [
        ("POST", URLS[0], 204),
        ("PUT", URLS[0], 403),
        ("DELETE", URLS[0], 403),
        ("POST", URLS[1], 204),
        ("POST", URLS[2], 202),
        ("DELETE", URLS[2], 204),
        ("DELETE", URLS[1], 204),
    ] {
        assert_eq!(house.status(&tester, method, url), status, "{method} {url}");
    }
}

#[test]
fn a_resellers_admin_does_all_and_a_resellers_reader_reads_all() {
    let mut house = House::new();
    let (admin, reader) = (house.token("admin:admin"), house.token("admin:auditor"));
    for url in URLS {
        assert!([200, 204].contains(&house.status(&reader, "GET", url)), "{url}");
        for method in ["PUT", "POST", "DELETE"] {
            assert_eq!(house.status(&reader, method, url), 403, "{method} {url}");
        }
        assert!([200, 204].contains(&house.status(&admin, "GET", url)), "{url}");
    }
    assert_eq!(house.put(&admin, "/v1/AUTH_test/c2", &[]), 201);
    assert_eq!(house.put(&admin, "/v1/AUTH_test/c2/o", &[]), 201);
    assert_eq!(house.status(&admin, "GET", "/v1/AUTH_.cluster"), 403);
    assert_eq!(house.status(&admin, "GET", "/v1/other"), 403);
}

#[test]
fn only_who_owns_an_account_runs_jobs_in_it() {
    let mut house = House::new();
    let tester = house.token("test:tester");
    let all = [("x-container-read", "test,test2"), ("x-container-write", "test,test2")];
    assert_eq!(house.ask(&tester, "POST", URLS[1], &all).status, StatusCode::NO_CONTENT);
    for (user, url, status) in [
        ("test:tester", URLS[0], 200),
        ("test:tester", URLS[2], 200),
        ("test:tester3", URLS[0], 403),
        ("test:tester3", URLS[2], 403),
        ("test2:tester2", URLS[0], 403),
        ("test2:tester2", URLS[2], 403),
        ("admin:admin", URLS[0], 200),
        ("admin:auditor", URLS[0], 403),
    ] {
        let token = house.token(user);
        let got = house.ask(&token, "POST", url, &[("x-zerovm-execute", "1.0")]);
        assert_eq!(got.status.as_u16(), status, "{user} {url}");
        let account = if status == 200 { "AUTH_test" } else { "" };
        assert_eq!(got.header("x-ran-in"), account, "it reaches what it was posted to");
    }
    let got = house.ask("", "POST", URLS[0], &[("x-zerovm-execute", "1.0")]);
    assert_eq!(got.status, StatusCode::UNAUTHORIZED);
}
