//! Modules byte by byte, for those that no text could hold.

/// An unsigned LEB128 number.
pub(super) fn leb(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A list: its length, then its items.
pub(super) fn list(count: usize, items: &[u8]) -> Vec<u8> {
    [leb(count), items.to_vec()].concat()
}

/// A body with its size in front. `locals` are the local declarations, with their count.
pub(super) fn body(locals: &[u8], code: &[u8]) -> Vec<u8> {
    let body = [locals, code, &[0x0b]].concat();
    [leb(body.len()), body].concat()
}

/// A command. Its function 0 is `_start`; all functions have the first of its types.
pub(super) struct Command {
    pub(super) types: Vec<u8>,
    pub(super) functions: usize,
    pub(super) bodies: Vec<u8>,
    pub(super) data: Option<Vec<u8>>,
    pub(super) more: Vec<(u8, Vec<u8>)>,
}

impl Command {
    /// One whose functions have no values.
    pub(super) fn plain(functions: usize, bodies: Vec<u8>) -> Self {
        Self { types: list(1, b"\x60\0\0"), functions, bodies, data: None, more: Vec::new() }
    }

    pub(super) fn wasm(&self) -> Vec<u8> {
        let mut wasm = b"\0asm\x01\0\0\0".to_vec();
        let exports = b"\x02\x06memory\x02\0\x06_start\0\0".to_vec();
        let mut sections = vec![
            (1, self.types.clone()),
            (3, list(self.functions, &vec![0; self.functions])),
            (5, b"\x01\0\x01".to_vec()),
            (7, exports),
            (10, list(self.functions, &self.bodies)),
        ];
        sections.extend(self.data.iter().map(|data| (11, data.clone())));
        sections.extend(self.more.iter().cloned());
        sections.sort_by_key(|(id, _)| *id);
        for (id, section) in sections {
            wasm.push(id);
            wasm.extend(leb(section.len()));
            wasm.extend(section);
        }
        wasm
    }
}
