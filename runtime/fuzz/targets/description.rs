//! Job descriptions: any bytes. What is parsed makes sessions or says why not, and its paths are
//! written as they are read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stayput_runtime::job::{
    self, DescriptionError, ExecPath, Matches, ObjectPath, attached_device,
};

fn written_as_read(path: &ObjectPath) {
    assert_eq!(ObjectPath::parse(&path.to_string()).as_ref(), Ok(path));
}

fuzz_target!(|bytes: &[u8]| {
    let _ = job::unknown_fields(bytes);
    let job = match job::parse(bytes) {
        Ok(job) => job,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            if let DescriptionError::Flawed(flaws) = &error {
                assert!((1..=job::FLAWS_MAX).contains(&flaws.listed().len()));
            }
            return;
        }
    };
    let _ = job.check_without_body();
    for node in &job.nodes {
        let _ = attached_device(node);
        node.devices.iter().filter_map(|device| device.object()).for_each(written_as_read);
        if let ExecPath::Swift(path) = &node.exec.path {
            written_as_read(path);
        }
    }
    let mut matches = Matches::default();
    for pattern in job.wildcards() {
        matches.insert(pattern.clone(), vec![pattern.clone()]);
    }
    if let Ok(graph) = job.graph(&matches) {
        assert!(graph.sessions.len() >= job.nodes.len());
        let in_gangs: usize = graph.gangs.iter().map(|gang| gang.sessions.len()).sum();
        assert_eq!(in_gangs, graph.sessions.len(), "each session is in one gang");
    }
});
