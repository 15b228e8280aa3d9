//! Preparation of a session's code on the machine that runs it: images, module and command line.
//!
//! A machine unpacks an image and compiles a module once and keeps them for later sessions. Whoever
//! asks brings the bytes along, so that only who may read an image or a module can use it. Leaves
//! out devices and running.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use stayput_runtime::digest::Digest;
use stayput_runtime::engine::{Module, ModuleError};
use stayput_runtime::image::executable::{ImageFile, NamedImage, USER_IMAGE, find};
use stayput_runtime::image::{Image, ImageError, ImageLimits};

use super::modules::ModuleCache;
use super::result::SessionRefusal;
use crate::system_images::SystemImages;

/// Limit on the unpacked bytes of the users' images that are kept.
const UNPACKED_BYTES_MAX: u64 = 512 << 20;

/// Preparer of one machine's sessions.
#[derive(Default)]
pub struct Preparer {
    system: SystemImages,
    modules: ModuleCache,
    unpacked: Unpacked,
    /// Modules of system images that this machine has compiled, by image and path.
    compiled: RefCell<BTreeSet<(String, String)>>,
}

/// Source of a session's module; `O` is what stands for an object: its path, or its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModuleSource<O> {
    /// An object.
    Object(O),
    /// A file of an image, or the interpreter of a script that is one.
    InImage {
        /// Name of the image; without one the first that has the file.
        image: Option<String>,
        /// Path of the file.
        path: String,
    },
}

impl<O> ModuleSource<O> {
    /// The object, if the module is one.
    pub fn object(&self) -> Option<&O> {
        match self {
            Self::Object(object) => Some(object),
            Self::InImage { .. } => None,
        }
    }

    /// The same source with something else for the object.
    ///
    /// # Errors
    /// Those of `to`.
    pub fn try_map<P, E>(&self, to: impl FnOnce(&O) -> Result<P, E>) -> Result<ModuleSource<P>, E> {
        Ok(match self {
            Self::Object(object) => ModuleSource::Object(to(object)?),
            Self::InImage { image, path } => {
                ModuleSource::InImage { image: image.clone(), path: path.clone() }
            }
        })
    }
}

/// Code of a session, before it is prepared.
#[derive(Clone, Debug)]
pub struct SessionCode<'a> {
    /// Source of its module.
    pub module: &'a ModuleSource<Bytes>,
    /// Tars of the user's images, in their order.
    pub images: &'a [Bytes],
    /// Names of the system images, in their order.
    pub system_images: &'a [String],
    /// Command line.
    pub args: Vec<String>,
}

/// Code of a session, ready to run.
pub struct PreparedSession {
    /// Its images: the user's, then the system's.
    pub images: Vec<Arc<Image>>,
    /// Its module.
    pub module: Module,
    /// Its command line; if a script is run, its interpreter's.
    pub args: Vec<String>,
    /// Bytes that were compiled for that: none if the module was kept from an earlier session.
    pub compiled_bytes: u64,
}

impl Preparer {
    /// A machine on which these images are installed.
    #[must_use]
    pub fn new(system: SystemImages) -> Self {
        Self { system, ..Self::default() }
    }

    /// Unpacks the images and compiles the module.
    ///
    /// # Errors
    /// An image or the module cannot be used.
    pub fn prepare(&self, code: SessionCode<'_>) -> Result<PreparedSession, SessionRefusal> {
        let images = self.images(&code)?;
        let refused = |why: String| SessionRefusal::Module { why };
        let (args, compiled) = match code.module {
            ModuleSource::Object(wasm) => {
                (code.args, self.modules.compile(wasm).map_err(|error| refused(error.to_string())))
            }
            ModuleSource::InImage { image, path } => {
                let found = find(&images, image.as_deref(), path);
                let found = found.map_err(|error| refused(error.to_string()))?;
                let name = &images[found.module.image].name;
                let compiled = self.compile(name, &found.module).map_err(|error| {
                    let file = &found.module.path;
                    refused(format!("{file}: {error}"))
                });
                (found.command_line(code.args), compiled)
            }
        };
        let (module, compiled_bytes) = compiled?;
        let images = images.into_iter().map(|named| named.image).collect();
        Ok(PreparedSession { images, module, args, compiled_bytes })
    }

