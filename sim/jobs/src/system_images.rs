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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{program, system_images};

    #[test]
    fn those_that_there_are_are_listed_for_who_asked_for_another() {
        assert_eq!(system_images(&[]).known(), "there are none here");
        let images = system_images(&["ruby", "python"]);
        assert_eq!(images.known(), "there are python, ruby");
        assert_eq!(images.names().collect::<Vec<_>>(), ["python", "ruby"]);
        assert!(images.get("python").is_some() && images.get("perl").is_none());
        assert_eq!(format!("{images:?}"), r#"{"python", "ruby"}"#);
    }

    #[test]
    fn names_are_taken_up_to_their_bound_and_those_of_devices_are_not() {
        for name in ["a", "python2.7", "A-b_c.d", &"x".repeat(64)] {
            assert_eq!(check_name(name), Ok(()), "{name:?}");
        }
        let devices = ["stdin", "stdout", "stderr", "input", "script", "output", "image", "debug"];
        let long = "x".repeat(65);
        for name in devices.into_iter().chain(["", ".", "..", "a/b", "a b", "\u{e9}", &long]) {
            let refused = check_name(name).expect_err(name);
            assert_eq!(refused, BadImageName(name.to_owned()));
            assert!(refused.to_string().starts_with(&format!("{name:?} cannot be")), "{refused}");
        }
    }

    #[test]
    fn a_module_is_compiled_once_for_all_machines_and_one_that_is_none_each_time_refused() {
        let images = system_images(&["python"]);
        let other_machine = images.clone();
        assert!(images.compile("python", "bad", b"no module").is_err());
        assert!(images.compile("python", "bad", b"no module").is_err());
        assert!(images.compile("python", "run", &program()).is_ok());
        // Neither compared nor hashed after that: the bytes are those of the image.
        assert!(other_machine.compile("python", "run", b"not looked at").is_ok());
        assert!(other_machine.compile("ruby", "run", b"no module").is_err(), "of another image");
    }
}
