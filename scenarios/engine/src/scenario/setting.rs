//! Settings of the command line that take the place of a scenario's keys: `network.worker.trunk=1
//! Gbit/s`.
//!
//! They change the file's tables before these are converted, so that a setting is checked as the
//! file's own keys are. Leaves out adding sections: a setting names one that is there.

use std::fmt;

use toml::{Table, Value};

use super::error::Flaw;
use super::raw::RawScenario;

/// The right form, for messages.
const FORM: &str =
    "write KEY=VALUE, such as network.worker.trunk=1Gbit/s, work.1.runs=8 or node.cores=2";

/// A key of a scenario and the value that it gets.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    key: String,
    text: String,
    /// The way to the key; sections of one name count from 1.
    path: Vec<String>,
    value: Value,
}

/// A setting that names no key, or has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` {why} ({FORM})")]
pub struct SettingError {
    /// Text as written.
    pub text: String,
    /// Flaw.
    pub why: &'static str,
}

impl Setting {
    /// The setting of `key`, a path with dots in which a number chooses among sections of one name
    /// (`work.1.runs`, or `work[1].runs` as messages write it), to `value`. A whole number, `true`,
    /// `false` and what begins as a list, a table or a quoted text does is read as in a scenario;
    /// all else is text.
    ///
    /// # Errors
    /// When `key` is no such path or `value` begins as what it is not.
    pub fn new(key: &str, value: &str) -> Result<Self, SettingError> {
        let refuse = |why| SettingError { text: format!("{key}={value}"), why };
        let key = key.trim();
        let dotted = if key.contains(['"', '\'']) {
            key.to_owned()
        } else {
            key.replace('[', ".").replace(']', "")
        };
        let path = path(&dotted).ok_or_else(|| refuse("has no path of keys before its `=`"))?;
        let text = value.trim();
        if text.is_empty() {
            return Err(refuse("has no value behind its `=`"));
        }
        let value =
            read(text).ok_or_else(|| refuse("has a value that begins as TOML and is none"))?;
        Ok(Self { key: dotted, text: text.to_owned(), path, value })
    }

    /// The path of keys, as in `work.1.runs`.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The value, as it was written.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.text
    }

    /// Name in messages.
    pub(super) fn name(&self) -> String {
        format!("--set {self}")
    }

    /// True if it sets the scenario's key `key`, as flaws write it: `work[1].runs`.
    pub(super) fn decides(&self, key: &str) -> bool {
        let mut parts = key.split(['.', '[', ']']).filter(|part| !part.is_empty());
        // A key with dots in it is one part here and several there.
        let mine = self.path.iter().flat_map(|step| step.split('.'));
        mine.into_iter().all(|step| parts.next() == Some(step))
    }

    fn put(&self, root: &mut Table) -> Result<(), Flaw> {
        let flaw = |why: String, fix: &str| Flaw::new(self.name(), why, fix);
        let (last, steps) =
            self.path.split_last().ok_or_else(|| flaw("names no key".to_owned(), FORM))?;
        let mut table = root;
        let mut steps = steps.iter();
        while let Some(step) = steps.next() {
            let value = table.entry(step.clone()).or_insert_with(|| Value::Table(Table::new()));
            let inner = match value {
                Value::Array(sections) => {
                    let count = sections.len();
                    let number = steps.next().map_or("", String::as_str);
                    let at = number.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
                    at.and_then(|at| sections.get_mut(at)).ok_or_else(|| {
                        let why = format!(
                            "the scenario has {count} of `{step}`, and `{number}` is none of them"
                        );
                        flaw(why, "count them from 1, as in work.1.runs")
                    })?
                }
                other => other,
            };
            let Value::Table(inner) = inner else {
                return Err(flaw(format!("`{step}` has no keys in it"), FORM));
            };
            table = inner;
        }
        if let Some(Value::Array(_)) =
            table.get(last).filter(|_| !matches!(self.value, Value::Array(_)))
        {
            let why = format!("`{last}` is a list");
            return Err(flaw(
                why,
                "say which and what of it, as in work.1.runs=8, or write a list",
            ));
        }
        table.insert(last.clone(), self.value.clone());
        Ok(())
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.text)
    }
}

impl std::str::FromStr for Setting {
    type Err = SettingError;

    fn from_str(text: &str) -> Result<Self, SettingError> {
        let refuse = |why| SettingError { text: text.to_owned(), why };
        let (key, value) = text.split_once('=').ok_or_else(|| refuse("has no `=`"))?;
        Self::new(key, value)
    }
}

/// The file's tables with the settings in their places, later ones over earlier ones.
pub(super) fn apply(text: &str, settings: &[Setting]) -> Result<RawScenario, Flaw> {
    let broken = |why: String| Flaw::new("", why, "correct the scenario");
    let mut root: Table =
        toml::from_str(text).map_err(|error| broken(error.message().to_owned()))?;
    let mut raw = None;
    for setting in settings {
        setting.put(&mut root)?;
        let read = root.clone().try_into::<RawScenario>();
        // Each by itself, so that it is known which one does not fit.
        raw = Some(read.map_err(|error| {
            Flaw::new(setting.name(), error.message().replace('\n', ", "), FORM)
        })?);
    }
    raw.ok_or_else(|| broken("there is no setting".to_owned()))
}

