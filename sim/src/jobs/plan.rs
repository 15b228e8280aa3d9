//! What a job's description asks for, in the store's terms: whose objects, which devices, where it would like to run.
//!
//! A pure function of description and caller. Leaves out wildcards, groups, connections and copies: a job that has them is
//! refused by the name of the field, with 501.

use std::collections::BTreeMap;

use stayput_runtime::device::{DeviceKind, DeviceMode};
use stayput_runtime::image::executable::USER_IMAGE;
use stayput_runtime::job::{
    self, Account, Device, DeviceClass, DevicePath, ExecPath, Node, ObjectPath, Replicate,
    attached_device,
};

use super::system_images::SystemImages;
use crate::http::StatusCode;
use crate::proxy::Refusal;
use crate::swift::Path;

/// A session that is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Its name.
    pub session: String,
    /// Its command line, its own name first.
    pub args: Vec<String>,
    /// Its environment.
    pub env: Vec<(String, String)>,
    /// What it runs.
    pub module: PlannedModule,
    /// The user's images, in their order.
    pub images: Vec<Path>,
    /// The system images that it has beneath them, in their order.
    pub system_images: Vec<String>,
    /// Its devices.
    pub devices: Vec<PlannedDevice>,
    /// The object that it wants to be near to.
    pub attached: Option<Path>,
}

/// Where a session's module is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlannedModule {
    /// An object.
    Object(Path),
    /// A file of an image.
    InImage {
        /// The image's name; without one the first that has the file.
        image: Option<String>,
        /// The file's path.
        path: String,
    },
}

/// A device of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedDevice {
    /// Its name.
    pub name: String,
    /// Which way its bytes flow.
    pub kind: DeviceKind,
    /// What `stat` says it is.
    pub mode: DeviceMode,
    /// The object that it reads or writes; without one it writes to the response.
    pub path: Option<Path>,
    /// The content type of what it writes.
    pub content_type: Option<String>,
    /// Metadata of what it writes.
    pub meta: BTreeMap<String, String>,
}

impl Plan {
    /// Whether `path` is the module or an image, and no device's.
    #[must_use]
    pub fn is_code(&self, path: &Path) -> bool {
        let is_module = matches!(&self.module, PlannedModule::Object(module) if module == path);
        let is_data = |device: &PlannedDevice| {
            device.kind.is_readable() && device.path.as_ref() == Some(path)
        };
        (is_module || self.images.contains(path)) && !self.devices.iter().any(is_data)
    }

    /// Every object that it reads: module, images, devices; each once.
    #[must_use]
    pub fn reads(&self) -> Vec<Path> {
        let module = match &self.module {
            PlannedModule::Object(path) => Some(path),
            PlannedModule::InImage { .. } => None,
        };
        let readable = self.devices.iter().filter(|device| device.kind.is_readable());
        let objects = readable.filter_map(|device| device.path.as_ref());
        let mut paths: Vec<Path> =
            module.into_iter().chain(&self.images).chain(objects).cloned().collect();
        let mut seen = std::collections::BTreeSet::new();
        paths.retain(|path| seen.insert(path.clone()));
        paths
    }
}

/// Reads a description that `account` has posted as JSON to a cluster that offers `system_images`.
///
/// # Errors
/// A refusal that names node and field: 400 for flaws, 403 for somebody else's objects, 413 and 422 as the description's
/// parser says, 501 for what this version cannot do.
pub fn plan(
    description: &[u8],
    account: &str,
    system_images: &SystemImages,
) -> Result<Plan, Refusal> {
    let refused = |error: job::JobError| {
        let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
        Refusal::new(status, error.to_string())
    };
    let job = job::parse(description).map_err(refused)?;
    job.check_without_body().map_err(refused)?;
    let [node] = job.nodes.as_slice() else {
        let why = format!("the job has {} nodes: this version runs jobs of one", job.nodes.len());
        return Err(Refusal::new(StatusCode::NOT_IMPLEMENTED, why));
    };
    refuse_groups(node)?;
    Planner { node, account, offered: system_images }.plan()
}

/// Wildcards are refused where their device is read, which names it.
fn refuse_groups(node: &Node) -> Result<(), Refusal> {
    let field = if node.count.is_some_and(|count| count > 1) {
        "count"
    } else if !node.connect.is_empty() {
        "connect"
    } else if node.replicate > Replicate::ONE {
        "replicate"
    } else {
        return Ok(());
    };
    let name = node.name.as_str();
    let why =
        format!("node {name:?}, field `{field}`: this version runs one session a job: do without");
    Err(Refusal::new(StatusCode::NOT_IMPLEMENTED, why))
}

struct Planner<'a> {
    node: &'a Node,
    account: &'a str,
    offered: &'a SystemImages,
}

