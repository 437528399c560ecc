//! Why a cluster holds, in the engine's terms, and as a chart.

use accordant::id::RecordRef;
use accordant::matching::{Bridge, HeldTogether, Holds};
use accordant::text::Text;

use super::{Records, millibits, name, probability, steps};
use crate::explain::{self, Hold, Lane};
use crate::table::Row;

impl Records {
    /// Why the records that are one with a record are.
    pub(super) fn held(&self, record: &RecordRef) -> Option<HeldTogether> {
        let held = self.index.cluster(&name(record))?;
        let named = |row: &Row| self.names.get(&self.index.table().key(*row)).cloned();
        let bridges = held.bridges.iter().filter_map(|bridge| {
            let because = match bridge.hold {
                Hold::Weighed => Holds::Compared,
                Hold::Said | Hold::Given => Holds::Given,
            };
            let rules = bridge.explanation.made_by.iter().map(|rule| Text::from(rule.to_string())).collect();
            let found = Bridge::new(
                named(&bridge.a)?,
                named(&bridge.b)?,
                millibits(f64::from(bridge.weight)),
                probability(bridge.probability),
            );
            Some(found.between(because, bridge.sides).explained(rules, steps(&bridge.explanation)))
        });
        Some(HeldTogether::new(held.rows.iter().filter_map(named).collect(), bridges.collect()))
    }
}

/// Why records are one entity, as an SVG chart: a line for each record, and a lane for each pair that holds them together, the strongest
/// first and the weakest, where it would break first, in red.
#[must_use]
pub fn held_svg(held: &HeldTogether) -> String {
    let names: Vec<String> = held.records.iter().map(ToString::to_string).collect();
    let place_of = |of: &RecordRef| held.records.iter().position(|record| record == of).unwrap_or_default();
    let drawn = held.bridges.iter().map(|bridge| Lane {
        ends: (place_of(&bridge.one), place_of(&bridge.other)),
        bits: f64::from(bridge.millibits) / 1e3,
        probability: f64::from(bridge.probability.parts_per_million()) / 1e6,
        hold: if bridge.because == Holds::Given { Hold::Given } else { Hold::Weighed },
    });
    explain::lanes(&names, &drawn.collect::<Vec<_>>())
}
