//! Section 9: use of each host's card, cores and disks, and its skew.

use std::collections::BTreeMap;

use maud::{Markup, html};
use stayput_engine::record::{HostUse, PolicyRecord};

use super::{PointViews, each_policy, for_each_point};
use crate::page::chart::{Cell, HeatMap, Tone, heat_map};
use crate::page::facts::{Facts, Point};
use crate::page::show;
use crate::page::table::Table;
use crate::stats::Estimate;

/// Bound of the hosts that are drawn.
const DRAWN: usize = 40;

/// A part of a host: its name, and its use in a run of so many microseconds.
type Part = (&'static str, fn(&HostUse, f64) -> f64);
/// Mean use by host, number of the part, and policy.
type Uses = BTreeMap<(String, usize, String), f64>;

/// The parts of a host: name, and its use as a share of what it could do in the time of a run.
const PARTS: [Part; 3] = [
    ("network card", |host, us| {
        host.sent.max(host.received) as f64 * 8.0 / (host.nic_bits_per_second as f64 * us * 1e-6)
    }),
    ("cores", |host, us| host.compute_us as f64 / (f64::from(host.cores) * us)),
    ("disks", |host, us| host.disk_us as f64 / (f64::from(host.disks) * us)),
];

/// Renders the section.
pub(super) fn body(facts: &Facts<'_>) -> Markup {
    html! {
        p {
            "The share of a run's makespan in which a part was busy: of the card its fuller direction's bytes over what it can carry, \
                of cores and disks their busy time. \
             Means over the runs. A policy that ends sooner has the same work in less time, so its shares are higher. Skew is over \
                the storage nodes: the busiest over the mean (1 if all are used alike), and the Gini coefficient (0 if they are). Work \
                goes where the wanted objects lie, so what locality costs in evenness shows here."
        }
        (for_each_point(facts, &PointViews {
            glance: &|point| each_policy(facts, point, |policy| busiest(facts, point, policy)),
            whole: &|point| html! { (maps(facts, point).0) (skew(facts, point)) },
            figures: &|point| html! { (maps(facts, point).1.show()) (skew(facts, point)) },
        }))
    }
}

/// Mean use by host, in the order of the hosts, of each part under each policy.
fn uses(facts: &Facts<'_>, point: &Point<'_>) -> (Vec<String>, Uses) {
    let mut hosts: Vec<String> = Vec::new();
    let mut sums: BTreeMap<(String, usize, String), (f64, f64)> = BTreeMap::new();
    for policy in facts.policies_of(point) {
        for (_, record) in point.of_policy(policy) {
            for host in &record.hosts {
                if !hosts.contains(&host.host) {
                    hosts.push(host.host.clone());
                }
                for (part, (_, of)) in PARTS.iter().enumerate() {
                    let share = of(host, record.makespan.as_secs_f64() * 1e6);
                    if share.is_finite() {
                        let sum =
                            sums.entry((host.host.clone(), part, policy.to_owned())).or_default();
                        *sum = (sum.0 + share, sum.1 + 1.0);
                    }
                }
            }
        }
    }
    (hosts, sums.into_iter().map(|(key, (sum, n))| (key, sum / n)).collect())
}

/// The busiest part of any host under a policy, in words.
fn busiest(facts: &Facts<'_>, point: &Point<'_>, policy: &str) -> String {
    let (_, uses) = uses(facts, point);
    let own = uses.iter().filter(|((_, _, of), _)| of == policy);
    let most = own.max_by(|a, b| a.1.total_cmp(b.1));
    most.map_or(show::NONE.to_owned(), |((host, part, _), share)| {
        format!("at most {} ({} of {host})", show::percent(*share), PARTS[*part].0)
    })
}

/// The maps of a point, and their figures.
fn maps(facts: &Facts<'_>, point: &Point<'_>) -> (Markup, Table) {
    let (mut hosts, uses) = uses(facts, point);
    let policies = facts.policies_of(point);
    let all = hosts.len();
    if all > DRAWN {
        let busiest = |host: &String| {
            uses.iter()
                .filter(|(key, _)| key.0 == *host)
                .map(|(_, share)| *share)
                .fold(0.0, f64::max)
        };
        let mut ranked: Vec<(f64, String)> =
            hosts.iter().map(|host| (busiest(host), host.clone())).collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        let kept: Vec<String> = ranked.into_iter().take(DRAWN).map(|(_, host)| host).collect();
        hosts.retain(|host| kept.contains(host));
    }
    let share = |host: &str, part, policy: &str| {
        uses.get(&(host.to_owned(), part, policy.to_owned())).copied()
    };
    let map = |part: usize| HeatMap {
        title: format!("Use of the hosts' {}, {}", PARTS[part].0, point.name()),
        axes: ("host".to_owned(), "policy".to_owned()),
        rows: hosts.clone(),
        columns: policies.iter().map(|policy| (*policy).to_owned()).collect(),
        cells: hosts
            .iter()
            .map(|host| policies.iter().map(|policy| cell(share(host, part, policy))).collect())
            .collect(),
        frontiers: Vec::new(),
        tone: Tone::Share,
    };
    let columns =
        policies.iter().flat_map(|policy| PARTS.map(|part| format!("{policy}: {}", part.0)));
    let mut table = Table::new(1, ["host".to_owned()].into_iter().chain(columns));
    for host in &hosts {
        let figures = policies.iter().flat_map(|policy| {
            [0, 1, 2]
                .map(|part| share(host, part, policy).map_or(show::NONE.to_owned(), show::percent))
        });
        table.push([host.clone()].into_iter().chain(figures));
    }
    if hosts.is_empty() {
        return (html! { p.note { "The records name no hosts." } }, table);
    }
    let pictures = html! {
        figure {
            figcaption {
                "Mean use of each host's parts under each policy."
                @if all > DRAWN { " The " (DRAWN) " busiest of " (all) " hosts." }
            }
            (Tone::Share.legend(("idle", "busy")))
            div.multiples { @for (part, (name, _)) in PARTS.iter().enumerate() { div.panel { p { (name) } (heat_map(&map(part), 250.0,
                19.0)) } } }
            (table.behind())
        }
    };
    (pictures, table)
}

fn cell(share: Option<f64>) -> Cell {
    Cell { value: share, words: share.map_or(show::NONE.to_owned(), show::percent), flag: "" }
}

/// Skew of load over the storage nodes: busiest over mean, and Gini coefficient.
fn skew(facts: &Facts<'_>, point: &Point<'_>) -> Markup {
    let columns = ["policy", "part", "busiest over mean", "Gini"];
    let mut table = Table::new(2, columns);
    for policy in facts.policies_of(point) {
        for (name, of) in PARTS {
            let shares = |record: &PolicyRecord| -> Vec<f64> {
                let nodes = record.hosts.iter().filter(|host| host.host.starts_with("node:"));
                nodes
                    .map(|host| of(host, record.makespan.as_secs_f64() * 1e6))
                    .filter(|share| share.is_finite())
                    .collect()
            };
            let over = |figure: fn(&[f64]) -> Option<f64>| {
                Estimate::of(
                    point.of_policy(policy).filter_map(|(_, record)| figure(&shares(record))),
                )
            };
            let unit = |value: f64| {
                if value.is_finite() { format!("{value:.2}") } else { show::NONE.to_owned() }
            };
            table.push([
                policy.to_owned(),
                name.to_owned(),
                show::estimate(over(peak).as_ref(), unit),
                show::estimate(over(gini).as_ref(), unit),
            ]);
        }
    }
    html! {
        details {
            summary { "Skew over the storage nodes" }
            (table.show())
            p.note { "Medians over the runs with 95 % intervals. A dash: no storage node was used so." }
        }
    }
}

/// The greatest over the mean.
fn peak(shares: &[f64]) -> Option<f64> {
    let sum: f64 = shares.iter().sum();
    let most = shares.iter().copied().fold(0.0, f64::max);
    (sum > 0.0).then(|| most * shares.len() as f64 / sum)
}

/// The Gini coefficient: half of the mean difference of two, over the mean.
fn gini(shares: &[f64]) -> Option<f64> {
    let mut sorted = shares.to_vec();
    sorted.sort_by(f64::total_cmp);
    let sum: f64 = sorted.iter().sum();
    let n = sorted.len() as f64;
    let ranked: f64 = sorted
        .iter()
        .enumerate()
        .map(|(at, share)| (2.0 * (at as f64 + 1.0) - n - 1.0) * share)
        .sum();
    (sum > 0.0).then(|| ranked / (n * sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_use_has_no_skew_and_one_busy_host_has_the_most() {
        assert_eq!((peak(&[0.5, 0.5]), gini(&[0.5, 0.5])), (Some(1.0), Some(0.0)));
        assert_eq!(
            (peak(&[0.0, 0.0, 0.0, 1.0]), gini(&[0.0, 0.0, 0.0, 1.0])),
            (Some(4.0), Some(0.75))
        );
        assert_eq!((peak(&[0.0, 0.0]), gini(&[])), (None, None));
    }
}
