//! Contents of a disk, and the part of them that survives a loss of power.
//!
//! A file's content and its name survive each for itself, as in a real file system. Leaves out
//! time.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::rc::Rc;

use bytes::{Bytes, BytesMut};
use rand::RngExt;
use stayput_host::{Batch, DiskError, Entropy, Row};

use super::room::{self, Room};

/// Bytes in pieces, as they were appended.
#[derive(Default)]
pub(super) struct Content {
    /// Each piece with the offset of its end.
    pieces: Vec<(u64, Bytes)>,
}

impl Content {
    pub(super) fn len(&self) -> u64 {
        self.pieces.last().map_or(0, |(end, _)| *end)
    }

    pub(super) fn push(&mut self, data: Bytes) {
        if !data.is_empty() {
            self.pieces.push((self.len() + data.len() as u64, data));
        }
    }

    fn truncate(&mut self, len: u64) {
        let kept = self.slice(0, len);
        self.pieces.clear();
        self.push(kept);
    }

    /// The bytes from `offset` on, `len` of them if there are so many.
    pub(super) fn slice(&self, offset: u64, len: u64) -> Bytes {
        let end = (offset.saturating_add(len)).min(self.len());
        if offset >= end {
            return Bytes::new();
        }
        let size = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        let mut parts = self.pieces[self.pieces.partition_point(|(end, _)| *end <= offset)..]
            .iter()
            .map_while(|(piece_end, data)| {
                let start = piece_end - data.len() as u64;
                (start < end).then(|| {
                    data.slice(
                        size(offset.saturating_sub(start))..size(end.min(*piece_end) - start),
                    )
                })
            });
        let first = parts.next().unwrap_or_default();
        if first.len() as u64 == end - offset {
            return first;
        }
        let mut whole = BytesMut::with_capacity(size(end - offset));
        whole.extend_from_slice(&first);
        parts.for_each(|part| whole.extend_from_slice(&part));
        whole.freeze()
    }
}

pub(super) struct FileState {
    pub(super) id: u64,
    pub(super) content: Content,
    durable_len: u64,
    /// Number of its names: it takes room, once, while it has any. A loss of power may leave it
    /// both of the names that a rename had given it.
    names: u32,
}

impl FileState {
    /// Says how many bytes are durable now.
    pub(super) fn sync(&mut self) -> u64 {
        self.durable_len = self.content.len();
        self.durable_len
    }
}

type Names = BTreeMap<String, Rc<RefCell<FileState>>>;

#[derive(Default)]
pub(super) struct State {
    names: Names,
    durable_names: Names,
    files_made: u64,
    room: Room,
    pub(super) table: BTreeMap<Vec<u8>, Bytes>,
}

impl State {
    pub(super) fn create(&mut self, path: &str) -> Result<Rc<RefCell<FileState>>, DiskError> {
        if self.names.contains_key(path) {
            return Err(DiskError::Exists { path: path.to_owned() });
        }
        let id = self.files_made;
        self.files_made += 1;
        let file = FileState { id, content: Content::default(), durable_len: 0, names: 1 };
        let file = Rc::new(RefCell::new(file));
        self.names.insert(path.to_owned(), Rc::clone(&file));
        Ok(file)
    }

