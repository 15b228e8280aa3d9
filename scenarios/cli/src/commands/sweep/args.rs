//! Options of `sweep`, `merge` and `compare`.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use stayput_engine::scenario::{Policy, ScenarioCatalog, Setting};
use stayput_results::stats::WarmUp;
use stayput_results::sweep::SeedRange;

use crate::commands::argument_error::ArgumentError;
use crate::commands::warm_up::warm_up_words;

/// The options of `sweep`.
#[derive(Args, Clone, Debug)]
pub struct SweepArgs {
    /// The scenario files.
    #[arg(required = true)]
    pub scenario: Vec<PathBuf>,
    /// The directory of the results. A directory with a part of the same sweep is completed: runs
    /// that it has are not run again.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// The seeds: 0..200 (its end is left out), or one.
    #[arg(long, value_name = "RANGE", value_parser = SeedRange::parse)]
    pub seeds: SeedRange,
    /// Let the scenarios' KEY take each of these values, in all combinations with other KEYs
    /// (repeatable).
    ///
    /// Commas within brackets, braces and quotes are part of a value.
    #[arg(long, value_name = "KEY=V1,V2", value_parser = parse_axis)]
    pub set: Vec<Axis>,
    /// Run only this policy instead of those that a scenario compares (repeatable).
    #[arg(long, value_name = "NAME")]
    pub policy: Vec<Policy>,
    /// Policies and kinds of faults that there are.
    #[arg(skip)]
    pub catalog: ScenarioCatalog,
    /// Leave the scenarios' faults out.
    #[arg(long)]
    pub no_faults: bool,
    /// Compute each session, also those that earlier runs of this sweep did already.
    #[arg(long)]
    pub no_memo: bool,
    /// Number of runs at a time [default: one for each core].
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// Do only every N-th run, from the K-th on; `merge` puts the N directories together.
    #[arg(long, value_name = "K/N", value_parser = Shard::parse, default_value = "1/1")]
    pub shard: Shard,
    /// Leave the beginning of each run out of latencies and failures: a percentage of its arrivals,
    /// or a time.
    #[arg(long, value_name = "TIME", value_parser = WarmUp::parse, default_value = "10%")]
    pub warm_up: WarmUp,
}

/// The options of `merge`.
#[derive(Args, Clone, Debug)]
pub struct MergeArgs {
    /// The directory of the merged results; it may hold a part of them already.
    pub out: PathBuf,
    /// The directories of the shards.
    #[arg(required = true)]
    pub shard: Vec<PathBuf>,
    /// As in `sweep` [default: the value of the shards].
    #[arg(long, value_name = "TIME", value_parser = WarmUp::parse)]
    pub warm_up: Option<WarmUp>,
}

/// The options of `compare`.
#[derive(Args, Clone, Debug)]
pub struct CompareArgs {
    /// The directory of a sweep.
    pub one: PathBuf,
    /// The directory of another, with the same scenarios, settings and seeds.
    pub other: PathBuf,
    /// As in `sweep` [default: the value of both sweeps].
    #[arg(long, value_name = "TIME", value_parser = WarmUp::parse)]
    pub warm_up: Option<WarmUp>,
}

/// A key of the scenarios and the values that it takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// The key.
    pub key: String,
    /// The values, at least one, none twice.
    pub values: Vec<String>,
}

fn parse_axis(text: &str) -> Result<Axis, ArgumentError> {
    let fix = "write KEY=V1,V2, such as network.worker.trunk=1Gbit/s,10Gbit/s";
    let (key, values) = text.split_once('=').ok_or(ArgumentError::NoEqualsSign { fix })?;
    let settings = split_values(values).into_iter().map(|value| Setting::new(key, value));
    let settings: Vec<Setting> = settings.collect::<Result<_, _>>()?;
    let mut axis = Axis { key: String::new(), values: Vec::new() };
    for setting in settings {
        setting.key().clone_into(&mut axis.key);
        if axis.values.iter().any(|value| value == setting.value()) {
            return Err(ArgumentError::Twice { value: setting.value().to_owned(), fix });
        }
        axis.values.push(setting.value().to_owned());
    }
    Ok(axis)
}

/// The parts between commas that stand in no brackets, braces or quotes.
fn split_values(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut begin, mut depth, mut quote) = (0, 0_u32, None);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), _) => quote = (c != open).then_some(open),
            (None, '"' | '\'') => quote = Some(c),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => depth = depth.saturating_sub(1),
            (None, ',') if depth == 0 => {
                parts.push(&text[begin..at]);
                begin = at + 1;
            }
            (None, _) => {}
        }
    }
    parts.push(&text[begin..]);
    parts
}

/// A part of a sweep's runs: every `of`-th.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    number: usize,
    of: usize,
}

impl Shard {
    fn parse(text: &str) -> Result<Self, ArgumentError> {
        let number = |text: &str| text.parse::<usize>().ok();
        let parts = text.split_once('/').and_then(|(k, n)| Some((number(k)?, number(n)?)));
        let shard = parts.filter(|(number, of)| (1..=*of).contains(number));
        let refused = || ArgumentError::Shard(text.to_owned());
        shard.map(|(number, of)| Self { number, of }).ok_or_else(refused)
    }

    /// Those of `all` that belong to it.
    #[must_use]
    pub fn of<T: Clone>(self, all: &[T]) -> Vec<T> {
        all.iter().skip(self.number - 1).step_by(self.of).cloned().collect()
    }
}

impl SweepArgs {
    /// The words of `stayput sweep` that do the whole of it again.
    #[must_use]
    pub fn deciding_words(&self) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec!["sweep".into()];
        words.extend(self.scenario.iter().map(|file| file.clone().into()));
        words.extend(["--seeds".into(), self.seeds.to_string().into()]);
        for axis in &self.set {
            words
                .extend(["--set".into(), format!("{}={}", axis.key, axis.values.join(",")).into()]);
        }
        for policy in &self.policy {
            words.extend(["--policy".into(), policy.name().into()]);
        }
        if self.no_faults {
            words.push("--no-faults".into());
        }
        words.extend(warm_up_words(self.warm_up));
        words.extend(["--out".into(), self.out.clone().into()]);
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_separate_values_but_not_within_one() {
        let axis = parse_axis("network.worker.trunk=1Gbit/s,10Gbit/s").unwrap();
        assert_eq!(axis.key, "network.worker.trunk");
        assert_eq!(axis.values, ["1Gbit/s", "10Gbit/s"]);
        assert_eq!(
            split_values("[1,2],{a = 3, b = 4},\"x,y\",'z,'"),
            ["[1,2]", "{a = 3, b = 4}", "\"x,y\"", "'z,'"]
        );
        for text in ["a", "a=", "a=1,", "a=1,1", "=1"] {
            assert!(parse_axis(text).is_err(), "{text}");
        }
    }

    #[test]
    fn shards_are_disjoint_and_together_all() {
        let all: Vec<u32> = (0..10).collect();
        let shard = |text: &str| Shard::parse(text).unwrap().of(&all);
        assert_eq!(shard("1/3"), [0, 3, 6, 9]);
        assert_eq!(shard("2/3"), [1, 4, 7]);
        assert_eq!(shard("3/3"), [2, 5, 8]);
        assert_eq!(shard("1/1"), all);
        for text in ["0/3", "4/3", "1", "1/0", "a/b", "-1/3"] {
            assert!(Shard::parse(text).unwrap_err().to_string().contains("K/N"), "{text}");
        }
    }
}
