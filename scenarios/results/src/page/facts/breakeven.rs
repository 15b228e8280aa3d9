//! Break-even map: the measured gain over output ratio and bandwidth, and the rule's prediction.
//!
//! The rule knows one job on a quiet network: S bytes of input, a share σ of them as output, a path
//! of bandwidth B, rates R at which each side reads and computes, and t0 to carry the code. If
//! transfer and compute follow each other (store and forward), running near the data wins if σ < 1
//! − B(1/R_near − 1/R_far) − B·t0/S; if they overlap, t0 + max(S/R_near, σS/B) is weighed against
//! max(S/B, S/R_far). Rates and t0 are taken from the runs. It leaves out queues, latency of the
//! network, retries and interference between jobs.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::time::Duration;

use stayput_engine::quantity::parse_byte_rate;
use stayput_engine::record::PolicyRecord;

use super::{Facts, Point as SweepPoint, change, short_key};
use crate::stats::{ComparedFigure, DOWNLOAD, Estimate, ON_STORAGE, WarmUp, completed_after};

/// Cell of the break-even map.
#[derive(Clone, Debug)]
pub(in crate::page) struct Point {
    /// The point of the sweep.
    pub(in crate::page) name: String,
    /// Gain in the median latency of each seed as a fraction of download's: positive where near is
    /// faster.
    pub(in crate::page) gain: Option<Estimate>,
    /// Bandwidth in bytes per second.
    pub(in crate::page) bandwidth: f64,
    /// Bytes and rates of a job, as inputs of the rule.
    pub(in crate::page) rates: Rates,
    /// Queue and retry times of the jobs as a share of their latency, under near and far.
    pub(in crate::page) waits: [f64; 2],
}

/// Inputs of the break-even rule: sizes and processing rates of a job.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::page) struct Rates {
    /// Bytes of input.
    pub(in crate::page) input: f64,
    /// Output over input.
    pub(in crate::page) ratio: f64,
    /// Bytes per second of reading and computing near the data.
    pub(in crate::page) near: f64,
    /// Bytes per second of reading and computing far from the data.
    pub(in crate::page) far: f64,
    /// Bytes of code for each job.
    pub(in crate::page) code: f64,
}

impl Rates {
    /// The output ratio below which near wins if transfer and compute follow each other.
    pub(in crate::page) fn frontier_in_turn(&self, bandwidth: f64) -> f64 {
        1.0 - bandwidth * (1.0 / self.near - 1.0 / self.far) - self.code / self.input
    }

    /// The output ratio below which near wins if transfer and compute overlap; −1 if no ratio is
    /// small enough.
    pub(in crate::page) fn frontier_overlapped(&self, bandwidth: f64) -> f64 {
        let far = (self.input / bandwidth).max(self.input / self.far);
        let left = far - self.code / bandwidth;
        if left > self.input / self.near { left * bandwidth / self.input } else { -1.0 }
    }

    /// The predicted gains, as fractions of far's time: in turn, overlapped.
    pub(in crate::page) fn gains(&self, bandwidth: f64) -> (f64, f64) {
        let (out, code) = (self.ratio * self.input / bandwidth, self.code / bandwidth);
        let (near, far, carry) =
            (self.input / self.near, self.input / self.far, self.input / bandwidth);
        let in_turn = 1.0 - (code + near + out) / (carry + far);
        let overlapped = 1.0 - (code + near.max(out)) / carry.max(far);
        (in_turn, overlapped)
    }
}

impl Point {
    /// True if the interval of the measurement leaves the sign of the gain open.
    pub(in crate::page) fn is_open(&self) -> bool {
        self.side().is_eq()
    }

    /// True if the measured sign differs from that which both forms of the rule predict.
    pub(in crate::page) fn disagrees(&self) -> bool {
        let (in_turn, overlapped) = self.rates.gains(self.bandwidth);
        match self.side() {
            Ordering::Greater => in_turn < 0.0 && overlapped < 0.0,
            Ordering::Less => in_turn > 0.0 && overlapped > 0.0,
            Ordering::Equal => false,
        }
    }

    /// The interval's side of no gain; `Equal` if it holds that, or there is none.
    fn side(&self) -> Ordering {
        self.gain.and_then(|gain| gain.beside(0.0)).unwrap_or(Ordering::Equal)
    }
}

