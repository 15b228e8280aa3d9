//! Sizes of generated objects: "8 MiB", "uniform 1 MiB..8 MiB", "lognormal 1 MiB sigma 1.0",
//! "pareto 256 KiB alpha 1.5".

use super::limits::{DEFAULT_SIZE_MAX_BYTES, MAX_ALPHA, MAX_DATA_BYTES, MAX_SIGMA};
use super::quantity;
use crate::quantity::{Decimal, parse_size};
use crate::scenario::Size;
use crate::scenario::error::Flaw;
use crate::scenario::raw::Text;

const FIX: &str = "write a size such as \"8 MiB\", \"uniform 1 MiB..8 MiB\", \"lognormal 1 MiB sigma 1.0\" or \
                   \"pareto 256 KiB alpha 1.5\"";
/// The most decimal places of a shape, so that its fraction stays in range.
const MAX_SHAPE_SCALE: u128 = 1_000_000;

/// The sizes that `section` asks for by `size` and `size_max`; `None` if it says neither.
pub(super) fn size(
    section: &str,
    size: Option<&Text>,
    max: Option<&Text>,
) -> Result<Option<Size>, Flaw> {
    let key = format!("{section}.size");
    let max_key = format!("{section}.size_max");
    let Some(text) = size else {
        return match max {
            None => Ok(None),
            Some(_) => Err(Flaw::new(max_key, "bounds a `size` that is not there", FIX)),
        };
    };
    let flaw = |why: String| Flaw::new(&key, why, FIX);
    let bytes = |text: &str| parse_size(text).map_err(|error| flaw(error.to_string()));
    let (kind, rest) = text.0.trim().split_once(' ').unwrap_or((text.0.trim(), ""));
    let bounded = matches!(kind, "lognormal" | "pareto");
    if !bounded && max.is_some() {
        let why = "does not go with a size that has no bound";
        return Err(Flaw::new(max_key, why, "leave it out: it is for lognormal and pareto"));
    }
    let most = quantity(&max_key, max, DEFAULT_SIZE_MAX_BYTES, parse_size)?;
    if most > MAX_DATA_BYTES {
        return Err(Flaw::new(
            max_key,
            "is above 4 GiB",
            "write a smaller size, such as \"64 MiB\"",
        ));
    }
    let shaped = |word: &str, limit: u32| {
        let (first, shape) =
            rest.split_once(word).ok_or_else(|| flaw(format!("`{}` is no size", text.0)))?;
        let shape = shape.trim();
        let number = Decimal::parse(shape).filter(|number| {
            let (digits, scale) = number.fraction();
            !number.is_negative()
                && digits > 0
                && digits <= u128::from(limit) * scale
                && scale <= MAX_SHAPE_SCALE
        });
        let why = || {
            flaw(format!(
                "`{shape}` is not above 0, up to {limit} and of at most six decimal places"
            ))
        };
        Ok((bytes(first)?, number.ok_or_else(why)?))
    };
    let size = match kind {
        "uniform" => {
            let (least, most) =
                rest.split_once("..").ok_or_else(|| flaw(format!("`{}` has no `..`", text.0)))?;
            Size::Uniform { least: bytes(least)?, most: bytes(most)? }
        }
        "lognormal" => {
            let (median, sigma) = shaped(" sigma ", MAX_SIGMA)?;
            Size::Lognormal { median, sigma, most }
        }
        "pareto" => {
            let (least, alpha) = shaped(" alpha ", MAX_ALPHA)?;
            Size::Pareto { least, alpha, most }
        }
        _ => Size::Fixed(quantity(&key, Some(text), 0, parse_size)?),
    };
    check(size, &key)?;
    Ok(Some(size))
}

/// That a distribution has something between its ends.
fn check(size: Size, key: &str) -> Result<(), Flaw> {
    let (least, most) = match size {
        Size::Fixed(_) => return Ok(()),
        Size::Uniform { least, most } | Size::Pareto { least, most, .. } => (least, most),
        Size::Lognormal { median, most, .. } => (median, most),
    };
    if least == 0 {
        return Err(Flaw::new(key, "begins at nothing", "begin at 1 B or more"));
    }
    if least > most {
        let why = format!("{least} bytes are above the largest size of {most}");
        return Err(Flaw::new(key, why, "write the smaller size first, or a larger `size_max`"));
    }
    if most > MAX_DATA_BYTES {
        return Err(Flaw::new(key, "is above 4 GiB", "write a smaller size"));
    }
    Ok(())
}
