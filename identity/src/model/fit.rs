//! Whether the parts of a stored model fit each other: levels are looked up by place, so each must be there.

use super::{Model, ModelError};
use crate::blocking::KeyPart;
use crate::comparison::Comparison;
use crate::layout::Layout;

/// A block of more records than this would be compared with itself for ever.
const MOST_IN_A_BLOCK: u32 = 100_000;

impl Model {
    /// That every number that scoring looks up is there, and is one.
    pub(super) fn fits(&self) -> Result<(), ModelError> {
        let layout = Layout::of(self.schema.clone());
        let comparisons = Comparison::standard(&layout, self.systems);
        let share = |of: f64| (0.0..=1.0).contains(&of);
        let many = |of: f64| of.is_finite() && of >= 0.0;
        let levels = |levels: &[Vec<f64>]| {
            let as_wide = |(levels, comparison): (&Vec<f64>, &Comparison)| {
                levels.len() == comparison.levels.len() && levels.iter().all(|level| share(*level))
            };
            levels.len() == comparisons.len() && levels.iter().zip(&comparisons).all(as_wide)
        };
        let fields = layout.fields.len();
        let frequencies = self.frequencies.fields.iter().all(|field| {
            let ascending = field.common.windows(2).all(|two| two[0].0 < two[1].0);
            let counts = field.common.iter().all(|(_, others)| others.is_finite() && *others >= 0.0);
            // Its logarithm is taken.
            ascending
                && counts
                && share(field.chance)
                && field.chance > 0.0
                && many(field.records)
                && many(field.unseen)
        });
        let corners = &self.calibration.corners;
        let rising = corners.windows(2).all(|two| two[0].0 <= two[1].0 && two[0].1 <= two[1].1)
            && corners.iter().all(|(bits, probability)| bits.is_finite() && share(*probability));
        let part = |part: &KeyPart| part.field < fields;
        let blocking = &self.blocking;
        let rules = blocking.rules.iter().flat_map(|rule| &rule.parts).chain(&blocking.refinements).all(part);
        let block = (2..=MOST_IN_A_BLOCK).contains(&blocking.limits.block);
        let mut declared = self.schema.attributes.iter().filter_map(|attribute| attribute.compared.as_ref());
        for (part, fits) in [
            ("a declared comparison", declared.all(|declared| declared.fault().is_none())),
            ("chance", levels(&self.chance.levels)),
            ("a class", self.classes.iter().all(|class| many(class.share) && levels(&class.levels))),
            ("a frequency", frequencies && self.frequencies.fields.len() == fields),
            ("the spread of values", self.spread.fields.is_empty() || self.spread.fields.len() == fields),
            ("the rarity of words", self.words.len() == layout.dictionaries),
            ("the calibration", rising),
            ("a rule of blocking", rules && block),
        ] {
            if !fits {
                return Err(ModelError::Unfit { part });
            }
        }
        Ok(())
    }
}
