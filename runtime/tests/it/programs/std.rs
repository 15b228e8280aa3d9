//! Expectations of Rust's standard library on WASI, as a job: its first argument says which
//! part to play.
//!
//! Built by the test that runs it, for `wasm32-wasi`. Leaves out what wasi-libc alone offers, which
//! the program of C shows.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, process, thread};

type Outcome = Result<(), Box<dyn Error>>;

fn main() {
    let part = env::args().nth(1).unwrap_or_default();
    let result = match part.as_str() {
        "words" => words(),
        "files" => files(),
        "names" => names(),
        "refused" => refused(),
        "time" => time(),
        "streams" => streams(),
        "random" => random(),
        "exit" => process::exit(3),
        "exit-in-drop" => {
            let _held = ExitsWhenDropped;
            Ok(())
        }
        "panic" => panic!("as it was asked to"),
        "index" => {
            let none: Vec<u8> = env::args().skip(99).map(|_| 0).collect();
            println!("{}", none[part.len()]);
            Ok(())
        }
        "memory" => {
            let mut held = Vec::new();
            loop {
                held.push(vec![1u8; 16 << 20]);
            }
        }
        "recursion" => {
            let mut list = List { next: None };
            for _ in 0..1_000_000 {
                list = List { next: Some(Box::new(list)) };
            }
            check(list.next.is_some(), "it is long")
        }
        other => Err(format!("there is no part {other:?}").into()),
    };
    if let Err(error) = result {
        eprintln!("{part}: {error}");
        process::exit(1);
    }
}

struct ExitsWhenDropped;

impl Drop for ExitsWhenDropped {
    fn drop(&mut self) {
        process::exit(9);
    }
}

/// Dropping a long one goes as deep as it is long.
struct List {
    next: Option<Box<List>>,
}

fn check(holds: bool, claim: &str) -> Outcome {
    if holds { Ok(()) } else { Err(claim.into()) }
}

/// Counts the words of the input, writes them sorted to the output, and sums up on standard output.
fn words() -> Outcome {
    let mut input = File::open("/dev/input")?;
    let len = input.metadata()?.len();
    let mut counts = std::collections::HashMap::<String, usize>::new();
    let mut lines = 0;
    for line in BufReader::with_capacity(4_096, &input).lines() {
        lines += 1;
        for word in line?.split_whitespace() {
            *counts.entry(word.to_lowercase()).or_default() += 1;
        }
    }
    check(input.seek(SeekFrom::Current(0))? == len, "it was read to its end")?;
    input.seek(SeekFrom::End(-5))?;
    let mut tail = String::new();
    input.read_to_string(&mut tail)?;
    let sorted: BTreeMap<_, _> = counts.iter().collect();
    let mut output = io::BufWriter::new(File::create("/dev/output")?);
    for (word, count) in &sorted {
        writeln!(output, "{word} {count}")?;
    }
    output.flush()?;
    let mean = counts.values().sum::<usize>() as f64 / sorted.len() as f64;
    println!("{len} bytes, {lines} lines, {} words, {mean:.3} each, ends {tail:?}", sorted.len());
    println!("{:?} {:?}", env::var("WHO")?, env::args().skip(2).collect::<Vec<_>>());
    check(env::vars().count() == 1, "the environment is what the job says and no more")
}

/// Makes, fills, reads, changes and removes files.
fn files() -> Outcome {
    let dir = Path::new("/tmp/some/depth");
    fs::create_dir_all(dir)?;
    for i in 0..200u32 {
        fs::write(dir.join(format!("file-{i:03}")), i.to_string().repeat(50))?;
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        check(entry.file_type()?.is_file(), "each is a file")?;
        names.push(entry.file_name().into_string().map_err(|name| format!("{name:?}"))?);
    }
    names.sort();
    check(names.len() == 200 && names[17] == "file-017", "all are listed")?;
    check(fs::read_to_string(dir.join("file-123"))? == "123".repeat(50), "they hold their bytes")?;

    let log = dir.join("log");
    for line in ["one\n", "two\n"] {
        OpenOptions::new().append(true).create(true).open(&log)?.write_all(line.as_bytes())?;
    }
    let mut file = OpenOptions::new().read(true).write(true).open(&log)?;
    file.seek(SeekFrom::Start(4))?;
    file.write_all(b"TWO")?;
    file.rewind()?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    check(text == "one\nTWO\n", "appended and written over")?;
    file.set_len(3)?;
    file.sync_all()?;
    check(fs::read(&log)? == b"one", "cut off")?;
    file.set_len(6)?;
    check(fs::read(&log)? == b"one\0\0\0", "grown with zeros")?;

    check(fs::copy(&log, dir.join("copy"))? == 6, "copied")?;
    fs::hard_link(&log, dir.join("link"))?;
    file.rewind()?;
    file.write_all(b"ONE")?;
    check(fs::read(dir.join("link"))? == b"ONE\0\0\0", "a link is the same file")?;
    check(fs::read(dir.join("copy"))? == b"one\0\0\0", "a copy is another")?;
    fs::rename(&log, dir.join("moved"))?;
    check(!log.exists() && dir.join("moved").is_file(), "moved")?;
    fs::remove_file(dir.join("moved"))?;
    check(file.metadata()?.len() == 6, "an open file outlives its name")?;
    fs::remove_dir_all("/tmp/some")?;
    check(fs::read_dir("/tmp")?.count() == 0, "all is gone")
}

