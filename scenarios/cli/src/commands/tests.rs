//! Arguments, exit codes, and the comparison of two traces.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;

use clap::Parser;
use stayput_engine::scenario::Policy;
use stayput_results::export::{EXPORTERS, RunOutput};
use stayput_results::fixtures::{good_runs, judged_runs, plan};

use super::*;

fn args(words: &str) -> RunArgs {
    let words = std::iter::once("stayput").chain(words.split_whitespace());
    match Cli::try_parse_from(words).unwrap().command {
        Command::Run(args) | Command::Twice(args) => args,
        _ => panic!("the words are those of a run"),
    }
}

/// The words of a run of the banana scenario with a file in the place of its executable.
fn banana(folder: &Path, more: &str) -> RunArgs {
    let file = folder.join("linecount.wasm");
    std::fs::write(&file, b"\0asm").unwrap();
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("../banana-logile.toml");
    args(&format!(
        "run {} --data demo/linecount.wasm={} {more}",
        scenario.display(),
        file.display()
    ))
}

#[test]
fn every_option_is_read() {
    let args = args(
        "run x.toml --data demo/a=f --data swift://~/demo/b=g=h --seed 7 --policy download \
         --net turmoil --json - --no-faults --trace t --events e --answers a --export hdr-log=l=1",
    );
    assert_eq!(args.plan.data[1].file, Path::new("g=h"));
    assert_eq!(args.plan.data[0].name.to_string(), "demo/a");
    assert_eq!((args.plan.seed, args.plan.policy.as_slice()), (7, [Policy::Download].as_slice()));
    assert!(args.plan.no_faults);
    let output = args.output;
    assert_eq!(output.trace.as_deref(), Some(Path::new("t")));
    assert_eq!(output.events.as_deref(), Some(Path::new("e")));
    let exports = output.exports();
    let exports: Vec<_> =
        exports.iter().map(|it| (it.format.as_str(), it.file.to_str(), it.to_stdout())).collect();
    assert_eq!(
        exports,
        [("answers", Some("a"), false), ("json", Some("-"), true), ("hdr-log", Some("l=1"), false)]
    );
}

#[test]
fn bad_options_are_usage_errors_that_show_the_right_form() {
    for (words, wanted) in [
        ("--data demo/a", "PATH=FILE"),
        ("--data demo=f", "swift://~/container/object"),
        ("--data demo/a=", "no file"),
        ("--policy magic", "the policies are on-storage, download"),
        ("--net pigeon", "fabric"),
        ("--export json", "FORMAT=FILE"),
        ("--export json=", "no file"),
        ("--seed=-1", "--seed"),
    ] {
        let words = ["stayput", "run", "x.toml"].into_iter().chain(words.split(' '));
        let error = Cli::try_parse_from(words).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains(wanted), "{error}");
    }
}

#[test]
fn the_repeating_command_decides_the_same_run() {
    let words = args("run x.toml --seed 7 --policy download --data demo/a=f --no-faults --trace t");
    let words = words.plan.deciding_words();
    let again = Cli::try_parse_from(
        std::iter::once(OsString::from("stayput")).chain(words.iter().cloned()),
    );
    let Command::Run(again) = again.unwrap().command else { panic!("another command") };
    assert_eq!(again.plan.deciding_words(), words);
    assert_eq!(again.output.trace, None);
    let again = again.plan;
    let odd = run::repeat_command(&PlanArgs { scenario: "it's here.toml".into(), ..again });
    assert!(odd.contains(" run 'it'\\''s here.toml' --seed 7"), "{odd}");
}

#[test]
fn exit_codes_tell_the_causes_apart() {
    let kept = judged_runs(&plan(), good_runs());
    assert_eq!(Exit::of_run(&kept), Exit::Kept);
    let mut runs = good_runs();
    runs[0].broken.push("something".to_owned());
    assert_eq!(Exit::of_run(&judged_runs(&plan(), runs)), Exit::Broken);
    let stopped = RunError::NoProgress {
        policy: Policy::Download,
        at: stayput_host::time::Time::ZERO,
        waiting: "job 3".to_owned(),
    };
    assert_eq!(Exit::of_error(&stopped.into()), Exit::NoProgress);
    let missing = stayput_engine::scenario::Scenario::load(Path::new("no/such.toml")).unwrap_err();
    assert_eq!(Exit::of_error(&missing.into()), Exit::Usage);
    assert_eq!(
        [0, 1, 2, 3, 101].map(|code| Exit::of_code(Some(code)).is_some()),
        [true, true, true, true, false]
    );
}

