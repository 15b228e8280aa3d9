//! Content types: guesses by the end of a name, and the `swift_bytes` that Swift appends.
//!
//! Leaves out all but everyday extensions: other names are `application/octet-stream`.

/// Content type of an unknown extension.
const UNKNOWN: &str = "application/octet-stream";

/// Content type of each extension, sorted by extension.
const BY_EXTENSION: [(&str, &str); 58] = [
    ("7z", "application/x-7z-compressed"),
    ("aac", "audio/aac"),
    ("avi", "video/x-msvideo"),
    ("avif", "image/avif"),
    ("bin", UNKNOWN),
    ("bmp", "image/bmp"),
    ("bz2", "application/x-bzip2"),
    ("c", "text/x-c"),
    ("css", "text/css"),
    ("csv", "text/csv"),
    ("doc", "application/msword"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("epub", "application/epub+zip"),
    ("flac", "audio/flac"),
    ("gif", "image/gif"),
    ("gz", "application/gzip"),
    ("htm", "text/html"),
    ("html", "text/html"),
    ("ico", "image/vnd.microsoft.icon"),
    ("ics", "text/calendar"),
    ("jar", "application/java-archive"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("js", "text/javascript"),
    ("json", "application/json"),
    ("log", "text/plain"),
    ("md", "text/markdown"),
    ("mjs", "text/javascript"),
    ("mov", "video/quicktime"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("mpeg", "video/mpeg"),
    ("odt", "application/vnd.oasis.opendocument.text"),
    ("ogg", "audio/ogg"),
    ("otf", "font/otf"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("ppt", "application/vnd.ms-powerpoint"),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    ("py", "text/x-python"),
    ("rtf", "application/rtf"),
    ("sh", "application/x-sh"),
    ("svg", "image/svg+xml"),
    ("tar", "application/x-tar"),
    ("tif", "image/tiff"),
    ("tiff", "image/tiff"),
    ("ttf", "font/ttf"),
    ("txt", "text/plain"),
    ("wasm", "application/wasm"),
    ("wav", "audio/x-wav"),
    ("webm", "video/webm"),
    ("webp", "image/webp"),
    ("woff", "font/woff"),
    ("woff2", "font/woff2"),
    ("xls", "application/vnd.ms-excel"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("xml", "text/xml"),
    ("zip", "application/zip"),
];

/// Guesses the content type of an object by its name.
pub(super) fn guess(name: &str) -> &'static str {
    let file = name.rsplit('/').next().unwrap_or(name);
    let Some((_, ending)) = file.rsplit_once('.') else { return UNKNOWN };
    let ending = ending.to_ascii_lowercase();
    let found = BY_EXTENSION.binary_search_by(|(known, _)| known.cmp(&&*ending));
    found.map_or(UNKNOWN, |at| BY_EXTENSION[at].1)
}

/// Removes `swift_bytes` from a content type: the size of a large object is for the store to set.
pub(in crate::proxy) fn without_swift_bytes(content_type: &str) -> String {
    let is_bytes = |part: &&str| {
        part.trim_start().get(..12).is_some_and(|name| name.eq_ignore_ascii_case("swift_bytes="))
    };
    let parts: Vec<&str> = content_type.split(';').filter(|part| !is_bytes(part)).collect();
    parts.join(";")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_its_object_is() {
        assert!(BY_EXTENSION.is_sorted(), "it is searched by halves");
        assert_eq!(guess("a/b.c/photo.JPG"), "image/jpeg");
        assert_eq!(guess("demo.tar"), "application/x-tar");
        for unknown in ["", "a.txt/b", "txt", "a.", "a.banana", ".."] {
            assert_eq!(guess(unknown), UNKNOWN, "{unknown:?}");
        }
    }

    #[test]
    fn no_client_says_how_many_bytes_a_large_object_has() {
        assert_eq!(without_swift_bytes("text/plain; charset=utf-8"), "text/plain; charset=utf-8");
        assert_eq!(without_swift_bytes("text/plain;swift_bytes=7"), "text/plain");
        assert_eq!(without_swift_bytes("a/b; Swift_Bytes=7;charset=x"), "a/b;charset=x");
        assert_eq!(without_swift_bytes("swift_bytes"), "swift_bytes");
    }
}
