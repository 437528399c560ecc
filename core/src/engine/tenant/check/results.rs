//! What checks of entities and totals came to last.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::check::{Dimension, Tally};
use crate::engine::Tenant;
use crate::error::Error;
use crate::id::EntityType;
use crate::text::Text;

/// What a check of entities came to when all of them were last examined.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckResult {
    /// The type of the entities.
    pub entity_type: EntityType,
    /// The check, by name.
    pub check: Text,
    /// What it verifies.
    pub dimension: Dimension,
    /// When going through them began.
    pub at: DateTime<Utc>,
    /// How many existed, and were examined to an end.
    pub examined: u64,
    /// How many of those it found something wrong with.
    pub violating: u64,
    /// Over how many it panicked instead, and said nothing.
    pub panicked: u64,
    /// How many of both are cases: of the first thousand, each is.
    pub listed: u64,
    /// How many entities it found something wrong with by unit; the elements of a collection together.
    pub units: BTreeMap<Text, u64>,
}

/// What two totals came to when they were last compared.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AggregateResult {
    /// By name.
    pub aggregate: Text,
    /// When both began to be counted.
    pub at: DateTime<Utc>,
    /// The one.
    pub left: Tally,
    /// The other.
    pub right: Tally,
    /// Whether they agree.
    pub agree: bool,
}

impl Tenant {
    /// What each check of entities came to when all entities of its type were last examined, in the order of types and names. What
    /// was not gone through to the end yet is not among them.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn check_results(&self) -> Result<Vec<CheckResult>, Error> {
        let mut results = Vec::new();
        for model in &self.core.model.entities {
            let Some(last) = self.pass_row(&model.name).await?.1.and_then(|row| row.last) else { continue };
            let at = DateTime::from_timestamp_millis(last.began).unwrap_or_default();
            results.extend(last.counts.into_iter().map(|(check, counted)| CheckResult {
                entity_type: model.name.clone(),
                check,
                dimension: counted.dimension,
                at,
                examined: counted.examined,
                violating: counted.violating,
                panicked: counted.panicked,
                listed: counted.listed,
                units: counted.units,
            }));
        }
        Ok(results)
    }

    /// What the totals that are to agree came to when they were last compared, in the order in which they were declared.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn aggregate_results(&self) -> Result<Vec<AggregateResult>, Error> {
        let mut results = Vec::new();
        for aggregate in &self.core.checks.aggregates {
            let Some(last) = self.totalled_row(aggregate).await?.1 else { continue };
            results.push(AggregateResult {
                aggregate: aggregate.name.clone(),
                at: DateTime::from_timestamp_millis(last.at).unwrap_or_default(),
                left: last.left,
                right: last.right,
                agree: !last.differ,
            });
        }
        Ok(results)
    }
}
