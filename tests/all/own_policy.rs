//! A policy of another crate: the example `nearest`, named by a scenario and run as built-in ones
//! are.
//!
//! Leaves out what the built-in policies promise.

use std::path::Path;

use stayput_engine::plan::Net;
use stayput_engine::run::{Wanted, run_policy};
use stayput_engine::scenario::{Policy, Scenario};
use stayput_jobs::placement::PolicyRegistry;
use stayput_results::stats::place_reasons;
use stayput_testkit::scenario::SmallScenario;

#[path = "../../scenarios/cli/examples/nearest.rs"]
#[expect(dead_code, reason = "its main function is the example's")]
mod nearest;

use self::nearest::Nearest;

/// Of three replicas in three zones, one is in the proxy's own.
const POLICIES: &str = r#"
[network]
same_zone  = { latency = "100us" }
cross_zone = { latency = "5ms" }

[compare]
policies = ["nearest", "random"]

[expect]
"nearest.wrong" = "= 0"
"#;

#[test]
fn a_scenario_names_a_policy_of_another_crate_and_its_jobs_run_where_it_says() {
    let plan = SmallScenario::banana().with(POLICIES).policy(&Nearest).plan(1, Net::Fabric);
    let [nearest, random] = [0, 1].map(|at: usize| {
        let policy = plan.scenario.policies[at];
        let run = run_policy(&plan, policy, &mut |_| (), Wanted::default());
        run.unwrap_or_else(|error| panic!("{error}"))
    });
    assert_eq!(nearest.broken, Vec::<String>::new());
    assert_eq!(nearest.policy, "nearest");
    assert_eq!(place_reasons(&nearest).into_iter().collect::<Vec<_>>(), [("nearest", 24)]);
    let bytes = (nearest.bytes.cross_zone, random.bytes.cross_zone);
    assert!(bytes.0 < bytes.1, "the near replica spares the trunks: {bytes:?}");
}

#[test]
fn a_policy_that_was_not_registered_is_refused_with_those_that_were() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/banana.toml");
    let banana = std::fs::read_to_string(&file).expect("it is committed");
    let text = banana.replace("[\"on-storage\", \"download\"]", "[\"nearest\", \"random\"]");
    let refused = Scenario::parse(&text, &file).expect_err("nobody knows it");
    assert!(refused.to_string().contains("`nearest` is not a policy"), "{refused}");
    assert!(refused.to_string().contains("the policies are: on-storage, download, "), "{refused}");
    let known = Policy::named("nearest", &PolicyRegistry::built_in().with(&Nearest));
    assert_eq!(known.map(Policy::name), Ok("nearest"));
}

#[test]
fn the_command_takes_the_policy_by_name_when_it_knows_it() {
    let words = ["stayput", "run", "x.toml", "--policy", "nearest"];
    let parse = |policies: &PolicyRegistry| stayput::commands::Cli::parse_with(policies, words);
    assert!(parse(&PolicyRegistry::built_in().with(&Nearest)).is_ok());
    let refused = parse(&PolicyRegistry::built_in()).expect_err("nobody knows it").to_string();
    assert!(refused.contains("`nearest` is not a policy"), "{refused}");
}
