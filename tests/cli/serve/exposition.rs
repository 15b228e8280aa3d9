//! Prometheus' text format 0.0.4, read strictly: a flaw that Prometheus would forgive is a failure
//! here.
//!
//! Leaves out summaries, timestamps and comments, which Stayput does not write.

use std::collections::BTreeMap;

/// Labels in their order.
pub(crate) type Labels = Vec<(String, String)>;

/// Value of a sample.
#[derive(Debug, Default)]
pub(crate) struct Exposition {
    /// The type of each metric.
    types: BTreeMap<String, String>,
    samples: BTreeMap<(String, Labels), f64>,
}

impl Exposition {
    /// Reads a text; what is wrong with it, if anything is.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let mut read = Self::default();
        let mut current = None;
        if !text.ends_with('\n') {
            return Err("the last line does not end".to_owned());
        }
        for (number, line) in text.lines().enumerate() {
            let at = |why: String| format!("line {}: {why}: {line:?}", number + 1);
            read.line(line, &mut current).map_err(at)?;
        }
        read.check_histograms()?;
        Ok(read)
    }

    fn line(&mut self, line: &str, current: &mut Option<(String, bool)>) -> Result<(), String> {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, meaning) = help.split_once(' ').ok_or("no meaning")?;
            check_name(name)?;
            if meaning.is_empty() || self.types.contains_key(name) {
                return Err("no meaning, or told twice".to_owned());
            }
            *current = Some((name.to_owned(), false));
            return Ok(());
        }
        let Some((name, typed)) = current else { return Err("before any HELP".to_owned()) };
        if let Some(of_type) = line.strip_prefix("# TYPE ") {
            let (of, kind) = of_type.split_once(' ').ok_or("no type")?;
            if of != name || *typed || !["counter", "gauge", "histogram"].contains(&kind) {
                return Err("not the type of what HELP names".to_owned());
            }
            if (kind == "counter") != name.ends_with("_total") {
                return Err("counters end with _total, and nothing else does".to_owned());
            }
            self.types.insert(name.clone(), kind.to_owned());
            *typed = true;
            return Ok(());
        }
        if line.starts_with('#') || !*typed {
            return Err("neither a sample nor what stands before one".to_owned());
        }
        let name = name.clone();
        self.sample(line, &name)
    }

    fn sample(&mut self, line: &str, family: &str) -> Result<(), String> {
        let (what, value) = line.rsplit_once(' ').ok_or("no value")?;
        let value: f64 = value.parse().map_err(|_| "the value is no number")?;
        let (name, labels) = match what.split_once('{') {
            Some((name, rest)) => (name, read_labels(rest)?),
            None => (what, Labels::new()),
        };
        check_name(name)?;
        let kind = self.types.get(family).map_or("", String::as_str);
        let parts: &[&str] =
            if kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
        if name.strip_prefix(family).is_none_or(|part| !parts.contains(&part)) {
            return Err(format!("no sample of {family}"));
        }
        if kind != "gauge" && (value < 0.0 || !value.is_finite()) {
            return Err("what only goes up is never below zero".to_owned());
        }
        match self.samples.insert((name.to_owned(), labels), value) {
            Some(_) => Err("told twice".to_owned()),
            None => Ok(()),
        }
    }

    /// Buckets go up to `+Inf`, each holds those below it, and the last one holds all.
    fn check_histograms(&self) -> Result<(), String> {
        for (name, _) in self.types.iter().filter(|(_, kind)| *kind == "histogram") {
            let buckets =
                self.samples.iter().filter(|((of, _), _)| *of == format!("{name}_bucket"));
            let mut series: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
            for ((_, labels), count) in buckets {
                let (le, others): (Labels, Labels) =
                    labels.iter().cloned().partition(|(label, _)| label == "le");
                let [(_, le)] = le.as_slice() else { return Err(format!("{name}: no le")) };
                let bound = if le == "+Inf" { Ok(f64::INFINITY) } else { le.parse() };
                let bound = bound.map_err(|_| format!("{name}: le={le:?}"))?;
                series.entry(others).or_default().push((bound, *count));
            }
            for (labels, mut buckets) in series {
                buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
                let grows = buckets.windows(2).all(|pair| pair[0].1 <= pair[1].1);
                let last = buckets.last().copied();
                let count = self.samples.get(&(format!("{name}_count"), labels.clone()));
                let sum = self.samples.get(&(format!("{name}_sum"), labels.clone()));
                if !grows || last != count.map(|all| (f64::INFINITY, *all)) || sum.is_none() {
                    return Err(format!("{name} {labels:?}: {buckets:?}, {count:?}, {sum:?}"));
                }
            }
        }
        Ok(())
    }

    /// The sum of the samples of that name that have these labels, among others.
    pub(crate) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let has = |of: &Labels| {
            labels.iter().all(|(name, value)| of.iter().any(|(n, v)| n == name && v == value))
        };
        let samples = self.samples.iter().filter(|((of, with), _)| of == name && has(with));
        let values: Vec<f64> = samples.map(|(_, value)| *value).collect();
        assert!(!values.is_empty() || !labels.is_empty(), "there is no {name}");
        values.iter().sum()
    }

    /// The values of all labels.
    pub(crate) fn label_values(&self) -> Vec<&str> {
        self.samples.keys().flat_map(|(_, labels)| labels).map(|(_, value)| &**value).collect()
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let good = |(index, byte): (usize, u8)| {
        byte.is_ascii_alphabetic() || byte == b'_' || (index > 0 && byte.is_ascii_digit())
    };
    match !name.is_empty() && name.bytes().enumerate().all(good) {
        true => Ok(()),
        false => Err(format!("{name:?} is no name")),
    }
}

