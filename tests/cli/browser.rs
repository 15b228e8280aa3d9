//! A headless Chromium, spoken to by its DevTools protocol over two pipes: enough to open a page as
//! a person would, and to ask it what it looks like.
//!
//! Leaves out everything that waits for a time: each call waits for its answer, and loading for the
//! event that ends it.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

/// A browser with one page.
pub(crate) struct Browser {
    child: Child,
    to: File,
    from: BufReader<File>,
    calls: u64,
    session: Option<String>,
    /// Console messages of the page, and its requests to a network.
    pub(crate) complaints: Vec<String>,
    _folder: tempfile::TempDir,
}

impl Browser {
    /// Starts Chromium.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let pipes = ["to", "from"].map(|name| folder.path().join(name));
        let made = Command::new("mkfifo").args(&pipes).status().expect("mkfifo runs");
        assert!(made.success(), "mkfifo fails");
        let flags = "--headless=new --no-sandbox --disable-gpu --no-first-run --disable-background-networking --remote-debugging-pipe";
        let child = Command::new("sh")
            .arg("-c")
            .arg(format!(
                "exec chromium {flags} --user-data-dir=\"$0\" about:blank 3<\"$1\" 4>\"$2\""
            ))
            .arg(folder.path().join("profile"))
            .args(&pipes)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell starts");
        let to = File::options().write(true).open(&pipes[0]).expect("the pipe can be written");
        let from = BufReader::new(File::open(&pipes[1]).expect("the pipe can be read"));
        let mut browser = Self {
            child,
            to,
            from,
            calls: 0,
            session: None,
            complaints: Vec::new(),
            _folder: folder,
        };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let session = browser.call(
            "Target.attachToTarget",
            json!({"targetId": target["targetId"], "flatten": true}),
        );
        browser.session =
            Some(session["sessionId"].as_str().expect("a session has a name").to_owned());
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser
    }

    /// Calls a method and gives its result. What the page says meanwhile is kept.
    pub(crate) fn call(&mut self, method: &str, params: Value) -> Value {
        self.calls += 1;
        let id = self.calls;
        let mut message = json!({"id": id, "method": method, "params": params});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        self.to.write_all(format!("{message}\0").as_bytes()).expect("the browser listens");
        loop {
            let heard = self.hear();
            if heard["id"] == json!(id) {
                assert!(heard["error"].is_null(), "{method}: {}", heard["error"]);
                return heard["result"].clone();
            }
        }
    }

    fn hear(&mut self) -> Value {
        let mut message = Vec::new();
        let read = self.from.read_until(0, &mut message).expect("the browser speaks");
        assert!(read > 0, "the browser ended; is `chromium` installed?");
        message.pop();
        let heard: Value = serde_json::from_slice(&message).expect("it speaks JSON");
        let params = &heard["params"];
        match heard["method"].as_str() {
            Some("Runtime.consoleAPICalled" | "Runtime.exceptionThrown" | "Log.entryAdded") => {
                self.complaints.push(format!("console: {params}"));
            }
            Some("Network.requestWillBeSent") => {
                let url = params["request"]["url"].as_str().unwrap_or_default();
                if !url.starts_with("file://")
                    && !url.starts_with("data:")
                    && !url.starts_with("about:")
                {
                    self.complaints.push(format!("asked a network for {url}"));
                }
            }
            _ => {}
        }
        heard
    }

    /// Opens a file in a window of a width, in light or dark.
    pub(crate) fn open(&mut self, page: &Path, width: u32, scheme: &str) {
        let metrics =
            json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500});
        self.call("Emulation.setDeviceMetricsOverride", metrics);
        let media =
            json!({"media": "", "features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.call("Emulation.setEmulatedMedia", media);
        self.call("Page.navigate", json!({"url": format!("file://{}", page.display())}));
        while self.hear()["method"] != json!("Page.loadEventFired") {}
    }

    /// Value of a JavaScript expression.
    pub(crate) fn ask(&mut self, expression: &str) -> Value {
        let answer =
            self.call("Runtime.evaluate", json!({"expression": expression, "returnByValue": true}));
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Writes what comes of a method that gives a file, such as a screenshot.
    pub(crate) fn save(&mut self, method: &str, params: Value, file: &Path) {
        let data = self.call(method, params)["data"].as_str().expect("it gives data").to_owned();
        let out = File::create(file).expect("the file can be made");
        let mut decoder = Command::new("base64")
            .arg("-d")
            .stdin(Stdio::piped())
            .stdout(out)
            .spawn()
            .expect("base64 starts");
        decoder
            .stdin
            .take()
            .expect("it has an input")
            .write_all(data.as_bytes())
            .expect("base64 reads");
        assert!(decoder.wait().expect("base64 ends").success(), "{method} gave no base64");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have ended by itself, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
