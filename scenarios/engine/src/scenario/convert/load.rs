//! `[[load]]`: which objects are read and what is written beside the jobs.

use stayput_host::config::Chance;
use toml::Value;

use super::arrivals::arrivals;
use super::limits::MAX_LOADS;
use super::work::pick;
use crate::quantity::parse_chance;
use crate::scenario::error::Flaw;
use crate::scenario::raw::RawLoad;
use crate::scenario::{
    Arrivals, DataSource, LOAD_CONTAINER, Load, OBJECT_NAME_FIX, ObjectPattern, Size,
};

const READ_FIX: &str = "write the share of reads, such as read = 0.9 or read = \"90 %\"";
const DEFAULT_SIZE: Size = Size::Fixed(64 << 10);

pub(super) fn loads(raw: &[RawLoad], data: &[DataSource]) -> Result<Vec<Load>, Flaw> {
    if raw.len() > MAX_LOADS {
        return Err(Flaw::new("load", format!("there are more than {MAX_LOADS}"), "write fewer"));
    }
    let own = data.iter().find(|source| source.name.container() == LOAD_CONTAINER);
    if let (Some(source), false) = (own, raw.is_empty()) {
        let why = format!("writes into the container of {}", source.name);
        return Err(Flaw::new("load[1]", why, "call the data's container something else"));
    }
    let one = |(at, raw): (usize, &RawLoad)| one(&format!("load[{}]", at + 1), raw, data);
    raw.iter().enumerate().map(one).collect()
}

fn one(section: &str, raw: &RawLoad, data: &[DataSource]) -> Result<Load, Flaw> {
    let read = read_share(&format!("{section}.read"), raw.read.as_ref())?;
    let rate_key = format!("{section}.rate");
    let arrivals = arrivals(&rate_key, &raw.rate)?;
    if arrivals == Arrivals::Closed {
        let why = "is a closed loop, which would send less to a slower store";
        return Err(Flaw::new(rate_key, why, "write \"poisson 100/s\" or \"bursts 5/s of 8\""));
    }
    let objects_key = format!("{section}.objects");
    let objects = match &raw.objects {
        None if read == Chance::NEVER => Vec::new(),
        None => {
            let fix = "say what is read, such as objects = \"swift://~/demo/log-*.txt\"";
            return Err(Flaw::new(objects_key, "is missing", fix));
        }
        Some(text) => {
            let pattern = ObjectPattern::parse(text)
                .map_err(|error| Flaw::new(&objects_key, error.to_string(), OBJECT_NAME_FIX))?;
            let names = data.iter().map(|source| &source.name);
            let objects: Vec<_> = names.filter(|name| pattern.matches(name)).cloned().collect();
            if objects.is_empty() {
                let why = format!("no [[data]] object matches {pattern}");
                let fix = "name objects that a [[data]] section puts there";
                return Err(Flaw::new(objects_key, why, fix));
            }
            objects
        }
    };
    let size = super::size::size(section, raw.size.as_ref(), raw.size_max.as_ref())?;
    Ok(Load {
        read,
        arrivals,
        objects,
        pick: pick(&format!("{section}.pick"), raw.pick.as_deref().unwrap_or("zipf 1.0"))?,
        size: size.unwrap_or(DEFAULT_SIZE),
    })
}

fn read_share(key: &str, value: Option<&Value>) -> Result<Chance, Flaw> {
    let text = match value {
        None => "0.9".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Integer(number)) => number.to_string(),
        // The shortest digits that mean this number, which are those that were written.
        Some(Value::Float(number)) => number.to_string(),
        Some(_) => return Err(Flaw::new(key, "is no share", READ_FIX)),
    };
    parse_chance(&text).map_err(|error| Flaw::new(key, error.to_string(), READ_FIX))
}