/// Labels up to the brace that closes them, and nothing behind it.
fn read_labels(mut rest: &str) -> Result<Labels, String> {
    let mut labels = Labels::new();
    loop {
        let (name, value) = rest.split_once("=\"").ok_or("no value of a label")?;
        check_name(name)?;
        let mut read = String::new();
        let mut chars = value.char_indices();
        let end = loop {
            match chars.next().ok_or("a label does not end")? {
                (end, '"') => break end,
                (_, '\\') => match chars.next() {
                    Some((_, 'n')) => read.push('\n'),
                    Some((_, char @ ('"' | '\\'))) => read.push(char),
                    _ => return Err("an escape that there is not".to_owned()),
                },
                (_, char) => read.push(char),
            }
        };
        if labels.iter().any(|(label, _)| label == name) {
            return Err(format!("{name} is told twice"));
        }
        labels.push((name.to_owned(), read));
        rest = &value[end + 1..];
        match rest {
            "}" => return Ok(labels),
            _ => rest = rest.strip_prefix(',').ok_or("something behind a label")?,
        }
    }
}

#[test]
fn what_is_no_exposition_is_refused() {
    let head = "# HELP a_total Ays.\n# TYPE a_total counter\n";
    assert!(Exposition::read(&format!("{head}a_total{{x=\"1\\n\\\"\\\\\"}} 1\n")).is_ok());
    for text in [
        "a_total 1\n",
        "a_total 1",
        "b_total 1\n",
        "a_total -1\n",
        "a_total one\n",
        "a_total{x=\"1\" 1\n",
        "a_total{x=\"1\"} 1\na_total{x=\"1\"} 2\n",
        "a_total{x=\"\\t\"} 1\n",
        "a_total{1=\"1\"} 1\n",
        "# EOF\n",
    ] {
        let with_head = Exposition::read(&format!("{head}{text}"));
        let good = text == "a_total 1\n";
        assert_eq!(with_head.is_ok(), good, "{text:?}: {with_head:?}");
        assert!(Exposition::read(text).is_err(), "{text:?}");
    }
    let head = "# HELP h Aitches.\n# TYPE h histogram\n";
    let buckets = |one: u32, all: u32| {
        format!(
            "{head}h_bucket{{le=\"1\"}} {one}\nh_bucket{{le=\"+Inf\"}} {all}\nh_sum 1\nh_count 2\n"
        )
    };
    assert!(Exposition::read(&buckets(1, 2)).is_ok());
    assert!(Exposition::read(&buckets(3, 2)).is_err(), "a bucket that shrinks");
    assert!(Exposition::read(&buckets(1, 3)).is_err(), "another count");
}
