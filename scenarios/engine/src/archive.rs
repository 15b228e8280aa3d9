//! Reproducible tars: members in the order of their paths, without times and owners.
//!
//! Leaves out everything but files and symbolic links.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};

use bytes::Bytes;
use tar::{Builder, EntryType, Header};

/// Files and symbolic links by path, to be written as a tar.
#[derive(Clone, Debug, Default)]
pub struct Archive(BTreeMap<String, Member>);

#[derive(Clone, Debug)]
enum Member {
    File(Bytes),
    Link(String),
}

/// Flaw of a tar.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// A header is none.
    #[error("no valid tar: {0}")]
    Header(io::Error),
    /// A member is cut off.
    #[error("{path}: {source}")]
    Member {
        /// Path of the member.
        path: String,
        /// Error of the reader.
        source: io::Error,
    },
}

impl Archive {
    /// Adds a file, in the place of an earlier member of its path.
    pub fn file(&mut self, path: &str, content: impl Into<Bytes>) {
        self.0.insert(path.to_owned(), Member::File(content.into()));
    }

    /// Adds a symbolic link, in the place of an earlier member of its path.
    pub fn link(&mut self, path: &str, target: &str) {
        self.0.insert(path.to_owned(), Member::Link(target.to_owned()));
    }

    /// Reads the files of a tar.
    ///
    /// # Errors
    /// [`ArchiveError`], with the path of the flawed member.
    pub fn from_tar(tar: &[u8]) -> Result<Self, ArchiveError> {
        let mut files = Self::default();
        let mut tar = tar::Archive::new(Cursor::new(tar));
        for entry in tar.entries().map_err(ArchiveError::Header)? {
            let mut entry = entry.map_err(ArchiveError::Header)?;
            let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let mut content = Vec::new();
            if let Err(source) = entry.read_to_end(&mut content) {
                return Err(ArchiveError::Member { path, source });
            }
            files.file(&path, content);
        }
        Ok(files)
    }

    /// Content of a file; empty if there is none.
    pub fn content(&self, path: &str) -> Bytes {
        match self.0.get(path) {
            Some(Member::File(content)) => content.clone(),
            Some(Member::Link(_)) | None => Bytes::new(),
        }
    }

    /// Bytes of the tar.
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
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn files_come_back_from_the_tar_as_they_were(
            files in prop::collection::btree_map(
                "[a-z]{1,4}(/[a-z0-9]{1,60}){0,3}", prop::collection::vec(any::<u8>(), 0..700), 0..6),
        ) {
            let mut archive = Archive::default();
            for (path, content) in &files {
                archive.file(path, content.clone());
            }
            let tar = archive.tar();
            let read = Archive::from_tar(&tar).expect("it is a tar");
            for (path, content) in &files {
                prop_assert_eq!(&read.content(path), content);
            }
            prop_assert_eq!(read.tar(), tar);
            prop_assert_eq!(read.content("not there"), Bytes::new());
        }

        #[test]
        fn a_tar_that_is_cut_within_a_member_is_refused(cut in 1_usize..1_000) {
            let mut archive = Archive::default();
            archive.file("member", vec![7; 1_000]);
            let tar = archive.tar();
            prop_assert!(Archive::from_tar(&tar[..512 + 1_000 - cut]).is_err());
        }
    }

    #[test]
    fn a_later_member_takes_the_place_of_an_earlier_one() {
        let mut archive = Archive::default();
        archive.file("a", "first");
        archive.file("a", "second");
        assert_eq!(archive.content("a"), "second");
        archive.link("a", "b");
        assert_eq!(archive.content("a"), "", "a link has no content");
    }
}
