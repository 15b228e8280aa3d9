//! The manual: its tutorials are run as they stand, its page of options is held to `--help`.
//!
//! Leaves out links and paths, which `tests/all/documents` holds.

mod example;
mod options;

use std::path::Path;

use self::example::{Block, blocks};
use crate::serve::server::Serving;
use crate::support::root;

/// Address of a served store as the tutorials write it.
const SERVED: &str = "http://127.0.0.1:8080";

/// Follows a tutorial in an empty folder that has the repository's folders in it. Blocks that need
/// an outside tool are followed only if it is among `tools`.
fn follow(page: &str, tools: &[&str]) {
    let path = format!("{}scenarios/manual/src/tutorials/{page}.md", root());
    let text = std::fs::read_to_string(path).expect("the page is there");
    let folder = tempfile::tempdir().expect("there is room for a folder");
    for name in ["runtime", "scenarios"] {
        let target = Path::new(&root()).join(name);
        std::os::unix::fs::symlink(target, folder.path().join(name)).expect("links can be made");
    }
    let mut serving: Option<Serving> = None;
    let (mut ran, mut output) = (0, String::new());
    for block in
        blocks(&text).filter(|block| block.needs().is_none_or(|tool| tools.contains(&tool)))
    {
        let url = serving.as_ref().map_or(SERVED, |serving| &serving.url);
        let text = block.text.replace(SERVED, url);
        if let Some(name) = block.file() {
            std::fs::write(folder.path().join(name), &text).expect("the folder is writable");
        } else if block.is("server") {
            assert_eq!(text, "stayput serve --data store\n", "the test starts it at a free port");
            serving = Some(Serving::start(&folder.path().join("store"), &[]));
        } else if block.is("run") {
            output = example::run(folder.path(), &text);
            ran += 1;
        } else if block.is("prints") {
            example::assert_prints(&text, &output);
        }
    }
    assert!(ran > 0, "{page} has blocks that are run");
}

#[test]
fn the_tutorial_on_an_own_log_does_as_it_says() {
    follow("own-log", &[]);
}

#[test]
fn the_tutorial_on_an_own_job_does_as_it_says() {
    follow("own-job", &[]);
}

#[test]
#[ignore = "needs rustc with wasm32-wasip1, or Debian's rustc, libstd-rust-dev-wasm32 and lld"]
fn the_tutorial_on_an_own_job_does_as_it_says_with_a_compiler() {
    follow("own-job", &["rust"]);
}

#[test]
fn the_tutorial_on_an_own_server_does_as_it_says() {
    follow("own-server", &[]);
}

#[test]
#[ignore = "needs curl and rclone"]
fn the_tutorial_on_an_own_server_does_as_it_says_with_clients() {
    follow("own-server", &["curl", "rclone"]);
}

#[test]
fn every_block_of_a_tutorial_is_of_a_kind_that_is_known() {
    let folder = format!("{}scenarios/manual/src/tutorials", root());
    for entry in std::fs::read_dir(folder).expect("the tutorials are there") {
        let path = entry.expect("the tutorials can be read").path();
        let text = std::fs::read_to_string(&path).expect("pages are text");
        for block in blocks(&text) {
            let is_named = |name| text.contains(&format!("`{name}`"));
            assert!(
                block.file().is_none_or(is_named),
                "a reader is given no name: {:?}",
                block.words
            );
            if let Some(source) = block.source() {
                let source = std::fs::read_to_string(format!("{}{source}", root()));
                let source = source.expect("the source of a block is there");
                assert!(source.contains(&block.text), "not in its source:\n{}", block.text);
            }
            let Block { words, .. } = block;
            let known = ["run", "prints", "server", "ignore"];
            let is_known = |word: &&str| {
                let heads = ["file=", "from=", "needs="];
                known.contains(word) || heads.iter().any(|head| word.starts_with(head))
            };
            let unknown: Vec<_> = words.iter().skip(1).filter(|word| !is_known(word)).collect();
            assert!(unknown.is_empty(), "{}: {words:?}", path.display());
        }
    }
}