/// Rows of the map: name, output ratio, and a cell for each bandwidth.
pub(in crate::page) type Rows = Vec<(String, f64, Vec<Option<Point>>)>;

/// Break-even map of a sweep.
#[derive(Clone, Debug)]
pub(in crate::page) struct BreakEven {
    /// The setting that is the bandwidth.
    pub(in crate::page) key: String,
    /// Its values, ascending, as they were written, and in bytes per second.
    pub(in crate::page) columns: Vec<(String, f64)>,
    /// The rows, the greatest ratio above.
    pub(in crate::page) rows: Rows,
}

impl BreakEven {
    /// The map, if a bandwidth was swept and both policies ran.
    pub(in crate::page) fn of(facts: &Facts<'_>) -> Option<Self> {
        facts.compared()?;
        let is_rate = |(_, values): &&(String, Vec<String>)| {
            values.len() > 1 && values.iter().all(|value| bytes_per_second(value).is_some())
        };
        let (key, values) = facts.results.head.axes.iter().find(is_rate)?;
        let mut columns: Vec<(String, f64)> = values
            .iter()
            .filter_map(|value| Some((value.clone(), bytes_per_second(value)?)))
            .collect();
        columns.sort_by(|a, b| a.1.total_cmp(&b.1));
        let mut rows: BTreeMap<Vec<String>, Vec<Option<Point>>> = BTreeMap::new();
        for point in &facts.points {
            let Some(column) = point
                .settings
                .get(key)
                .and_then(|value| columns.iter().position(|(known, _)| known == value))
            else {
                continue;
            };
            let Some(cell) = cell(point, columns[column].1, facts.warm_up()) else { continue };
            let others = point.settings.iter().filter(|(other, _)| *other != key);
            let mut row = vec![point.scenario.to_owned()];
            row.extend(others.map(|(other, value)| format!("{} = {value}", short_key(other))));
            rows.entry(row).or_insert_with(|| vec![None; columns.len()])[column] = Some(cell);
        }
        let one_scenario = rows
            .keys()
            .all(|row| row.first() == rows.keys().next().and_then(|first| first.first()));
        let name = |row: Vec<String>| {
            if one_scenario && row.len() > 1 { row[1..].join(", ") } else { row.join(", ") }
        };
        let mut rows: Rows =
            rows.into_iter().map(|(row, cells)| (name(row), mean_ratio(&cells), cells)).collect();
        rows.sort_by(|a, b| b.1.total_cmp(&a.1));
        (!rows.is_empty()).then(|| Self { key: key.clone(), columns, rows })
    }

    /// All cells.
    pub(in crate::page) fn cells(&self) -> impl Iterator<Item = &Point> {
        self.rows.iter().flat_map(|row| row.2.iter().flatten())
    }

    /// The frontier of a column's jobs as a height on the map, in rows from 0: nearer to the top
    /// means that near wins more.
    pub(in crate::page) fn height(&self, column: usize, overlapped: bool) -> Option<f64> {
        let bandwidth = self.columns[column].1;
        let of = |point: &Point| {
            if overlapped {
                point.rates.frontier_overlapped(bandwidth)
            } else {
                point.rates.frontier_in_turn(bandwidth)
            }
        };
        let heights: Vec<(f64, f64)> = self
            .rows
            .iter()
            .filter_map(|(_, ratio, cells)| Some((*ratio, of(cells[column].as_ref()?))))
            .collect();
        // Each row's own jobs say whether their ratio lies below the frontier; between rows the
        // place is that of the ratio's logarithm.
        let wins = heights.iter().take_while(|(ratio, limit)| ratio >= limit).count();
        if wins == 0 || wins == heights.len() {
            return (!heights.is_empty()).then_some(wins as f64 - 0.5);
        }
        let ((above, _), (below, limit)) = (heights[wins - 1], heights[wins]);
        let log = |ratio: f64| ratio.max(1e-9).ln();
        let part =
            ((log(above) - log(limit)) / (log(above) - log(below)).max(1e-9)).clamp(0.05, 0.95);
        Some(wins as f64 - 1.0 + part)
    }
}

fn mean_ratio(cells: &[Option<Point>]) -> f64 {
    let ratios: Vec<f64> = cells.iter().flatten().map(|cell| cell.rates.ratio).collect();
    if ratios.is_empty() { 0.0 } else { ratios.iter().sum::<f64>() / ratios.len() as f64 }
}

