//! Which identifiers can be relied on: two records that hold different values of one are two entities.
//!
//! That is read off what was learned, and off no name: an identifier that differs within matches, as one that is typed by hand does, or
//! one that each system gives anew, keeps nobody apart.

use super::Model;
use crate::comparison::{Agreement, Comparison};
use crate::layout::{Layout, Role};

/// How an identifier turned out among pairs that are taken to be one entity.
#[derive(Debug, Clone, PartialEq)]
pub struct Identifier {
    /// Its field.
    pub field: usize,
    /// The name of its field.
    pub name: String,
    /// In how many matches of which both records have a value it is the same.
    pub same: f64,
    /// In how many it is not, a slip of one letter included.
    pub other: f64,
}

/// Of so many matches one may hold different values: that much is written down wrongly.
const ONE_OF: f64 = 20.0;
/// So few that differ say nothing: of a small table they are those that are to be kept apart.
const FEW: f64 = 3.0;

impl Identifier {
    /// In how many matches both records have a value.
    #[must_use]
    pub fn matches(&self) -> f64 {
        self.same + self.other
    }

    /// Whether records that hold different values of it are two entities: it differs in one match of twenty at most, or in three at most
    /// where there are few, and in fewer than it is the same in. What no match showed is relied on, as its kind says that it is given to
    /// one thing only.
    #[must_use]
    pub fn is_reliable(&self) -> bool {
        self.other <= FEW.max(self.matches() / ONE_OF) && (self.same > self.other || self.matches() < 1.0)
    }
}

impl Model {
    /// The identifiers among its fields, and how each turned out in training.
    #[must_use]
    pub fn identifiers(&self) -> Vec<Identifier> {
        let layout = Layout::of(self.schema.clone());
        let comparisons = Comparison::standard(&layout, self.systems);
        let of = |(place, comparison): (usize, &Comparison)| {
            let parts = || {
                comparison
                    .levels
                    .iter()
                    .enumerate()
                    .flat_map(|(level, of)| of.parts.iter().map(move |part| (level, part)))
            };
            let field = parts().find(|(_, part)| part.role == Role::Identifier).and_then(|(_, part)| part.same)?;
            let seen = |is: &dyn Fn(Agreement) -> bool| {
                let levels = parts().filter(|(_, part)| is(part.agreement)).map(|(level, _)| level);
                let matches = || self.classes.iter().filter(|class| class.matches);
                levels
                    .flat_map(|level| matches().filter_map(move |class| class.seen.get(place)?.get(level)))
                    .sum::<f64>()
            };
            Some(Identifier {
                field: usize::from(field),
                name: comparison.name.clone(),
                same: seen(&|agreement| agreement == Agreement::Exact),
                other: seen(&|agreement| agreement != Agreement::Exact),
            })
        };
        comparisons.iter().enumerate().filter_map(of).collect()
    }
}
