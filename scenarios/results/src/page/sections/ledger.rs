//! Section 4: the ledger of bytes by class of link and purpose, and the bytes saved.

use std::collections::BTreeMap;

use maud::{Markup, html};
use stayput_engine::record::{LedgerRow, PolicyRecord, RunRecord};
use stayput_host::Purpose;

use super::promises::balanced;
use super::{PointViews, each_policy, for_each_point};
use crate::page::chart::{Bar, Unit, figure, legend_of_areas, stacked_bars};
use crate::page::facts::{Facts, Point};
use crate::page::show;
use crate::page::table::Table;
use crate::stats::{Estimate, same_jobs};

/// Renders the section.
pub(super) fn body(facts: &Facts<'_>) -> Markup {
    html! {
        p { "Hop bytes: each byte of a body counts each time it leaves a network card. All figures are means over the runs of a \
            point, so that rows add up; what was saved is medians of pairs. " code { "foreground" } ", where there is any, is the load \
            of other clients beside the jobs, which sections 1 and 5 leave out." }
        (for_each_point(facts, &PointViews {
            glance: &|point| each_policy(facts, point, |policy| {
                format!("{} a run", show::size(mean(point, policy, |record| sum(record, |_| true, |row| row.body))))
            }),
            whole: &|point| of_point(facts, point),
            figures: &|point| html! { (purposes(facts, point).1.show()) (totals(facts, point)) (saved(facts, point)) },
        }))
    }
}

fn of_point(facts: &Facts<'_>, point: &Point<'_>) -> Markup {
    html! {
        (purposes(facts, point).0)
        (totals(facts, point))
        (saved(facts, point))
        // Not on paper: the directory has it for every run, in `ledger.csv`.
        details.long { summary { "The whole ledger, row by row" } (rows(facts, point)) }
    }
}

/// The mean over a policy's runs at a point.
fn mean(point: &Point<'_>, policy: &str, of: impl Fn(&PolicyRecord) -> f64) -> f64 {
    let figures: Vec<f64> = point.of_policy(policy).map(|(_, record)| of(record)).collect();
    figures.iter().sum::<f64>() / figures.len() as f64
}

fn sum(
    record: &PolicyRecord,
    rows: impl Fn(&LedgerRow) -> bool,
    of: impl Fn(&LedgerRow) -> u64,
) -> f64 {
    record.ledger.iter().filter(|row| rows(row)).map(|row| of(row) as f64).sum()
}

/// The chart of bytes by purpose, and its figures.
fn purposes(facts: &Facts<'_>, point: &Point<'_>) -> (Markup, Table) {
    let names = purposes_of(point);
    let mut table =
        Table::new(1, ["policy"].into_iter().chain(names.iter().copied()).chain(["all"]));
    let mut bars = Vec::new();
    for policy in facts.policies_of(point) {
        let figure = |name: &str| {
            mean(point, policy, |record| sum(record, |row| row.purpose == name, |row| row.body))
        };
        let parts: Vec<(usize, String, f64)> = names
            .iter()
            .map(|name| (series(facts, name), (*name).to_owned(), figure(name)))
            .collect();
        let whole = |record: &PolicyRecord| sum(record, |_| true, |row| row.body);
        let interval = Estimate::of(point.of_policy(policy).map(|(_, record)| whole(record)))
            .and_then(|estimate| estimate.interval());
        let all: f64 = parts.iter().map(|part| part.2).sum();
        table.push(
            [policy.to_owned()]
                .into_iter()
                .chain(parts.iter().map(|part| show::size(part.2)))
                .chain([show::size(all)]),
        );
        bars.push(Bar { name: policy.to_owned(), parts, interval });
    }
    let legend = legend_of_areas(names.iter().map(|name| (series(facts, name), *name)));
    let title = format!("Bytes by purpose, {}", point.name());
    let picture = figure(
        "Bytes moved by each policy in a run, by what they were for. Whiskers: 95 % interval of the median of the runs' totals.",
        &legend,
        |width| stacked_bars(&title, (Unit::Bytes, "hop body bytes of a run"), &bars, width),
        &table,
    );
    (picture, table)
}

/// The number of a purpose among those of the whole sweep, which decides its colour and hatch at
/// every point.
fn series(facts: &Facts<'_>, purpose: &str) -> usize {
    let moved = |record: &PolicyRecord, name: &str| {
        record.ledger.iter().any(|row| row.body > 0 && row.purpose == name)
    };
    let before = Purpose::ALL.iter().map(|known| known.name()).take_while(|name| *name != purpose);
    let records = || facts.results.runs.iter().flat_map(|run| &run.policies);
    before.filter(|name| records().any(|record| moved(record, name))).count()
}

/// The purposes that any byte had, in the order of their colours.
fn purposes_of<'a>(point: &Point<'a>) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for row in point.runs.iter().flat_map(|run| &run.policies).flat_map(|record| &record.ledger) {
        if row.body > 0 && !names.contains(&row.purpose.as_str()) {
            names.push(&row.purpose);
        }
    }
    names.sort_by_key(|name| Purpose::ALL.iter().position(|known| known.name() == *name));
    names
}

