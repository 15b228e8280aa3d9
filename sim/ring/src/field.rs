//! Deserializers that put the field's name before the error of its value.
//!
//! Leaves out the fields' types, which stand where the fields do.

use serde::de::Error;
use serde::{Deserialize, Deserializer};

macro_rules! named {
    ($($name:ident),*) => { $(
        pub(super) fn $name<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
            from: D,
        ) -> Result<T, D::Error> {
            let wrong = |error| D::Error::custom(format_args!("{}: {error}", stringify!($name)));
            T::deserialize(from).map_err(wrong)
        }
    )* };
}

named!(id, region, zone, ip, port, device, weight, meta, devs, replica2part2dev_id, part_shift);
