//! `stayput job run`: a whole job on this machine.

use crate::support::{Said, Variant, root, stayput};

const LOG: &str = "a banana\nan apple\nbananabanana\n";

fn guest(name: &str) -> String {
    format!("{}/runtime/guests/{name}", root())
}

fn run(folder: &Variant, job: &str, more: &[&str]) -> Said {
    let job = folder.put("job.json", job.as_bytes());
    stayput(&[&["job", "run", &job], more].concat())
}

const COUNT: &str = r#"[{"name": "count", "exec": {"path": "swift://~/demo/linecount.wasm", "args": "banana"},
    "devices": [{"name": "stdout"}, {"name": "input", "path": "swift://~/demo/log*.txt"}]}]"#;

#[test]
fn a_job_runs_on_files_and_answers_on_standard_output() {
    let folder = Variant::new(&[]);
    let log = folder.put("log.txt", LOG.as_bytes());
    let module = format!("swift://~/demo/linecount.wasm={}", guest("linecount.wasm"));
    let log = format!("swift://~/demo/log-1.txt={log}");
    let said = run(&folder, COUNT, &["--file", &module, "--file", &log]);
    assert_eq!((said.code, said.stdout.as_str()), (0, "2\n"), "{said:?}");
    assert!(said.stderr.starts_with("count-1: exit code 0; "), "{said:?}");
}

#[test]
fn sessions_talk_and_what_they_store_goes_below_a_folder() {
    let folder = Variant::new(&[]);
    std::fs::create_dir_all(folder.path("texts/more")).expect("the folder is writable");
    folder.put("texts/a.txt", b"to be or not\n");
    folder.put("texts/more/b.txt", b"to be\n");
    let texts = format!("swift://~/demo/texts={}", folder.path("texts"));
    let module = format!("swift://~/demo/words.wasm={}", guest("words.wasm"));
    let out = folder.path("out");
    let job = r#"[
        {"name": "map", "exec": {"path": "swift://~/demo/words.wasm", "args": "map"},
         "devices": [{"name": "input", "path": "swift://~/demo/texts/*.txt"}], "connect": ["red"]},
        {"name": "red", "count": 2, "exec": {"path": "swift://~/demo/words.wasm", "args": "reduce"},
         "connect": ["all"]},
        {"name": "all", "exec": {"path": "swift://~/demo/words.wasm", "args": "merge"},
         "devices": [{"name": "output", "path": "swift://~/demo/counts/all.txt"}]}]"#;
    let files = ["--file", &texts, "--file", &module];
    let said = run(&folder, job, &[&files[..], &["--out", &out]].concat());
    assert_eq!((said.code, said.stdout.as_str()), (0, ""), "{said:?}");
    let stored =
        std::fs::read_to_string(format!("{out}/demo/counts/all.txt")).expect("it is there");
    assert_eq!(stored, "be 2\nnot 1\nor 1\nto 2\n");
    let said = run(&folder, job, &files);
    assert!(said.stderr.contains("not kept without --out DIR"), "{said:?}");
}

#[test]
fn what_is_wrong_is_named_and_is_usage() {
    let folder = Variant::new(&[]);
    let module = format!("swift://~/demo/linecount.wasm={}", guest("linecount.wasm"));
    let cases: [(&str, &[&str], &str); 6] = [
        ("[", &[], "JSON"),
        (COUNT, &["--file", &module], "matches"),
        (&COUNT.replace('*', ""), &["--file", &module], "log.txt"),
        (COUNT, &["--file", "swift://~/demo/x"], "no `=`"),
        (COUNT, &["--file", "swift://AUTH_other/demo/x=y"], "AUTH_other"),
        (
            r#"[{"name": "a", "exec": {"path": "file://python:python"}, "devices": [{"name": "python"}]}]"#,
            &["--images", "nowhere"],
            "no system image \"python\"",
        ),
    ];
    for (job, more, why) in cases {
        let said = run(&folder, job, more);
        assert_eq!((said.code, said.stdout.as_str()), (2, ""), "{said:?}");
        assert!(said.stderr.contains(why), "`{why}` is not in {said:?}");
    }
}

#[test]
fn the_guests_exit_code_is_the_commands() {
    let folder = Variant::new(&[]);
    let module = format!("swift://~/demo/words.wasm={}", guest("words.wasm"));
    let job = r#"[{"name": "a", "exec": {"path": "swift://~/demo/words.wasm", "args": "dance"}}]"#;
    let said = run(&folder, job, &["--file", &module]);
    assert!(
        said.code > 0 && said.stderr.contains(&format!("a: exit code {}", said.code)),
        "{said:?}"
    );
}

#[test]
fn a_device_without_a_path_reads_the_data_that_is_given() {
    let folder = Variant::new(&[]);
    let log = folder.put("log.txt", LOG.as_bytes());
    let module = format!("swift://~/demo/linecount.wasm={}", guest("linecount.wasm"));
    let job = COUNT.replace(r#", "path": "swift://~/demo/log*.txt""#, "");
    let said = run(&folder, &job, &["--file", &module, "--data", &log]);
    assert_eq!((said.code, said.stdout.as_str()), (0, "2\n"), "{said:?}");
    let said = run(&folder, &job, &["--file", &module]);
    assert_eq!(said.code, 2, "without it there is nothing to read: {said:?}");
}
