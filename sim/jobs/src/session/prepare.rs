//! What a session is made of, on the machine that runs it: its images, its module and its command line.
//!
//! A machine unpacks an image and compiles a module once and keeps them for later sessions. Whoever asks brings the bytes along, so
//! that only who may read an image or a module can use it. Leaves out devices and running.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use stayput_runtime::digest::Digest;
use stayput_runtime::engine::Module;
use stayput_runtime::image::executable::{ImageFile, NamedImage, USER_IMAGE, find};
use stayput_runtime::image::{Image, ImageError, ImageLimits};

use crate::message::{ModuleSource, PartRole};
use crate::session::driver::SessionRefusal;
use crate::session::modules::ModuleCache;
use crate::system_images::SystemImages;

/// What the user's images that are kept may have unpacked to, together.
const UNPACKED_BYTES_MAX: u64 = 512 << 20;

/// Prepares the sessions of one machine.
#[derive(Default)]
pub struct Preparer {
    system: SystemImages,
    modules: ModuleCache,
    unpacked: Unpacked,
    /// Modules of system images that this machine has compiled, by image and path.
    compiled: RefCell<BTreeSet<(String, String)>>,
}

/// What a session shall run.
#[derive(Clone, Copy, Debug)]
pub struct CodeRequest<'a> {
    /// Where its module comes from.
    pub module: &'a ModuleSource,
    /// The system images that it has, in their order.
    pub system_images: &'a [String],
    /// Its command line.
    pub args: &'a [String],
}

/// What a session is made of.
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

    /// The images, and the module from its part or out of one of them.
    ///
    /// # Errors
    /// Says what is wrong with them.
    pub fn prepare(
        &self,
        wanted: CodeRequest<'_>,
        parts: &[(PartRole, Bytes)],
    ) -> Result<PreparedSession, SessionRefusal> {
        let images = self.images(wanted.system_images, parts)?;
        let refused = |why: String| SessionRefusal::Module { why };
        let args = wanted.args.to_vec();
        let (args, compiled) = match wanted.module {
            ModuleSource::Pushed => {
                let part = parts.iter().find(|(role, _)| *role == PartRole::Module);
                let wasm =
                    &part.ok_or_else(|| refused("the module was not sent along".to_owned()))?.1;
                (args, self.modules.compile(wasm).map_err(|error| error.to_string()))
            }
            ModuleSource::InImage { image, path } => {
                let found = find(&images, image.as_deref(), path);
                let found = found.map_err(|error| refused(error.to_string()))?;
                let name = &images[found.module.image].name;
                (found.command_line(args), self.compile(name, &found.module))
            }
        };
        let (module, compiled_bytes) = compiled.map_err(refused)?;
        let images = images.into_iter().map(|named| named.image).collect();
        Ok(PreparedSession { images, module, args, compiled_bytes })
    }

    fn images(
        &self,
        system_images: &[String],
        parts: &[(PartRole, Bytes)],
    ) -> Result<Vec<NamedImage>, SessionRefusal> {
        let refused = |why: String| SessionRefusal::Image { why };
        let mut images = Vec::new();
        for (_, tar) in parts.iter().filter(|(role, _)| *role == PartRole::Image) {
            let image = self.unpacked.image(tar).map_err(|error| refused(error.to_string()))?;
            images.push(NamedImage { name: USER_IMAGE.to_owned(), image });
        }
        for name in system_images {
            let image = self.system.get(name).cloned().ok_or_else(|| {
                refused(format!("there is no system image {name:?}: {}", self.system.known()))
            })?;
            images.push(NamedImage { name: name.clone(), image });
        }
        Ok(images)
    }

    /// The module, and how many bytes this machine had to compile for it.
    fn compile(&self, image: &str, found: &ImageFile) -> Result<(Module, u64), String> {
        let ImageFile { path, bytes, .. } = found;
        let named = |error: stayput_runtime::engine::ModuleError| format!("{path}: {error}");
        if image == USER_IMAGE {
            return self.modules.compile(bytes).map_err(named);
        }
        let module = self.system.compile(image, path, bytes).map_err(named)?;
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

    fn in_image(image: Option<&str>, path: &str) -> ModuleSource {
        ModuleSource::InImage { image: image.map(str::to_owned), path: path.to_owned() }
    }

    fn prepare(
        preparer: &Preparer,
        module: &ModuleSource,
        system_images: &[&str],
        parts: &[(PartRole, Bytes)],
    ) -> Result<PreparedSession, SessionRefusal> {
        let system_images: Vec<String> = system_images.iter().map(|&it| it.to_owned()).collect();
        let args = ["own".to_owned(), "word".to_owned()];
        preparer.prepare(CodeRequest { module, system_images: &system_images, args: &args }, parts)
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
        let parts = [(PartRole::Image, tar(&[("run", &program())]))];
        let module = in_image(Some("image"), "run");
        let first = prepare(&preparer, &module, &[], &parts).unwrap();
        let second = prepare(&preparer, &module, &[], &parts).unwrap();
        assert!(Arc::ptr_eq(&first.images[0], &second.images[0]));
        assert_eq!(second.compiled_bytes, 0);
    }

    #[test]
    fn what_is_not_there_is_named() {
        let preparer = preparer(&[("text", b"no module")]);
        let why = |module: &ModuleSource, images: &[&str]| {
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
        assert_eq!(why(&ModuleSource::Pushed, &[]), "the module was not sent along");
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
