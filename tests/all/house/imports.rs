//! Imports between files, and the circles that they make.
//!
//! An arrow goes from a file to the file that defines what it names, through re-exports. A module's
//! own file (`mod.rs`, `lib.rs`) puts its submodules together; arrows down to them do not count.
//! Paths in serde's attributes (`with = "file::field"`) count as paths in code do. Leaves out
//! methods (a value may be used without naming its type), macros and names made by macros.

use std::collections::{BTreeMap, BTreeSet};

use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, ExprLit, Item, Lit, Meta, Token, UseTree};

use super::source::Source;

/// Keys of serde's attributes whose values are paths of functions, modules or types.
const SERDE_PATHS: [&str; 8] = [
    "with",
    "serialize_with",
    "deserialize_with",
    "skip_serializing_if",
    "default",
    "from",
    "try_from",
    "into",
];
/// Re-exports followed for one name.
const HOPS_MAX: usize = 16;

/// Files by crate and module.
struct House {
    files: BTreeMap<Vec<String>, usize>,
    /// Names that each file brings in, re-exports included: name → path from the crate.
    names: Vec<BTreeMap<String, Vec<String>>>,
}

/// Arrows between files, by their index.
pub(super) fn arrows(sources: &[Source]) -> BTreeMap<usize, BTreeSet<usize>> {
    let key = |source: &Source| {
        let mut key = vec![source.krate.clone()];
        key.extend(source.module.iter().cloned());
        key
    };
    let files = sources.iter().enumerate().map(|(index, source)| (key(source), index)).collect();
    let names = sources.iter().map(imported).collect();
    let house = House { files, names };
    let mut arrows: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for (index, source) in sources.iter().enumerate() {
        let own = key(source);
        let mut paths = Paths(Vec::new());
        paths.visit_file(&source.tree);
        let globs = house.names[index].iter().filter(|(name, _)| name.starts_with("*"));
        let globs = globs.map(|(_, path)| path.clone()).collect::<Vec<_>>();
        for path in paths.0.into_iter().chain(globs) {
            let to = house.definition(&own, &path);
            let below = |to: &usize| {
                let (from, to) = (source, &sources[*to]);
                from.krate == to.krate && to.module.starts_with(&from.module)
            };
            arrows.entry(index).or_default().extend(to.filter(|to| !below(to)));
        }
    }
    arrows
}

impl House {
    /// File that defines what `path` names when it stands in the file of `own`.
    fn definition(&self, own: &[String], path: &[String]) -> Option<usize> {
        let (mut own, mut path) = (own.to_vec(), path.to_vec());
        for _ in 0..HOPS_MAX {
            let whole = absolute(&own, &path);
            let longest =
                (1..=whole.len()).rev().find(|len| self.files.contains_key(&whole[..*len]))?;
            let file = self.files[&whole[..longest]];
            let Some(name) = whole.get(longest) else { return Some(file) };
            let Some(next) = self.names[file].get(name) else { return Some(file) };
            let mut next = next.clone();
            next.extend_from_slice(&whole[longest + 1..]);
            own = whole[..longest].to_vec();
            if absolute(&own, &next) == whole {
                return Some(file);
            }
            path = next;
        }
        None
    }
}

/// Path from the crate of a path in a file: `super`, `self` and `crate` resolved. A path that
/// begins with another word is taken from the file's own module, unless it names a crate.
fn absolute(own: &[String], path: &[String]) -> Vec<String> {
    let mut base = own.to_vec();
    let mut rest = path;
    match path.first().map(String::as_str) {
        Some("crate") => {
            base.truncate(1);
            rest = &path[1..];
        }
        Some("self") => rest = &path[1..],
        Some(name) if name.starts_with("stayput_") || name == "stayput" => base.clear(),
        _ => {}
    }
    while rest.first().is_some_and(|part| part == "super") {
        base.pop();
        rest = &rest[1..];
    }
    base.extend_from_slice(rest);
    base
}

/// Names that the file's `use` items bring in; `*0`, `*1`, … for globs.
fn imported(source: &Source) -> BTreeMap<String, Vec<String>> {
    let mut names = BTreeMap::new();
    for item in &source.tree.items {
        if let Item::Use(item) = item {
            walk(&item.tree, &mut Vec::new(), &mut names);
        }
    }
    names
}

