//! Workload of a scenario: sizes, arrivals, mixes of jobs, load, and expectations on each policy.

use std::time::Duration;

use super::tests::{changed, refused};
use super::*;
use crate::quantity::Decimal;

fn number(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}

fn size(text: &str) -> Size {
    let scenario = changed("size = \"8 MiB\"", text).unwrap();
    match scenario.data[3].content {
        Content::Generate { size, .. } => size,
        _ => panic!("the logs are generated"),
    }
}

#[test]
fn sizes_are_fixed_or_drawn_from_a_distribution() {
    let mib = 1 << 20;
    assert_eq!(size("size = \"3 MiB\""), Size::Fixed(3 * mib));
    let uniform = Size::Uniform { least: mib, most: 8 * mib };
    assert_eq!(size("size = \"uniform 1 MiB..8 MiB\""), uniform);
    let lognormal = Size::Lognormal { median: mib, sigma: number("1"), most: 64 * mib };
    assert_eq!(size("size = \"lognormal 1 MiB sigma 1.0\""), lognormal);
    let pareto = Size::Pareto { least: mib / 4, alpha: number("1.5"), most: 16 * mib };
    assert_eq!(size("size = \"pareto 256 KiB alpha 1.5\"\nsize_max = \"16 MiB\""), pareto);
}

#[test]
fn a_size_that_is_none_says_why() {
    let refuse = |text: &str, why: &str| {
        refused("size = \"8 MiB\"", &format!("size = \"{text}\""), "data[1].size", why);
    };
    refuse("uniform 8 MiB..1 MiB", "above the largest size");
    refuse("uniform 0..1 MiB", "begins at nothing");
    refuse("uniform 1 MiB", "has no `..`");
    refuse("uniform 1 MiB..5 GiB", "above 4 GiB");
    refuse("lognormal 1 MiB", "is no size");
    refuse("lognormal 1 MiB sigma 0", "is not above 0");
    refuse("lognormal 1 MiB sigma 9", "is not above 0, up to 8");
    refuse("lognormal 100 MiB sigma 1", "above the largest size");
    refuse("pareto 1 MiB alpha -1", "is not above 0");
    refuse("pareto 1 MeB alpha 1", "is not a size");
    refuse("normal 1 MiB", "is not a size");
    let with_max =
        |text: &str, why: &str| refused("size = \"8 MiB\"", text, "data[1].size_max", why);
    with_max("size = \"8 MiB\"\nsize_max = \"9 MiB\"", "no bound");
    with_max("size_max = \"9 MiB\"", "not there");
    with_max("size = \"pareto 1 MiB alpha 1\"\nsize_max = \"5 GiB\"", "above 4 GiB");
}

#[test]
fn bursts_say_how_often_how_many_and_how_close() {
    let arrivals = |text: &str| changed("poisson 20/s", text).unwrap().work[0].arrivals;
    let bursts = |within| Arrivals::Bursts { per_second: number("2.5"), of: 8, within };
    assert_eq!(arrivals("bursts 2.5/s of 8"), bursts(Duration::ZERO));
    assert_eq!(arrivals("bursts 2.5/s of 8 within 20ms"), bursts(Duration::from_millis(20)));
    assert_eq!(bursts(Duration::from_millis(20)).to_string(), "bursts 2.5/s of 8 within 20ms");
    let refuse = |text: &str, why: &str| refused("poisson 20/s", text, "work[1].arrivals", why);
    refuse("bursts 5/s", "no kind of arrivals");
    refuse("bursts 5/s of many", "no kind of arrivals");
    refuse("bursts 5/s of 0", "out of bounds");
    refuse("bursts 0/s of 8", "the rate");
    refuse("bursts 5/s of 8 within soon", "is not a length of time");
    refuse("bursts 5/s of 8 within 48h", "more than a day");
}

const JOB: &str = "job = \"jobs/banana.json\"";

