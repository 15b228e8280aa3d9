//! Exact ranks, and the interval of a median.

use std::cmp::Ordering;

use super::*;

proptest! {
    #[test]
    fn a_percentile_is_the_least_value_that_so_many_do_not_exceed(
        values in prop::collection::vec(prop_oneof![0_u64..9, any::<u64>()], 0..40),
        percent in 1_usize..=100,
    ) {
        let sample: Sample = values.iter().copied().collect();
        prop_assert_eq!(sample.percentile(percent), percentile(&values, percent));
        prop_assert_eq!(sample.min(), values.iter().copied().min());
        prop_assert_eq!(sample.max(), values.iter().copied().max());
        prop_assert_eq!((sample.len(), sample.is_empty()), (values.len(), values.is_empty()));
    }

    #[test]
    fn the_average_is_exact_where_numbers_are_small(
        values in prop::collection::vec(0_u64..1 << 40, 1..40),
    ) {
        let mean = values.iter().copied().collect::<Sample>().mean();
        prop_assert_eq!(mean, Some(values.iter().sum::<u64>() as f64 / values.len() as f64));
    }

    #[test]
    fn quantiles_grow_with_their_part_and_reach_both_ends(
        values in prop::collection::vec(any::<u64>(), 1..40), parts in 1_usize..200,
    ) {
        let sample: Sample = values.iter().copied().collect();
        let all: Vec<u64> = (0..=parts).filter_map(|part| sample.quantile(part, parts)).collect();
        prop_assert_eq!(all.len(), parts + 1);
        prop_assert!(all.is_sorted());
        prop_assert_eq!((Some(all[0]), all.last().copied()), (sample.min(), sample.max()));
    }

    #[test]
    fn an_estimate_lies_in_its_interval_and_its_ends_are_values(
        values in prop::collection::vec(-1e6_f64..1e6, 1..60),
    ) {
        let estimate = Estimate::of(values.iter().copied()).expect("there are values");
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        let below = sorted.iter().filter(|value| **value <= estimate.median).count();
        let above = sorted.iter().filter(|value| **value >= estimate.median).count();
        prop_assert!(2 * below >= sorted.len() && 2 * above >= sorted.len());
        prop_assert_eq!(estimate.count, values.len());
        match ranks(values.len()) {
            None => prop_assert_eq!(estimate.interval(), None),
            Some((low, high)) => {
                prop_assert_eq!(estimate.interval(), Some((sorted[low - 1], sorted[high - 1])));
                prop_assert!(sorted[low - 1] <= estimate.median);
                prop_assert!(estimate.median <= sorted[high - 1]);
            }
        }
    }

    #[test]
    fn neither_order_nor_what_is_no_number_changes_an_estimate(
        values in prop::collection::vec(-1e6_f64..1e6, 1..20), seed: prop::sample::Index,
    ) {
        let estimate = Estimate::of(values.iter().copied());
        let mut turned = values.clone();
        turned.rotate_left(seed.index(values.len()));
        let noise = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
        prop_assert_eq!(Estimate::of(turned.into_iter().chain(noise)), estimate);
    }

    #[test]
    fn the_estimate_of_the_other_sign_is_that_of_the_values_with_the_other_sign(
        values in prop::collection::vec(-1_000_i32..1_000, 1..40), at in -1_000_i32..1_000,
    ) {
        let of = |sign: i32| Estimate::of(values.iter().map(|value| f64::from(sign * value)));
        let (one, other) = (of(1).expect("there are values"), of(-1).expect("there are values"));
        prop_assert_eq!(one.negated(), other);
        prop_assert_eq!(one.negated().negated(), one);
        let beside = one.beside(f64::from(at));
        prop_assert_eq!(other.beside(f64::from(-at)), beside.map(Ordering::reverse));
        let doubled = one.map(|value| 2.0 * value);
        prop_assert_eq!(doubled.beside(2.0 * f64::from(at)), beside);
    }
}

/// Ranks of the order statistics by whole numbers: the first that misses at most one of forty.
fn exact_ranks(count: usize) -> Option<(usize, usize)> {
    let mut binomial: u128 = 1;
    let (mut missed, mut low) = (0_u128, 0);
    for k in 0..=count {
        missed += binomial;
        if 40 * missed > 1 << count {
            break;
        }
        low = k + 1;
        binomial = binomial * (count - k) as u128 / (k + 1) as u128;
    }
    (low > 0).then(|| (low, count + 1 - low))
}

#[test]
fn ranks_are_those_of_exact_binomials() {
    for count in 0..=110 {
        assert_eq!(ranks(count), exact_ranks(count), "{count}");
    }
}

#[test]
fn ranks_are_symmetrical_and_come_no_nearer_to_the_ends_as_values_become_more() {
    let mut before = 0;
    for count in VALUES_MIN..3_000 {
        let (low, high) = ranks(count).expect("there are enough");
        assert_eq!(low + high, count + 1);
        assert!(low >= before && low < high, "{count}");
        before = low;
    }
}
