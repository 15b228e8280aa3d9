//! A server in a process of its own, and a client of it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};

use ureq::http::{Method, Request, Response};
use ureq::{Agent, Body};

/// A server that runs until this is dropped.
pub(crate) struct Serving {
    process: Child,
    /// Kept open, so that the server can go on to write.
    _stdout: BufReader<ChildStdout>,
    /// The lines of its log, which are read as they come, so that the server can go on to write.
    log: Mutex<Receiver<String>>,
    /// Those that were waited for.
    heard: String,
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
        let log = follow(process.stderr.take().expect("it is piped"));
        let mut stdout = BufReader::new(process.stdout.take().expect("it is piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("it writes text");
        let url = line.split_whitespace().find_map(|word| word.strip_suffix(':'));
        let Some(url) = url.filter(|_| line.starts_with("serving ")).map(ToOwned::to_owned) else {
            let why: String = log.iter().collect();
            let _ended = process.wait();
            return Err(format!("{line}{why}"));
        };
        let (log, heard) = (Mutex::new(log), String::new());
        Ok(Self { process, _stdout: stdout, log, heard, url })
    }

    /// Asks it to stop, by a signal's name.
    pub(crate) fn ask(&self, signal: &str) {
        let words = [format!("-{signal}"), self.process.id().to_string()];
        let asked = Command::new("kill").args(words).status();
        assert!(asked.expect("there is `kill`").success());
    }

    /// Waits until it has ended, and gives its exit code and what it said on standard error.
    pub(crate) fn last_words(mut self) -> (i32, String) {
        let code = self.process.wait().expect("it ends").code().expect("no signal ended it");
        let log = self.log.get_mut().expect("nobody panicked over it");
        self.heard.extend(log.iter());
        (code, std::mem::take(&mut self.heard))
    }

    /// Waits until it has ended, and gives its exit code.
    pub(crate) fn ended(self) -> i32 {
        self.last_words().0
    }

    /// Asks it to stop and gives its exit code.
    pub(crate) fn stop(self) -> i32 {
        self.stop_and_log().0
    }

    /// Asks it to stop and gives its exit code and all that it said on standard error.
    pub(crate) fn stop_and_log(self) -> (i32, String) {
        self.ask("TERM");
        self.last_words()
    }

    /// Waits for a line of its log that says `what`.
    pub(crate) fn line_with(&mut self, what: &str) -> String {
        let log = self.log.get_mut().expect("nobody panicked over it");
        for line in log.iter() {
            self.heard.push_str(&line);
            if line.contains(what) {
                return line;
            }
        }
        panic!("it ended and did not say {what:?}: {}", self.heard);
    }

    /// Kills it where it stands.
    pub(crate) fn kill(mut self) {
        self.process.kill().expect("it runs");
        self.process.wait().expect("it ends");
    }

    /// Resident memory, in bytes.
    #[cfg(target_os = "linux")]
    pub(crate) fn memory_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")).expect("it holds some");
        1024 * kib.trim().parse::<u64>().expect("it is a number")
    }

    /// Its number as a process.
    #[cfg(target_os = "linux")]
    pub(crate) fn process(&self) -> u32 {
        self.process.id()
    }

    /// Where it listens, such as `127.0.0.1:40123`.
    pub(crate) fn address(&self) -> &str {
        self.url.strip_prefix("http://").expect("it is plain")
    }

    /// A client that has logged in as test:tester.
    pub(crate) fn client(&self) -> Client {
        self.client_of("test:tester", "testing")
    }

    /// One that has logged in as that user.
    pub(crate) fn client_of(&self, user: &str, key: &str) -> Client {
        self.client_by(agent(), user, key)
    }

    /// The same, with its own way of connecting.
    pub(crate) fn client_by(&self, agent: Agent, user: &str, key: &str) -> Client {
        let request = Request::get(format!("{}/auth/v1.0", self.url))
            .header("X-Auth-User", user)
            .header("X-Auth-Key", key)
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

/// The lines of a log with their ends, until it ends.
fn follow(stderr: ChildStderr) -> Receiver<String> {
    let (sender, lines) = channel();
    #[expect(clippy::disallowed_methods, reason = "the server must not wait for its reader")]
    let _runs_on = std::thread::spawn(move || {
        let mut stderr = BufReader::new(stderr);
        let mut line = Vec::new();
        while stderr.read_until(b'\n', &mut line).is_ok_and(|len| len > 0) {
            // The test may have ended; the server goes on to write until it is killed.
            let _unheard = sender.send(String::from_utf8_lossy(&line).into_owned());
            line.clear();
        }
    });
    lines
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended already.
        let _killed = self.process.kill();
        let _ended = self.process.wait();
    }
}

fn agent() -> Agent {
    Agent::config_builder().http_status_as_error(false).build().into()
}

/// A client with a token. Clones share connections.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) storage: String,
    pub(crate) token: String,
    pub(crate) agent: Agent,
}

/// Response.
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
    /// Sends a request for a path below the account, such as `/demo/log.txt`; `Err` if the
    /// connection broke.
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

    /// The same on a connection of its own: one whose last body was refused unread may be ending.
    pub(crate) fn apart(&self) -> Self {
        Self { agent: agent(), ..self.clone() }
    }

    /// The same token for the account `AUTH_test` of another server.
    pub(crate) fn at(&self, serving: &Serving) -> Self {
        Self { storage: format!("{}/v1/AUTH_test", serving.url), ..self.apart() }
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
