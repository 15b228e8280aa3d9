//! The page as a whole, over made-up sweeps, whole and broken ones.

use std::time::Duration;

use stayput_engine::record::JobRecord;

use super::facts::Facts;
use super::{ReportPage, SweepResults, WallClock, show};
use crate::fixtures::GeneratedSweep;
use crate::stats::{Sample, WarmUp, completed_after};

fn results(sweep: &GeneratedSweep) -> SweepResults {
    let mut runs = sweep.runs();
    runs.sort_by(|a, b| a.key.cmp(&b.key));
    SweepResults { head: sweep.head(), runs, failed: Vec::new(), missing: 0, wall: WallClock::None }
}

fn page(sweep: &GeneratedSweep) -> String {
    let page = ReportPage::of(&results(sweep)).html;
    assert_sound(&page);
    page
}

/// Asserts what every page has: all sections, no `NaN`, nothing fetched, and charts that also stand
/// in words and in figures.
fn assert_sound(page: &str) {
    for (at, id) in [
        "verdict",
        "reproduction",
        "promises",
        "ledger",
        "policies",
        "latency",
        "break-even",
        "timeline",
        "hosts",
        "worst",
        "fidelity",
    ]
    .iter()
    .enumerate()
    {
        let head = format!("<section id=\"{id}\"><h2><span class=\"number\">{}</span>", at + 1);
        assert!(page.contains(&head), "no section {id}");
    }
    for odd in ["NaN", "inf ", ">inf", "Infinity", "-0 "] {
        assert!(!page.contains(odd), "{odd} is on the page: {}", around(page, odd));
    }
    for outside in ["http://", "https://", "src=", "@import", "url(\"", "url('"] {
        assert!(!page.contains(outside), "{outside} is on the page: {}", around(page, outside));
    }
    for figure in page.split("<figure>").skip(1) {
        let figure = figure.split("</figure>").next().expect("a split has a first part");
        assert!(
            figure.contains("<title>")
                && figure.contains("<desc>")
                && figure.contains("aria-label="),
            "a chart without words"
        );
        assert!(
            figure.contains("<details class=\"behind\">") && figure.contains("<td"),
            "a chart without its figures: {figure}"
        );
    }
}

fn around<'a>(page: &'a str, what: &str) -> &'a str {
    let at = page.find(what).unwrap_or_default();
    let start = (at.saturating_sub(80)..at).find(|at| page.is_char_boundary(*at)).unwrap_or(at);
    page.get(start..at + what.len()).unwrap_or_default()
}

#[test]
fn a_whole_sweep_has_all_sections_and_every_chart_its_figures() {
    let page = page(&GeneratedSweep::small());
    assert!(page.matches("<figure>").count() >= 7, "{}", page.matches("<figure>").count());
    assert!(page.contains("fewer bytes (95 % interval"));
}

#[test]
fn the_tables_have_the_same_figures_as_the_records() {
    let results = results(&GeneratedSweep::small());
    let facts = Facts::new(&results);
    let page = ReportPage::of(&results).html;
    let downloads = facts.points[0].of_policy("download");
    let jobs = downloads.flat_map(|(_, record)| completed_after(record, facts.warm_up()));
    let all: Sample = jobs.map(JobRecord::latency_us).collect();
    let median = show::micros(all.percentile(50).expect("jobs completed") as f64);
    let section = page.split("<section id=\"latency\">").nth(1).expect("the section is there");
    let row =
        section.split("<th scope=\"row\">download</th>").nth(1).expect("the policy has a row");
    let row = row.split("</tr>").next().expect("the row ends");
    assert!(
        row.contains(&format!("<span class=\"figure\">{median}</span>")),
        "{median} is not in {row}"
    );
    assert!(
        row.contains(&format!("<span class=\"figure\">{}</span>", all.len())),
        "{} jobs are not in {row}",
        all.len()
    );
}

#[test]
fn a_map_over_bandwidth_and_output_ratio_has_a_frontier_and_finds_losses() {
    let page = page(&GeneratedSweep { jobs: 24, seeds: 8, ..GeneratedSweep::wide() });
    let section = page.split("<section id=\"break-even\">").nth(1).expect("the section is there");
    let section = section.split("</section>").next().expect("it ends");
    assert!(
        section.contains("class=\"frontier solid\"")
            && section.contains("class=\"frontier dashed\"")
    );
    assert!(
        section.contains("cell g4") && section.contains("cell l"),
        "both gains and losses are in the made-up figures"
    );
}

