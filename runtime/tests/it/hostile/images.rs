//! Images that are small to send and large to unpack, or that lead where they should not.

use crate::images::{append, gzip, tar};
use crate::script::Script;
use crate::support::{compile, inputs, spec};
use stayput_runtime::image::{Image, ImageError, ImageLimits};
use stayput_runtime::local;
use stayput_runtime::outcome::EndReason;
use std::sync::Arc;
use tar::{Builder, EntryType};

fn load(bytes: &[u8]) -> Result<Image, ImageError> {
    Image::from_tar(bytes, ImageLimits::default())
}

/// A tar of one member after an extension that says what the member's own header cannot.
fn extended(kind: EntryType, extension: &[u8]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    append(&mut builder, kind, "extension", "", extension);
    append(&mut builder, EntryType::Regular, "member", "", b"bytes");
    builder.into_inner().unwrap()
}

fn pax(key: &str, value: &str) -> Vec<u8> {
    let rest = format!(" {key}={value}\n");
    let mut len = rest.len();
    while len != rest.len() + len.to_string().len() {
        len = rest.len() + len.to_string().len();
    }
    format!("{len}{rest}").into_bytes()
}

fn bad_member(tar: &[u8]) -> (String, &'static str) {
    match load(tar) {
        Err(ImageError::BadMember { path, why }) => (path, why),
        other => panic!("{:?}", other.map(|image| image.members())),
    }
}

#[test]
fn a_gibibyte_of_nothing_in_a_megabyte_stops_at_the_bound() {
    let mebibyte = vec![0; 1 << 20];
    let bomb: Vec<u8> = gzip(&mebibyte).repeat(1 << 10);
    assert!(bomb.len() < 2 << 20);
    assert_eq!(load(&bomb), Err(ImageError::TooLarge { bytes_max: 256 << 20 }));
    let bomb_in_bomb = gzip(&bomb);
    assert!(matches!(load(&bomb_in_bomb), Err(ImageError::NotTar { .. })), "one layer is unpacked");
}

#[test]
fn a_crowd_of_members_stops_at_the_bound() {
    let mut builder = Builder::new(Vec::new());
    for number in 0..=100_000 {
        append(&mut builder, EntryType::Regular, &format!("{number}"), "", b"");
    }
    let crowd = gzip(&builder.into_inner().unwrap());
    assert!(crowd.len() < 4 << 20, "{}", crowd.len());
    assert_eq!(load(&crowd), Err(ImageError::TooManyMembers { members_max: 100_000 }));
}

#[test]
fn deep_paths_are_refused() {
    let deep = |depth: usize| extended(EntryType::GNULongName, "d/".repeat(depth).as_bytes());
    assert!(load(&deep(128)).is_ok());
    assert_eq!(bad_member(&deep(129)).1, "lies too deep: the most are 128 directories");
    // It does not count where it leads, but how it is written.
    let twisted = extended(EntryType::GNULongName, b"a/../../../b");
    assert_eq!(bad_member(&twisted).1, "has `..` in its path");
}

#[test]
fn names_that_no_guest_could_say_are_refused_and_not_repeated() {
    let long = "n".repeat(1 << 20);
    for bomb in [
        extended(EntryType::GNULongName, long.as_bytes()),
        extended(EntryType::XHeader, &pax("path", &long)),
    ] {
        let (path, why) = bad_member(&bomb);
        assert_eq!(why, "has a path of more than 4096 bytes, which no guest can name");
        assert!(path.len() < 1_000, "{}", path.len());
    }
    let mut builder = Builder::new(Vec::new());
    append(&mut builder, EntryType::GNULongLink, "extension", "", long.as_bytes());
    append(&mut builder, EntryType::Symlink, "link", "short", b"");
    let (path, why) = bad_member(&builder.into_inner().unwrap());
    assert_eq!((path.as_str(), why), ("link", "is a link to a name that is not text"));
}

#[test]
fn sizes_that_lie_are_refused() {
    for size in ["18446744073709551615", "99999999999999999999", "6000", "-1"] {
        let lying = extended(EntryType::XHeader, &pax("size", size));
        match load(&lying) {
            Err(ImageError::NotTar { .. }) => {}
            Ok(image) => {
                let bytes = image.file("member").expect("it is a file");
                assert!(bytes.len() as u64 <= image.unpacked_bytes(), "{size}");
            }
            other => panic!("{size}: {other:?}"),
        }
    }
}

#[test]
fn absolute_and_climbing_names_are_refused_in_extensions_too() {
    for (name, why) in [
        ("/etc/passwd", "has an absolute path: make it relative"),
        ("../x", "has `..` in its path"),
        ("a/b/../../../x", "has `..` in its path"),
    ] {
        let long = extended(EntryType::GNULongName, name.as_bytes());
        assert_eq!(bad_member(&long), (name.to_owned(), why));
        assert_eq!(bad_member(&extended(EntryType::XHeader, &pax("path", name))).1, why);
    }
}

/// Unpacking follows no link, so that a loop costs nothing; the guest that follows it hears of it.
#[test]
fn loops_of_links_end_for_whoever_follows_them() {
    const LOOP: u32 = 32;
    let mut builder = Builder::new(Vec::new());
    append(&mut builder, EntryType::Symlink, "a", "b", b"");
    append(&mut builder, EntryType::Symlink, "b", "d/../a", b"");
    append(&mut builder, EntryType::Symlink, "self", "self/self/self", b"");
    append(&mut builder, EntryType::Symlink, "d/up", "..", b"");
    let image = load(&builder.into_inner().unwrap()).unwrap();
    assert_eq!((image.file("a"), image.file("self"), image.file("d/up/a")), (None, None, None));
    let mut script = Script::default();
    for path in ["a", "b", "self", "d/up/a"] {
        script.open(3, path, 0, 16, LOOP);
    }
    let mut spec = spec(&compile(&script.build()), &["guest"]);
    spec.images = vec![Arc::new(image)];
    assert_eq!(local::run(spec, inputs("")).outcome.end, EndReason::Exited { code: 0 });
}

#[test]
fn members_below_links_do_not_follow_them() {
    let mut builder = Builder::new(Vec::new());
    append(&mut builder, EntryType::Symlink, "link", "elsewhere", b"");
    append(&mut builder, EntryType::Regular, "link/file", "", b"x");
    let (path, why) = bad_member(&builder.into_inner().unwrap());
    let below = "lies below a member that is no directory";
    assert_eq!((path.as_str(), why), ("link/file", below));
}

#[test]
fn a_thousand_hard_links_share_one_files_bytes() {
    let mut builder = Builder::new(Vec::new());
    append(&mut builder, EntryType::Regular, "real", "", &vec![7; 1 << 20]);
    for number in 0..10_000 {
        append(&mut builder, EntryType::Link, &format!("l{number}"), "real", b"");
    }
    let image = load(&builder.into_inner().unwrap()).unwrap();
    let (one, last) = (image.file("real").unwrap(), image.file("l9999").unwrap());
    assert_eq!(one.as_ptr(), last.as_ptr());
    assert!(load(&tar(&[("d/", b"")])).is_ok());
}