fn totals(facts: &Facts<'_>, point: &Point<'_>) -> Markup {
    let columns = [
        "policy",
        "hop bytes of bodies",
        "end to end",
        "between zones",
        "sent",
        "delivered",
        "dropped",
        "in flight",
        "on the wire",
        "balanced",
    ];
    let mut table = Table::new(1, columns);
    for policy in facts.policies_of(point) {
        let of = |of: fn(&PolicyRecord) -> Option<u64>| {
            show::size(mean(point, policy, |record| {
                of(record).map_or(f64::NAN, |figure| figure as f64)
            }))
        };
        let column =
            |of: fn(&LedgerRow) -> u64| mean(point, policy, |record| sum(record, |_| true, of));
        let (sent, delivered, dropped) =
            (column(|row| row.sent), column(|row| row.delivered), column(|row| row.dropped));
        let runs = point.of_policy(policy).count();
        let even = point.of_policy(policy).filter(|(_, record)| balanced(record)).count();
        table.push([
            policy.to_owned(),
            of(|record| Some(record.bytes.body)),
            of(|record| record.bytes.end_to_end),
            of(|record| Some(record.bytes.cross_zone)),
            show::size(sent),
            show::size(delivered),
            show::size(dropped),
            show::size(sent - delivered - dropped),
            of(|record| record.bytes.wire),
            if even == runs {
                "✓".to_owned()
            } else {
                format!("✗ in {} of {runs}", runs - even)
            },
        ]);
    }
    html! {
        (table.show())
        p.note { "Sent, delivered, dropped and in flight are of the byte streams: bodies, heads and framing. Sent is what the other \
            three add up to. A dash stands for a figure that the network does not record." }
    }
}

/// Bytes saved by their source, and the bytes that were paid for them.
fn saved(facts: &Facts<'_>, point: &Point<'_>) -> Markup {
    let Some((near, far)) = facts.compared() else { return html! {} };
    let pairs: Vec<(&RunRecord, &PolicyRecord, &PolicyRecord)> = point
        .runs
        .iter()
        .filter_map(|run| Some((*run, run.policy(near)?, run.policy(far)?)))
        .filter(|(_, near, far)| same_jobs(near, far))
        .collect();
    if pairs.is_empty() {
        return html! { p.note { "What was saved is not known: in no run did " (near) " and " (far) " complete the same jobs." } };
    }
    let less = |purpose: &'static [&'static str], inside: bool| {
        let of = move |record: &PolicyRecord| {
            let counts = |row: &LedgerRow| {
                let beside = row.purpose == Purpose::Foreground.name();
                !beside && purpose.contains(&row.purpose.as_str()) == inside
            };
            sum(record, counts, |row| row.body)
        };
        Estimate::of(pairs.iter().map(|(_, near, far)| of(far) - of(near)))
    };
    const PAID: &[&str] = &["job-code", "retry", "hedge"];
    let mut table = Table::new(1, ["per run, median", "bytes saved"]);
    for (name, figure) in [
        ("gross: data, results and all the rest", less(PAID, false)),
        ("less code that was shipped", less(&["job-code"], true)),
        ("less what was sent again or twice", less(&["retry", "hedge"], true)),
        ("net", less(&[], false)),
    ] {
        table.push([name.to_owned(), show::estimate(figure.as_ref(), show::size)]);
    }
    html! {
        p { "What " (near) " saved against " (far) ", over " (super::counted(pairs.len(), "run"))
            " in which both completed the same jobs, without the load beside them; what was paid for it is negative:" }
        (table.show())
        p.note { "Medians of several figures need not add up to the median of their sum." }
    }
}

fn rows(facts: &Facts<'_>, point: &Point<'_>) -> Markup {
    let mut table = Table::new(
        3,
        [
            "policy",
            "class of link",
            "purpose",
            "bodies",
            "sent",
            "delivered",
            "dropped",
            "in flight",
        ],
    );
    for policy in facts.policies_of(point) {
        let mut sums: BTreeMap<(&str, &str), [f64; 4]> = BTreeMap::new();
        let mut runs = 0.0;
        for (_, record) in point.of_policy(policy) {
            runs += 1.0;
            for row in &record.ledger {
                let sum = sums.entry((&row.class, &row.purpose)).or_default();
                for (sum, figure) in
                    sum.iter_mut().zip([row.body, row.sent, row.delivered, row.dropped])
                {
                    *sum += figure as f64;
                }
            }
        }
        for ((class, purpose), figures) in sums {
            let [body, sent, delivered, dropped] = figures.map(|sum| sum / runs);
            let figures =
                [body, sent, delivered, dropped, sent - delivered - dropped].map(show::size);
            table.push(
                [policy.to_owned(), class.to_owned(), purpose.to_owned()]
                    .into_iter()
                    .chain(figures),
            );
        }
    }
    table.show()
}
