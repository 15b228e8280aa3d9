//! Builds small modules that make WASI calls one after another and check what each gives.
//!
//! A script exits with 0 if all was as expected, else with the number of the first step that was
//! not, counted from 1.

use std::collections::BTreeMap;
use std::fmt::Write;

/// An argument of a call.
#[derive(Clone, Copy)]
pub(crate) enum Arg<'a> {
    I(u32),
    L(u64),
    /// A text's address and length.
    Text(&'a str),
    /// The 32-bit number at an address.
    Load(u32),
}

/// Where scripts may put what calls give; texts lie above.
pub(crate) const OUT: u32 = 0;
const TEXTS: usize = 32_768;

#[derive(Default)]
pub(crate) struct Script {
    imports: BTreeMap<String, String>,
    texts: Vec<u8>,
    body: String,
    steps: u32,
}

impl Script {
    /// Calls `name` and expects this error number.
    pub(crate) fn call(&mut self, name: &str, args: &[Arg<'_>], errno: u32) -> &mut Self {
        let (mut types, mut values) = (String::new(), String::new());
        for arg in args {
            let (kind, value) = match arg {
                Arg::I(value) => ("i32", format!("(i32.const {value})")),
                Arg::L(value) => ("i64", format!("(i64.const {value})")),
                Arg::Load(at) => ("i32", format!("(i32.load (i32.const {at}))")),
                Arg::Text(text) => {
                    let at = TEXTS + self.texts.len();
                    self.texts.extend_from_slice(text.as_bytes());
                    ("i32 i32", format!("(i32.const {at}) (i32.const {})", text.len()))
                }
            };
            write!(types, " {kind}").unwrap();
            write!(values, " {value}").unwrap();
        }
        self.imports.insert(name.to_owned(), types);
        self.check(&format!("(i32.ne (call ${name}{values}) (i32.const {errno}))"))
    }

    /// Expects a 32-bit number at an address.
    pub(crate) fn number(&mut self, at: u32, value: u32) -> &mut Self {
        self.check(&format!("(i32.ne (i32.load (i32.const {at})) (i32.const {value}))"))
    }

    /// Expects these bytes at an address.
    pub(crate) fn bytes(&mut self, at: u32, bytes: &[u8]) -> &mut Self {
        let mut differs = "(i32.const 0)".to_owned();
        for (i, byte) in bytes.iter().enumerate() {
            let at = at as usize + i;
            differs = format!(
                "(i32.or {differs} (i32.ne (i32.load8_u (i32.const {at})) (i32.const {byte})))"
            );
        }
        self.check(&differs)
    }

    /// Puts a 32-bit number at an address.
    pub(crate) fn store(&mut self, at: u32, value: u32) -> &mut Self {
        writeln!(self.body, "(i32.store (i32.const {at}) (i32.const {value}))").unwrap();
        self
    }

    /// Puts one buffer's address and length at `at`.
    pub(crate) fn buffer(&mut self, at: u32, start: u32, len: u32) -> &mut Self {
        self.store(at, start).store(at + 4, len)
    }

    /// Opens `path` below `dir` with all rights that it can have and puts the descriptor at `out`.
    pub(crate) fn open(
        &mut self,
        dir: u32,
        path: &str,
        flags: u32,
        out: u32,
        errno: u32,
    ) -> &mut Self {
        use Arg::{I, L, Text};
        let (all, write) = ((1 << 30) - 1, 1 << 6);
        let is_directory = flags & 2 != 0;
        let rights = if is_directory { all & !write } else { all };
        let args = [I(dir), I(1), Text(path), I(flags), L(rights), L(all), I(0), I(out)];
        self.call("path_open", &args, errno)
    }

    fn check(&mut self, fails: &str) -> &mut Self {
        self.steps += 1;
        writeln!(self.body, "(if {fails} (then (call $proc_exit (i32.const {}))))", self.steps)
            .unwrap();
        self
    }

    /// The finished module.
    pub(crate) fn build(&self) -> Vec<u8> {
        let mut imports = String::new();
        for (name, types) in &self.imports {
            writeln!(
                imports,
                "(import \"wasi_snapshot_preview1\" \"{name}\" \
                 (func ${name} (param{types}) (result i32)))"
            )
            .unwrap();
        }
        let mut texts = String::new();
        for byte in &self.texts {
            write!(texts, "\\{byte:02x}").unwrap();
        }
        let module = format!(
            "(module {imports}
            (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $proc_exit (param i32)))
            (memory (export \"memory\") 1) (data (i32.const {TEXTS}) \"{texts}\")
            (func (export \"_start\") {}))",
            self.body
        );
        wat::parse_str(&module).unwrap()
    }
}