/// Paths and what the operating system says of those that do not do.
fn names() -> Outcome {
    let kind = |result: io::Result<()>| result.err().map(|error| error.kind());
    let opens = |path: &str| kind(File::open(path).map(drop));
    check(opens("/nowhere") == Some(ErrorKind::NotFound), "what is not there is not found")?;
    check(opens("/etc/motto/x").is_some(), "a file is no directory")?;
    check(kind(fs::create_dir("/etc")) == Some(ErrorKind::AlreadyExists), "/etc is there")?;
    check(kind(fs::remove_dir("/etc")).is_some(), "/etc is not empty")?;
    let new = OpenOptions::new().write(true).create_new(true).open("/etc/motto").map(drop);
    check(kind(new) == Some(ErrorKind::AlreadyExists), "the motto is there")?;
    check(kind(fs::write("/dev/new", b"")).is_some(), "/dev cannot be changed")?;
    let input = OpenOptions::new().write(true).open("/dev/input").map(drop);
    check(kind(input) == Some(ErrorKind::PermissionDenied), "the input cannot be written")?;
    check(opens("/../etc/motto").is_some(), "nothing lies above the root")?;
    check(fs::read_to_string("/etc/motto")? == "stay put", "an image is there")?;
    fs::write("/etc/motto", "go away")?;
    check(fs::read_to_string("/etc/../etc/./motto")? == "go away", "and can be changed")?;
    check(fs::read("/etc").is_err(), "a directory has no bytes")?;
    check(fs::metadata("/etc")?.is_dir(), "it is a directory")?;
    let long = PathBuf::from("/").join("x".repeat(300));
    check(kind(File::create(long).map(drop)).is_some(), "a name has an end")?;
    check(env::current_dir()? == Path::new("/"), "it begins at the root")?;
    check(fs::metadata("etc/motto")?.len() == 7, "paths go on from there")?;
    let open: Vec<_> = (0..5_000).map_while(|_| File::open("/etc/motto").ok()).collect();
    check((900..1_024).contains(&open.len()), "there are so many descriptors and no more")?;
    drop(open);
    check(opens("/etc/motto").is_none(), "and they come back")
}

/// Calls that a job cannot have: an error, and no end.
fn refused() -> Outcome {
    let spawned = thread::Builder::new().spawn(|| ()).map(drop);
    check(spawned.map_err(|error| error.kind()) == Err(ErrorKind::Unsupported), "threads")?;
    check(process::Command::new("/bin/true").status().is_err(), "processes")?;
    check(std::net::TcpStream::connect("127.0.0.1:80").is_err(), "connections")?;
    check(std::net::UdpSocket::bind("127.0.0.1:0").is_err(), "sockets")?;
    check(thread::available_parallelism().map_or(true, |cores| cores.get() == 1), "cores")
}

fn time() -> Outcome {
    const NAP: Duration = Duration::from_millis(3);
    let (wall, monotonic) = (std::time::SystemTime::now(), std::time::Instant::now());
    thread::sleep(NAP);
    check(monotonic.elapsed() == NAP, "only sleeping takes time")?;
    check(wall.elapsed()? == NAP, "by the calendar too")?;
    fs::write("/new", b"")?;
    check(fs::metadata("/new")?.modified()? == wall + NAP, "files carry it")?;
    println!("{}", wall.duration_since(std::time::UNIX_EPOCH)?.as_secs());
    Ok(())
}

/// Numbers the lines of standard input.
fn streams() -> Outcome {
    let mut out = io::stdout().lock();
    let mut bytes = 0;
    for (number, line) in io::stdin().lines().enumerate() {
        let line = line?;
        bytes += line.len();
        writeln!(out, "{:>6} {line}", number + 1)?;
    }
    eprint!("{bytes}");
    Ok(())
}

/// Randomness that keeps a hash map's order from being guessed.
fn random() -> Outcome {
    let state = || std::collections::hash_map::RandomState::new().build_hasher().finish();
    println!("{:016x}", state());
    check(state() != state(), "two maps differ")
}
