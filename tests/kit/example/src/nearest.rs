//! Placement policy `nearest`: a session runs on the replica to which the network takes the least
//! time.
//!
//! Leaves out load: a near node that is busy is preferred to an idle one further away.

use stayput_jobs::placement::{
    PlacementDecision, PlacementPolicy, PlacementReason, PlacementView, SessionPlace,
};

/// The policy `nearest`.
#[derive(Debug)]
pub struct Nearest;

/// A node that holds the session's object, and none is nearer.
const NEAREST: PlacementReason = PlacementReason::new("nearest");
/// There is no object to be near to: of the nodes that will do, none is nearer.
const NO_OBJECT: PlacementReason = PlacementReason::new("no-object");

impl PlacementPolicy for Nearest {
    fn name(&self) -> &'static str {
        "nearest"
    }

    fn decide(&self, view: &PlacementView<'_>) -> PlacementDecision {
        let mut nodes = view.nodes().to_vec();
        // A stable sort: of nodes that are as near, the one that answered first comes first.
        nodes.sort_by_key(|replica| replica.latency);
        let candidates = nodes.into_iter().map(|replica| SessionPlace::Node(replica.target));
        let reason = if view.replicas.is_empty() { NO_OBJECT } else { NEAREST };
        PlacementDecision { candidates: candidates.collect(), hedge: None, reason }
    }

    fn reasons(&self) -> &'static [PlacementReason] {
        &[NEAREST, NO_OBJECT]
    }
}

#[cfg(test)]
mod tests {
    use stayput_engine::plan::Net;
    use stayput_engine::run::{Wanted, run_policy};
    use stayput_engine::scenario::ScenarioCatalog;
    use stayput_results::stats::place_reasons;
    use stayput_testkit::placement::assert_keeps_the_laws;
    use stayput_testkit::random::Campaign;
    use stayput_testkit::scenario::SmallScenario;

    use super::Nearest;

    /// Of three replicas in three zones, one is in the proxy's own.
    const FAR_ZONES: &str = r#"
[network]
same_zone  = { latency = "100us" }
cross_zone = { latency = "5ms" }

[compare]
policies = ["nearest", "random"]

[expect]
"nearest.wrong" = "= 0"
"#;

    #[test]
    fn every_decision_keeps_the_laws_of_all_policies() {
        assert_keeps_the_laws(&Nearest);
    }

    #[test]
    fn jobs_under_faults_are_answered_rightly_or_honestly() {
        Campaign { policy: &Nearest, ..Campaign::default() }.assert_holds(50);
    }

    #[test]
    fn jobs_of_a_scenario_run_where_the_policy_says_and_spare_the_trunks() {
        let plan = SmallScenario::banana().with(FAR_ZONES).policy(&Nearest).plan(1, Net::Fabric);
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
    fn a_scenario_that_names_it_is_refused_where_it_is_not_known() {
        let refused = SmallScenario::banana().with(FAR_ZONES).try_parse();
        let refused = refused.expect_err("nobody knows it").to_string();
        assert!(refused.contains("`nearest` is not a policy"), "{refused}");
        assert!(refused.contains("the policies are: on-storage, download, "), "{refused}");
    }

    #[test]
    fn the_command_takes_it_by_name_where_it_is_known() {
        let words = ["stayput", "run", "x.toml", "--policy", "nearest"];
        let parse = |catalog: &ScenarioCatalog| stayput::commands::Cli::parse_with(catalog, words);
        assert!(parse(&crate::catalog()).is_ok());
        let refused = parse(&ScenarioCatalog::default()).expect_err("nobody knows it").to_string();
        assert!(refused.contains("`nearest` is not a policy"), "{refused}");
    }
}
