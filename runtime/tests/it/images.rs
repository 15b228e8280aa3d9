//! Images: what unpacks, and what is refused.

use flate2::Compression;
use flate2::write::GzEncoder;
use stayput_runtime::image::{Image, ImageError, ImageLimits};
use std::io::Write;
use std::sync::Arc;
use tar::{Builder, EntryType, Header};

pub(crate) fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, bytes) in files {
        append(&mut builder, EntryType::Regular, name, "", bytes);
    }
    builder.into_inner().unwrap()
}

/// Writes the names as they are, since the builder refuses bad ones itself.
pub(crate) fn append(
    builder: &mut Builder<Vec<u8>>,
    kind: EntryType,
    name: &str,
    link: &str,
    bytes: &[u8],
) {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_size(bytes.len() as u64);
    let raw = header.as_ustar_mut().unwrap();
    raw.name[..name.len()].copy_from_slice(name.as_bytes());
    raw.linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_cksum();
    builder.append(&header, bytes).unwrap();
}

fn one(kind: EntryType, name: &str, link: &str) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    append(&mut builder, EntryType::Regular, "real", "", b"bytes");
    append(&mut builder, kind, name, link, b"");
    builder.into_inner().unwrap()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn load(bytes: &[u8]) -> Result<Image, ImageError> {
    Image::from_tar(bytes, ImageLimits::default())
}

#[test]
fn a_tar_and_its_gzip_unpack_alike() {
    let plain = tar(&[("a/b", b"one"), ("./c", b"two"), ("a/b", b"three")]);
    let image = load(&plain).unwrap();
    assert_eq!(image, load(&gzip(&plain)).unwrap());
    assert_eq!(image.file("/a/b").as_deref(), Some(&b"three"[..]));
    assert_eq!(image.file("c").as_deref(), Some(&b"two"[..]));
    assert_eq!((image.file("a"), image.members()), (None, 3));
}

#[test]
fn links_within_the_image_are_followed() {
    for (kind, link) in
        [(EntryType::Symlink, "../real"), (EntryType::Symlink, "/real"), (EntryType::Link, "real")]
    {
        let image = load(&one(kind, "d/link", link)).unwrap();
        assert_eq!(image.file("d/link").as_deref(), Some(&b"bytes"[..]), "{link}");
    }
}

#[test]
fn members_that_lead_out_or_are_devices_refuse_the_image() {
    for (kind, name, link) in [
        (EntryType::Regular, "/etc/passwd", ""),
        (EntryType::Regular, "a/../../b", ""),
        (EntryType::Symlink, "d/link", "../../real"),
        (EntryType::Symlink, "link", "/../real"),
        (EntryType::Link, "link", "../real"),
        (EntryType::Link, "link", "missing"),
        (EntryType::Char, "null", ""),
        (EntryType::Block, "disk", ""),
        (EntryType::Fifo, "pipe", ""),
        (EntryType::Regular, "real/below", ""),
    ] {
        let error = load(&one(kind, name, link)).unwrap_err();
        let ImageError::BadMember { path, .. } = &error else { panic!("{error}") };
        assert_eq!(path, name);
    }
}

#[test]
fn bombs_and_crowds_are_stopped_at_their_bound() {
    let limits = ImageLimits { unpacked_bytes_max: 100_000, members_max: 3 };
    let bomb = gzip(&vec![0; 50_000_000]);
    assert_eq!(Image::from_tar(&bomb, limits), Err(ImageError::TooLarge { bytes_max: 100_000 }));
    let crowd = tar(&[("a", b""), ("b", b""), ("c", b""), ("d", b"")]);
    let crowded = Err(ImageError::TooManyMembers { members_max: 3 });
    assert_eq!(Image::from_tar(&crowd, limits), crowded);
    assert_eq!(Image::from_tar(&tar(&[("a/b/c/d/e", b"")]), limits), crowded);
}

#[test]
fn damaged_bytes_are_refused() {
    assert!(matches!(load(b"no tar"), Err(ImageError::NotTar { .. })));
    assert!(matches!(load(&[b'x'; 2048]), Err(ImageError::NotTar { .. })));
    assert!(matches!(load(b"\x1f\x8bxxxxxxxxxxxxxxxx"), Err(ImageError::NotGzip { .. })));
    let whole = tar(&[("a", &[7; 5000])]);
    assert!(matches!(load(&whole[..1500]), Err(ImageError::NotTar { .. })));
}

#[test]
fn of_two_images_the_earlier_wins_and_directories_merge() {
    use crate::script::{Arg, OUT, Script};
    let image = |files| Arc::new(load(&tar(files)).unwrap());
    let mut script = Script::default();
    let read = [Arg::Load(16), Arg::I(24), Arg::I(1), Arg::I(OUT)];
    script.buffer(24, 200, 9);
    for (path, content) in [("d/both", b"mine"), ("d/one", b"1111"), ("d/two", b"2222")] {
        script.open(3, path, 0, 16, 0).call("fd_read", &read, 0).bytes(200, content);
    }
    let module = crate::support::compile(&script.build());
    let mut spec = crate::support::spec(&module, &["guest"]);
    spec.images = vec![
        image(&[("d/both", b"mine"), ("d/one", b"1111")]),
        image(&[("d/both", b"lost"), ("d/two", b"2222")]),
    ];
    let run = stayput_runtime::local::run(spec, Default::default());
    assert_eq!(run.outcome.end.exit_code(), Some(0));
}
