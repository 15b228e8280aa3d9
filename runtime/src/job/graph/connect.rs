//! Pipes between sessions, of `connect` and of `zvm://` paths, and the gangs that they make.
//!
//! Leaves out the bytes, which drivers move.

use super::super::error::{FieldPlace, Flaw, NodeRef};
use super::super::{DevicePath, Job, NodeName, PipeEnd};
use super::{Gang, JobDevice, JobGraph, JobPath, JobPipe, PIPES_MAX, PipeTip};
use crate::device::{DeviceKind, DeviceMode};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn connect(job: &Job, graph: &mut JobGraph) -> Result<(), Flaw> {
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, session) in graph.sessions.iter().enumerate() {
        members.entry(session.node).or_default().push(index);
    }
    let mut layer = Layer { job, graph, members, joined: BTreeSet::new() };
    layer.lay_named()?;
    layer.lay_connections()?;
    graph.gangs = gangs(job, graph);
    Ok(())
}

struct Layer<'a> {
    job: &'a Job,
    graph: &'a mut JobGraph,
    /// Sessions of each node.
    members: BTreeMap<usize, Vec<usize>>,
    /// Writing and reading nodes that a `zvm://` path connects.
    joined: BTreeSet<(usize, usize)>,
}

impl Layer<'_> {
    /// Adds the pipes of `zvm://` paths.
    fn lay_named(&mut self) -> Result<(), Flaw> {
        for (node_index, node) in self.job.nodes.iter().enumerate() {
            for (index, device) in node.devices.iter().enumerate() {
                let Some(DevicePath::Zvm { node: target, device: peer }) = &device.path else {
                    continue;
                };
                let place = FieldPlace::of(NodeRef::Named(node.name.clone()));
                let place = place.field("devices").index(index).field("path");
                let (Some(target), Some(way)) = (self.index_of(target), device.class.pipe_end())
                else {
                    return Err(place.flaw("leads to no node of the job"));
                };
                let (from, to) = match way {
                    PipeEnd::Writer => (node_index, target),
                    PipeEnd::Reader => (target, node_index),
                };
                let (own, others) = (self.of(node_index), self.of(target));
                let ([own], [other]) = (own.as_slice(), others.as_slice()) else {
                    return Err(place.flaw(
                        "connects one device to several sessions: `connect` gives each its own",
                    ));
                };
                self.joined.insert((from, to));
                self.lay_one(way, (*own, &device.name), (*other, peer), &place)?;
            }
        }
        Ok(())
    }

    fn lay_one(
        &mut self,
        way: PipeEnd,
        (own, name): (usize, &str),
        (other, peer): (usize, &str),
        place: &FieldPlace,
    ) -> Result<(), Flaw> {
        let near = self.tip(own, name, way);
        let far = match way {
            PipeEnd::Writer => self.tip(other, peer, PipeEnd::Reader),
            PipeEnd::Reader => self.tip(other, peer, PipeEnd::Writer),
        };
        let (from, to) = match way {
            PipeEnd::Writer => (near, far),
            PipeEnd::Reader => (far, near),
        };
        let laid = |tip: PipeTip| match &self.device(tip).path {
            JobPath::Pipe(pipe) => Some(*pipe),
            JobPath::Client | JobPath::Object(_) => None,
        };
        match (laid(from), laid(to)) {
            (None, None) => self.lay(from, to, place),
            // Both ends may name each other.
            (Some(one), Some(same)) if one == same => Ok(()),
            _ => Err(place.flaw(format!("leads to \"{peer}\", to which another path leads"))),
        }
    }

    /// Adds the pipes of `connect`, from each session of a node to each of the other.
    fn lay_connections(&mut self) -> Result<(), Flaw> {
        for (node_index, node) in self.job.nodes.iter().enumerate() {
            for (index, name) in node.connect.iter().enumerate() {
                let place = FieldPlace::of(NodeRef::Named(node.name.clone()));
                let place = place.field("connect").index(index);
                let target =
                    self.index_of(name).ok_or_else(|| place.flaw("names no node of the job"))?;
                if self.joined.contains(&(node_index, target)) {
                    continue;
                }
                for from in self.of(node_index) {
                    for to in self.of(target).into_iter().filter(|to| *to != from) {
                        let names =
                            [from, to].map(|session| self.graph.sessions[session].name.clone());
                        let writer = self.tip(from, &format!("out/{}", names[1]), PipeEnd::Writer);
                        let reader = self.tip(to, &format!("in/{}", names[0]), PipeEnd::Reader);
                        self.lay(writer, reader, &place)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn lay(&mut self, from: PipeTip, to: PipeTip, place: &FieldPlace) -> Result<(), Flaw> {
        let pipe = self.graph.pipes.len();
        if pipe >= PIPES_MAX {
            return Err(place.flaw(format!("makes more than {PIPES_MAX} connections of this job")));
        }
        self.graph.pipes.push(JobPipe { from, to });
        for tip in [from, to] {
            self.graph.sessions[tip.session].devices[tip.device].path = JobPath::Pipe(pipe);
        }
        Ok(())
    }

    fn index_of(&self, name: &NodeName) -> Option<usize> {
        self.job.nodes.iter().position(|node| node.name == *name)
    }

    fn of(&self, node: usize) -> Vec<usize> {
        self.members.get(&node).cloned().unwrap_or_default()
    }

    fn device(&self, tip: PipeTip) -> &JobDevice {
        &self.graph.sessions[tip.session].devices[tip.device]
    }

    /// Device of that name, added if the session has none.
    fn tip(&mut self, session: usize, name: &str, end: PipeEnd) -> PipeTip {
        let devices = &mut self.graph.sessions[session].devices;
        let device = devices.iter().position(|device| device.name == name).unwrap_or_else(|| {
            devices.push(JobDevice {
                name: name.to_owned(),
                kind: match end {
                    PipeEnd::Reader => DeviceKind::SequentialRead,
                    PipeEnd::Writer => DeviceKind::SequentialWrite,
                },
                path: JobPath::Client,
                content_type: None,
                meta: BTreeMap::new(),
                mode: DeviceMode::Pipe,
                min_size: 0,
            });
            devices.len() - 1
        });
        PipeTip { session, device }
    }
}

/// Connected components of sessions under pipes.
fn gangs(job: &Job, graph: &JobGraph) -> Vec<Gang> {
    let mut leader: Vec<usize> = (0..graph.sessions.len()).collect();
    fn find(leader: &mut [usize], mut of: usize) -> usize {
        while leader[of] != of {
            leader[of] = leader[leader[of]];
            of = leader[of];
        }
        of
    }
    for pipe in &graph.pipes {
        let (one, other) =
            (find(&mut leader, pipe.from.session), find(&mut leader, pipe.to.session));
        leader[one.max(other)] = one.min(other);
    }
    let mut gangs: BTreeMap<usize, Gang> = BTreeMap::new();
    for session in 0..graph.sessions.len() {
        let gang = gangs
            .entry(find(&mut leader, session))
            .or_insert(Gang { sessions: Vec::new(), copies: 1 });
        gang.sessions.push(session);
        let node = &job.nodes[graph.sessions[session].node];
        gang.copies = gang.copies.max(node.replicate.copies());
    }
    gangs.into_values().collect()
}
