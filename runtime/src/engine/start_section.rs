//! Turns a module's start section into an export, so that the start function can be stepped.
//!
//! wasmi runs a start function inside of instantiation, where it can neither pause nor be sliced.
//! Everything else of the module stays as it is; its validity is the compiler's to check.

/// Name of the export, which no tool gives to anything.
pub(super) const EXPORT: &str = "stayput:start";

const HEADER_BYTES: usize = 8;
const EXPORT_SECTION: u8 = 7;
const START_SECTION: u8 = 8;
const FUNCTION_KIND: u8 = 0;

/// Module with its start function exported as [`EXPORT`]; `None` if it has none, or is malformed:
/// the compiler's message is better.
pub(super) fn into_export(wasm: &[u8]) -> Option<Vec<u8>> {
    let sections = sections(wasm)?;
    let start = sections.iter().find(|section| section.id == START_SECTION)?;
    let exports = sections.iter().find(|section| section.id == EXPORT_SECTION)?;
    let (function, used) = read_u32(start.body)?;
    if used != start.body.len() {
        return None;
    }
    let mut module = wasm.get(..HEADER_BYTES)?.to_vec();
    for section in &sections {
        if std::ptr::eq(section, exports) {
            let body = with_export(section.body, function)?;
            module.push(EXPORT_SECTION);
            write_u32(&mut module, u32::try_from(body.len()).ok()?);
            module.extend_from_slice(&body);
        } else if section.id != START_SECTION {
            module.extend_from_slice(section.whole);
        }
    }
    Some(module)
}

/// Section of a module.
pub(super) struct Section<'a> {
    pub(super) id: u8,
    whole: &'a [u8],
    pub(super) body: &'a [u8],
}

/// Sections; `None` if the module is malformed.
pub(super) fn sections(wasm: &[u8]) -> Option<Vec<Section<'_>>> {
    let mut rest = wasm.get(HEADER_BYTES..)?;
    let mut sections = Vec::new();
    while let Some((&id, after)) = rest.split_first() {
        let (len, used) = read_u32(after)?;
        let end = usize::try_from(len).ok()?.checked_add(used)?;
        let body = after.get(used..end)?;
        let (whole, next) = rest.split_at(end + 1);
        sections.push(Section { id, whole, body });
        rest = next;
    }
    let starts = sections.iter().filter(|section| section.id == START_SECTION).count();
    (starts <= 1).then_some(sections)
}

fn with_export(exports: &[u8], function: u32) -> Option<Vec<u8>> {
    let (count, used) = read_u32(exports)?;
    let mut body = Vec::with_capacity(exports.len() + EXPORT.len() + 8);
    write_u32(&mut body, count.checked_add(1)?);
    body.extend_from_slice(exports.get(used..)?);
    write_u32(&mut body, EXPORT.len() as u32);
    body.extend_from_slice(EXPORT.as_bytes());
    body.push(FUNCTION_KIND);
    write_u32(&mut body, function);
    Some(body)
}

/// An unsigned LEB128 number and the bytes it took.
pub(super) fn read_u32(bytes: &[u8]) -> Option<(u32, usize)> {
    let mut value = 0u64;
    for (i, byte) in bytes.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Some((u32::try_from(value).ok()?, i + 1));
        }
    }
    None
}

fn write_u32(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
