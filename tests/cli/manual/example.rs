//! Blocks of a tutorial: commands, files, and the lines that a command prints.
//!
//! The words after a fence's language say which: `run`, `file=NAME`, `prints`, `server`,
//! `needs=TOOL` for a block that wants one, and `from=PATH` for a part of the repository's file.
//! Leaves out other shells than `sh`.

use std::path::Path;
use std::process::{Command, Stdio};

/// A fenced block.
pub(super) struct Block<'a> {
    /// The language and the words after it.
    pub(super) words: Vec<&'a str>,
    pub(super) text: String,
}

impl<'a> Block<'a> {
    pub(super) fn is(&self, word: &str) -> bool {
        self.words.contains(&word)
    }

    /// Name of the file that it is.
    pub(super) fn file(&self) -> Option<&'a str> {
        self.words.iter().find_map(|word| word.strip_prefix("file="))
    }

    /// The tool that it needs.
    pub(super) fn needs(&self) -> Option<&'a str> {
        self.words.iter().find_map(|word| word.strip_prefix("needs="))
    }

    /// Path of the repository's file that it is a part of.
    pub(super) fn source(&self) -> Option<&'a str> {
        self.words.iter().find_map(|word| word.strip_prefix("from="))
    }
}

/// The fenced blocks of a page. Lines that a block prints need what the block before them needs.
pub(super) fn blocks(page: &str) -> impl Iterator<Item = Block<'_>> {
    let mut lines = page.lines();
    let mut needs = None;
    std::iter::from_fn(move || {
        let info = lines.find_map(|line| line.strip_prefix("```"))?;
        let text = lines.by_ref().take_while(|line| *line != "```");
        let text = text.map(|line| format!("{line}\n")).collect();
        let mut block = Block { words: info.split(',').collect(), text };
        if block.is("prints") {
            block.words.extend(needs);
        } else {
            needs = block.words.iter().copied().find(|word| word.starts_with("needs="));
        }
        Some(block)
    })
}

/// Runs commands in a folder, `stayput` among them, and gives what they printed.
pub(super) fn run(folder: &Path, commands: &str) -> String {
    let built = Path::new(env!("CARGO_BIN_EXE_stayput")).parent().expect("it lies in a folder");
    let path = std::env::var("PATH").unwrap_or_default();
    let done = Command::new("sh")
        .args(["-eu", "-c", commands])
        .current_dir(folder)
        .env("PATH", format!("{}:{path}", built.display()))
        .stdin(Stdio::null())
        .output()
        .expect("there is a shell");
    let text = |bytes| String::from_utf8(bytes).expect("commands print text");
    let (stdout, stderr) = (text(done.stdout), text(done.stderr));
    assert!(done.status.success(), "{commands}{}\n{stdout}\n{stderr}", done.status);
    stderr + &stdout
}

/// Fails unless the lines were printed in this order. `…` at an end of a line stands for anything,
/// and in a line of its own for any lines.
pub(super) fn assert_prints(wanted: &str, output: &str) {
    let mut printed = output.lines().map(str::trim);
    for line in wanted.lines().map(str::trim).filter(|line| *line != "…") {
        assert!(printed.any(|found| matches(line, found)), "{line:?} is not in:\n{output}");
    }
}

fn matches(wanted: &str, line: &str) -> bool {
    let (head, tail) = (wanted.strip_suffix('…'), wanted.strip_prefix('…'));
    match (head, tail) {
        (None, None) => line == wanted,
        (Some(head), None) => line.starts_with(head),
        (None, Some(tail)) => line.ends_with(tail),
        (Some(_), Some(_)) => line.contains(wanted.trim_matches('…')),
    }
}

#[test]
fn blocks_have_their_words_and_printed_lines_are_found_in_order() {
    let page =
        "a\n```sh,run,needs=curl\nls\n```\n\n```text,prints\nb…\n```\n```toml,file=x.toml\n```\n";
    let found: Vec<Block<'_>> = blocks(page).collect();
    assert_eq!(found.len(), 3);
    assert!(found[0].is("run") && found[0].text == "ls\n");
    assert_eq!((found[1].needs(), found[2].needs()), (Some("curl"), None));
    assert_eq!(found[2].file(), Some("x.toml"));
    assert_prints("one\n…\n…end\n", "one\nmore\nthe end\n");
    assert!(std::panic::catch_unwind(|| assert_prints("b\na\n", "a\nb\n")).is_err());
}
