//! Sessions of nodes: one, a given number, or one for each match of a wildcard.
//!
//! Leaves out pipes, which are added when all sessions are known.

use super::super::error::{FieldPlace, Flaw, NodeRef};
use super::super::{
    DeviceClass, DevicePath, Job, JobNode, NodeDevice, ObjectPath, attached_device,
};
use super::{Attached, JobDevice, JobGraph, JobImage, JobPath, JobSession, Matches, SESSIONS_MAX};
use std::collections::BTreeSet;

/// All sessions, without their pipes.
pub(super) fn sessions(job: &Job, matches: &Matches) -> Result<JobGraph, Flaw> {
    let mut sessions = Vec::new();
    let mut names = BTreeSet::new();
    for (index, node) in job.nodes.iter().enumerate() {
        let place = FieldPlace::of(NodeRef::Named(node.name.clone()));
        for member in members(node, matches, &place)? {
            if sessions.len() >= SESSIONS_MAX {
                let why = format!("makes more than {SESSIONS_MAX} sessions of this job");
                return Err(place.field("count").flaw(why));
            }
            let session = Builder { node, index, member: &member, place: &place }.session()?;
            if !names.insert(session.name.clone()) {
                let why = format!("makes a session \"{}\", as another node does", session.name);
                return Err(place.field("name").flaw(why));
            }
            sessions.push(session);
        }
    }
    Ok(JobGraph { sessions, pipes: Vec::new(), gangs: Vec::new() })
}

/// Name and wildcard texts of a session to build.
struct Member {
    name: String,
    /// Texts of its wildcards; `None` for a node without wildcards in its input.
    texts: Option<Vec<String>>,
}

fn members(node: &JobNode, matches: &Matches, place: &FieldPlace) -> Result<Vec<Member>, Flaw> {
    let numbered = |number: usize| format!("{}-{number}", node.name);
    let Some(texts) = captured(node, matches, place)? else {
        return Ok(match node.count.unwrap_or(1) {
            1 => vec![Member { name: node.name.to_string(), texts: None }],
            count => {
                let count = usize::try_from(count).unwrap_or(usize::MAX).min(SESSIONS_MAX + 1);
                (1..=count).map(|number| Member { name: numbered(number), texts: None }).collect()
            }
        });
    };
    let member = |(index, texts)| Member { name: numbered(index + 1), texts: Some(texts) };
    Ok(texts.into_iter().enumerate().map(member).collect())
}

/// Texts of the wildcards of a node's input for each of its sessions, in listing order; `None` if
/// it has none.
fn captured(
    node: &JobNode,
    matches: &Matches,
    place: &FieldPlace,
) -> Result<Option<Vec<Vec<String>>>, Flaw> {
    let mut captured: Option<Vec<Vec<String>>> = None;
    for (index, device) in node.devices.iter().enumerate().filter(|(_, it)| it.is_readable()) {
        let Some(pattern) = device.object().filter(|path| path.has_wildcard()) else { continue };
        let place = place.field("devices").index(index).field("path");
        let texts = |path: &ObjectPath| pattern.captures(&path.container, path.object.as_deref());
        let texts: Vec<_> = matches.of(pattern).iter().filter_map(texts).collect();
        if texts.is_empty() {
            return Err(place.flaw(format!("{pattern} matches nothing")));
        }
        let as_set = |texts: &[Vec<String>]| texts.iter().cloned().collect::<BTreeSet<_>>();
        match &captured {
            None => captured = Some(texts),
            Some(earlier) if as_set(earlier) == as_set(&texts) => {}
            Some(_) => {
                return Err(place
                    .flaw("matches other texts than an earlier device: all must match the same"));
            }
        }
    }
    Ok(captured)
}

struct Builder<'a> {
    node: &'a JobNode,
    index: usize,
    member: &'a Member,
    place: &'a FieldPlace,
}

impl Builder<'_> {
    fn session(&self) -> Result<JobSession, Flaw> {
        let node = self.node;
        let mut images = Vec::new();
        let mut devices = Vec::new();
        for (index, device) in node.devices.iter().enumerate() {
            match (device.class, device.class.kind()) {
                (DeviceClass::Image, _) => images.push(JobImage::User(device.object().cloned())),
                (DeviceClass::SystemImage, _) => images.push(JobImage::System(device.name.clone())),
                (_, Some(kind)) => devices.push(JobDevice {
                    name: device.name.clone(),
                    kind,
                    path: self.path(index, device)?,
                    content_type: device.content_type.clone(),
                    meta: device.meta.clone(),
                    mode: device.mode,
                    min_size: device.min_size,
                }),
                (_, None) => {
                    let place = self.place.field("devices").index(index).field("path");
                    return Err(place.flaw(
                        "leads out of the cluster, which no job may: do without the device `debug`",
                    ));
                }
            }
        }
        let attached = match attached_device(node) {
            Some(device) => self
                .object(device, self.place)?
                .map(|path| Attached { path, is_written: device.is_writable() }),
            None => None,
        };
        Ok(JobSession {
            name: self.member.name.clone(),
            node: self.index,
            images,
            devices,
            attached,
        })
    }

    fn path(&self, index: usize, device: &NodeDevice) -> Result<JobPath, Flaw> {
        let place = self.place.field("devices").index(index).field("path");
        // Pipes are laid when all sessions are known.
        Ok(self.object(device, &place)?.map_or(JobPath::Client, JobPath::Object))
    }

    /// Object of a device, with its `*` replaced for this session.
    fn object(&self, device: &NodeDevice, place: &FieldPlace) -> Result<Option<ObjectPath>, Flaw> {
        let Some(DevicePath::Swift(pattern)) = &device.path else { return Ok(None) };
        let stars = pattern.to_string().matches('*').count();
        let own_name = || vec![self.member.name.clone(); stars];
        let texts = self.member.texts.clone().unwrap_or_else(own_name);
        match pattern.filled(&texts) {
            Some(path) => Ok(Some(path)),
            None => Err(place.flaw("has more `*` than the input matches")),
        }
    }
}
