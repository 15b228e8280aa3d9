//! Quotas of failure domains and devices: the weights' shares, as near as the spread of replicas
//! allows.
//!
//! The devices form a tree: root, regions, zones, hosts, devices. A level with at least as many
//! domains as replicas lets a domain hold at most one replica of a partition, a level with at most
//! as many asks for at least one. Within those bounds each device's share follows its weight (least
//! sum of share² / weight). The bounds nest, so shares that keep them can always be dealt out to
//! partitions that keep them ([`initial`](super::initial)).

use super::device::Device;
use super::keyed;

/// Depth of devices in the tree; the root has 0.
const DEVICE_LEVEL: usize = 4;
/// Halvings of an interval of doubles; past about 70 nothing changes any more.
const HALVINGS: usize = 100;
/// Shares this near to a whole number of partitions are that number: doubles are not exact.
const SNAP: f64 = 1e-6;

/// A failure domain that may take data.
#[derive(Debug)]
pub(super) struct Node {
    /// Domains within it, by position in [`Tree::nodes`].
    pub(super) children: Vec<usize>,
    /// Device index, for a leaf.
    pub(super) device: Option<usize>,
    weight: f64,
    /// Fewest replicas of one partition that it may hold.
    least: u64,
    /// Most replicas of one partition that it may hold.
    most: u64,
}

/// The devices of nonzero weight by failure domain; a parent stands before its children.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    replicas: u64,
    lightest: f64,
}

impl Tree {
    /// The tree of the devices that may take data: at least one, and as many as replicas.
    pub(super) fn new(devices: &[&Device], replicas: usize) -> Self {
        assert!(devices.len() >= replicas, "{} devices, {replicas} replicas", devices.len());
        let mut sorted = devices.to_vec();
        sorted.sort_by_key(|device| (device.host_key(), device.id));
        let counts = std::array::from_fn(|level| sorted.chunk_by(same_at(level)).count());
        let lightest = sorted.iter().map(|d| d.weight.get()).fold(f64::INFINITY, f64::min);
        let mut tree = Self { nodes: Vec::new(), replicas: replicas as u64, lightest };
        tree.grow(0, &sorted, &counts);
        tree
    }

    fn grow(&mut self, level: usize, members: &[&Device], counts: &[usize; 5]) -> usize {
        let (at, count) = (self.nodes.len(), counts[level] as u64);
        let device = (level == DEVICE_LEVEL).then(|| members[0].id.index());
        let weight = members[0].weight.get();
        self.nodes.push(Node { children: Vec::new(), device, weight, least: 0, most: 0 });
        let mut children = Vec::new();
        if level < DEVICE_LEVEL {
            for group in members.chunk_by(same_at(level + 1)) {
                children.push(self.grow(level + 1, group, counts));
            }
        }
        let alone = level > 0 && count >= self.replicas;
        let wanted = level > 0 && count <= self.replicas;
        let within_least = children.iter().map(|&child| self.nodes[child].least).sum();
        let within_most = children.iter().map(|&child| self.nodes[child].most).sum();
        let room = if device.is_some() { 1 } else { within_most };
        self.nodes[at].least = u64::from(wanted).max(within_least);
        self.nodes[at].most = if alone { room.min(1) } else { room };
        self.nodes[at].children = children;
        at
    }

    /// Whole partitions for every node: children add up to their parent, the root holds all
    /// replicas of `partitions`, and a device is less than one partition off its share. Where a
    /// share lies between two numbers, `loads` (by device) decides, so that a ring at rest stays at
    /// rest.
    pub(super) fn quotas(&self, partitions: u64, loads: &[u64], seed: u64) -> Vec<u64> {
        let held = self.held(loads);
        let mut shares = vec![0.0; self.nodes.len()];
        let mut quotas = vec![0; self.nodes.len()];
        shares[0] = self.replicas as f64;
        quotas[0] = self.replicas * partitions;
        let is_inner = |at: &usize| self.nodes[*at].device.is_none();
        for at in (0..self.nodes.len()).filter(is_inner) {
            self.share_out(at, &mut shares);
            self.round(at, partitions, &shares, &held, seed, &mut quotas);
        }
        quotas
    }

    /// Replicas that each node holds at present.
    fn held(&self, loads: &[u64]) -> Vec<u64> {
        let mut held = vec![0; self.nodes.len()];
        for (at, node) in self.nodes.iter().enumerate().rev() {
            let within: u64 = node.children.iter().map(|&child| held[child]).sum();
            held[at] = node.device.map_or(within, |device| loads[device]);
        }
        held
    }

    /// Share of a node whose devices all took `level` times their weight, within its bounds.
    fn response(&self, at: usize, level: f64) -> f64 {
        let node = &self.nodes[at];
        let free = match node.device {
            Some(_) => level * node.weight,
            None => node.children.iter().map(|&child| self.response(child, level)).sum(),
        };
        free.clamp(node.least as f64, node.most as f64)
    }

    /// Splits a node's share among its children: the level at which they add up to it.
    fn share_out(&self, at: usize, shares: &mut [f64]) {
        let children = &self.nodes[at].children;
        let (mut low, mut high) = (0.0, 1.0 / self.lightest);
        for _ in 0..HALVINGS {
            let middle = f64::midpoint(low, high);
            let total: f64 = children.iter().map(|&child| self.response(child, middle)).sum();
            if total < shares[at] { low = middle } else { high = middle }
        }
        for &child in children {
            shares[child] = self.response(child, high);
        }
    }

    /// Splits a node's whole partitions among its children, each share rounded down or up.
    fn round(
        &self,
        at: usize,
        partitions: u64,
        shares: &[f64],
        held: &[u64],
        seed: u64,
        quotas: &mut [u64],
    ) {
        let mut spare = quotas[at];
        let mut open = Vec::new();
        for &child in &self.nodes[at].children {
            let exact = shares[child] * partitions as f64;
            let floor = (exact + SNAP).floor();
            quotas[child] = floor as u64;
            assert!(quotas[child] <= spare, "children of {at} exceed its {} parts", quotas[at]);
            spare -= quotas[child];
            let rest = (exact - floor).max(0.0);
            if quotas[child] < self.nodes[child].most * partitions {
                let holds_more = held[child] > quotas[child] && rest > SNAP;
                let rest_ppm = (rest * 1e6) as u64;
                open.push((holds_more, rest_ppm, keyed(seed, "round", child as u64, 0), child));
            }
        }
        open.sort_unstable_by(|one, other| other.cmp(one));
        assert!(spare <= open.len() as u64, "{spare} parts of {at} left over");
        for &(.., child) in open.iter().take(spare as usize) {
            quotas[child] += 1;
        }
    }
}

/// Predicate for two devices in the same domain of a level.
fn same_at(level: usize) -> fn(&&Device, &&Device) -> bool {
    match level {
        0 => |_, _| true,
        1 => |one, other| one.region == other.region,
        2 => |one, other| one.zone_key() == other.zone_key(),
        3 => |one, other| one.host_key() == other.host_key(),
        _ => |one, other| one.id == other.id,
    }
}
