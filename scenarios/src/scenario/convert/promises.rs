//! `[compare]` and `[expect]`.

use stayput_sim::config::ClusterConfig;

use crate::scenario::error::Flaw;
use crate::scenario::raw::{RawCompare, RawExpect};
use crate::scenario::{Comparison, Expectation, Figure, Policy};

pub(super) fn policies(raw: &RawCompare, cluster: &ClusterConfig) -> Result<Vec<Policy>, Flaw> {
    let key = "compare.policies";
    let mut policies = Vec::new();
    match &raw.policies {
        None => policies.extend(Policy::DEFAULT),
        Some(names) => {
            for name in names {
                let policy: Policy = name.parse().map_err(|_| {
                    Flaw::new(
                        key,
                        format!("`{name}` is not a policy"),
                        format!("the policies are: {}", Policy::names()),
                    )
                })?;
                if policies.contains(&policy) {
                    return Err(Flaw::new(key, format!("names {policy} twice"), "name it once"));
                }
                policies.push(policy);
            }
        }
    }
    if policies.is_empty() {
        return Err(Flaw::new(key, "names no policy", "name at least one, such as \"on-storage\""));
    }
    let idle = policies.iter().find(|policy| policy.placing().needs_workers());
    if let Some(policy) = idle.filter(|_| cluster.workers == 0) {
        return Err(Flaw::new(
            "cluster.workers",
            format!("is 0, and the policy {policy} runs jobs on workers"),
            format!("ask for a worker, or leave {policy} out of compare.policies"),
        ));
    }
    Ok(policies)
}

pub(super) fn expectations(raw: &RawExpect) -> Result<Vec<Expectation>, Flaw> {
    let all = [
        (Figure::SavedRatio, &raw.saved_ratio),
        (Figure::Wrong, &raw.wrong),
        (Figure::Failed, &raw.failed),
        (Figure::Ok, &raw.ok),
    ];
    let mut expect = Vec::new();
    for (figure, text) in all {
        let Some(text) = text else { continue };
        let comparison = Comparison::parse(&text.0).ok_or_else(|| {
            Flaw::new(
                format!("expect.{}", figure.key()),
                format!("`{}` is no comparison", text.0),
                "write a number, or a sign and a number, such as \">= 0.99\"",
            )
        })?;
        expect.push(Expectation { figure, comparison });
    }
    Ok(expect)
}