impl Planner<'_> {
    fn plan(&self) -> Result<Plan, Refusal> {
        let node = self.node;
        let module = match &node.exec.path {
            ExecPath::Swift(path) => PlannedModule::Object(self.object("exec.path", path)?),
            ExecPath::Image { image, path } => {
                self.check_image(image.as_deref())?;
                PlannedModule::InImage { image: image.clone(), path: path.clone() }
            }
        };
        let mut images = Vec::new();
        let mut system_images = Vec::new();
        let mut devices = Vec::new();
        for device in &node.devices {
            match (device.class, device.class.kind()) {
                (_, Some(kind)) => devices.push(self.device(device, kind)?),
                (DeviceClass::Image, _) => images.push(self.image(device)?),
                (DeviceClass::Debug, _) => {
                    let why = "no connection leads out of this world: do without it";
                    return Err(self.refuse(StatusCode::BAD_REQUEST, "devices.debug", why));
                }
                _ => {
                    self.check_offered(&format!("devices.{}", device.name), &device.name)?;
                    system_images.push(device.name.clone());
                }
            }
        }
        let attached = match attached_device(node).and_then(Device::object) {
            Some(path) => Some(self.object("devices", path)?),
            None => None,
        };
        let session = node.name.to_string();
        let own_name = node.exec.name.clone().unwrap_or_else(|| session.clone());
        Ok(Plan {
            args: std::iter::once(own_name).chain(node.exec.args.iter().cloned()).collect(),
            env: node.exec.env.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
            session,
            module,
            images,
            system_images,
            devices,
            attached,
        })
    }

    /// The image that an executable's path names, or any, must be among the node's devices.
    fn check_image(&self, image: Option<&str>) -> Result<(), Refusal> {
        let mut of_images =
            self.node.devices.iter().filter(|device| {
                matches!(device.class, DeviceClass::Image | DeviceClass::SystemImage)
            });
        let Some(image) = image else {
            return match of_images.next() {
                Some(_) => Ok(()),
                None => {
                    let why = "it names a file of an image, and the node has no image device";
                    Err(self.refuse(StatusCode::BAD_REQUEST, "exec.path", why))
                }
            };
        };
        if of_images.any(|device| device.name == image) {
            return Ok(());
        }
        if image != USER_IMAGE {
            self.check_offered("exec.path", image)?;
        }
        let why = format!("it names a file of {image:?}, which is no device of the node: add it");
        Err(self.refuse(StatusCode::BAD_REQUEST, "exec.path", &why))
    }

    fn check_offered(&self, field: &str, image: &str) -> Result<(), Refusal> {
        if self.offered.get(image).is_some() {
            return Ok(());
        }
        let why = format!("there is no system image {image:?}: {}", self.offered.known());
        Err(self.refuse(StatusCode::BAD_REQUEST, field, &why))
    }

    fn device(&self, device: &Device, kind: DeviceKind) -> Result<PlannedDevice, Refusal> {
        let field = format!("devices.{}.path", device.name);
        let path = match &device.path {
            Some(DevicePath::Swift(path)) => Some(self.object(&field, path)?),
            None => None,
            Some(DevicePath::Zvm { .. } | DevicePath::Tcp { .. }) => {
                let why = "this version connects no devices: name a swift:// object";
                return Err(self.refuse(StatusCode::NOT_IMPLEMENTED, &field, why));
            }
        };
        if device.min_size > 0 {
            let field = format!("devices.{}.min_size", device.name);
            let why = "this version does not fill outputs up: do without it";
            return Err(self.refuse(StatusCode::NOT_IMPLEMENTED, &field, why));
        }
        Ok(PlannedDevice {
            name: device.name.clone(),
            kind,
            mode: device.mode,
            path,
            content_type: device.content_type.clone(),
            meta: device.meta.clone(),
        })
    }

    fn image(&self, device: &Device) -> Result<Path, Refusal> {
        let field = format!("devices.{}.path", device.name);
        match device.object() {
            Some(path) => self.object(&field, path),
            None => {
                let why = "an image needs the swift:// path of a tar";
                Err(self.refuse(StatusCode::BAD_REQUEST, &field, why))
            }
        }
    }

    fn object(&self, field: &str, path: &ObjectPath) -> Result<Path, Refusal> {
        if let Account::Named(name) = &path.account
            && name != self.account
        {
            let why = format!("{path} is in another account than yours, {}", self.account);
            return Err(self.refuse(StatusCode::FORBIDDEN, field, &why));
        }
        if path.has_wildcard() {
            let why = format!("this version runs one session a job: name one object, not {path}");
            return Err(self.refuse(StatusCode::NOT_IMPLEMENTED, field, &why));
        }
        let Some(object) = &path.object else {
            let why = format!("{path} is a container: this version reads objects only");
            return Err(self.refuse(StatusCode::NOT_IMPLEMENTED, field, &why));
        };
        Path::object_of(self.account, &path.container, object)
            .map_err(|bad| self.refuse(StatusCode::BAD_REQUEST, field, &bad.to_string()))
    }

    fn refuse(&self, status: StatusCode, field: &str, why: &str) -> Refusal {
        Refusal::new(status, format!("node {:?}, field `{field}`: {why}", self.node.name.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use stayput_runtime::image::{Image, ImageLimits};

    use super::*;

    fn of(devices: &str, more: &str) -> Result<Plan, Refusal> {
        let description = format!(
            r#"[{{"name": "n", "exec": {{"path": "swift://~/c/m.wasm", "args": "a 'b c'"}},
                 "devices": [{devices}] {more}}}]"#
        );
        plan(description.as_bytes(), "AUTH_x", &SystemImages::default())
    }

    fn status(devices: &str, more: &str) -> u16 {
        of(devices, more).expect_err("it is refused").status.as_u16()
    }

    #[test]
    fn a_session_wants_to_be_near_its_input() {
        let devices = r#"{"name": "stdout"}, {"name": "output", "path": "swift://./c/out"},
                         {"name": "input", "path": "swift://AUTH_x/c/in"}"#;
        let plan = of(devices, "").unwrap();
        let input = Path::object_of("AUTH_x", "c", "in").unwrap();
        assert_eq!(plan.attached, Some(input.clone()));
        assert_eq!(plan.args, ["n", "a", "b c"]);
        assert_eq!(plan.reads(), [Path::object_of("AUTH_x", "c", "m.wasm").unwrap(), input]);
    }

    #[test]
    fn what_cannot_be_done_is_refused_by_its_field() {
        let input = r#"{"name": "input", "path": "swift://~/c/*"}"#;
        assert_eq!(status(input, ""), 501);
        assert_eq!(status(r#"{"name": "stdout"}"#, r#", "count": 2"#), 501);
        assert_eq!(status(r#"{"name": "input", "path": "swift://AUTH_y/c/o"}"#, ""), 403);
        assert_eq!(status(r#"{"name": "input", "path": "swift://~/c"}"#, ""), 501);
        assert_eq!(status(r#"{"name": "python2.7"}"#, ""), 400);
        assert_eq!(status(r#"{"name": "input"}"#, ""), 400);
        let refusal = of(input, "").expect_err("it is refused");
        assert!(refusal.why.contains("node \"n\", field `devices.input.path`"), "{}", refusal.why);
    }

    fn with_images(exec: &str, devices: &str) -> Result<Plan, Refusal> {
        let tar = tar::Builder::new(Vec::new()).into_inner().unwrap();
        let image = Arc::new(Image::from_tar(&tar, ImageLimits::default()).unwrap());
        let names = ["python", "python2.7"];
        let images = names.map(|name| (name.to_owned(), Arc::clone(&image)));
        let images = SystemImages::new(images.into_iter().collect()).unwrap();
        let description =
            format!(r#"[{{"name": "n", "exec": {{"path": "{exec}"}}, "devices": [{devices}]}}]"#);
        plan(description.as_bytes(), "AUTH_x", &images)
    }

    #[test]
    fn system_images_are_devices_of_the_node_and_keep_their_order() {
        let devices = r#"{"name": "python2.7"}, {"name": "python"},
                         {"name": "image", "path": "swift://~/c/tar"}"#;
        let plan = with_images("file://python2.7:bin/python", devices).unwrap();
        let (image, path) = (Some("python2.7".to_owned()), "bin/python".to_owned());
        assert_eq!(plan.module, PlannedModule::InImage { image, path });
        assert_eq!(plan.system_images, ["python2.7", "python"]);
        assert_eq!(plan.images, [Path::object_of("AUTH_x", "c", "tar").unwrap()]);
        let plan = with_images("python", r#"{"name": "python"}"#).unwrap();
        let path = "python".to_owned();
        assert_eq!(plan.module, PlannedModule::InImage { image: None, path });
    }

    #[test]
    fn an_image_that_is_not_there_is_refused_by_node_field_and_those_that_are() {
        let refused = |exec: &str, devices: &str, why: &str| {
            let refusal = with_images(exec, devices).expect_err("it is refused");
            assert_eq!(refusal.status, StatusCode::BAD_REQUEST);
            assert!(refusal.why.contains("node \"n\", field `"), "{}", refusal.why);
            assert!(refusal.why.contains(why), "{}", refusal.why);
        };
        let none = "there is no system image \"ruby\": there are python, python2.7";
        refused(
            "python",
            r#"{"name": "python"}, {"name": "ruby"}"#,
            &format!("`devices.ruby`: {none}"),
        );
        refused("file://ruby:r", r#"{"name": "python"}"#, &format!("`exec.path`: {none}"));
        refused("file://python:p", r#"{"name": "python2.7"}"#, "no device of the node: add it");
        refused("file://image:p", r#"{"name": "python"}"#, "no device of the node: add it");
        refused("p", r#"{"name": "stdout"}"#, "the node has no image device");
    }

    #[test]
    fn no_json_is_422_and_too_much_of_it_413() {
        let none = SystemImages::default();
        assert_eq!(plan(b"{", "AUTH_x", &none).expect_err("refused").status.as_u16(), 422);
        let long = vec![b' '; 64 * 1024 + 1];
        assert_eq!(plan(&long, "AUTH_x", &none).expect_err("refused").status.as_u16(), 413);
    }
}
