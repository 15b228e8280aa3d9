//! Placement of a job's sessions: the proxy's view of each, and the policy's decision.
//!
//! Each session is decided on once, also when it is tried several times. Leaves out the policies.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use stayput_host::Host;
use stayput_store::swift::Path;
use stayput_store::swift::{ReplicaTarget, RingLookup};

use super::inputs::JobInputs;
use super::observations::Observations;
use crate::placement::{
    ClusterRates, PlacementDecision, PlacementPolicy, PlacementView, ReplicaView, SessionPlace,
    WorkerView,
};
use crate::plan::{JobPlan, PlannedImage, PlannedPath, SessionPlan};
use crate::session::prepare::ModuleSource;

/// Candidates of a session that are tried, each once.
pub(super) const ATTEMPTS_MAX: usize = 8;

/// Places and rates of the cluster's hosts, as a proxy is configured.
#[derive(Clone, Debug)]
pub struct ClusterTopology {
    /// Zones of the nodes, counted from 1 over all regions.
    pub zones: BTreeMap<IpAddr, u32>,
    /// One-way latency from the proxy to a node of each of these zones.
    pub latencies: BTreeMap<u32, Duration>,
    /// Addresses of the workers, beginning with one of the proxy's own.
    pub workers: Vec<SocketAddr>,
    /// Rates of its machines and links.
    pub rates: ClusterRates,
}

/// Placer of one job's sessions.
pub(super) struct SessionPlacer<'a> {
    pub(super) policy: &'static dyn PlacementPolicy,
    pub(super) ring: &'a dyn RingLookup,
    pub(super) host: &'a Host,
    pub(super) topology: &'a ClusterTopology,
    pub(super) observations: &'a Observations,
    /// Jobs that run on the proxy itself.
    pub(super) at_proxy: u32,
    /// Names the job.
    pub(super) id: &'a str,
    pub(super) posted_to: &'a Path,
    /// Place that the client asks for, if it does.
    pub(super) asked: Option<&'a str>,
    pub(super) plan: &'a JobPlan,
    pub(super) inputs: &'a JobInputs,
    pub(super) decided: RefCell<BTreeMap<usize, Rc<PlacementDecision>>>,
}

impl SessionPlacer<'_> {
    /// The policy's decision for a session.
    pub(super) fn decision(&self, session: usize) -> Rc<PlacementDecision> {
        if let Some(decision) = self.decided.borrow().get(&session) {
            return Rc::clone(decision);
        }
        let decision = Rc::new(self.policy.decide(&self.view(session)));
        self.decided.borrow_mut().insert(session, Rc::clone(&decision));
        decision
    }

    /// The nodes among a session's candidates, best first.
    pub(super) fn nodes(&self, session: usize) -> Vec<ReplicaTarget> {
        let node = |place: &SessionPlace| match place {
            SessionPlace::Node(target) => Some(target.clone()),
            SessionPlace::Proxy | SessionPlace::Worker(_) => None,
        };
        self.decision(session).candidates.iter().filter_map(node).collect()
    }

    fn view(&self, session: usize) -> PlacementView<'_> {
        let plan = &self.plan.sessions[session];
        let kind = kind_of(plan);
        let near = self.inputs.near(plan).map(|located| located.holders.as_slice());
        let who = format!("{}/{}", self.id, plan.session);
        let gangs = self.plan.gangs.iter();
        PlacementView {
            executions: gangs.map(|it| it.sessions.len() * usize::from(it.copies)).sum(),
            replicas: self.replicas(near.unwrap_or_default()),
            elsewhere: self.replicas(&self.elsewhere(plan)),
            workers: self.workers(),
            at_proxy: self.at_proxy,
            input_bytes: self.input_bytes(plan),
            module_bytes: self.module_bytes(plan),
            learned: self.observations.learned(&kind),
            delays: self.observations.delays(&kind),
            rates: &self.topology.rates,
            asked: self.asked,
            draw: self.host.entropy("placement", who.as_bytes(), 0),
        }
    }

    fn replicas(&self, targets: &[ReplicaTarget]) -> Vec<ReplicaView> {
        let now = self.host.now();
        let replica = |target: &ReplicaTarget| {
            let zone = self.topology.zones.get(&target.ip).copied().unwrap_or(0);
            ReplicaView {
                target: target.clone(),
                zone,
                latency: self.topology.latencies.get(&zone).copied().unwrap_or_default(),
                outstanding: self.observations.outstanding(target.ip),
                load: self.observations.load(target.ip, now),
            }
        };
        targets.iter().map(replica).collect()
    }

    fn workers(&self) -> Vec<WorkerView> {
        let seen = |address: &SocketAddr| WorkerView {
            address: *address,
            outstanding: self.observations.outstanding(address.ip()),
        };
        self.topology.workers.iter().map(seen).collect()
    }

    /// Devices that will do if there is no object to be near to: other ones for each session.
    fn elsewhere(&self, plan: &SessionPlan) -> Vec<ReplicaTarget> {
        let own = format!("{}/{}", self.id, plan.session);
        let own = Path::object_of(self.posted_to.account(), ".jobs", &own);
        let near = plan.attached.clone().or(own.ok());
        let partition = self.ring.partition(near.as_ref().unwrap_or(self.posted_to));
        let handoffs = self.ring.handoffs(partition, ATTEMPTS_MAX);
        self.ring.primaries(partition).into_iter().chain(handoffs).collect()
    }

    /// Bytes that a session reads, as far as its objects are known.
    pub(super) fn input_bytes(&self, plan: &SessionPlan) -> u64 {
        let readable = plan.devices.iter().filter(|device| device.kind.is_readable());
        let bytes = readable.map(|device| match &device.path {
            PlannedPath::Object(path) => self.inputs.size(path),
            PlannedPath::Client => self.inputs.posted_bytes(),
            PlannedPath::Listing(_) | PlannedPath::Pipe(_) => 0,
        });
        bytes.fold(0, u64::saturating_add)
    }

    fn module_bytes(&self, plan: &SessionPlan) -> u64 {
        let module = plan.module.object().map_or(0, |path| self.inputs.size(path));
        let images = plan.images.iter().map(|image| match image {
            PlannedImage::Object(path) => self.inputs.size(path),
            PlannedImage::Posted => self.inputs.image_bytes(),
        });
        images.fold(module, u64::saturating_add)
    }
}

/// Kind of a session: sessions of the same module and arguments are expected to cost the same.
pub(super) fn kind_of(plan: &SessionPlan) -> String {
    let module = match &plan.module {
        ModuleSource::Object(path) => path.to_string(),
        ModuleSource::InImage { image, path } => {
            format!("{}:{path}", image.as_deref().unwrap_or_default())
        }
    };
    // The first is the session's own name.
    let args: Vec<&str> = plan.args.iter().skip(1).map(String::as_str).collect();
    format!("{module} {}", args.join(" "))
}
