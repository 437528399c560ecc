//! Aggregates: counts and sums over many entities that are to agree.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::check::CheckError;
use crate::classify::Hidden;
use crate::fingerprint::{Digest, Fingerprint};
use crate::golden::GoldenLife;
use crate::id::{AttributeId, ConnectionName, EntityType};
use crate::model::{Attribute, Canonical};
use crate::text::Text;
use crate::value::{Decimal, Field};
use crate::view::{EntityView, LinkView, RecordPresence, Shows};

/// A count or a sum over all entities of a type: of golden, or of what the records of one connection say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Total {
    pub(crate) entity_type: EntityType,
    /// What is added up; `None`: they are counted.
    pub(crate) sum: Option<AttributeId>,
    /// Where; `None`: in golden.
    pub(crate) connection: Option<ConnectionName>,
}

impl Total {
    /// How many entities of a type exist.
    #[must_use]
    pub fn count(entity_type: &str) -> Self {
        Self { entity_type: entity_type.into(), sum: None, connection: None }
    }

    /// The same, of a type that the compiler knows.
    #[must_use]
    pub fn count_of<E: Canonical>() -> Self {
        Self::count(E::ENTITY)
    }

    /// The sum of an attribute's golden values over the entities that exist: of amounts by currency, of decimals, of whole numbers.
    #[must_use]
    pub fn sum(entity_type: &str, attribute: &str) -> Self {
        Self { entity_type: entity_type.into(), sum: Some(attribute.into()), connection: None }
    }

    /// The same, of a type that the compiler knows.
    #[must_use]
    pub fn sum_of<E: Canonical, T>(attribute: Attribute<E, T>) -> Self {
        Self::sum(E::ENTITY, attribute.id())
    }

    /// Not of golden, but of this connection: how many records are there that belong to an entity, or the sum of what they say, of
    /// several records of one entity too. Records that belong to none are cases of their own, and not counted; a duplicate where an
    /// entity is to have one record is counted, and what it says not added.
    #[must_use]
    pub fn at(self, connection: &str) -> Self {
        Self { connection: Some(ConnectionName::new(connection)), ..self }
    }

    /// Adds an entity.
    pub(crate) fn add(&self, tally: &mut Tally, entity: &EntityView) {
        let Some(attribute) = &self.sum else {
            tally.count += match &self.connection {
                None => u64::from(entity.life == GoldenLife::Live),
                Some(name) => {
                    let records = entity.links.iter().filter(|link| link.record.connection == *name);
                    records.filter(|link| is_there(&link.presence)).count() as u64
                }
            };
            return;
        };
        match &self.connection {
            None if entity.life == GoldenLife::Live => tally.add(entity.golden(attribute.as_str()).as_ref()),
            None => {}
            Some(name) => {
                for (link, shown) in entity.shown(attribute.as_str()) {
                    match shown {
                        _ if link.record.connection != *name => {}
                        Ok(field) => tally.add(Some(&field)),
                        // Of several records where one is to be, the first counts.
                        Err(Hidden::Duplicate) => {}
                        Err(_) => tally.untold += u64::from(is_there(&link.presence)),
                    }
                }
            }
        }
    }
}

const fn is_there(presence: &RecordPresence) -> bool {
    matches!(presence, RecordPresence::Live | RecordPresence::Resurrected)
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.sum {
            None => write!(f, "the number of {}", self.entity_type)?,
            Some(attribute) => write!(f, "the sum of {}.{attribute}", self.entity_type)?,
        }
        self.connection.as_ref().map_or(Ok(()), |connection| write!(f, " in {connection}"))
    }
}

/// What a total came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Tally {
    /// How many entities or records were counted, or values added.
    pub count: u64,
    /// The sums by currency; of plain numbers under the empty name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sums: BTreeMap<Text, Decimal>,
    /// How many values could not be added: they are no numbers, the record is there and what it says may not be read or was never said,
    /// or the sum has more digits than are kept.
    #[serde(default, skip_serializing_if = "is_none")]
    pub untold: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_none(count: &u64) -> bool {
    *count == 0
}

impl Tally {
    fn add(&mut self, field: Option<&Field>) {
        let Some(text) = field.and_then(Field::as_value) else { return };
        let (amount, currency) = text.split_once(' ').unwrap_or((text, ""));
        let sum = self.sums.get(currency).copied().unwrap_or(Decimal::ZERO);
        match Decimal::new(amount).ok().and_then(|amount| sum.checked_add(amount)) {
            Some(sum) => {
                self.count += 1;
                self.sums.insert(currency.into(), sum);
            }
            None => self.untold += 1,
        }
    }

    /// What it comes to, by currency.
    fn amounts(&self, of: &Total) -> BTreeMap<Text, Decimal> {
        match of.sum {
            Some(_) => self.sums.clone(),
            None => Decimal::from_parts(i128::from(self.count), 0)
                .map(|count| (Text::default(), count))
                .into_iter()
                .collect(),
        }
    }
}

