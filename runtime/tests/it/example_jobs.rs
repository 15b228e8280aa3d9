//! The example jobs as they are described for their scenarios, each as a whole, in the runtime's
//! own runner.
//!
//! The guests' treatment of odd input is tested beside them; here the descriptions are: wildcards,
//! groups, connections, outputs that are stored.

use crate::driver::Draws;
use crate::support::{CSVFILTER, SORT, WORDS, compile, device};
use bytes::Bytes;
use stayput_runtime::engine::Module;
use stayput_runtime::job::{
    Account, ExecPath, Job, JobPath, JobSession, Matches, ObjectPath, parse,
};
use stayput_runtime::limits::SessionLimits;
use stayput_runtime::local::{LocalSession, SessionRun, run_job};
use stayput_runtime::outcome::EndReason;
use stayput_runtime::session::SessionSpec;
use std::collections::BTreeMap;

const WORDCOUNT_JOB: &str = include_str!("../../../scenarios/jobs/wordcount.json");
const SORT_JOB: &str = include_str!("../../../scenarios/jobs/sort.json");
const CHECK_JOB: &str = include_str!("../../../scenarios/jobs/sort-check.json");
const CSV_JOB: &str = include_str!("../../../scenarios/jobs/csv.json");

/// The objects of one container.
type Store = BTreeMap<String, Bytes>;

/// A store with the example modules in it.
fn store() -> Store {
    let modules = [("words.wasm", WORDS), ("sort.wasm", SORT), ("csvfilter.wasm", CSVFILTER)];
    modules.map(|(name, wasm)| (name.to_owned(), Bytes::from_static(wasm))).into()
}

fn matches(job: &Job, store: &Store) -> Matches {
    let mut matches = Matches::default();
    for pattern in job.wildcards() {
        let names = store.keys().filter(|name| pattern.captures("demo", Some(name)).is_some());
        let paths = names.map(|name| ObjectPath::of_match(&Account::Own, "demo", Some(name)));
        matches.insert(pattern.clone(), paths.collect());
    }
    matches
}

fn module(job: &Job, node: usize, store: &Store) -> Module {
    match &job.nodes[node].exec.path {
        ExecPath::Swift(path) => compile(&store[path.object.as_deref().unwrap()]),
        other => panic!("{other:?} is no object"),
    }
}

/// The sessions of a job with what became of them. `change` may alter how they begin.
fn run(
    description: &str,
    store: &Store,
    change: impl Fn(&mut SessionSpec),
) -> Vec<(JobSession, SessionRun)> {
    let job = parse(description.as_bytes()).unwrap();
    let graph = job.graph(&matches(&job, store)).unwrap();
    let modules: Vec<Module> = (0..job.nodes.len()).map(|node| module(&job, node, store)).collect();
    let local = |session: &JobSession| {
        let exec = &job.nodes[session.node].exec;
        let inputs = session.devices.iter().filter_map(|it| match &it.path {
            JobPath::Object(path) if it.kind.is_readable() => {
                Some((it.name.clone(), store[path.object.as_deref().unwrap()].clone()))
            }
            _ => None,
        });
        let mut spec = SessionSpec {
            module: modules[session.node].clone(),
            args: [session.name.clone()].into_iter().chain(exec.args.clone()).collect(),
            env: Vec::new(),
            devices: session.devices.iter().map(|it| device(&it.name, it.kind)).collect(),
            images: Vec::new(),
            limits: SessionLimits::default(),
            entropy: [0; 32],
        };
        change(&mut spec);
        LocalSession { inputs: inputs.collect(), spec }
    };
    let ran = run_job(graph.sessions.iter().map(local).collect(), &graph.pipes);
    graph.sessions.into_iter().zip(ran).collect()
}

fn end(ran: &SessionRun) -> &EndReason {
    &ran.outcome.as_ref().expect("nobody waits for ever").end
}

/// Runs a job that ends well, stores what it stores, and gives the response.
fn answer(description: &str, store: &mut Store) -> Vec<u8> {
    let mut response = Vec::new();
    for (session, ran) in run(description, store, |_| {}) {
        assert_eq!(*end(&ran), EndReason::Exited { code: 0 }, "{}", session.name);
        for it in session.devices.iter().filter(|it| it.kind.is_writable()) {
            match (&it.path, ran.outputs.get(&it.name)) {
                (JobPath::Client, Some(bytes)) => response.extend_from_slice(bytes),
                (JobPath::Object(path), Some(bytes)) => {
                    store.insert(path.object.clone().unwrap(), bytes.clone());
                }
                _ => {}
            }
        }
    }
    response
}