fn walk(tree: &UseTree, path: &mut Vec<String>, names: &mut BTreeMap<String, Vec<String>>) {
    match tree {
        UseTree::Path(it) => {
            path.push(it.ident.to_string());
            walk(&it.tree, path, names);
            path.pop();
        }
        UseTree::Name(it) if it.ident == "self" => {
            let name = path.last().cloned().unwrap_or_default();
            names.insert(name, path.clone());
        }
        UseTree::Name(it) => {
            let mut whole = path.clone();
            whole.push(it.ident.to_string());
            names.insert(it.ident.to_string(), whole);
        }
        UseTree::Rename(it) => {
            let mut whole = path.clone();
            if it.ident != "self" {
                whole.push(it.ident.to_string());
            }
            names.insert(it.rename.to_string(), whole);
        }
        UseTree::Glob(_) => {
            names.insert(format!("*{}", names.len()), path.clone());
        }
        UseTree::Group(it) => it.items.iter().for_each(|tree| walk(tree, path, names)),
    }
}

/// Paths that a file names outside its `use` items; those of `use` items count where they are used.
struct Paths(Vec<Vec<String>>);

impl Paths {
    fn add(&mut self, path: &syn::Path) {
        self.0.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
    }
}

impl<'a> Visit<'a> for Paths {
    fn visit_path(&mut self, path: &'a syn::Path) {
        self.add(path);
        visit::visit_path(self, path);
    }

    fn visit_attribute(&mut self, attribute: &'a Attribute) {
        serde_paths(attribute).iter().for_each(|path| self.add(path));
        visit::visit_attribute(self, attribute);
    }
}

/// Paths that an attribute of serde has as texts.
fn serde_paths(attribute: &Attribute) -> Vec<syn::Path> {
    let Meta::List(list) = &attribute.meta else { return Vec::new() };
    if !list.path.is_ident("serde") {
        return Vec::new();
    }
    let parsed = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
    let path = |meta: Meta| {
        let Meta::NameValue(pair) = meta else { return None };
        let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = pair.value else { return None };
        let names_path = SERDE_PATHS.iter().any(|key| pair.path.is_ident(key));
        names_path.then(|| text.parse().ok())?
    };
    parsed.into_iter().flatten().filter_map(path).collect()
}

/// Circles: files that reach each other, each group once, as indices.
pub(super) fn circles(arrows: &BTreeMap<usize, BTreeSet<usize>>, files: usize) -> Vec<Vec<usize>> {
    let reach: Vec<BTreeSet<usize>> = (0..files).map(|from| reachable(arrows, from)).collect();
    let mut seen = BTreeSet::new();
    let mut circles = Vec::new();
    for from in 0..files {
        if seen.contains(&from) || !reach[from].contains(&from) {
            continue;
        }
        let circle: Vec<usize> =
            reach[from].iter().copied().filter(|to| reach[*to].contains(&from)).collect();
        seen.extend(circle.iter().copied());
        circles.push(circle);
    }
    circles
}

fn reachable(arrows: &BTreeMap<usize, BTreeSet<usize>>, from: usize) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        for to in arrows.get(&at).into_iter().flatten() {
            if reached.insert(*to) {
                open.push(*to);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, module: &[&str], text: &str) -> Source {
        let module = module.iter().map(|part| (*part).to_owned()).collect();
        let tree = syn::parse_file(text).expect("it is Rust");
        let (path, text, krate) = (path.to_owned(), text.to_owned(), "stayput_x".to_owned());
        Source { path, text, tree, krate, module }
    }

    fn circles_of(b: &str) -> Vec<Vec<usize>> {
        let sources = [
            source("x/src/lib.rs", &[], "mod a; mod b; pub use b::Thing;"),
            source("x/src/a.rs", &["a"], "use crate::Thing; pub struct A(Thing);"),
            source("x/src/b.rs", &["b"], b),
        ];
        circles(&arrows(&sources), sources.len())
    }

    #[test]
    fn a_circle_through_a_re_export_is_found() {
        assert_eq!(circles_of("pub struct Thing(Option<Box<super::a::A>>);"), [[1, 2]]);
    }

    #[test]
    fn a_circle_through_an_attribute_of_serde_is_found() {
        let b = r#"pub struct Thing(#[serde(default, with = "super::a::text")] u8);"#;
        assert_eq!(circles_of(b), [[1, 2]]);
    }

    #[test]
    fn an_arrow_one_way_and_a_modules_own_submodules_make_no_circle() {
        assert_eq!(circles_of("pub struct Thing;"), Vec::<Vec<usize>>::new());
    }
}