    fn images(&self, code: &SessionCode<'_>) -> Result<Vec<NamedImage>, SessionRefusal> {
        let refused = |why: String| SessionRefusal::Image { why };
        let mut images = Vec::new();
        for tar in code.images {
            let image = self.unpacked.image(tar).map_err(|error| refused(error.to_string()))?;
            images.push(NamedImage { name: USER_IMAGE.to_owned(), image });
        }
        for name in code.system_images {
            let image = self.system.get(name).cloned().ok_or_else(|| {
                refused(format!("there is no system image {name:?}: {}", self.system.known()))
            })?;
            images.push(NamedImage { name: name.clone(), image });
        }
        Ok(images)
    }

    /// The module, and the number of bytes that this machine had to compile for it.
    fn compile(&self, image: &str, found: &ImageFile) -> Result<(Module, u64), ModuleError> {
        let ImageFile { path, bytes, .. } = found;
        if image == USER_IMAGE {
            return self.modules.compile(bytes);
        }
        let module = self.system.compile(image, path, bytes)?;
        let is_new = self.compiled.borrow_mut().insert((image.to_owned(), path.clone()));
        Ok((module, if is_new { bytes.len() as u64 } else { 0 }))
    }
}

/// Images that were unpacked, by the digest of their tars; the one that came first goes first.
#[derive(Default)]
struct Unpacked(RefCell<Kept>);

#[derive(Default)]
struct Kept {
    by_digest: BTreeMap<Digest, Arc<Image>>,
    order: VecDeque<Digest>,
    bytes: u64,
}

