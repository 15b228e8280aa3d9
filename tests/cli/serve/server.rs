//! A server in a process of its own, and a client of it.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use ureq::http::{Method, Request, Response};
use ureq::{Agent, Body};

/// A server that runs until this is dropped.
pub(crate) struct Serving {
    process: Child,
    /// Kept open, so that the server can go on to write.
    _stdout: BufReader<ChildStdout>,
    /// Such as `http://127.0.0.1:40123`; of a node, only where it is.
    pub(crate) url: String,
}

impl Serving {
    /// Starts one on `dir`, with further words, and waits until it says where it is.
    pub(crate) fn start(dir: &Path, words: &[&str]) -> Self {
        let dir = crate::support::path_text(dir);
        Self::start_with(&[&["--listen", "127.0.0.1:0", "--data", &dir], words].concat())
    }

    /// Starts one, or a part of one, with these words.
    pub(crate) fn start_with(words: &[&str]) -> Self {
        Self::try_start(words).unwrap_or_else(|why| panic!("the server did not start: {why}"))
    }

    /// The same, or what it says in the place of where it is.
    pub(crate) fn try_start(words: &[&str]) -> Result<Self, String> {
        let mut process = Command::new(env!("CARGO_BIN_EXE_stayput"))
            .arg("serve")
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        let mut stdout = BufReader::new(process.stdout.take().expect("it is piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("it writes text");
        let url = line.split_whitespace().find_map(|word| word.strip_suffix(':'));
        let Some(url) = url.filter(|_| line.starts_with("serving ")).map(ToOwned::to_owned) else {
            let mut why = String::new();
            let _read = process.stderr.take().expect("it is piped").read_to_string(&mut why);
            let _ended = process.wait();
            return Err(format!("{line}{why}"));
        };
        Ok(Self { process, _stdout: stdout, url })
    }

    /// Asks it to stop, by a signal's name.
    pub(crate) fn ask(&self, signal: &str) {
        let words = [format!("-{signal}"), self.process.id().to_string()];
        let asked = Command::new("kill").args(words).status();
        assert!(asked.expect("there is `kill`").success());
    }

    /// What it says to standard error next.
    pub(crate) fn complaint(&mut self) -> String {
        let mut line = Vec::new();
        let stderr = self.process.stderr.as_mut().expect("it is piped");
        while !line.ends_with(b"\n") {
            let mut byte = [0];
            assert_eq!(stderr.read(&mut byte).expect("it writes"), 1, "it said {line:?} and ended");
            line.push(byte[0]);
        }
        String::from_utf8(line).expect("it writes text")
    }

    /// Waits until it has ended, and gives its exit code and what else it says to standard error.
    pub(crate) fn last_words(mut self) -> (i32, String) {
        let mut rest = String::new();
        let stderr = self.process.stderr.as_mut().expect("it is piped");
        stderr.read_to_string(&mut rest).expect("it writes text");
        (self.ended(), rest)
    }

    /// Waits until it has ended, and gives its exit code.
    pub(crate) fn ended(mut self) -> i32 {
        self.process.wait().expect("it ends").code().expect("no signal ended it")
    }

    /// Asks it to stop and gives its exit code.
    pub(crate) fn stop(self) -> i32 {
        self.ask("TERM");
        self.ended()
    }

    /// Kills it where it stands.
    pub(crate) fn kill(mut self) {
        self.process.kill().expect("it runs");
        self.process.wait().expect("it ends");
    }

    /// A client that has logged in as test:tester.
    pub(crate) fn client(&self) -> Client {
        self.client_by(Agent::config_builder().http_status_as_error(false).build().into())
    }

    /// The same, with its own way of connecting.
    pub(crate) fn client_by(&self, agent: Agent) -> Client {
        let request = Request::get(format!("{}/auth/v1.0", self.url))
            .header("X-Auth-User", "test:tester")
            .header("X-Auth-Key", "testing")
            .body(())
            .expect("a good request");
        let answer = agent.run(request).expect("it answers");
        let header = |name| {
            let value =
                answer.headers().get(name).unwrap_or_else(|| panic!("no {name}: {answer:?}"));
            value.to_str().expect("text").to_owned()
        };
        Client { storage: header("X-Storage-Url"), token: header("X-Auth-Token"), agent }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended already.
        let _killed = self.process.kill();
        let _ended = self.process.wait();
    }
}

/// A client with a token. Clones share connections.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) storage: String,
    pub(crate) token: String,
    agent: Agent,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: ureq::http::response::Parts,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Client {
    /// Sends a request for a path below the account, such as `/demo/log.txt`; `Err` if the connection broke.
    pub(crate) fn try_send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, String> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.storage))
            .header("X-Auth-Token", &self.token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let bare = body.is_empty();
        let failed = |error: ureq::Error| error.to_string();
        let answer: Response<Body> = if bare {
            self.agent.run(request.body(()).expect("a good request")).map_err(failed)?
        } else {
            self.agent.run(request.body(body).expect("a good request")).map_err(failed)?
        };
        let (head, mut body) = answer.into_parts();
        let body = body.with_config().limit(1 << 30).read_to_vec().map_err(failed)?;
        Ok(Answer { status: head.status.as_u16(), head, body })
    }

    /// The same of a server that is there.
    pub(crate) fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let answer = self.try_send(method.clone(), path, headers, body);
        answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], b"")
    }

    /// Stores something and expects it to be acknowledged.
    pub(crate) fn put(&self, path: &str, body: &[u8]) {
        let answer = self.send(Method::PUT, path, &[], body);
        assert!(
            matches!(answer.status, 201 | 202),
            "PUT {path}: {} {}",
            answer.status,
            answer.text()
        );
    }
}
