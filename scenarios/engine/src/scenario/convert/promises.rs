//! `[compare]` and `[expect]`.

use stayput_host::config::ClusterConfig;
use stayput_jobs::placement::PolicyRegistry;
use toml::Value;

use crate::scenario::error::Flaw;
use crate::scenario::raw::{RawCompare, RawExpect};
use crate::scenario::{Comparison, Expectation, Figure, Measure, Policy};

/// The form of a comparison, for messages.
const COMPARISON: &str = "write a number, or a sign and a number, such as \">= 0.99\"";

pub(super) fn policies(
    raw: &RawCompare,
    cluster: &ClusterConfig,
    known: &PolicyRegistry,
) -> Result<Vec<Policy>, Flaw> {
    let key = "compare.policies";
    let mut policies = Vec::new();
    match &raw.policies {
        None => policies.extend(Policy::DEFAULT),
        Some(names) => {
            for name in names {
                let policy = Policy::named(name, known).map_err(|unknown| {
                    Flaw::new(
                        key,
                        format!("`{name}` is not a policy"),
                        format!("the policies are: {}", unknown.known.join(", ")),
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
    let idle = policies.iter().find(|policy| policy.placement().needs_workers());
    if let Some(policy) = idle.filter(|_| cluster.workers == 0) {
        return Err(Flaw::new(
            "cluster.workers",
            format!("is 0, and the policy {policy} runs jobs on workers"),
            format!("ask for a worker, or leave {policy} out of compare.policies"),
        ));
    }
    Ok(policies)
}

pub(super) fn expectations(
    raw: &RawExpect,
    known: &PolicyRegistry,
) -> Result<Vec<Expectation>, Flaw> {
    let mut expect = Vec::new();
    for (key, value) in raw {
        expectation(key, value, known, &mut expect)?;
    }
    expect.sort_by_key(|expectation: &Expectation| {
        let place = Measure::ALL.iter().position(|known| *known == expectation.figure.measure);
        (expectation.figure.policy, place)
    });
    Ok(expect)
}

/// One key, or those of the table that TOML makes of `on-storage.p99_us` without quotes.
fn expectation(
    name: &str,
    value: &Value,
    policies: &PolicyRegistry,
    expect: &mut Vec<Expectation>,
) -> Result<(), Flaw> {
    let key = format!("expect.{name}");
    let text = match value {
        Value::Table(inner) => {
            for (more, value) in inner {
                expectation(&format!("{name}.{more}"), value, policies, expect)?;
            }
            return Ok(());
        }
        Value::String(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) | Value::Array(_) => {
            return Err(Flaw::new(key, "is neither a text nor a whole number", COMPARISON));
        }
    };
    let figure = figure(name, policies).map_err(|(why, fix)| Flaw::new(&key, why, fix))?;
    let comparison = Comparison::parse(&text)
        .ok_or_else(|| Flaw::new(&key, format!("`{text}` is no comparison"), COMPARISON))?;
    if expect.iter().any(|other| other.figure == figure) {
        return Err(Flaw::new(key, "is said twice", "say it once"));
    }
    expect.push(Expectation { figure, comparison });
    Ok(())
}

/// The figure of a key, or what is wrong with it and what to do.
fn figure(name: &str, policies: &PolicyRegistry) -> Result<Figure, (String, String)> {
    let known = |key: &str| Measure::ALL.into_iter().find(|measure| measure.key() == key);
    if let Some(measure) = known(name) {
        return Ok(Figure { measure, policy: None });
    }
    let keys = || Measure::ALL.map(Measure::key).join(", ");
    let (first, rest) = name.split_once('.').unwrap_or(("", name));
    let policy = Policy::named(first, policies);
    match (policy, known(rest)) {
        (Ok(_), Some(Measure::SavedRatio)) => {
            let why = "speaks of on-storage and download already".to_owned();
            Err((why, "write saved_ratio without a policy".to_owned()))
        }
        (Ok(policy), Some(measure)) => Ok(Figure { measure, policy: Some(policy) }),
        (Err(unknown), Some(_)) => {
            let policies = unknown.known.join(", ");
            Err((format!("`{first}` is not a policy"), format!("the policies are: {policies}")))
        }
        (Ok(_), None) => {
            Err((format!("`{rest}` is no figure"), format!("the figures are: {}", keys())))
        }
        (Err(_), None) => Err((
            format!("`{name}` is no figure"),
            format!("write one of {}, or a policy and a dot before it", keys()),
        )),
    }
}