/// Two totals that are to agree: what the shop says is owed and what the books say, orders and invoices, a ledger and its sum.
///
/// Totals of one entity type are counted entity by entity, both at once: whatever changes meanwhile, they agree or they do
/// not. Those of two types begin to be counted at one instant, as often as the more urgent of the types is gone through, and are counted
/// one after the other; a difference is told when two counts in a row found one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aggregate {
    pub(crate) name: Text,
    pub(crate) left: Total,
    pub(crate) right: Total,
    within: Decimal,
}

impl Aggregate {
    /// Two totals that are to be the same.
    #[must_use]
    pub fn new(name: &str, left: Total, right: Total) -> Self {
        Self { name: name.into(), left, right, within: Decimal::ZERO }
    }

    /// So much they may differ, in each currency.
    ///
    /// # Errors
    ///
    /// [`CheckError::Tolerance`] for less than nothing.
    pub fn within(self, tolerance: Decimal) -> Result<Self, CheckError> {
        if tolerance < Decimal::ZERO {
            return Err(CheckError::Tolerance { tolerance });
        }
        Ok(Self { within: tolerance, ..self })
    }

    /// The identity of what is compared.
    pub(crate) fn definition(&self) -> Digest {
        let mut definition = Fingerprint::new();
        definition.text(&self.left.to_string()).text(&self.right.to_string()).text(&self.within.to_string());
        definition.finish()
    }

    /// Why the two do not agree; `None`: they do.
    #[must_use]
    pub fn differ(&self, left: &Tally, right: &Tally) -> Option<Text> {
        let Self { left: of_left, right: of_right, .. } = self;
        for (of, tally) in [(of_left, left), (of_right, right)] {
            if tally.untold > 0 {
                return Some(format!("{of} cannot be told: {} values cannot be added", tally.untold).into());
            }
        }
        let (ours, theirs) = (left.amounts(of_left), right.amounts(of_right));
        for currency in ours.keys().chain(theirs.keys()) {
            let of = |amounts: &BTreeMap<Text, Decimal>| amounts.get(currency).copied().unwrap_or(Decimal::ZERO);
            let (one, other) = (of(&ours), of(&theirs));
            // A difference of more digits than are kept is one.
            if one.checked_sub(other).is_none_or(|difference| difference.abs() > self.within) {
                let amount = |amount: Decimal| format!("{amount} {currency}").trim_end().to_owned();
                return Some(format!("{of_left} is {}, {of_right} is {}", amount(one), amount(other)).into());
            }
        }
        None
    }
}

impl EntityView {
    /// What each record that holds an attribute which is no collection shows of it, or why that is not to be seen.
    pub(crate) fn shown(&self, attribute: &str) -> Vec<(&LinkView, Result<Field, Hidden>)> {
        let Some((unit, member)) = self.holder(attribute) else { return Vec::new() };
        let shown = unit.links.iter().filter_map(|link| {
            let shown = match &link.shows {
                Shows::Value(field) => Ok(crate::value::split_member(field, unit.members.len(), member)?),
                Shows::Hidden(hidden) => Err(*hidden),
            };
            Some((self.links.get(link.link)?, shown))
        });
        shown.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(values: &[&str]) -> Tally {
        let mut tally = Tally::default();
        values.iter().for_each(|value| tally.add(Some(&Field::value(value))));
        tally
    }

    #[test]
    fn sums_agree_currency_by_currency_and_within_the_tolerance() {
        let (left, right) = (Total::sum("order", "total"), Total::sum("invoice", "total"));
        let exact = Aggregate::new("billed", left, right);
        let ours = tally(&["10.00 USD", "2.50 USD", "1 EUR"]);
        assert_eq!(ours.count, 3);
        assert_eq!(exact.differ(&ours, &tally(&["12.5 USD", "1.00 EUR"])), None);
        let theirs = tally(&["12.49 USD", "1 EUR"]);
        let why = "the sum of order.total is 12.5 USD, the sum of invoice.total is 12.49 USD";
        assert_eq!(exact.differ(&ours, &theirs).as_deref(), Some(why));
        let near = exact.clone().within(Decimal::new("0.01").expect("a cent")).expect("not below nothing");
        assert_eq!(near.differ(&ours, &theirs), None);
        assert!(near.differ(&ours, &tally(&["12.50 USD"])).is_some(), "a currency that the other does not have");
        let less = exact.within(Decimal::new("-1").expect("a number")).map_err(|error| error.to_string());
        assert_eq!(less.map(drop), Err("a tolerance of -1 is less than nothing".to_owned()));
    }

    #[test]
    fn what_cannot_be_added_is_said_and_never_left_out() {
        let aggregate = Aggregate::new("owed", Total::sum("order", "total"), Total::count("order"));
        let why = aggregate.differ(&tally(&["1", "one"]), &Tally { count: 1, ..Tally::default() });
        assert_eq!(why.as_deref(), Some("the sum of order.total cannot be told: 1 values cannot be added"));
        assert_eq!(aggregate.differ(&tally(&["1"]), &Tally { count: 1, ..Tally::default() }), None);
    }
}
