//! `stayput report`: what it writes, what it refuses, and what a browser makes of it.

use std::path::Path;

use serde_json::json;
use stayput_results::fixtures::GeneratedSweep;
use stayput_results::sweep::{RunOutcome, SweepFolder};

use super::browser::Browser;
use super::support::{path_text, stayput};

/// Writes a generated sweep as a sweep does.
fn write(sweep: &GeneratedSweep, folder: &Path) {
    let kept = SweepFolder::begin(folder, sweep.head()).expect("the folder is new");
    for run in sweep.runs() {
        kept.write(&RunOutcome::Run(Box::new(run))).expect("it can be written");
    }
}

#[test]
fn a_directory_of_results_becomes_a_page_and_a_sentence() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    write(&GeneratedSweep::small(), folder.path());
    let said = stayput(&["report", &path_text(folder.path())]);
    assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said:?}");
    let page = folder.path().join("report.html");
    let (path, verdict) = said.stdout.split_once('\n').expect("it says two lines");
    assert_eq!(path, path_text(&page));
    assert!(verdict.starts_with("Over 20 runs of banana, on-storage moved "), "{verdict}");
    let page = std::fs::read_to_string(page).expect("the page is there");
    assert!(
        page.starts_with("<!DOCTYPE html>") && page.contains(verdict.trim_end()),
        "the page says the same"
    );
}

#[test]
fn the_same_results_give_the_same_page_and_out_says_where() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    write(&GeneratedSweep { seeds: 6, ..GeneratedSweep::small() }, folder.path());
    let pages = ["one.html", "two.html"].map(|name| {
        let out = folder.path().join(name);
        let said = stayput(&["report", &path_text(folder.path()), "--out", &path_text(&out)]);
        assert_eq!(said.code, 0, "{said:?}");
        std::fs::read(out).expect("the page is there")
    });
    assert!(pages[0] == pages[1]);
    assert!(!folder.path().join("report.html").exists());
}

#[test]
fn what_is_no_directory_of_results_is_refused_with_a_fix() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let said = stayput(&["report", &path_text(folder.path())]);
    assert_eq!(said.code, 2);
    assert!(
        said.stderr.contains("no sweep.json") && said.stderr.contains("stayput sweep"),
        "{said:?}"
    );
}

#[test]
fn a_flawed_record_is_named_and_not_left_out() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    write(&GeneratedSweep { seeds: 2, ..GeneratedSweep::small() }, folder.path());
    let runs = std::fs::read_dir(folder.path().join("runs")).expect("there are runs");
    let record =
        runs.map(|entry| entry.expect("it can be read").path()).min().expect("there are two");
    std::fs::write(&record, "{\"key\":").expect("it can be written");
    let said = stayput(&["report", &path_text(folder.path())]);
    assert_eq!(said.code, 2);
    assert!(said.stderr.contains(&path_text(&record)), "{said:?}");
    assert!(!folder.path().join("report.html").exists(), "no page is better than one over a part");
}

#[test]
fn a_broken_file_of_the_wall_clock_is_told_and_not_taken_as_missing() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    write(&GeneratedSweep { seeds: 2, ..GeneratedSweep::small() }, folder.path());
    let page = || {
        let said = stayput(&["report", &path_text(folder.path())]);
        assert_eq!(said.code, 0, "{said:?}");
        std::fs::read_to_string(folder.path().join("report.html")).expect("the page is there")
    };
    assert!(page().contains("shards that were merged have no one speed"));
    std::fs::write(folder.path().join("wall.json"), "{\"threads\":").expect("it can be written");
    assert!(page().contains("wall.json is there and cannot be read (EOF"));
}

/// Words of a chart that lie upon each other. Slanted ones are left out: the boxes around them
/// overlap where the words do not.
const UPON: &str = "[...document.querySelectorAll('svg[role=img]')].flatMap(picture => {
    const level = [...picture.querySelectorAll('text:not([transform])')];
    const all = level.map(t => [t.textContent, t.getBoundingClientRect()]).filter(t => t[1].width > 0);
    return all.flatMap(([words, a], at) => all.slice(at + 1).filter(([, b]) =>
        a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 4 && b.top < a.bottom - 4
    ).map(([other]) => words + ' | ' + other));
})";

