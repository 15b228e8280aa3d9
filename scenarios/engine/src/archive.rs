//! Tars that depend only on what is put into them: members in the order of their paths, without times and owners.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use bytes::Bytes;
use tar::{Builder, EntryType, Header};

/// Files and symbolic links by path.
#[derive(Clone, Debug, Default)]
pub struct Archive(BTreeMap<String, Member>);

#[derive(Clone, Debug)]
enum Member {
    File(Bytes),
    Link(String),
}

impl Archive {
    /// Adds a file, or replaces what is at its path.
    pub fn file(&mut self, path: &str, content: impl Into<Bytes>) {
        self.0.insert(path.to_owned(), Member::File(content.into()));
    }

    /// Adds a symbolic link, or replaces what is at its path.
    pub fn link(&mut self, path: &str, target: &str) {
        self.0.insert(path.to_owned(), Member::Link(target.to_owned()));
    }

    /// The files of a tar.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn from_tar(tar: &[u8]) -> Result<Self, String> {
        let mut files = Self::default();
        let mut tar = tar::Archive::new(Cursor::new(tar));
        for entry in tar.entries().map_err(|error| error.to_string())? {
            let mut entry = entry.map_err(|error| error.to_string())?;
            let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).map_err(|error| format!("{path}: {error}"))?;
            files.file(&path, content);
        }
        Ok(files)
    }

    /// A file's content; nothing for what is no file of it.
    pub fn content(&self, path: &str) -> Bytes {
        match self.0.get(path) {
            Some(Member::File(content)) => content.clone(),
            Some(Member::Link(_)) | None => Bytes::new(),
        }
    }

    /// The tar's bytes.
    pub fn tar(&self) -> Bytes {
        let mut tar = Builder::new(Vec::new());
        for (path, member) in &self.0 {
            let mut header = Header::new_gnu();
            header.set_mode(0o755);
            let added = match member {
                Member::File(content) => {
                    header.set_size(content.len() as u64);
                    tar.append_data(&mut header, path, content.as_ref())
                }
                Member::Link(target) => {
                    header.set_entry_type(EntryType::Symlink);
                    header.set_size(0);
                    tar.append_link(&mut header, path, target)
                }
            };
            added.expect("memory takes everything, and GNU's tar any path");
        }
        tar.into_inner().expect("memory takes everything").into()
    }
}

#[cfg(test)]
mod tests {
    use stayput_runtime::image::{Image, ImageLimits};

    use super::*;

    #[test]
    fn the_order_in_which_members_come_does_not_matter() {
        let long = "long/".repeat(60) + "name";
        let mut one = Archive::default();
        one.file("b", "content");
        one.link("a", "b");
        one.file(&long, "deep");
        let mut other = Archive::default();
        other.file(&long, "deep");
        other.link("a", "b");
        other.file("b", "content");
        assert_eq!(one.tar(), other.tar());
        assert_eq!(Archive::from_tar(&one.tar()).unwrap().content("b"), "content");
        let image = Image::from_tar(&one.tar(), ImageLimits::default()).unwrap();
        assert_eq!(image.file("a").as_deref(), Some(&b"content"[..]));
        assert_eq!(image.file(&long).as_deref(), Some(&b"deep"[..]));
    }

    #[test]
    fn what_is_no_tar_is_an_error() {
        assert!(Archive::from_tar(&[1; 600]).is_err());
    }
}
