//! Durations as whole nanoseconds in JSON.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Nanoseconds of a duration; those beyond 584 years are cut.
fn of(length: Duration) -> u64 {
    u64::try_from(length.as_nanos()).unwrap_or(u64::MAX)
}

pub(super) fn serialize<S: Serializer>(length: &Duration, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_u64(of(*length))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    u64::deserialize(from).map(Duration::from_nanos)
}

/// The same of a list.
pub(super) mod list {
    use super::{Deserialize, Deserializer, Duration, Serialize, Serializer, of};

    pub(in crate::record) fn serialize<S: Serializer>(
        lengths: &[Duration],
        out: S,
    ) -> Result<S::Ok, S::Error> {
        lengths.iter().map(|length| of(*length)).collect::<Vec<_>>().serialize(out)
    }

    pub(in crate::record) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<Duration>, D::Error> {
        let nanos = Vec::<u64>::deserialize(from)?;
        Ok(nanos.into_iter().map(Duration::from_nanos).collect())
    }
}