#[test]
fn a_mix_has_weights_and_values_of_its_own() {
    let job = |with: &str| {
        let text =
            r#"'[{"name": "x", "exec": {"path": "y", "args": "{word} {n}"}, "count": {n}}]'"#;
        format!("{{ job = {text}, {with} }}")
    };
    let jobs = format!(
        "jobs = [{}, {}]",
        job("weight = 3, with = { word = 'a\"b' }"),
        job("with = { n = 4 }")
    );
    let text = format!("{jobs}\nwith = {{ word = \"c\", n = 2 }}");
    let work = &changed(JOB, &text).unwrap().work[0];
    assert_eq!(work.jobs.iter().map(|job| job.weight).collect::<Vec<_>>(), [3, 1]);
    let read =
        |at: usize| -> serde_json::Value { serde_json::from_str(&work.jobs[at].text).unwrap() };
    assert_eq!(read(0)[0]["exec"]["args"], "a\"b 2");
    assert_eq!(read(1)[0]["exec"]["args"], "c 4");
    assert_eq!(read(1)[0]["count"], 4);
}

#[test]
fn a_mix_that_cannot_be_drawn_says_why() {
    let refuse =
        |text: &str, key: &str, why: &str| refused(JOB, text, &format!("work[1]{key}"), why);
    refuse("", "", "one of `job` and `jobs`");
    refuse(&format!("{JOB}\njobs = []"), "", "one of `job` and `jobs`");
    refuse("jobs = []", ".jobs", "nothing to draw");
    let one = "job = \"jobs/banana.json\"";
    refuse(&format!("jobs = [{{ {one}, weight = 0 }}]"), ".jobs", "nothing to draw");
    refuse(&format!("jobs = [{{ {one}, weight = -1 }}]"), ".jobs[1].weight", "out of bounds");
    refuse(&format!("jobs = [{{ {one}, with = {{ x = 1 }} }}]"), ".jobs[1].with.x", "has no place");
    refuse(&format!("{JOB}\nwith = {{ keep = 1 }}"), ".with.keep", "has no place");
    refuse(&format!("{JOB}\nwith = {{ object = 1 }}"), ".with", "is no name");
    refuse("jobs = [{ job = \"jobs/none.json\" }]", ".jobs[1].job", "cannot read");
}

#[test]
fn promises_are_made_of_all_policies_or_of_one() {
    let more = "failed = 0\n\"on-storage.p99_us\" = \"<= 60000\"\ndownload.bytes.body = \"> 5\"\nmakespan_us = \"< 9e9\"";
    let scenario = changed("failed = 0", more).unwrap();
    let told: Vec<_> =
        scenario.expect.iter().map(|e| format!("{} {}", e.figure.key(), e.comparison)).collect();
    let wanted = [
        "saved_ratio >= 0.99",
        "wrong = 0",
        "failed = 0",
        "makespan_us < 9000000000",
        "download.bytes.body > 5",
        "on-storage.p99_us <= 60000",
    ];
    assert_eq!(told, wanted);
}

#[test]
fn a_load_says_what_it_reads_and_writes() {
    let load = |text: &str| changed("[compare]", &format!("[[load]]\n{text}\n[compare]"));
    let reads = load("rate = \"poisson 100/s\"\nobjects = \"swift://~/demo/log-*.txt\"").unwrap();
    assert_eq!((reads.load[0].read.get(), reads.load[0].objects.len()), (900_000_000, 16));
    assert_eq!(reads.load[0].size, Size::Fixed(64 << 10));
    let writes = load("rate = \"bursts 1/s of 5\"\nread = 0\nsize = \"1 MB\"").unwrap();
    assert!(writes.load[0].objects.is_empty());
    let refuse = |text: &str, key: &str, why: &str| {
        refused("[compare]", &format!("[[load]]\n{text}\n[compare]"), key, why);
    };
    let rate = "rate = \"poisson 100/s\"";
    refuse("rate = \"closed\"", "load[1].rate", "closed loop");
    refuse("rate = \"often\"", "load[1].rate", "no kind of arrivals");
    refuse(rate, "load[1].objects", "is missing");
    refuse(&format!("{rate}\nobjects = \"demo/cat-*\""), "load[1].objects", "no [[data]] object");
    refuse(&format!("{rate}\nread = 1.5"), "load[1].read", "is not a probability");
    refuse(&format!("{rate}\nread = true"), "load[1].read", "is no share");
    let own = format!(
        "[[data]]\npath = \"stayput-load/x\"\ngenerate = \"log\"\nsize = 1\n[[load]]\n{rate}\nread = 0"
    );
    refused(
        "[compare]",
        &format!("{own}\n[compare]"),
        "load[1]",
        "the container of stayput-load/x",
    );
}