#[test]
fn a_users_file_and_policies_reach_the_plan() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("mine.log");
    std::fs::write(&log, b"banana\n").unwrap();
    let more =
        format!("--policy download --policy download --data demo/logile.txt={}", log.display());
    let plan = run::plan(&banana(folder.path(), &more).plan).unwrap();
    assert_eq!(plan.objects[0].content.as_ref(), b"banana\n");
    assert_eq!(plan.scenario.policies, [Policy::Download]);
    assert_eq!(plan.jobs.len(), 8);
    let text = plan.job_text(&plan.jobs[0]);
    assert!(text.contains("swift://~/demo/logile.txt"), "{text}");
}

#[test]
fn the_configuration_says_all_that_decides_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let plan = run::plan(&banana(folder.path(), "--seed 9").plan).unwrap();
    let mut out = Vec::new();
    config::write_config(&plan, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    for part in ["seed      9", "net fabric", "3 replicas", "10", "pick each", "wrong = 0"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

#[test]
fn equal_traces_have_no_difference() {
    let trace = "policy on-storage\na\nb\n";
    let found = twice::compare(&mut trace.as_bytes(), &mut trace.as_bytes()).unwrap();
    assert_eq!(found, None);
}

#[test]
fn the_first_difference_is_shown_with_its_place_and_what_came_before() {
    let first = "policy on-storage\na\npolicy download\n1\n2\n3\n4\n5\n6\nsame\nmine\nz\n";
    let second = first.replace("mine", "theirs");
    let found = twice::compare(&mut first.as_bytes(), &mut second.as_bytes()).unwrap().unwrap();
    assert_eq!(
        found,
        "the traces differ first at line 11, in policy download:\n    3\n    4\n    5\n    6\n    same\n  1 mine\n  2 theirs\n"
    );
    let shorter = "policy on-storage\n";
    let found = twice::compare(&mut first.as_bytes(), &mut shorter.as_bytes()).unwrap().unwrap();
    assert!(found.contains("  1 a\n  2 (the trace ends here)"), "{found}");
}

/// An exporter of a crate of its own.
struct Count;

impl Exporter for Count {
    fn format(&self) -> &'static str {
        "count"
    }

    fn write(&self, output: &RunOutput<'_>, out: &mut dyn Write) -> io::Result<()> {
        let jobs: usize = output.run.policies.iter().map(|policy| policy.jobs.len()).sum();
        writeln!(out, "{jobs} jobs")
    }
}

#[test]
fn an_exporter_from_outside_is_one_more_format_of_run() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("count.txt");
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cli/small.toml");
    let words = [
        "stayput".into(),
        "run".into(),
        scenario.into_os_string(),
        "--export".into(),
        OsString::from(format!("count={}", file.display())),
    ];
    let cli = Cli::try_parse_from(words).unwrap();
    let more: Vec<&dyn Exporter> = EXPORTERS.iter().copied().chain([&Count as _]).collect();
    assert_eq!(execute(&cli, &more).unwrap(), Exit::Kept);
    assert_eq!(std::fs::read_to_string(file).unwrap(), "16 jobs\n");
    let refused = execute(&cli, EXPORTERS).unwrap_err().to_string();
    assert!(refused.contains("`count`") && refused.contains("table, json, answers"), "{refused}");
}

#[test]
fn two_exports_to_standard_output_are_refused() {
    let args = args("run x.toml --json - --export table=-");
    let refused = run::exports(&args.output, EXPORTERS).map(drop).unwrap_err();
    assert!(refused.to_string().contains("several exports"), "{refused}");
}
