//! The clients that people have: python-swiftclient, curl and rclone, each as its own documents say
//! to use it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::server::Serving;
use crate::support::{path_text, root};

/// Runs a program in a folder; its output, if it ended well.
fn done(folder: &Path, program: &str, words: &[&str], env: &[(&str, &str)]) -> String {
    let ended = Command::new(program)
        .args(words)
        .current_dir(folder)
        .envs(env.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{program} does not start: {error}"));
    let Output { status, stdout, stderr } = ended;
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{program} {words:?}: {status}\n{stdout}\n{stderr}");
    stdout.into_owned()
}

fn put(folder: &Path, name: &str, content: &[u8]) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("it can be made");
    fs::write(path, content).expect("the folder is writable");
}

/// As it was published: the script in a tar, the log beside it.
fn put_example(folder: &Path) {
    let script = fs::read(format!("{}scenarios/jobs/demo.py", root())).expect("it is committed");
    put(folder, "demo.py", &script);
    done(folder, "tar", &["cf", "demo.tar", "demo.py"], &[]);
    let line = |n: u32| match n % 7 {
        0 => format!("GET /fruit/banana/{n}\n"),
        _ => format!("GET /fruit/apple/{n}\n"),
    };
    put(folder, "logile.txt", (0..20_000).map(line).collect::<String>().as_bytes());
}

const JOB: &str = include_str!("../../../scenarios/jobs/published.json");

#[test]
#[ignore = "needs python-swiftclient, curl and the Python images: pip install python-swiftclient; stayput image python"]
fn the_published_example_works_with_swift_and_curl() {
    let (dir, work) =
        (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("another"));
    let images = format!("{}target/images", root());
    let serving = Serving::start(dir.path(), &["--images", &images]);
    let auth = format!("{}/auth/v1.0", serving.url);
    let env = [("ST_AUTH", auth.as_str()), ("ST_USER", "test:tester"), ("ST_KEY", "testing")];
    put_example(work.path());
    put(work.path(), "job.json", JOB.as_bytes());
    done(work.path(), "swift", &["upload", "demo", "logile.txt", "demo.tar"], &env);
    let listed = done(work.path(), "swift", &["list", "demo"], &env);
    assert_eq!(listed, "demo.tar\nlogile.txt\n");
    let exported = done(work.path(), "swift", &["auth"], &env);
    let value = |name: &str| {
        let line = exported.lines().find_map(|line| line.strip_prefix(&format!("export {name}=")));
        line.unwrap_or_else(|| panic!("no {name}: {exported}")).to_owned()
    };
    let token = format!("X-Auth-Token: {}", value("OS_AUTH_TOKEN"));
    let words = [
        "-sS",
        "-i",
        "-X",
        "POST",
        "-H",
        "Content-Type: application/json",
        "-H",
        token.as_str(),
        "-H",
        "X-Zerovm-Execute: 1.0",
        "--data-binary",
        "@job.json",
        &value("OS_STORAGE_URL"),
    ];
    let answer = done(work.path(), "curl", &words, &[]);
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(head.to_lowercase().contains("x-nexe-retcode: 0"), "{answer}");
    assert_eq!(body, format!("{}\n", 20_000_u32.div_ceil(7)), "{answer}");
    done(work.path(), "swift", &["download", "demo", "logile.txt", "-o", "back.txt"], &env);
    let (sent, back) = (work.path().join("logile.txt"), work.path().join("back.txt"));
    assert_eq!(fs::read(sent).expect("it is there"), fs::read(back).expect("it came"));
    done(work.path(), "swift", &["delete", "demo"], &env);
    assert_eq!(done(work.path(), "swift", &["list"], &env), "");
}

/// A thousand files: some empty, some large, some with odd names.
fn put_tree(folder: &Path, large_bytes: usize) {
    let odd = [
        "a b",
        "ä ö ü",
        "percent%20sign",
        "plus+sign",
        "question?",
        "hash#",
        "quote'\"",
        "-dash",
        "日本",
    ];
    for n in 0..1_000_usize {
        let name = match n % 10 {
            0 => format!("{}/{n} {}", n % 13, odd[n / 10 % odd.len()]),
            _ => format!("{}/{}/file-{n}.bin", n % 13, n % 7),
        };
        let len = match n {
            500 | 900 => large_bytes,
            n if n % 50 == 3 => 0,
            n => n * 37 % 40_000,
        };
        let content: Vec<u8> = (0..len).map(|at| (at * 131 + n) as u8).collect();
        put(folder, &name, &content);
    }
}

#[test]
#[ignore = "needs rclone"]
fn rclone_copies_a_tree_in_checks_it_and_copies_it_out_again() {
    let (dir, work) =
        (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("another"));
    let serving = Serving::start(dir.path(), &[]);
    put_tree(&work.path().join("in"), 100 << 20);
    let auth = format!("{}/auth/v1.0", serving.url);
    let config = path_text(&work.path().join("rclone.conf"));
    put(
        work.path(),
        "rclone.conf",
        format!("[store]\ntype = swift\nuser = test:tester\nkey = testing\nauth = {auth}\n")
            .as_bytes(),
    );
    let run = |words: &[&str]| {
        done(work.path(), "rclone", &[&["--config", &config], words].concat(), &[])
    };
    run(&["copy", "in", "store:tree"]);
    run(&["check", "in", "store:tree"]);
    run(&["copy", "store:tree", "out"]);
    done(work.path(), "diff", &["-r", "in", "out"], &[]);
    let count = done(work.path(), "sh", &["-c", "find out -type f | wc -l"], &[]);
    assert_eq!(count.trim(), "1000");
    run(&["purge", "store:tree"]);
}
