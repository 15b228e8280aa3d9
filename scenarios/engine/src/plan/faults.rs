//! Faults that the seed decides: their times are a Poisson process, their places are drawn with
//! equal chances from all that may be hit.
//!
//! Leaves out effects: drawn faults need not have any.

use rand::seq::IndexedRandom;

use crate::plan::arrivals::gap;
use crate::plan::stream;
use crate::scenario::limits::MAX_DRAWN_FAULTS;
use crate::scenario::{DrawnFault, Scenario, ScenarioError, ScenarioFault};

/// The faults that `scenario` leaves to the seed, section by section.
pub(super) fn draw(scenario: &Scenario, seed: u64) -> Result<Vec<ScenarioFault>, ScenarioError> {
    let mut faults = Vec::new();
    for drawn in &scenario.drawn_faults {
        let mut at = drawn.at;
        for n in 0.. {
            let stream = |purpose| stream(seed, purpose, drawn.section as u64, n);
            at = at.saturating_add(gap(&mut stream("fault time"), drawn.per_second));
            if at >= drawn.until {
                break;
            }
            if faults.len() >= MAX_DRAWN_FAULTS {
                return Err(too_many(scenario, drawn));
            }
            let kind = match drawn.targets.choose(&mut stream("fault target")) {
                Some(place) => drawn.kind.moved_to(*place),
                None => drawn.kind.clone(),
            };
            let (for_, repeat, line) = (drawn.for_, drawn.repeat, drawn.line);
            faults.push(ScenarioFault { at, for_, repeat, kind, may_miss: true, line });
        }
    }
    Ok(faults)
}

fn too_many(scenario: &Scenario, drawn: &DrawnFault) -> ScenarioError {
    ScenarioError {
        file: scenario.file.clone(),
        line: drawn.line,
        key: format!("fault[{}].rate", drawn.section),
        why: format!("more than {MAX_DRAWN_FAULTS} faults are drawn in all"),
        fix: "write a smaller rate, or an earlier `until`".to_owned(),
    }
}