/// End and output of each session of a job, if the named one gets as good as no
/// fuel.
fn ends_without(dying: &str, description: &str, store: &Store) -> Vec<(String, EndReason, usize)> {
    let ran = run(description, store, |spec| {
        if spec.args[0] == dying {
            spec.limits.fuel_max = 20_000;
        }
    });
    let written = |ran: &SessionRun| ran.outputs.values().map(Bytes::len).sum();
    ran.iter().map(|(it, ran)| (it.name.clone(), end(ran).clone(), written(ran))).collect()
}

#[test]
fn the_word_count_counts_the_words_of_all_texts() {
    let (mut store, mut draws) = (store(), Draws(1));
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for number in 1..=50 {
        let mut text = String::new();
        for _ in 0..2_000 {
            let rank = 1 + draws.below(3_000);
            let word = format!("w{}", draws.below(rank));
            text.push_str(&word);
            text.push([' ', '\n', '\t'][draws.below(3)]);
            *counts.entry(word).or_default() += 1;
        }
        store.insert(format!("text-{number:02}.txt"), text.into());
    }
    let found = answer(WORDCOUNT_JOB, &mut store);
    let wanted = counts.iter().map(|(word, count)| format!("{word} {count}\n"));
    assert!(found == wanted.collect::<String>().as_bytes(), "they differ");
}

#[test]
fn the_sort_stores_ranges_that_are_in_order_and_the_check_agrees() {
    let (mut store, mut draws) = (store(), Draws(2));
    let mut all = Vec::new();
    for number in 1..=50 {
        let mut records = vec![0; draws.below(800) * 100];
        records.fill_with(|| draws.next() as u8);
        all.extend(records.chunks(100).map(<[u8]>::to_vec));
        store.insert(format!("records-{number:02}.dat"), records.into());
    }
    all.sort();
    let judged = answer(SORT_JOB, &mut store);
    let ranges: Vec<&[u8]> =
        (1..=4).map(|at| &*store[&format!("sorted-sorter-{at}.dat")]).collect();
    assert!(ranges.concat() == all.concat(), "they differ");
    for range in &ranges {
        assert!(
            range.len() > all.len() * 10,
            "a range has {} of {} records",
            range.len() / 100,
            all.len()
        );
    }
    assert!(judged.starts_with(format!("records {}\nchecksum ", all.len()).as_bytes()));
    assert_eq!(String::from_utf8(answer(CHECK_JOB, &mut store)), String::from_utf8(judged));
}

#[test]
fn the_filter_keeps_the_rows_below_its_threshold() {
    let (mut store, mut draws) = (store(), Draws(3));
    let (mut table, mut wanted) = ("id,score\n".to_owned(), "id,score\n".to_owned());
    for id in 0..10_000 {
        let score = draws.below(1_000_000);
        let row = format!("{id},0.{score:06}\n");
        table.push_str(&row);
        wanted.push_str(if score < 200_000 { &row } else { "" });
    }
    store.insert("sales-01.csv".to_owned(), table.into());
    let job = CSV_JOB.replace("{object}", "swift://~/demo/sales-01.csv");
    assert!(answer(&job, &mut store) == wanted.as_bytes(), "they differ");
}

#[test]
fn whoever_dies_no_session_of_the_word_count_gives_half_an_answer() {
    let mut store = store();
    for number in 1..=5 {
        store.insert(format!("text-{number}.txt"), "some words ".repeat(3_000).into());
    }
    for dying in ["mapper-3", "reducer-2", "manager"] {
        for (name, end, written) in ends_without(dying, WORDCOUNT_JOB, &store) {
            match name.as_str() {
                name if name == dying => assert_eq!(end, EndReason::OutOfFuel, "{name}"),
                "manager" => {
                    assert_eq!((end, written), (EndReason::Exited { code: 1 }, 0), "{dying}")
                }
                _ => assert!(end.is_exit(), "{name} when {dying} dies: {end:?}"),
            }
        }
    }
}

#[test]
fn whoever_dies_the_judge_of_the_sort_does_not_say_that_all_is_well() {
    let (mut store, mut draws) = (store(), Draws(4));
    for number in 1..=5 {
        let mut records = vec![0; 30_000];
        records.fill_with(|| draws.next() as u8);
        store.insert(format!("records-{number}.dat"), records.into());
    }
    for dying in ["partitioner-2", "sampler", "sorter-1", "sorter-4"] {
        for (name, end, written) in ends_without(dying, SORT_JOB, &store) {
            match name.as_str() {
                name if name == dying => assert_eq!(end, EndReason::OutOfFuel, "{name}"),
                "judge" => {
                    assert_eq!((end, written), (EndReason::Exited { code: 1 }, 0), "{dying}")
                }
                _ => assert!(end.is_exit(), "{name} when {dying} dies: {end:?}"),
            }
        }
    }
}
