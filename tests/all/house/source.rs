//! Source files of the workspace, parsed.
//!
//! Leaves out generated code and code in macros' arguments.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{Attribute, Expr, Item, Lit, Meta};

/// Crates that ship, at least.
const CRATES_MIN: usize = 13;

/// One file.
pub(super) struct Source {
    /// Path from the repository's root, with slashes.
    pub(super) path: String,
    /// Text.
    pub(super) text: String,
    /// Syntax tree.
    pub(super) tree: syn::File,
    /// Crate, as its users write it.
    pub(super) krate: String,
    /// Path of its module within the crate; empty at the root.
    pub(super) module: Vec<String>,
}

/// Repository's root.
pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Text of every Rust file of the workspace, tests and benchmarks included.
pub(super) fn texts() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for room in ["runtime", "sim", "scenarios", "tests"] {
        gather(&root().join(room), &mut found);
    }
    assert!(found.len() > 100, "only {} files were found", found.len());
    let root = root();
    let relative = |path: &Path| {
        let path = path.strip_prefix(&root).expect("it lies below the root");
        path.to_str().expect("names are text").replace('\\', "/")
    };
    found.into_iter().map(|(path, text)| (relative(&path), text)).collect()
}

fn gather(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    let entries = std::fs::read_dir(folder).expect("the workspace can be read");
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| entry.expect("the workspace can be read").path()).collect();
    paths.sort_unstable();
    for path in paths {
        if path.is_dir() && !path.ends_with("target") {
            gather(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = std::fs::read_to_string(&path).expect("sources are text");
            found.push((path, text));
        }
    }
}

/// Files of the crates that ship, and of the test kit: all below their `src`. Modules of tests have
/// been cut out, in files of their own and in others.
pub(super) fn shipped() -> Vec<Source> {
    let crates = crates();
    let mut sources = Vec::new();
    for (path, text) in texts() {
        let Some((folder, rest)) = path.split_once("/src/") else { continue };
        let Some(krate) = crates.get(folder) else { continue };
        let mut module: Vec<String> = rest.split('/').map(str::to_owned).collect();
        let file = module.pop().expect("a path has a last part");
        let name = file.trim_end_matches(".rs");
        if !["lib", "mod", "main"].contains(&name) {
            module.push(name.to_owned());
        }
        let mut tree = syn::parse_file(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
        tree.items.retain(|item| !is_test(item));
        sources.push(Source { path, text, tree, krate: krate.clone(), module });
    }
    let tests: Vec<String> = sources.iter().flat_map(modules_of_tests).collect();
    sources.retain(|source| {
        let own = format!("{}::{}", source.krate, source.module.join("::"));
        !tests.iter().any(|test| own == *test || own.starts_with(&format!("{test}::")))
    });
    let seen: BTreeSet<&str> = sources.iter().map(|source| source.krate.as_str()).collect();
    assert!(crates.values().all(|krate| seen.contains(krate.as_str())), "only of {seen:?}");
    assert!(seen.len() >= CRATES_MIN && sources.len() > 300, "{} files", sources.len());
    sources
}

/// Crates by folder: `sim/world` is `stayput_world`.
fn crates() -> BTreeMap<String, String> {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("it is there");
    let path_dependency = |line: &str| {
        let (name, rest) = line.split_once(" = { path = \"")?;
        Some((rest.split('"').next()?.to_owned(), name.replace('-', "_")))
    };
    manifest.lines().filter_map(path_dependency).collect()
}

/// Modules that a file declares for tests only, with their crate.
fn modules_of_tests(source: &Source) -> Vec<String> {
    let tree = syn::parse_file(&source.text).expect("it was parsed before");
    let modules = tree.items.iter().filter(|item| is_test(item));
    let name = |item: &Item| match item {
        Item::Mod(module) => Some(module.ident.to_string()),
        _ => None,
    };
    let path = |name: String| {
        let mut path = vec![source.krate.clone()];
        path.extend(source.module.iter().cloned());
        path.push(name);
        path.join("::")
    };
    modules.filter_map(name).map(path).collect()
}

fn is_test(item: &Item) -> bool {
    let attributes = match item {
        Item::Mod(it) => &it.attrs,
        Item::Fn(it) => &it.attrs,
        Item::Use(it) => &it.attrs,
        Item::ExternCrate(it) => &it.attrs,
        Item::Impl(it) => &it.attrs,
        _ => return false,
    };
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) => {
            list.path.is_ident("cfg") && {
                let condition = list.tokens.to_string();
                condition.starts_with("test") || condition.starts_with("any (test")
            }
        }
        Meta::Path(path) => path.is_ident("test"),
        Meta::NameValue(_) => false,
    })
}

/// First line of every doc comment of a file, in order, with the text's own words.
pub(super) fn docs(source: &Source) -> Vec<String> {
    let mut docs = Docs(Vec::new());
    docs.visit_file(&source.tree);
    docs.0
}

struct Docs(Vec<String>);

impl Docs {
    fn add(&mut self, attributes: &[Attribute]) {
        let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
            Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
                Expr::Lit(literal) => match &literal.lit {
                    Lit::Str(text) => Some(text.value()),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        });
        self.0.extend(lines.map(|line| line.trim().to_owned()).next());
    }
}

impl<'a> Visit<'a> for Docs {
    fn visit_file(&mut self, it: &'a syn::File) {
        self.add(&it.attrs);
        visit::visit_file(self, it);
    }

    fn visit_item(&mut self, it: &'a Item) {
        match it {
            Item::Const(it) => self.add(&it.attrs),
            Item::Enum(it) => self.add(&it.attrs),
            Item::Fn(it) => self.add(&it.attrs),
            Item::Static(it) => self.add(&it.attrs),
            Item::Struct(it) => self.add(&it.attrs),
            Item::Trait(it) => self.add(&it.attrs),
            Item::Type(it) => self.add(&it.attrs),
            _ => {}
        }
        visit::visit_item(self, it);
    }

    fn visit_field(&mut self, it: &'a syn::Field) {
        self.add(&it.attrs);
        visit::visit_field(self, it);
    }

    fn visit_variant(&mut self, it: &'a syn::Variant) {
        self.add(&it.attrs);
        visit::visit_variant(self, it);
    }

    fn visit_impl_item(&mut self, it: &'a syn::ImplItem) {
        match it {
            syn::ImplItem::Const(it) => self.add(&it.attrs),
            syn::ImplItem::Fn(it) => self.add(&it.attrs),
            _ => {}
        }
        visit::visit_impl_item(self, it);
    }

    fn visit_trait_item(&mut self, it: &'a syn::TraitItem) {
        match it {
            syn::TraitItem::Const(it) => self.add(&it.attrs),
            syn::TraitItem::Fn(it) => self.add(&it.attrs),
            syn::TraitItem::Type(it) => self.add(&it.attrs),
            _ => {}
        }
        visit::visit_trait_item(self, it);
    }
}
