//! Digest of a run's work: two runs with equal ones can be compared, whatever their networks, nodes
//! and policies.
//!
//! It covers the objects with their bytes, the jobs with their clients and arrivals, the load
//! beside them, and the faults. Leaves out how any of it is served.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::plan::RunPlan;

/// The digest of a plan's work, in hexadecimal.
#[must_use]
pub fn workload_digest(plan: &RunPlan) -> String {
    let mut all = Parts(Sha256::new());
    for object in &plan.objects {
        all.part("object", object.container.as_bytes());
        all.part("name", object.object.as_bytes());
        all.part("type", object.content_type.as_bytes());
        all.part("content", &Sha256::digest(&object.content));
    }
    for job in &plan.jobs {
        all.part("job", plan.job_text(job).as_bytes());
        all.part("client", &job.client.to_le_bytes());
        let arrival =
            job.arrival.map_or_else(|| "closed".to_owned(), |at| at.as_nanos().to_string());
        all.part("arrival", arrival.as_bytes());
    }
    for load in &plan.scenario.load {
        all.part("load", format!("{load:?}").as_bytes());
    }
    let faults = if plan.faults { plan.scenario.faults.as_slice() } else { &[] };
    for fault in faults {
        all.part("fault", fault.to_string().as_bytes());
    }
    hex(&all.0.finalize())
}

/// Bytes as lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Texts one after the other, such that no two lists hash the same.
struct Parts(Sha256);

impl Parts {
    fn part(&mut self, kind: &str, bytes: &[u8]) {
        self.0.update(kind);
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use bytes::Bytes;
    use stayput_host::KnownContents;
    use stayput_jobs::system_images::SystemImages;
    use stayput_world::executor::TaskOrder;

    use super::*;
    use crate::plan::{LoadedObject, Net, draw_jobs};
    use crate::scenario::Scenario;

    fn planned() -> RunPlan {
        let object = LoadedObject {
            container: "demo".to_owned(),
            object: "log".to_owned(),
            content: Bytes::from_static(b"banana"),
            content_type: "text/plain".to_owned(),
        };
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../banana.toml");
        let scenario = Scenario::parse(include_str!("../../../banana.toml"), &file).unwrap();
        RunPlan {
            jobs: draw_jobs(&scenario, 1),
            scenario,
            seed: 1,
            net: Net::Fabric,
            images: SystemImages::default(),
            objects: vec![object],
            contents: KnownContents::default(),
            faults: true,
            order: TaskOrder::Fixed,
        }
    }

    #[test]
    fn objects_jobs_and_faults_are_in_it() {
        let same = workload_digest(&planned());
        assert_eq!(workload_digest(&planned()), same);
        let changed = |change: &dyn Fn(&mut RunPlan)| {
            let mut plan = planned();
            change(&mut plan);
            workload_digest(&plan)
        };
        for (what, other) in [
            ("content", changed(&|plan| plan.objects[0].content = Bytes::from_static(b"cherry"))),
            ("name", changed(&|plan| plan.objects[0].object.push('x'))),
            ("a job", changed(&|plan| drop(plan.jobs.pop()))),
            ("an arrival", changed(&|plan| plan.jobs[3].arrival = None)),
            ("a client", changed(&|plan| plan.jobs[3].client += 1)),
            ("a job's text", changed(&|plan| plan.scenario.work[0].jobs[0].text.push(' '))),
            ("a fault", changed(&|plan| drop(plan.scenario.faults.pop()))),
            ("faults at all", changed(&|plan| plan.faults = false)),
        ] {
            assert_ne!(other, same, "{what}");
        }
    }

    #[test]
    fn network_nodes_and_policies_are_not_in_it() {
        let mut plan = planned();
        plan.scenario.node.cores += 1;
        plan.scenario.network.worker.trunk = None;
        plan.scenario.policies.clear();
        assert_eq!(workload_digest(&plan), workload_digest(&planned()));
    }
}