fn cell(point: &SweepPoint<'_>, bandwidth: f64, warm_up: WarmUp) -> Option<Point> {
    let pair = point.pair(ON_STORAGE, DOWNLOAD, warm_up)?;
    let gain = change(&pair, ComparedFigure::LatencyP50).map(Estimate::negated);
    let (near, far) = (Sums::of(point, ON_STORAGE), Sums::of(point, DOWNLOAD));
    let rates = Rates {
        input: near.input / near.jobs,
        ratio: near.output / near.input,
        near: near.input / (near.work_us * 1e-6),
        far: far.input / (far.work_us * 1e-6),
        code: near.code / near.jobs,
    };
    let known = [rates.input, rates.ratio, rates.near, rates.far, rates.code]
        .iter()
        .all(|figure| figure.is_finite());
    known.then(|| Point {
        name: point.name(),
        gain,
        bandwidth,
        rates,
        waits: [near.waits(), far.waits()],
    })
}

/// Sums over the completed jobs of a policy at a point.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    jobs: f64,
    input: f64,
    output: f64,
    work_us: f64,
    code: f64,
    waits_us: f64,
    all_us: f64,
}

impl Sums {
    fn of(point: &SweepPoint<'_>, policy: &str) -> Self {
        let mut sums = Self::default();
        for (_, record) in point.of_policy(policy) {
            sums.code += code_bytes(record);
            for job in completed_after(record, WarmUp::NONE) {
                sums.jobs += 1.0;
                sums.input += job.object_bytes as f64;
                sums.output += job.answer_bytes as f64;
                sums.work_us += micros(job.phases.compute + job.phases.disk);
                sums.waits_us += micros(job.phases.queue + job.phases.retry);
                sums.all_us += micros(job.latency());
            }
        }
        sums
    }

    fn waits(&self) -> f64 {
        self.waits_us / self.all_us.max(1.0)
    }
}

fn micros(length: Duration) -> f64 {
    length.as_secs_f64() * 1e6
}

fn code_bytes(record: &PolicyRecord) -> f64 {
    record.ledger.iter().filter(|row| row.purpose == "job-code").map(|row| row.body as f64).sum()
}

/// A bandwidth as people write it, in bytes per second; rates of disks, which are written in bytes,
/// are none.
fn bytes_per_second(text: &str) -> Option<f64> {
    let rate = parse_byte_rate(text).ok().filter(|_| text.contains("bit"))?;
    Some(rate.get() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(ratio: f64) -> Rates {
        Rates { input: 8e6, ratio, near: 400e6, far: 400e6, code: 8e4 }
    }

    #[test]
    fn equal_rates_leave_the_output_and_the_code_alone_to_decide() {
        let frontier = rates(0.0).frontier_in_turn(125e6);
        assert!((frontier - 0.99).abs() < 1e-9, "{frontier}");
        let slow_storage = Rates { near: 100e6, ..rates(0.0) };
        assert!(slow_storage.frontier_in_turn(125e6) < 0.1);
        assert!(slow_storage.frontier_in_turn(12.5e6) > 0.8);
    }

    #[test]
    fn both_forms_gain_nothing_on_their_own_frontier() {
        for bandwidth in [12.5e6, 125e6] {
            let on = |ratio: f64| Rates { near: 300e6, ..rates(ratio) };
            let in_turn = on(on(0.0).frontier_in_turn(bandwidth)).gains(bandwidth).0;
            assert!(in_turn.abs() < 1e-9, "{in_turn}");
            let overlapped = on(on(0.0).frontier_overlapped(bandwidth)).gains(bandwidth).1;
            assert!(overlapped.abs() < 1e-9, "{overlapped}");
        }
    }

    #[test]
    fn overlapped_work_that_is_slower_near_than_the_download_never_wins() {
        let slow = Rates { near: 50e6, ..rates(0.0) };
        assert!(slow.frontier_overlapped(125e6) < 0.0);
        assert!(slow.gains(125e6).1 < 0.0);
    }

    #[test]
    fn bandwidths_are_read_as_scenarios_write_them() {
        assert_eq!(bytes_per_second("1 Gbit/s"), Some(125e6));
        assert_eq!(bytes_per_second("1Gbit/s"), Some(125e6));
        assert_eq!(bytes_per_second("8 MiB"), None);
        assert_eq!(bytes_per_second("500 MB/s"), None);
    }
}
