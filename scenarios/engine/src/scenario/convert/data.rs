//! `[[data]]`: which objects the store holds, one source each.

use std::collections::BTreeSet;
use std::path::Path;

use super::bounded;
use super::limits::{MAX_DATA_BYTES, MAX_OBJECTS};
use crate::scenario::error::{Flaw, Lines};
use crate::scenario::raw::RawData;
use crate::scenario::{
    Content, DataSource, Generator, OBJECT_NAME_FIX, ObjectName, Size, TarMember,
};

pub(super) fn data(
    raw: &[RawData],
    folder: &Path,
    lines: &Lines<'_>,
) -> Result<Vec<DataSource>, Flaw> {
    let mut sources = Vec::new();
    let mut names = BTreeSet::new();
    let mut generated_bytes: u64 = 0;
    for (at, raw) in raw.iter().enumerate() {
        let section = format!("data[{}]", at + 1);
        let content = content(&section, raw, folder)?;
        let source = match &content {
            Content::Generate { .. } => "generate",
            Content::File(_) => "file",
            Content::Tar(_) => "tar",
        };
        let key = format!("{section}.{source}");
        for name in expand(&section, raw)? {
            // What is drawn is known when the run is planned.
            if let Content::Generate { size: Size::Fixed(size_bytes), .. } = content {
                generated_bytes = generated_bytes.saturating_add(size_bytes);
            }
            if generated_bytes > MAX_DATA_BYTES {
                return Err(Flaw::new(
                    format!("{section}.size"),
                    "makes more than 4 GiB of data in all",
                    "make the objects smaller or fewer",
                ));
            }
            if !names.insert(name.clone()) {
                return Err(Flaw::new(
                    format!("{section}.path"),
                    format!("{name} is named twice"),
                    "give each object one source",
                ));
            }
            let content_type =
                raw.content_type.clone().unwrap_or_else(|| content_type_of(&name).to_owned());
            let line = lines.line_of(&key);
            let content = content.clone();
            sources.push(DataSource { name, content, content_type, key: key.clone(), line });
        }
        if sources.len() > MAX_OBJECTS {
            return Err(Flaw::new(
                format!("{section}.count"),
                format!("makes more than {MAX_OBJECTS} objects in all"),
                "ask for fewer",
            ));
        }
    }
    Ok(sources)
}

fn content(section: &str, raw: &RawData, folder: &Path) -> Result<Content, Flaw> {
    if let Some(content_type) = &raw.content_type {
        let printable = content_type.bytes().all(|b| (0x20..0x7f).contains(&b));
        if content_type.is_empty() || !printable {
            return Err(Flaw::new(
                format!("{section}.content_type"),
                "is no content type",
                "write printable ASCII, such as \"text/plain\"",
            ));
        }
    }
    if let Some(files) = &raw.tar {
        if raw.generate.is_some()
            || raw.file.is_some()
            || raw.size.is_some()
            || raw.size_max.is_some()
        {
            let why = "does not go with `generate`, `file` or `size`";
            return Err(Flaw::new(format!("{section}.tar"), why, "leave the others out"));
        }
        return tar(section, files, folder);
    }
    match (&raw.generate, &raw.file, raw.size.as_ref().or(raw.size_max.as_ref())) {
        (None, Some(file), None) => Ok(Content::File(folder.join(file))),
        (Some(kind), None, _) => generated(section, kind, raw),
        (None, Some(_), Some(_)) => Err(Flaw::new(
            format!("{section}.size"),
            "does not go with `file`, which has its own size",
            "leave one of them out",
        )),
        _ => Err(Flaw::new(
            section,
            "wants one of `generate`, `file` and `tar`",
            "write generate = \"log\" and size, file = \"some.log\", or tar = [\"some.py\"]",
        )),
    }
}

fn generated(section: &str, kind: &str, raw: &RawData) -> Result<Content, Flaw> {
    let kind = match kind {
        "csv" => Generator::Csv,
        "log" => Generator::Log,
        "records" => Generator::Records,
        "text" => Generator::Text,
        _ => {
            return Err(Flaw::new(
                format!("{section}.generate"),
                format!("`{kind}` is no generator"),
                "the generators are: csv, log, records, text",
            ));
        }
    };
    let key = format!("{section}.size");
    let Some(size) = super::size::size(section, raw.size.as_ref(), raw.size_max.as_ref())? else {
        return Err(Flaw::new(
            key,
            "is missing",
            "say how large each generated object is, such as size = \"8 MB\"",
        ));
    };
    match size {
        Size::Fixed(size_bytes) if !size_bytes.is_multiple_of(kind.unit_bytes()) => Err(Flaw::new(
            key,
            format!("is no whole number of records of {} bytes", kind.unit_bytes()),
            "write a multiple, such as size = \"1 MB\"",
        )),
        _ if size.most() < kind.unit_bytes() && size != Size::Fixed(0) => Err(Flaw::new(
            key,
            format!("has no room for a record of {} bytes", kind.unit_bytes()),
            "make it larger",
        )),
        _ => Ok(Content::Generate { kind, size }),
    }
}

fn tar(section: &str, files: &[String], folder: &Path) -> Result<Content, Flaw> {
    let flaw = |why: String, fix: &str| Flaw::new(format!("{section}.tar"), why, fix);
    let mut names = BTreeSet::new();
    let member = |file: &String| {
        let path = folder.join(file);
        let name = path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
        let name = name.ok_or_else(|| flaw(format!("`{file}` is no file"), "name files"))?;
        if !names.insert(name.clone()) {
            let why = format!("two of the files are called {name}");
            return Err(flaw(why, "give them different names: their folders are left out"));
        }
        Ok(TarMember { name, file: path })
    };
    Ok(Content::Tar(files.iter().map(member).collect::<Result<_, _>>()?))
}

/// The names that a path with a `*` and a `count` stands for: `*` becomes 01, 02, …, with as many
/// digits as the count has, at least two.
fn expand(section: &str, raw: &RawData) -> Result<Vec<ObjectName>, Flaw> {
    let key = format!("{section}.path");
    let stars = raw.path.matches('*').count();
    let count_key = format!("{section}.count");
    match (stars, raw.count) {
        (0, None | Some(1)) => {}
        (1, Some(_)) => {}
        (0, Some(_)) => {
            return Err(Flaw::new(
                &key,
                "has a count but no `*`",
                "write the `*` where the number goes",
            ));
        }
        (1, None) => {
            return Err(Flaw::new(
                &count_key,
                "is missing",
                "say how many objects the `*` stands for",
            ));
        }
        _ => return Err(Flaw::new(&key, "has more than one `*`", "write one `*`")),
    }
    let most = u32::try_from(MAX_OBJECTS).unwrap_or(u32::MAX);
    let count = bounded(&count_key, raw.count, 1, 1, most)?;
    let width = count.to_string().len().max(2);
    (1..=count)
        .map(|n| {
            let path = raw.path.replace('*', &format!("{n:0width$}"));
            ObjectName::parse(&path)
                .map_err(|error| Flaw::new(&key, error.to_string(), OBJECT_NAME_FIX))
        })
        .collect()
}

/// The content type that an object's name suggests.
pub(in crate::scenario) fn content_type_of(name: &ObjectName) -> &'static str {
    let extension = name.object().rsplit_once('.').map_or("", |(_, extension)| extension);
    match extension {
        "txt" | "log" => "text/plain",
        "wasm" => "application/wasm",
        "json" => "application/json",
        "tar" => "application/x-tar",
        "gz" | "tgz" => "application/gzip",
        _ => "application/octet-stream",
    }
}