/// Words of charts that are cut off by the window, or too small to be read.
const CUT_OFF: &str = "[...document.querySelectorAll('svg text')].filter(t => {
    const r = t.getBoundingClientRect();
    return r.width > 0 && (r.left < -1 || r.right > document.documentElement.clientWidth + 1 || r.height < 8.5 && r.width > r.height);
}).map(t => t.textContent + ' ' + JSON.stringify(t.getBoundingClientRect()))";

/// Nothing is wider than the window, and no words of charts are cut off, too small, or upon each
/// other.
fn assert_whole(browser: &mut Browser, width: u32, place: &str) {
    let scroll = browser.ask("document.documentElement.scrollWidth").as_u64();
    assert!(scroll <= Some(u64::from(width)), "{place}: the page is {scroll:?} wide");
    assert_eq!(
        browser.ask(CUT_OFF),
        json!([]),
        "{place}: words of charts are cut off or too small"
    );
    assert_eq!(browser.ask(UPON), json!([]), "{place}: words of charts lie upon each other");
}

#[test]
#[ignore = "needs Chromium"]
fn a_browser_shows_the_page_whole_at_three_widths_in_light_dark_and_print() {
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page");
    std::fs::create_dir_all(&pictures).expect("a folder can be made");
    let mut browser = Browser::start();
    for (name, sweep) in [
        ("small", GeneratedSweep::small()),
        ("wide", GeneratedSweep { jobs: 32, ..GeneratedSweep::wide() }),
    ] {
        let folder = tempfile::tempdir().expect("a folder can be made");
        write(&sweep, folder.path());
        let said = stayput(&["report", &path_text(folder.path())]);
        assert_eq!(said.code, 0, "{said:?}");
        let page = folder.path().join("report.html");
        for width in [360, 768, 1440] {
            for scheme in ["light", "dark"] {
                browser.open(&page, width, scheme);
                assert_whole(&mut browser, width, &format!("{name} at {width}"));
                // What is folded may be cut off as well, once it is open.
                browser.ask(
                    "for (const folded of document.querySelectorAll('details')) folded.open = true",
                );
                assert_whole(&mut browser, width, &format!("{name} at {width}, unfolded"));
                // A picture of all that is unfolded would be too large.
                browser.open(&page, width, scheme);
                let dark = browser
                    .ask("getComputedStyle(document.body).backgroundColor != 'rgb(255, 255, 255)'");
                assert_eq!(
                    dark,
                    json!(scheme == "dark"),
                    "{name}: the page heeds what the reader prefers"
                );
                let file = pictures.join(format!("{name}-{width}-{scheme}.png"));
                browser.save(
                    "Page.captureScreenshot",
                    json!({"captureBeyondViewport": true}),
                    &file,
                );
            }
        }
        browser.open(&page, 1440, "light");
        assert!(
            browser.ask("document.querySelectorAll('details:not([open])').length").as_u64()
                > Some(3)
        );
        let file = pictures.join(format!("{name}.pdf"));
        browser.ask(
            "window.opened = 0; addEventListener('beforeprint', () => window.opened = \
            document.querySelectorAll('details:not([open]):not(.long)').length)",
        );
        browser.save("Page.printToPDF", json!({"preferCSSPageSize": true, "paperWidth": 8.27, "paperHeight": 11.69, "printBackground":
            true}), &file);
        assert_eq!(
            browser.ask("window.opened"),
            json!(0),
            "{name}: what is folded on the screen is open on paper"
        );
        assert!(std::fs::read(&file).expect("the PDF is there").starts_with(b"%PDF"));
        assert_eq!(browser.complaints, Vec::<String>::new(), "{name}");
    }
}