#[test]
fn without_a_swept_bandwidth_the_page_says_what_to_sweep() {
    assert!(page(&GeneratedSweep::small()).contains("There is no map"));
}

#[test]
fn names_that_are_markup_stay_words() {
    let page = page(&GeneratedSweep {
        scenarios: vec!["<script>alert(1)</script>"],
        policies: vec!["on-storage", "download", "\"><img onerror=x>"],
        seeds: 7,
        jobs: 12,
        ..GeneratedSweep::small()
    });
    assert!(!page.contains("<script>alert") && !page.contains("<img"));
    assert!(page.contains("&lt;script&gt;alert(1)"));
}

#[test]
fn nothing_that_ran_gives_no_verdict() {
    let empty = SweepResults { runs: Vec::new(), ..results(&GeneratedSweep::small()) };
    let page = ReportPage::of(&empty);
    assert_sound(&page.html);
    assert!(page.verdict.starts_with("There is no verdict"), "{}", page.verdict);
}

#[test]
fn one_policy_alone_gives_no_verdict() {
    let verdict = ReportPage::of(&results(&GeneratedSweep {
        policies: vec!["download"],
        ..GeneratedSweep::small()
    }));
    assert_sound(&verdict.html);
    assert!(verdict.verdict.contains("what ran is download"), "{}", verdict.verdict);
}

#[test]
fn one_seed_carries_no_claim() {
    let page = ReportPage::of(&results(&GeneratedSweep { seeds: 1, ..GeneratedSweep::small() }));
    assert_sound(&page.html);
    assert!(page.verdict.contains("neither clearly more nor fewer bytes"), "{}", page.verdict);
    assert!(!page.verdict.contains("95 %"), "{}", page.verdict);
}

#[test]
fn points_with_too_few_runs_are_told_apart_from_those_without_a_difference() {
    let scenarios = vec!["banana", "cherry"];
    let page = ReportPage::of(&results(&GeneratedSweep {
        seeds: 2,
        scenarios,
        ..GeneratedSweep::small()
    }));
    assert_sound(&page.html);
    let said =
        "less time at none, more at none, with too few runs for an interval at 2 (banana, cherry)";
    assert!(page.verdict.contains(said), "{}", page.verdict);
}

#[test]
fn jobs_that_all_failed_are_told_and_not_compared() {
    let page =
        ReportPage::of(&results(&GeneratedSweep { all_fail: true, ..GeneratedSweep::small() }));
    assert_sound(&page.html);
    assert!(page.verdict.contains("cannot be compared"), "{}", page.verdict);
    assert!(page.html.contains("No job completed"));
}

#[test]
fn a_closed_loop_makes_no_claim_about_latencies() {
    let page =
        ReportPage::of(&results(&GeneratedSweep { closed_loop: true, ..GeneratedSweep::small() }));
    assert_sound(&page.html);
    assert!(page.verdict.contains("latencies are not compared"), "{}", page.verdict);
}

#[test]
fn records_without_jobs_hosts_or_ledger_make_no_panic() {
    let mut results = results(&GeneratedSweep { seeds: 7, ..GeneratedSweep::small() });
    for run in &mut results.runs {
        for record in &mut run.policies {
            record.jobs.clear();
            record.hosts.clear();
            record.ledger.clear();
            record.makespan = Duration::ZERO;
        }
        run.expect.clear();
    }
    assert_sound(&ReportPage::of(&results).html);
}

#[test]
fn a_policy_that_is_missing_in_some_runs_is_compared_over_the_others() {
    let mut results = results(&GeneratedSweep::small());
    for run in &mut results.runs[..8] {
        run.policies.retain(|record| record.policy != "download");
    }
    let page = ReportPage::of(&results);
    assert_sound(&page.html);
    assert!(page.verdict.starts_with("Over 12 runs"), "{}", page.verdict);
}

#[test]
fn a_ledger_that_does_not_balance_is_shown_as_broken() {
    let mut results = results(&GeneratedSweep::small());
    results.runs[2].policies[0].ledger[0].delivered += 1_000_000_000;
    let page = ReportPage::of(&results).html;
    assert_sound(&page);
    assert!(page.contains("every ledger balances: sent = delivered + dropped + in flight: not in 1 case (banana seed 2 on-storage)"));
}

