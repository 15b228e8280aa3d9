//! Keys and values of the table: where rows stand, and their form in it.
//!
//! Leaves out changes, which are `broker`'s.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::entry::Entry;
use crate::node::storage::{DiskPlace, FileDamage, NodeError};

/// Rows that are read from the table at a time.
pub(super) const PAGE_ROWS: usize = 1_000;

fn key_of<E: Entry>(place: &DiskPlace, rest: &[u8]) -> Vec<u8> {
    [format!("index/{}/{}/", E::LETTER, place.hash.hex()).as_bytes(), rest].concat()
}

/// Key of the listing's record.
pub(super) fn info_key<E: Entry>(place: &DiskPlace) -> Vec<u8> {
    key_of::<E>(place, b"i")
}

/// Key of the row of `name`.
pub(super) fn row_key<E: Entry>(place: &DiskPlace, name: &[u8]) -> Vec<u8> {
    key_of::<E>(place, &[b"r/", name].concat())
}

/// First key after all rows.
pub(super) fn end_of_rows<E: Entry>(place: &DiskPlace) -> Vec<u8> {
    key_of::<E>(place, b"r0")
}

/// Reads the value of a key, if it is there.
pub(super) async fn get<T: DeserializeOwned>(
    place: &DiskPlace,
    key: &[u8],
) -> Result<Option<T>, NodeError> {
    let value = place.device.disk.get(key).await.map_err(place.disk_error())?;
    value.map(|value| decode(place, &value)).transpose()
}

/// Value from its form in the table.
pub(super) fn decode<T: DeserializeOwned>(place: &DiskPlace, value: &[u8]) -> Result<T, NodeError> {
    let damaged = |error: serde_json::Error| FileDamage::Metadata { why: error.to_string() };
    serde_json::from_slice(value).map_err(|error| place.damaged(damaged(error)))
}

/// Form of a value in the table.
#[expect(clippy::expect_used, reason = "structs of strings and numbers always have a JSON form")]
pub(crate) fn encode<T: Serialize>(value: &T) -> Bytes {
    serde_json::to_vec(value).expect("rows have a JSON form").into()
}