/// A flaw of a key that a setting decides is the setting's.
pub(super) fn blame(flaw: Flaw, settings: &[Setting]) -> Flaw {
    match settings.iter().rev().find(|setting| setting.decides(&flaw.key)) {
        Some(setting) => Flaw { key: setting.name(), ..flaw },
        None => flaw,
    }
}

/// The steps of a dotted key, by TOML's own rules.
fn path(key: &str) -> Option<Vec<String>> {
    let mut table = single(&format!("{key} = 0"))?;
    let mut steps = Vec::new();
    loop {
        let (step, value) = table.into_iter().next()?;
        steps.push(step);
        match value {
            Value::Table(inner) => table = inner,
            Value::Integer(0) => return Some(steps),
            _ => return None,
        }
    }
}

fn read(text: &str) -> Option<Value> {
    let whole = text.strip_prefix('-').unwrap_or(text);
    let is_whole = !whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_digit());
    if is_whole || matches!(text, "true" | "false") || text.starts_with(['[', '{', '"', '\'']) {
        return single(&format!("value = {text}"))?.remove("value");
    }
    Some(Value::String(text.to_owned()))
}

/// The table of a text that has one key and is on one line.
fn single(text: &str) -> Option<Table> {
    let on_one_line = !text.contains(['\n', '\r']);
    let table: Table = on_one_line.then(|| toml::from_str(text).ok())??;
    (table.len() == 1).then_some(table)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::scenario::{Pick, Scenario, ScenarioCatalog, ScenarioError};

    const BANANA: &str = include_str!("../../../banana.toml");

    fn with(settings: &[&str]) -> Result<Scenario, ScenarioError> {
        let settings: Vec<Setting> = settings.iter().map(|text| text.parse().unwrap()).collect();
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../banana.toml");
        Scenario::parse_with(BANANA, &file, &settings, &ScenarioCatalog::default())
    }

    #[test]
    fn a_setting_takes_the_place_of_the_files_key_or_adds_it() {
        let scenario = with(&[
            "network.worker.trunk=1Gbit/s",
            "network.client.loss=1 %",
            "node.cores=2",
            "work.1.pick=each",
            "fault[2].at=250ms",
            "node.disk.seek = 1ms",
            "node.cores=3",
        ]);
        let scenario = scenario.unwrap();
        assert_eq!(scenario.network.worker.trunk.unwrap().get(), 125_000_000);
        assert_eq!(scenario.network.worker.latency, Duration::from_micros(500));
        assert_eq!(scenario.network.client.loss.get(), 10_000_000);
        assert_eq!(scenario.node.cores, 3);
        assert_eq!(scenario.work[0].pick, Pick::Each);
        assert_eq!(scenario.faults[1].at, Duration::from_millis(250));
        assert_eq!(scenario.node.disk.seek, Duration::from_millis(1));
        assert_eq!(scenario.settings.len(), 7);
    }

    #[test]
    fn lists_and_quoted_texts_are_read_as_in_a_file() {
        let scenario = with(&[r#"compare.policies=["download"]"#, r#"name="17""#]).unwrap();
        assert_eq!(scenario.policies.len(), 1);
        assert_eq!(scenario.name, "17");
    }

    #[test]
    fn what_does_not_fit_is_told_with_the_setting_and_without_a_line_of_the_file() {
        for (setting, why) in [
            ("network.worker.trunk=fast", "`fast` is not a rate"),
            ("network.wrker.trunk=1Gbit/s", "unknown field `wrker`"),
            ("node.cores=many", "invalid type: string"),
            ("node.cores=0", "out of bounds"),
            ("work.2.runs=8", "has 1 of `work`, and `2` is none of them"),
            ("work.0.runs=8", "has 1 of `work`, and `0` is none of them"),
            ("work.runs=8", "has 1 of `work`, and `` is none of them"),
            ("work=8", "`work` is a list"),
            ("name.first=x", "`name` has no keys in it"),
        ] {
            let error = with(&["node.nic=1 Gbit/s", setting]).unwrap_err();
            assert_eq!(error.key, format!("--set {setting}"), "{error}");
            assert!(error.why.contains(why), "{error}");
            assert_eq!(error.line, None, "{error}");
            assert!(!error.fix.is_empty(), "{error}");
        }
    }

    #[test]
    fn what_is_no_setting_is_refused_with_the_right_form() {
        for text in
            ["node.cores", "=2", "node.cores=", "node..cores=2", "a b=2", "node.cores=[2", "a\nb=2"]
        {
            let error = text.parse::<Setting>().unwrap_err();
            assert!(error.to_string().contains("such as network.worker.trunk=1Gbit/s"), "{error}");
        }
    }

    #[test]
    fn a_flaw_of_the_file_stays_the_files() {
        let settings = ["node.cores=2".parse().unwrap()];
        let text = BANANA.replace("part_power = 8", "part_power = 99");
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../banana.toml");
        let error =
            Scenario::parse_with(&text, &file, &settings, &ScenarioCatalog::default()).unwrap_err();
        assert_eq!(error.key, "cluster.part_power");
        assert!(error.line.is_some());
    }
}
