//! The images that a cluster offers by name: installed on each of its machines, so that no bytes
//! move for them.
//!
//! They never change while the cluster runs. Clones share everything, what was compiled of them
//! too. Leaves out where they come from.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use stayput_runtime::engine::{Engine, Module, ModuleError};
use stayput_runtime::image::Image;
use stayput_runtime::job::DeviceClass;

/// System images by name.
#[derive(Clone, Default)]
pub struct SystemImages(Arc<Shared>);

#[derive(Default)]
struct Shared {
    images: BTreeMap<String, Arc<Image>>,
    engine: Engine,
    /// By image and path: at most all that is in the images.
    compiled: Mutex<BTreeMap<(String, String), Module>>,
}

/// A name that no system image can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} cannot be a system image's name: take 1 to 64 letters, digits, `-`, `_` or `.`, and not the name of a device"
)]
pub struct BadImageName(pub String);

impl SystemImages {
    /// The system images of a cluster.
    ///
    /// # Errors
    /// One has a name that a job could not use.
    pub fn new(images: BTreeMap<String, Arc<Image>>) -> Result<Self, BadImageName> {
        for name in images.keys() {
            check_name(name)?;
        }
        Ok(Self(Arc::new(Shared { images, ..Shared::default() })))
    }

    /// The image of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Image>> {
        self.0.images.get(name)
    }

    /// Their names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.images.keys().map(String::as_str)
    }

    /// Names of the images, in words for somebody who asked for another one.
    #[must_use]
    pub fn known(&self) -> String {
        let names: Vec<&str> = self.names().collect();
        if names.is_empty() {
            "there are none here".to_owned()
        } else {
            format!("there are {}", names.join(", "))
        }
    }

    /// The module that lies at the real path `path` of the image `name` and has the bytes `wasm`.
    /// It is compiled once for all machines, and neither compared nor hashed after that.
    ///
    /// # Errors
    /// It is no module that can be run.
    pub(crate) fn compile(
        &self,
        name: &str,
        path: &str,
        wasm: &[u8],
    ) -> Result<Module, ModuleError> {
        let key = (name.to_owned(), path.to_owned());
        let mut compiled = self.0.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(module) = compiled.get(&key) {
            return Ok(module.clone());
        }
        let module = self.0.engine.compile(wasm)?;
        compiled.insert(key, module.clone());
        Ok(module)
    }
}

/// Checks the name of a system image.
///
/// # Errors
/// It is no name, or the name of a device.
pub fn check_name(name: &str) -> Result<(), BadImageName> {
    match DeviceClass::named(name) {
        Some(DeviceClass::SystemImage) => Ok(()),
        _ => Err(BadImageName(name.to_owned())),
    }
}

impl std::fmt::Debug for SystemImages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}