impl Unpacked {
    fn image(&self, tar: &[u8]) -> Result<Arc<Image>, ImageError> {
        let digest = Digest::of(tar);
        if let Some(image) = self.0.borrow().by_digest.get(&digest) {
            return Ok(Arc::clone(image));
        }
        let image = Arc::new(Image::from_tar(tar, ImageLimits::default())?);
        let kept = &mut *self.0.borrow_mut();
        kept.bytes += image.unpacked_bytes();
        kept.order.push_back(digest);
        kept.by_digest.insert(digest, Arc::clone(&image));
        while kept.bytes > UNPACKED_BYTES_MAX
            && let Some(oldest) = kept.order.pop_front()
            && let Some(gone) = kept.by_digest.remove(&oldest)
        {
            kept.bytes -= gone.unpacked_bytes();
        }
        Ok(image)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system_images::BadImageName;

    const MODULE: &[u8] = b"\0asm\x01\0\0\0";

    fn tar(members: &[(&str, &[u8])]) -> Bytes {
        let mut tar = tar::Builder::new(Vec::new());
        for (path, bytes) in members {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            tar.append_data(&mut header, path, *bytes).unwrap();
        }
        tar.into_inner().unwrap().into()
    }

    fn preparer(members: &[(&str, &[u8])]) -> Preparer {
        let image = Image::from_tar(&tar(members), ImageLimits::default()).unwrap();
        let images = BTreeMap::from([("tools".to_owned(), Arc::new(image))]);
        Preparer::new(SystemImages::new(images).unwrap())
    }

    /// The smallest program: it does nothing and ends.
    fn program() -> Vec<u8> {
        let types = b"\x01\x04\x01\x60\0\0";
        let functions = b"\x03\x02\x01\0";
        let memories = b"\x05\x03\x01\0\x01";
        let exports = b"\x07\x13\x02\x06_start\0\0\x06memory\x02\0";
        let code = b"\x0a\x04\x01\x02\0\x0b";
        [MODULE, types, functions, memories, exports, code].concat()
    }

    fn in_image(image: Option<&str>, path: &str) -> ModuleSource<Bytes> {
        ModuleSource::InImage { image: image.map(str::to_owned), path: path.to_owned() }
    }

    fn prepare(
        preparer: &Preparer,
        module: &ModuleSource<Bytes>,
        system_images: &[&str],
        images: &[Bytes],
    ) -> Result<PreparedSession, SessionRefusal> {
        let system_images: Vec<String> = system_images.iter().map(|&it| it.to_owned()).collect();
        let args = vec!["own".to_owned(), "word".to_owned()];
        preparer.prepare(SessionCode { module, images, system_images: &system_images, args })
    }

    #[test]
    fn a_module_of_a_system_image_is_compiled_once() {
        let program = program();
        let preparer = preparer(&[("run", &program), ("script", b"#!/run -x\n")]);
        let module = in_image(Some("tools"), "run");
        let first = prepare(&preparer, &module, &["tools"], &[]).unwrap();
        assert_eq!(first.compiled_bytes, program.len() as u64);
        let second = prepare(&preparer, &module, &["tools"], &[]).unwrap();
        assert_eq!((second.compiled_bytes, second.args), (0, first.args));
        let script = in_image(None, "script");
        let third = prepare(&preparer, &script, &["tools"], &[]).unwrap();
        assert_eq!(third.args, ["/run", "-x", "/script", "word"]);
        assert_eq!(third.compiled_bytes, 0);
    }

    #[test]
    fn each_machine_compiles_for_itself() {
        let program = program();
        let image = Image::from_tar(&tar(&[("run", &program)]), ImageLimits::default()).unwrap();
        let images = BTreeMap::from([("tools".to_owned(), Arc::new(image))]);
        let images = SystemImages::new(images).unwrap();
        for _machine in 0..2 {
            let preparer = Preparer::new(images.clone());
            let prepared = prepare(&preparer, &in_image(None, "run"), &["tools"], &[]).unwrap();
            assert_eq!(prepared.compiled_bytes, program.len() as u64);
        }
    }

    #[test]
    fn a_tar_of_several_sessions_is_unpacked_once() {
        let preparer = Preparer::default();
        let tars = [tar(&[("run", &program())])];
        let module = in_image(Some("image"), "run");
        let first = prepare(&preparer, &module, &[], &tars).unwrap();
        let second = prepare(&preparer, &module, &[], &tars).unwrap();
        assert!(Arc::ptr_eq(&first.images[0], &second.images[0]));
        assert_eq!(second.compiled_bytes, 0);
    }

    #[test]
    fn what_is_not_there_is_named() {
        let preparer = preparer(&[("text", b"no module")]);
        let why = |module: &ModuleSource<Bytes>, images: &[&str]| {
            prepare(&preparer, module, images, &[]).err().expect("it is refused").to_string()
        };
        assert!(
            why(&in_image(None, "text"), &["tools"]).starts_with("/text: no valid WebAssembly")
        );
        assert_eq!(why(&in_image(None, "x"), &["tools"]), "there is no file x in the image tools");
        assert_eq!(
            why(&in_image(None, "x"), &["other"]),
            "there is no system image \"other\": there are tools"
        );
        let no_module = ModuleSource::Object(Bytes::from_static(b"no module"));
        assert!(why(&no_module, &[]).starts_with("no valid WebAssembly"));
        let broken = prepare(&preparer, &no_module, &[], &[Bytes::from_static(b"no tar")]);
        assert!(
            matches!(broken, Err(SessionRefusal::Image { .. })),
            "the image is looked at first"
        );
    }

    #[test]
    fn devices_names_are_no_images_names() {
        for name in ["image", "stdin", "debug", "", "a b"] {
            let images = BTreeMap::from([(
                name.to_owned(),
                Arc::new(Image::from_tar(&tar(&[]), ImageLimits::default()).unwrap()),
            )]);
            assert_eq!(SystemImages::new(images).unwrap_err(), BadImageName(name.to_owned()));
        }
    }
}
