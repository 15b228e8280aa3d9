//! Dependencies of a plan, and what changes nothing in it.

use std::path::Path;

use super::*;
use crate::scenario::{Arrivals, DrawnFault, ScenarioFault, Size};

fn scenario() -> Scenario {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../banana.toml");
    Scenario::parse(include_str!("../../../banana.toml"), &file).unwrap()
}

/// The scenario without the objects that are read from files.
fn generated(size_bytes: u64) -> Scenario {
    let mut scenario = scenario();
    scenario.data.retain(|source| matches!(source.content, Content::Generate { .. }));
    for source in &mut scenario.data {
        source.content = Content::Generate { kind: Generator::Log, size: Size::Fixed(size_bytes) };
    }
    scenario
}

#[test]
fn a_plan_is_a_pure_function_of_scenario_and_seed() {
    let plan = |seed| RunPlan::build(generated(10_000), seed, Net::Fabric, true).unwrap();
    let (one, again, other) = (plan(1), plan(1), plan(2));
    assert_eq!((&one.jobs, &one.objects), (&again.jobs, &again.objects));
    assert_ne!(one.jobs, other.jobs);
    assert_ne!(one.objects, other.objects);
}

#[test]
fn policies_and_faults_change_no_job() {
    let mut scenario = scenario();
    let before = draw_jobs(&scenario, 1);
    scenario.policies.truncate(1);
    scenario.faults.clear();
    assert_eq!(draw_jobs(&scenario, 1), before);
}

#[test]
fn another_group_of_work_shifts_no_draw() {
    let mut scenario = scenario();
    let before = draw_jobs(&scenario, 1);
    scenario.work.push(scenario.work[0].clone());
    let after = draw_jobs(&scenario, 1);
    assert_eq!(after[..64], before);
    assert_ne!(after[64].object, after[65].object);
    assert_eq!(after[127].index, 127);
}

#[test]
fn a_mix_of_jobs_changes_no_object_and_no_arrival() {
    let mut scenario = scenario();
    let before = draw_jobs(&scenario, 1);
    let other = scenario.work[0].jobs[0].clone();
    scenario.work[0].jobs.push(other);
    let mut after = draw_jobs(&scenario, 1);
    let second = after.iter().filter(|job| job.description == 1).count();
    assert!((16..48).contains(&second), "{second} of 64 have the second description");
    after.iter_mut().for_each(|job| job.description = 0);
    assert_eq!(after, before);
}

#[test]
fn drawn_sizes_are_those_of_the_objects_that_are_loaded() {
    let mut scenario = generated(0);
    let size = Size::Uniform { least: 1_000, most: 9_000 };
    for source in &mut scenario.data {
        source.content = Content::Generate { kind: Generator::Records, size };
    }
    let sizes = |seed| {
        let plan = RunPlan::build(scenario.clone(), seed, Net::Fabric, true).unwrap();
        plan.objects.iter().map(|object| object.content.len()).collect::<Vec<_>>()
    };
    let one = sizes(1);
    assert_eq!(one, sizes(1));
    assert_ne!(one, sizes(2));
    assert!(one.iter().all(|size| (1_000..=9_000).contains(size) && size % 100 == 0), "{one:?}");
    assert!(one.iter().any(|size| *size != one[0]), "{one:?}");
}

#[test]
fn jobs_arrive_in_order_from_zero_and_go_round_the_clients() {
    let jobs = draw_jobs(&scenario(), 1);
    assert_eq!(jobs.len(), 64);
    assert_eq!(jobs[0].arrival, Some(Duration::ZERO));
    assert!(jobs.is_sorted_by_key(|job| job.arrival));
    let last = jobs[63].arrival.unwrap();
    assert!((Duration::from_secs(1)..Duration::from_secs(7)).contains(&last), "{last:?}");
    assert!(jobs.iter().all(|job| job.client == job.index % 4));
}

#[test]
fn closed_loops_have_no_arrivals() {
    let mut scenario = scenario();
    scenario.work[0].arrivals = Arrivals::Closed;
    assert!(draw_jobs(&scenario, 1).iter().all(|job| job.arrival.is_none()));
}

