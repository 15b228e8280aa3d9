//! Ranges, one and several.

use super::node::md5;
use super::real::stored;
use super::*;

/// The parts of a `multipart/byteranges`: content type, range and content of each.
fn parts(got: &Got) -> Vec<(String, String, Bytes)> {
    let (kind, boundary) = got.header("content-type").split_once(";boundary=").unwrap();
    assert_eq!(kind, "multipart/byteranges");
    let body = got.body.clone().expect("it came whole");
    assert_eq!(got.header("content-length"), body.len().to_string());
    let text = String::from_utf8_lossy(&body).into_owned();
    let (inner, end) = text.rsplit_once(&format!("--{boundary}--")).unwrap();
    assert_eq!(end, "");
    let between = format!("--{boundary}\r\n");
    let parts = inner.split(&between).skip(1);
    let part = |part: &str| {
        let (head, rest) = part.split_once("\r\n\r\n").unwrap();
        let header = |name: &str| {
            let line = head.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.to_owned()
        };
        let content = rest.strip_suffix("\r\n").unwrap();
        (header("Content-Type: "), header("Content-Range: "), Bytes::from(content.to_owned()))
    };
    parts.map(part).collect()
}

#[test]
fn several_ranges_come_in_one_answer() {
    let mut room = stored();
    let words: String = (0..50_000).map(|number| format!("{number:05} ")).collect();
    room.ask("PUT", "c/o", &[("content-type", "text/x-words")], &words);
    let got = room.get(&[("range", "bytes=0-4, 299990-, 6-200010")]);
    assert_eq!(got.status, StatusCode::PARTIAL_CONTENT);
    assert_eq!(got.header("etag"), md5(words.as_bytes()));
    assert_eq!(got.header("content-range"), "");
    let expected = [(0, 5), (299_990, 300_000), (6, 200_011)].map(|(first, end)| {
        let range = format!("bytes {first}-{}/300000", end - 1);
        let content = Bytes::copy_from_slice(&words.as_bytes()[first..end]);
        ("text/x-words".to_owned(), range, content)
    });
    assert_eq!(parts(&got), expected);
}

#[test]
fn several_ranges_of_which_one_is_there_are_one_range() {
    let mut room = stored();
    room.ask("PUT", "c/o", &[], "0123456789");
    let one = room.get(&[("range", "bytes=100-200,-3")]);
    assert_eq!((one.status, one.text()), (StatusCode::PARTIAL_CONTENT, "789"));
    assert_eq!(one.header("content-range"), "bytes 7-9/10");
    let none = room.get(&[("range", "bytes=100-200,10-")]);
    assert_eq!(none.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(none.header("content-range"), "bytes */10");
    for senseless in ["bytes=0-1,", "bytes=0-1,a-b", "lines=1-2,3-4"] {
        let whole = room.get(&[("range", senseless)]);
        assert_eq!((whole.status, whole.text()), (StatusCode::OK, "0123456789"), "{senseless}");
    }
    let unmodified = room.get(&[("range", "bytes=0-1,3-4"), ("if-none-match", "*")]);
    assert_eq!(unmodified.status, StatusCode::NOT_MODIFIED);
    assert_eq!(room.ask("GET", "c/x", &[("range", "bytes=0-1,3-4")], "").status, 404);
}

#[test]
fn several_ranges_survive_replicas_that_break_off() {
    let manners: Vec<_> = (0..2).map(|index| (index, Manner::BreaksAfter(20_000))).collect();
    let mut room = Room::new(&manners);
    let data = pattern(200_000);
    for index in 0..3 {
        room.nodes[index].hold(at(1), &data, &data);
    }
    for _read in 0..3 {
        let got = room.get(&[("range", "bytes=0-99999,100000-199999")]);
        assert_eq!(got.status, StatusCode::PARTIAL_CONTENT);
        let body = got.body.expect("it came whole");
        let found = |part: &[u8]| body.windows(part.len()).any(|window| window == part);
        assert!(found(&data[..100_000]) && found(&data[100_000..]));
    }
}
