//! A program of Rust's standard library, built here with Debian's compiler: it runs as it would
//! elsewhere.
//!
//! Leaves out what the committed guests show: those are small on purpose.

use crate::images::tar;
use crate::support::{compile, spec, text};
use stayput_runtime::engine::Module;
use stayput_runtime::image::{Image, ImageLimits};
use stayput_runtime::local::{self, LocalRun};
use stayput_runtime::outcome::EndReason;
use stayput_runtime::session::SESSION_EPOCH_UNIX_NS;
use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;

/// Builds the program with the compiler of the committed guests.
fn build() -> Module {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/programs/std.rs");
    let wasm = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("rust_program.wasm");
    let status = Command::new("/usr/bin/rustc")
        // Cargo points it at the libraries of the compiler that built this test.
        .env_remove("LD_LIBRARY_PATH")
        .args(["--edition", "2021", "--target", "wasm32-wasi", "-O", "-o"])
        .arg(&wasm)
        .arg(source)
        .status()
        .expect("Debian's rustc is there");
    assert!(status.success(), "rustc builds it");
    compile(&std::fs::read(wasm).unwrap())
}

struct Program {
    module: Module,
    image: Arc<Image>,
    inputs: BTreeMap<String, bytes::Bytes>,
}

impl Program {
    fn play(&self, part: &str, entropy: u8) -> LocalRun {
        let mut spec = spec(&self.module, &["std", part, "b c", ""]);
        spec.env = vec![("WHO".to_owned(), "rust".to_owned())];
        spec.images = vec![self.image.clone()];
        spec.entropy = [entropy; 32];
        local::run(spec, self.inputs.clone())
    }

    fn text(&self, part: &str) -> String {
        let run = self.play(part, 1);
        assert_eq!(
            run.outcome.end,
            EndReason::Exited { code: 0 },
            "{part}: {}",
            text(&run, "stderr")
        );
        text(&run, "stdout")
    }

    /// End of a part that was not to succeed, and its message.
    fn end(&self, part: &str) -> (EndReason, String) {
        let run = self.play(part, 1);
        (run.outcome.end.clone(), text(&run, "stderr"))
    }
}

/// A text of some size, and what its words are.
fn story() -> (String, BTreeMap<String, usize>) {
    let mut story = String::new();
    let mut counts = BTreeMap::<_, usize>::new();
    for i in 0..20_000u32 {
        let word = format!("Word{}", i.wrapping_mul(2_654_435_761) % 977);
        *counts.entry(word.to_lowercase()).or_default() += 1;
        story.push_str(&word);
        story.push(if i % 12 == 11 { '\n' } else { ' ' });
    }
    story.push_str("the end");
    *counts.entry("the".to_owned()).or_default() += 1;
    *counts.entry("end".to_owned()).or_default() += 1;
    (story, counts)
}

#[test]
#[ignore = "needs Debian's rustc, libstd-rust-dev-wasm32 and lld"]
fn a_program_of_rusts_standard_library_finds_what_it_expects() {
    let (story, counts) = story();
    let image = tar(&[("etc/motto", b"stay put")]);
    let stdin = "line\n".repeat(3_000);
    let program = Program {
        module: build(),
        image: Arc::new(Image::from_tar(&image, ImageLimits::default()).unwrap()),
        inputs: BTreeMap::from([
            ("input".to_owned(), story.clone().into()),
            ("stdin".to_owned(), stdin.into()),
        ]),
    };

    let mean = counts.values().sum::<usize>() as f64 / counts.len() as f64;
    let summary = format!(
        "{} bytes, {} lines, {} words, {mean:.3} each, ends \"e end\"\n\"rust\" [\"b c\", \"\"]\n",
        story.len(),
        story.lines().count(),
        counts.len()
    );
    assert_eq!(program.text("words"), summary);
    let sorted: String = counts.iter().map(|(word, count)| format!("{word} {count}\n")).collect();
    assert_eq!(text(&program.play("words", 1), "output"), sorted);

    for part in ["files", "names", "refused"] {
        assert_eq!(program.text(part), "");
    }
    assert_eq!(program.text("time"), format!("{}\n", SESSION_EPOCH_UNIX_NS / 1_000_000_000));
    let numbered: String = (1..=3_000).map(|number| format!("{number:>6} line\n")).collect();
    assert_eq!(program.text("streams"), numbered);
    assert_eq!(text(&program.play("streams", 1), "stderr"), "12000");

    let random = |entropy| text(&program.play("random", entropy), "stdout");
    assert_eq!(random(1), random(1));
    assert_ne!(random(1), random(2));

    assert_eq!(program.end("exit").0, EndReason::Exited { code: 3 });
    assert_eq!(program.end("exit-in-drop").0, EndReason::Exited { code: 9 });
    assert_eq!(program.end("nonsense").0, EndReason::Exited { code: 1 });
    assert_eq!(program.end("memory").0, EndReason::OutOfMemory);
    for (part, said) in [("panic", "as it was asked to"), ("index", "index out of bounds")] {
        let (end, stderr) = program.end(part);
        assert!(matches!(end, EndReason::Trapped { .. }), "{part}: {end:?}");
        assert!(stderr.contains(said), "{part}: {stderr:?}");
    }
    let (end, _) = program.end("recursion");
    assert!(matches!(end, EndReason::Trapped { .. }), "{end:?}");
}