#[test]
fn what_is_missing_and_what_came_to_nothing_is_said() {
    let mut results = results(&GeneratedSweep::small());
    results.missing = 3;
    let key = results.runs[0].key.clone();
    results.failed.push(crate::sweep::FailedRun {
        key,
        no_progress: true,
        why: "it <hung>".to_owned(),
    });
    let page = ReportPage::of(&results).html;
    assert_sound(&page);
    assert!(page.contains("3 runs that were asked for are not here"));
    assert!(page.contains("1 run came to no result") && page.contains("it &lt;hung&gt;"));
}

#[test]
fn a_swept_fuel_rate_is_drawn_and_said_to_turn_or_to_stay() {
    let rates = vec!["1e8", "1e9", "4e9"];
    let page = page(&GeneratedSweep {
        axes: vec![("node.fuel_per_second", rates)],
        seeds: 7,
        jobs: 12,
        ..GeneratedSweep::small()
    });
    let section = page.split("At which fuel rate would it be another verdict?").nth(1);
    let section = section.and_then(|rest| rest.split("</section>").next()).expect("it is there");
    assert!(section.contains("<figure>") && section.contains("at 4e9"), "{section}");
    assert!(section.contains("on-storage faster at each rate"), "{section}");
}

#[test]
fn a_fuel_rate_that_was_not_varied_is_said_to_show_nothing() {
    let page = page(&GeneratedSweep::small());
    assert!(page.contains("That is not shown: these runs have one fuel rate"));
    assert!(page.contains("--set node.fuel_per_second="));
}

#[test]
fn the_figures_leave_out_the_warm_up_of_the_sweep_and_say_which() {
    let mut results = results(&GeneratedSweep::small());
    let with = |results: &SweepResults| ReportPage::of(results).html;
    let usual = with(&results);
    assert!(
        usual.contains("the first 10\u{a0}% of the arrivals&#39; time")
            || usual.contains("the first 10\u{a0}% of the arrivals' time")
    );
    results.head.warm_up = WarmUp::Percent(0);
    let whole = with(&results);
    assert!(whole.contains("none is left out"));
    let jobs = |page: &str| {
        let section = page.split("<section id=\"latency\">").nth(1).expect("the section is there");
        let row = section.split("<th scope=\"row\">download</th>").nth(1).expect("a row");
        row.split("</td>").next().expect("a cell").to_owned()
    };
    let records = results.runs.iter().flat_map(|run| &run.policies);
    let downloads = records.filter(|record| record.policy == "download");
    let done = downloads.flat_map(|record| &record.jobs).filter(|job| job.completed()).count();
    assert!(jobs(&whole).contains(&done.to_string()), "{done} jobs are not in {}", jobs(&whole));
    assert!(jobs(&usual) != jobs(&whole));
}

#[test]
fn settings_without_charts_have_their_figures_and_are_said_to_have_none() {
    let page = page(&GeneratedSweep { jobs: 12, seeds: 6, ..GeneratedSweep::wide() });
    for id in ["ledger", "policies", "latency", "hosts"] {
        let section = page.split(&format!("<section id=\"{id}\">")).nth(1).expect("it is there");
        let section = section.split("</section>").next().expect("it ends");
        assert!(section.contains("the figures of the other 29 stand below them"), "{id}");
        let others =
            section.split("The other settings, in figures").nth(1).expect("they are there");
        assert_eq!(others.matches("<details class=\"point long\">").count(), 29, "{id}");
        assert!(others.contains("worker.trunk = 40 Gbit/s, work.ratio = 1.2"), "{id}");
    }
}

#[test]
fn a_broken_wall_clock_file_is_told_and_stops_nothing() {
    let broken = SweepResults {
        wall: WallClock::Broken("EOF at line 1".to_owned()),
        ..results(&GeneratedSweep::small())
    };
    let page = ReportPage::of(&broken).html;
    assert_sound(&page);
    assert!(page.contains("wall.json is there and cannot be read (EOF at line 1)"));
}

#[test]
fn the_commit_that_went_on_with_a_sweep_is_told_beside_the_one_that_began_it() {
    let mut results = results(&GeneratedSweep::small());
    let began = results.head.commit.clone();
    let wall = |commit: &str| {
        WallClock::Known(super::WallFigures {
            threads: 2,
            runs: 20,
            runs_per_second: 1.0,
            events_per_second: 5.0,
            commit: Some(commit.to_owned()),
        })
    };
    results.wall = wall(&began);
    let page = ReportPage::of(&results).html;
    assert!(page.contains(&began) && !page.contains("gone on with from"));
    results.wall = wall("fedcba");
    assert!(ReportPage::of(&results).html.contains("gone on with from <code>fedcba</code>"));
}
