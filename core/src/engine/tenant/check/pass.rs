//! Passes: what is kept of going through all entities of a type, a page at a time, and of what was found on the way.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::check::{Aggregate, Dimension, EntityCheck, Tally, Total};
use crate::engine::hydrate::parse;
use crate::engine::{Core, Tenant};
use crate::error::Error;
use crate::fingerprint::{Digest, Fingerprint};
use crate::id::EntityType;
use crate::model::CompiledEntity;
use crate::store::{RowKey, Table};
use crate::text::Text;

/// What is kept of the passes over a type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PassRow {
    /// The one under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) running: Option<Running>,
    /// The last that came to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) last: Option<Passed>,
}

impl PassRow {
    /// What the pass came to until now that is under way, or the last.
    fn current(&self) -> Option<&Passed> {
        self.running.as_ref().map(|running| &running.passed).or(self.last.as_ref())
    }
}

/// A pass that is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Running {
    /// How far it came.
    pub(super) after: Option<Text>,
    #[serde(flatten)]
    pub(super) passed: Passed,
}

/// What a pass came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Passed {
    /// The identity of what was examined.
    pub(super) by: Digest,
    pub(super) began: i64,
    /// By the names of checks.
    pub(super) counts: BTreeMap<Text, Counted>,
    /// By what was added up.
    pub(super) tallies: BTreeMap<Text, Tally>,
}

/// What a check found in a pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counted {
    pub(super) dimension: Dimension,
    pub(super) examined: u64,
    pub(super) violating: u64,
    /// Over how many it panicked.
    #[serde(default, skip_serializing_if = "is_none")]
    pub(super) panicked: u64,
    /// How many of all those are cases.
    pub(super) listed: u64,
    /// How many entities violate it by which unit.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) units: BTreeMap<Text, u64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_none(count: &u64) -> bool {
    *count == 0
}

/// What two totals came to last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Totalled {
    /// When both passes began.
    pub(super) at: i64,
    /// The identity of what was compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) by: Option<Digest>,
    pub(super) left: Tally,
    pub(super) right: Tally,
    pub(super) differ: bool,
}

/// What is examined of a type.
pub(super) struct Examiners<'c> {
    pub(super) checks: Vec<&'c dyn EntityCheck>,
    /// What is added up of it, by name.
    pub(super) totals: BTreeMap<Text, &'c Total>,
    pub(super) by: Digest,
}

impl<'c> Examiners<'c> {
    pub(super) fn of(core: &'c Core, entity_type: &EntityType) -> Self {
        let mine = core.checks.of_entities.iter().filter(|(of, _)| of == entity_type);
        let checks: Vec<&dyn EntityCheck> = mine.map(|(_, check)| &**check).collect();
        let totals = core.checks.aggregates.iter().flat_map(|aggregate| [&aggregate.left, &aggregate.right]);
        let totals = totals.filter(|total| total.entity_type == *entity_type);
        let totals: BTreeMap<Text, &Total> = totals.map(|total| (total.to_string().into(), total)).collect();
        let mut by = Fingerprint::new();
        for check in &checks {
            by.text(&check.name());
            check.fingerprint(&mut by);
        }
        for total in totals.keys() {
            by.text(total);
        }
        Self { checks, totals, by: by.finish() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.checks.is_empty() && self.totals.is_empty()
    }

    /// A pass over everything, from its beginning.
    pub(super) fn begin(&self, now: i64) -> Running {
        let nothing = |check: &&dyn EntityCheck| {
            let (dimension, units) = (check.dimension(), BTreeMap::new());
            (check.name(), Counted { dimension, examined: 0, violating: 0, panicked: 0, listed: 0, units })
        };
        let tallies = self.totals.keys().map(|total| (total.clone(), Tally::default())).collect();
        let counts = self.checks.iter().map(nothing).collect();
        Running { after: None, passed: Passed { by: self.by, began: now, counts, tallies } }
    }
}

/// What is to be done of types that are gone through together.
pub(super) enum Turn {
    /// They are gone through, from their beginning.
    Begin,
    /// There is more to look at.
    GoOn,
    /// Nothing, before this instant.
    Due(i64),
}

/// What is to be done of types that are gone through together, every so many milliseconds. They begin together: when the last of them is
/// over, or when what is examined of any is another.
pub(super) fn turn<'p>(
    passes: impl Iterator<Item = (&'p Examiners<'p>, &'p PassRow)> + Clone,
    every: i64,
    now: i64,
) -> Turn {
    let stale = |(examiners, row): (&Examiners<'_>, &PassRow)| row.current().is_none_or(|one| one.by != examiners.by);
    if passes.clone().any(stale) {
        return Turn::Begin;
    }
    if passes.clone().any(|(_, row)| row.running.is_some()) {
        return Turn::GoOn;
    }
    let began = passes.filter_map(|(_, row)| row.current()).map(|passed| passed.began).min();
    match began.map(|began| began.saturating_add(every)) {
        Some(due) if due > now => Turn::Due(due),
        _ => Turn::Begin,
    }
}

/// The types of the model. Those whose totals are compared are together: counts that began apart would differ by what came between.
pub(super) fn groups(core: &Core) -> Vec<Vec<&CompiledEntity>> {
    let mut groups: Vec<Vec<&CompiledEntity>> = core.model.entities.iter().map(|model| vec![model]).collect();
    for Aggregate { left, right, .. } in &core.checks.aggregates {
        let of = |total: &Total| groups.iter().position(|group| group.iter().any(|one| one.name == total.entity_type));
        if let (Some(one), Some(other)) = (of(left), of(right))
            && one != other
        {
            let joins = groups.remove(one.max(other));
            groups[one.min(other)].extend(joins);
        }
    }
    groups
}

/// What the keys of passes begin with.
pub(super) const PASSES: &str = "examined/";

/// What the keys begin with of what totals came to.
pub(super) const TOTALS: &str = "totalled/";

pub(super) fn pass_key(entity_type: &EntityType) -> RowKey {
    RowKey::new(Table::Meta, format!("{PASSES}{entity_type}"))
}

/// The type of a pass.
pub(super) fn passed_type(key: &str) -> Option<EntityType> {
    key.strip_prefix(PASSES).map(EntityType::from)
}

pub(super) fn totalled_key(aggregate: &str) -> RowKey {
    RowKey::new(Table::Meta, format!("{TOTALS}{aggregate}"))
}

impl Tenant {
    pub(super) async fn pass_row(&self, entity_type: &EntityType) -> Result<(Option<u64>, Option<PassRow>), Error> {
        self.check_row(pass_key(entity_type)).await
    }

    pub(super) async fn totalled_row(&self, aggregate: &Aggregate) -> Result<(Option<u64>, Option<Totalled>), Error> {
        self.check_row(totalled_key(&aggregate.name)).await
    }

    async fn check_row<T: serde::de::DeserializeOwned>(&self, key: RowKey) -> Result<(Option<u64>, Option<T>), Error> {
        let row = self.row(&key, "load what was examined").await?;
        let revision = row.as_ref().map(|row| row.revision);
        Ok((revision, row.map(|row| parse(Table::Meta, &row)).transpose()?))
    }
}
