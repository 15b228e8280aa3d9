//! An exact max-min solver: raises the rates of all flows together, and freezes those whose
//! resource is full.
//!
//! Progressive filling, in fractions of the resources' capacities. Knows nothing of the network
//! that it judges.

/// Capacity that some flows share.
#[derive(Clone, Debug)]
pub struct Resource {
    /// Capacity, in the unit of the rates.
    pub capacity: f64,
    /// Flows by their index, each at most once.
    pub flows: Vec<usize>,
}

/// Max-min fair rates of `flows` flows.
///
/// # Panics
/// A flow uses no resource.
#[must_use]
pub fn max_min(flows: usize, resources: &[Resource]) -> Vec<f64> {
    let mut rates: Vec<Option<f64>> = vec![None; flows];
    while rates.contains(&None) {
        let share = |resource: &Resource| {
            let open = resource.flows.iter().filter(|flow| rates[**flow].is_none()).count();
            let taken: f64 = resource.flows.iter().filter_map(|flow| rates[*flow]).sum();
            (open > 0).then(|| (resource.capacity - taken) / open as f64)
        };
        let (level, tightest) = resources
            .iter()
            .filter_map(|resource| share(resource).map(|level| (level, resource)))
            .min_by(|(a, _), (b, _)| a.total_cmp(b))
            .expect("each open flow uses a resource");
        for flow in &tightest.flows {
            rates[*flow].get_or_insert(level);
        }
    }
    rates.into_iter().flatten().collect()
}

#[test]
fn flows_of_one_resource_share_it_alike() {
    let one = Resource { capacity: 30.0, flows: vec![0, 1, 2] };
    assert_eq!(max_min(3, &[one]), [10.0, 10.0, 10.0]);
}

#[test]
fn what_a_slow_flow_leaves_goes_to_the_others() {
    // Two flows of one card, one of them through a slow trunk: the textbook's example.
    let card = Resource { capacity: 10.0, flows: vec![0, 1] };
    let trunk = Resource { capacity: 2.0, flows: vec![1] };
    assert_eq!(max_min(2, &[card, trunk]), [8.0, 2.0]);
}