#[test]
fn the_draws_of_seed_one_stay_what_they_are() {
    // Another machine, compiler or version that draws otherwise would change every result.
    let jobs = draw_jobs(&scenario(), 1);
    let drawn: Vec<_> = jobs[1..5]
        .iter()
        .map(|job| (job.object.object().to_owned(), job.arrival.unwrap().as_nanos()))
        .collect();
    let expected = [
        ("log-01.txt", 81_398_347),
        ("log-02.txt", 133_858_989),
        ("log-02.txt", 213_929_615),
        ("log-07.txt", 225_616_799),
    ];
    assert_eq!(drawn, expected.map(|(object, ns)| (object.to_owned(), ns)));
}

#[test]
fn a_missing_data_file_names_file_key_and_line() {
    let mut scenario = generated(10);
    let name = ObjectName::parse("demo/x").unwrap();
    scenario.put_file(name.clone(), "no/such/file".into());
    let error = RunPlan::build(scenario, 1, Net::Fabric, true).unwrap_err();
    assert_eq!(error.key, "--data demo/x");
    assert!(error.why.contains("no/such/file"), "{error}");
}

#[test]
fn a_file_from_the_user_is_loaded_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    std::fs::write(&path, b"one banana\n\xff\x00").unwrap();
    let mut scenario = generated(10);
    scenario.put_file(ObjectName::parse("demo/log-02.txt").unwrap(), path);
    let plan = RunPlan::build(scenario, 1, Net::Fabric, true).unwrap();
    assert_eq!(plan.objects[1].content.as_ref(), b"one banana\n\xff\x00");
    assert_eq!(plan.objects[1].object, "log-02.txt");
    assert_eq!(plan.objects[1].content_type, "text/plain");
}

/// The scenario with one section of drawn faults.
fn with_drawn_faults(rate: &str) -> Scenario {
    let mut scenario = generated(1_000);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../banana.toml");
    let section = format!(
        "\n[[fault]]\nrate = \"{rate}\"\nuntil = \"100s\"\nfor = \"1s\"\ncrash = \"node:*\"\n"
    );
    let text = format!("{}{section}", include_str!("../../../banana.toml"));
    scenario.drawn_faults = Scenario::parse(&text, &file).unwrap().drawn_faults;
    scenario
}

fn texts(faults: &[ScenarioFault]) -> Vec<String> {
    faults.iter().map(ScenarioFault::to_string).collect()
}

#[test]
fn drawn_faults_are_the_seeds_and_only_report() {
    let faults = |seed| {
        let plan = RunPlan::build(with_drawn_faults("0.5/s"), seed, Net::Fabric, true).unwrap();
        assert!(plan.scenario.drawn_faults.is_empty(), "they are faults like the others now");
        plan.scenario.faults[2..].to_vec()
    };
    let one = faults(1);
    assert_eq!(texts(&one), texts(&faults(1)));
    assert_ne!(texts(&one), texts(&faults(2)));
    assert!((30..70).contains(&one.len()), "{} of 50", one.len());
    assert!(one.is_sorted_by_key(|fault| fault.at));
    assert!(one.iter().all(|fault| fault.may_miss && fault.at < Duration::from_secs(100)));
    let places: std::collections::BTreeSet<_> =
        one.iter().map(|fault| fault.kind.to_string()).collect();
    assert_eq!(places.len(), 6, "each node is hit: {places:?}");
}

#[test]
fn another_section_of_faults_shifts_no_draw() {
    let mut scenario = with_drawn_faults("0.5/s");
    let before = faults::draw(&scenario, 1).unwrap();
    let other = DrawnFault { section: 4, ..scenario.drawn_faults[0].clone() };
    scenario.drawn_faults.push(other);
    let after = faults::draw(&scenario, 1).unwrap();
    assert_eq!(texts(&after[..before.len()]), texts(&before));
    assert_ne!(after[before.len()].at, before[0].at);
}

#[test]
fn too_many_drawn_faults_name_their_section() {
    let mut scenario = with_drawn_faults("9/s");
    scenario.drawn_faults.push(scenario.drawn_faults[0].clone());
    let error = RunPlan::build(scenario, 1, Net::Fabric, true).unwrap_err();
    assert_eq!(error.key, "fault[3].rate", "{error}");
    assert!(error.why.contains("more than 1000"), "{error}");
}