    pub(super) fn open(&self, path: &str) -> Result<Rc<RefCell<FileState>>, DiskError> {
        self.names.get(path).cloned().ok_or_else(|| not_found(path))
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError> {
        let file = self.names.remove(from).ok_or_else(|| not_found(from))?;
        if let Some(replaced) = self.names.insert(to.to_owned(), file) {
            self.unname(&replaced);
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, path: &str) -> Result<(), DiskError> {
        let file = self.names.remove(path).ok_or_else(|| not_found(path))?;
        self.unname(&file);
        Ok(())
    }

    fn unname(&mut self, file: &RefCell<FileState>) {
        let file = &mut *file.borrow_mut();
        file.names -= 1;
        if file.names == 0 {
            self.room.free(file.content.len());
        }
    }

    pub(super) fn append(&mut self, file: &RefCell<FileState>, data: Bytes) {
        let file = &mut *file.borrow_mut();
        if file.names > 0 {
            self.room.take(data.len() as u64);
        }
        file.content.push(data);
    }

    /// Bytes of room that are taken.
    pub(super) fn used(&self) -> u64 {
        self.room.used()
    }

    /// Bytes of room that the table needs more after `batch`.
    pub(super) fn growth(&self, batch: &Batch) -> u64 {
        room::growth(&self.table, batch)
    }

    pub(super) fn list(&self, dir: &str) -> Vec<String> {
        let prefix = prefix_of(dir);
        let mut found: Vec<String> = Vec::new();
        for (name, _) in in_dir(&self.names, &prefix) {
            let child = name[prefix.len()..].split('/').next().unwrap_or_default();
            if found.last().is_none_or(|last| last != child) {
                found.push(child.to_owned());
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Makes the names directly in `dir` durable; says how many there are.
    pub(super) fn sync_dir(&mut self, dir: &str) -> u64 {
        let prefix = prefix_of(dir);
        let directly = |name: &str| !name[prefix.len()..].contains('/');
        let gone: Vec<String> = in_dir(&self.durable_names, &prefix)
            .filter(|(name, _)| directly(name) && !self.names.contains_key(*name))
            .map(|(name, _)| name.clone())
            .collect();
        for name in gone {
            self.durable_names.remove(&name);
        }
        let mut count = 0;
        for (name, file) in in_dir(&self.names, &prefix).filter(|(name, _)| directly(name)) {
            self.durable_names.insert(name.clone(), Rc::clone(file));
            count += 1;
        }
        count
    }

    pub(super) fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Vec<Row> {
        if from >= to {
            return Vec::new();
        }
        let range = (Bound::Included(from), Bound::Excluded(to));
        let rows = self.table.range::<[u8], _>(range).take(limit);
        rows.map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    pub(super) fn apply(&mut self, batch: &Batch) {
        for (key, value) in batch.changes() {
            let before = match value {
                Some(value) => {
                    self.room.take(room::of_row(key, value));
                    self.table.insert(key.clone(), value.clone())
                }
                None => self.table.remove(key),
            };
            if let Some(before) = before {
                self.room.free(room::of_row(key, &before));
            }
        }
    }

    /// Takes away what was not synced, but for what `torn` leaves of it; says how many bytes and
    /// names are gone.
    pub(super) fn lose_power(&mut self, torn: Option<&mut Entropy>) -> u64 {
        let mut lost = 0;
        let left = torn.map_or_else(Torn::default, |draws| self.tear(draws));
        for (name, file) in &self.names {
            let survives = left.names.get(name).or_else(|| self.durable_names.get(name));
            let survives = survives.is_some_and(|durable| Rc::ptr_eq(durable, file));
            lost += u64::from(!survives);
        }
        self.durable_names.extend(left.names);
        self.durable_names.retain(|name, _| !left.gone.contains(name));
        let before = std::mem::replace(&mut self.names, self.durable_names.clone());
        before.values().for_each(|file| self.unname(file));
        for file in self.names.values() {
            let file = &mut *file.borrow_mut();
            let kept = left.lens.get(&file.id).copied().unwrap_or(file.durable_len);
            lost += file.content.len().saturating_sub(kept);
            file.content.truncate(kept);
            file.durable_len = kept;
            if file.names == 0 {
                self.room.take(kept);
            }
            file.names += 1;
        }
        lost
    }

    /// Draws what survives beyond what was synced: each name that was made or taken away for
    /// itself, and of each file a beginning of what was appended.
    fn tear(&self, draws: &mut Entropy) -> Torn {
        let mut torn = Torn::default();
        for (name, file) in &self.names {
            let durable = self.durable_names.get(name);
            let is_new = durable.is_none_or(|durable| !Rc::ptr_eq(durable, file));
            if is_new && draws.random() {
                torn.names.insert(name.clone(), Rc::clone(file));
            }
        }
        for name in self.durable_names.keys().filter(|name| !self.names.contains_key(*name)) {
            if draws.random() {
                torn.gone.insert(name.clone());
            }
        }
        for file in self.names.values().chain(self.durable_names.values()) {
            let file = file.borrow();
            let unsynced = file.content.len().saturating_sub(file.durable_len);
            torn.lens.insert(file.id, file.durable_len + draws.random_range(0..=unsynced));
        }
        torn
    }
}

/// Unsynced names and contents that a loss of power leaves.
#[derive(Default)]
struct Torn {
    names: Names,
    gone: BTreeSet<String>,
    /// Lengths of files, by their ids.
    lens: BTreeMap<u64, u64>,
}

fn not_found(path: &str) -> DiskError {
    DiskError::NotFound { path: path.to_owned() }
}

fn prefix_of(dir: &str) -> String {
    if dir.is_empty() { String::new() } else { format!("{}/", dir.trim_end_matches('/')) }
}

fn in_dir<'a>(
    names: &'a Names,
    prefix: &'a str,
) -> impl Iterator<Item = (&'a String, &'a Rc<RefCell<FileState>>)> {
    names
        .range::<str, _>((Bound::Included(prefix), Bound::Unbounded))
        .take_while(move |(name, _)| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_slice_of_pieces_is_a_slice_of_the_whole(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..10),
            offset in 0_u64..250, len in 0_u64..250,
        ) {
            let mut content = Content::default();
            pieces.iter().for_each(|piece| content.push(Bytes::from(piece.clone())));
            let whole = pieces.concat();
            let start = (offset as usize).min(whole.len());
            let end = (offset as usize + len as usize).min(whole.len());
            prop_assert_eq!(&content.slice(offset, len)[..], &whole[start..end]);
        }
    }

    #[test]
    fn a_name_without_a_synced_directory_is_lost_with_the_power() {
        let mut state = State::default();
        let kept = state.create("d/kept").unwrap();
        state.append(&kept, Bytes::from_static(b"synced"));
        kept.borrow_mut().sync();
        state.append(&kept, Bytes::from_static(b"not"));
        assert_eq!(state.sync_dir("d"), 1);
        state.create("d/lost").unwrap();
        assert_eq!(state.lose_power(None), 4, "one name and three bytes");
        assert_eq!(state.list("d"), ["kept"]);
        let content = state.open("d/kept").unwrap().borrow().content.slice(0, 100);
        assert_eq!(&content[..], b"synced");
    }

    #[test]
    fn a_rename_that_was_not_synced_is_undone() {
        let mut state = State::default();
        state.create("d/a").unwrap();
        state.sync_dir("d");
        state.rename("d/a", "d/b").unwrap();
        assert_eq!(state.list("d"), ["b"]);
        state.lose_power(None);
        assert_eq!(state.list("d"), ["a"]);
    }

    /// Room that files with a name and rows take, counted anew.
    fn counted(state: &State) -> u64 {
        let files: BTreeMap<u64, u64> = state
            .names
            .values()
            .map(|file| (file.borrow().id, file.borrow().content.len()))
            .collect();
        let rows = state.table.iter().map(|(key, value)| room::of_row(key, value));
        files.values().sum::<u64>() + rows.sum::<u64>()
    }

    /// One of few names; a number stands for it.
    fn name(number: u8) -> &'static str {
        ["a", "b", "d/a", "d/b"][usize::from(number) % 4]
    }

    proptest! {
        #[test]
        fn room_is_what_named_files_and_rows_take_whatever_happens(
            steps in prop::collection::vec((0_u8..9, any::<u8>(), any::<u8>()), 0..80),
        ) {
            let mut state = State::default();
            let mut open = Vec::new();
            let mut draws = stayput_host::Seed(1).entropy("torn", b"", 0);
            for (kind, one, other) in steps {
                match kind {
                    0 => open.extend(state.create(name(one))),
                    1 => drop(state.rename(name(one), name(other))),
                    2 => drop(state.remove(name(one))),
                    3 => {
                        state.sync_dir(["", "d"][usize::from(one) % 2]);
                    }
                    4 => {
                        state.lose_power(None);
                    }
                    5 => {
                        state.lose_power(Some(&mut draws));
                    }
                    6 => {
                        let mut batch = Batch::new();
                        batch.put(vec![one % 3], vec![7; usize::from(other)]);
                        batch.delete(vec![other % 3]);
                        let (before, growth) = (state.used(), state.growth(&batch));
                        state.apply(&batch);
                        prop_assert_eq!(state.used().saturating_sub(before), growth);
                    }
                    _ if open.is_empty() => {}
                    7 => {
                        open[usize::from(one) % open.len()].borrow_mut().sync();
                    }
                    _ => {
                        let file = Rc::clone(&open[usize::from(one) % open.len()]);
                        state.append(&file, Bytes::from(vec![7; usize::from(other)]));
                    }
                }
                prop_assert_eq!(state.used(), counted(&state));
            }
        }
    }

    #[test]
    fn a_file_that_keeps_both_names_of_a_rename_takes_its_room_once() {
        let mut state = State::default();
        let file = state.create("tmp/x").unwrap();
        state.append(&file, Bytes::from_static(b"ten bytes."));
        file.borrow_mut().sync();
        state.sync_dir("tmp");
        state.rename("tmp/x", "x").unwrap();
        state.sync_dir("");
        state.lose_power(None);
        assert_eq!((state.list(""), state.used()), (vec!["tmp".to_owned(), "x".to_owned()], 10));
        state.remove("tmp/x").unwrap();
        assert_eq!(state.used(), 10, "it has the other name");
        state.remove("x").unwrap();
        assert_eq!(state.used(), 0);
    }
}
