//! Rules in words: what a file says of a rule, and the rule that it makes of values of a type. It has the same conditions as
//! code has, and nothing else: a closure is code.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;

use crate::id::{AttributeId, EntityType};
use crate::ownership::Authority;
use crate::rule::condition::{self, Condition, Proportional};
use crate::rule::{AnyRule, Measured, erase, when};
use crate::value::{Ordered, Value};

/// What a rule asks of a change. Values are texts: which type they are of, the attribute knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    Changes,
    Replaces,
    Clears,
    Becomes(String),
    Above(String),
    Below(String),
    MovedBy(String),
    MovedByPercent(u32),
    StoodFor(TimeDelta),
    SaidAgo(TimeDelta),
    SaidBy(String),
    SaidAs(Authority),
    /// Another attribute of the entity holds this canonical text.
    OtherIs(EntityType, AttributeId, String),
    OtherMissing(EntityType, AttributeId),
    All(Vec<Asked>),
    Any(Vec<Asked>),
    Not(Box<Asked>),
}

/// What a rule does with a change that it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Hold,
    Review,
    Forbid,
    Warn,
}

/// A rule, as a file says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RuleWords {
    pub(crate) asked: Asked,
    pub(crate) then: Then,
    pub(crate) reason: String,
    pub(crate) by_two: bool,
    pub(crate) name: Option<String>,
}

/// What values of a type can be asked beside what all can, by the word of the condition.
pub(crate) type Abilities = BTreeMap<&'static str, Arc<dyn Any + Send + Sync>>;

/// Makes a rule of values of one type; or says why its words are none.
pub(crate) type MakeRule = fn(&RuleWords, &Abilities) -> Result<Arc<dyn AnyRule>, String>;

type OfValue<T> = fn(T) -> Condition<T>;
type OfPercent<T> = fn(u32) -> Condition<T>;

/// What can be asked of values that have an order.
pub(crate) fn ordered<T: Ordered>() -> Abilities {
    let (above, below): (OfValue<T>, OfValue<T>) = (condition::above, condition::below);
    [("above", ability(above)), ("below", ability(below))].into()
}

/// What can be asked of values that have a distance.
pub(crate) fn measured<T: Measured>() -> Abilities {
    let moved_by: OfValue<T> = condition::moved_by;
    [("moved_by", ability(moved_by))].into()
}

/// What can be asked of values of which hundredths can be taken.
pub(crate) fn proportional<T: Proportional>() -> Abilities {
    let moved: OfPercent<T> = condition::moved_by_percent;
    [("moved_by_percent", ability(moved))].into()
}

fn ability(of: impl Any + Send + Sync) -> Arc<dyn Any + Send + Sync> {
    Arc::new(of)
}

/// The rule that the words make of values of this type.
pub(crate) fn make<T: Value>(words: &RuleWords, abilities: &Abilities) -> Result<Arc<dyn AnyRule>, String> {
    let asked = when(asked::<T>(&words.asked, abilities)?);
    let reason = words.reason.as_str();
    let mut rule = match words.then {
        Then::Hold => asked.hold(reason),
        Then::Review => asked.review(reason),
        Then::Forbid => asked.forbid(reason),
        Then::Warn => asked.warn(reason),
    };
    if let Some(name) = &words.name {
        rule = rule.named(name);
    }
    Ok(erase::<T, _>(if words.by_two { rule.by_two() } else { rule }))
}

fn asked<T: Value>(asked_for: &Asked, abilities: &Abilities) -> Result<Condition<T>, String> {
    let able = |word: &str| {
        let kind = T::KIND.name;
        abilities.get(word).ok_or_else(|| format!("`{word}` cannot be asked of values of kind `{kind}`"))
    };
    let compared = |word: &str, text: &str| {
        let of = able(word)?.downcast_ref::<OfValue<T>>();
        Ok::<_, String>(of.ok_or_else(|| format!("`{word}` is of another type here"))?(value(text)?))
    };
    Ok(match asked_for {
        Asked::Changes => condition::changes(),
        Asked::Replaces => condition::replaces(),
        Asked::Clears => condition::clears(),
        Asked::Becomes(text) => condition::becomes(value(text)?),
        Asked::Above(text) => compared("above", text)?,
        Asked::Below(text) => compared("below", text)?,
        Asked::MovedBy(text) => compared("moved_by", text)?,
        Asked::MovedByPercent(percent) => {
            let of = able("moved_by_percent")?.downcast_ref::<OfPercent<T>>();
            of.ok_or("`moved_by_percent` is of another type here")?(*percent)
        }
        Asked::StoodFor(age) => condition::stood_for(*age),
        Asked::SaidAgo(age) => condition::said_ago(*age),
        Asked::SaidBy(system) => condition::said_by(system),
        Asked::SaidAs(role) => condition::said_as(*role),
        Asked::OtherIs(entity, id, text) => Condition::other_text_is(entity.clone(), id.clone(), text),
        Asked::OtherMissing(entity, id) => Condition::other_text_missing(entity.clone(), id.clone()),
        Asked::All(all) => joined(all, abilities, Condition::and)?,
        Asked::Any(any) => joined(any, abilities, Condition::or)?,
        Asked::Not(one) => condition::not(asked(one, abilities)?),
    })
}

fn joined<T: Value>(
    several: &[Asked],
    abilities: &Abilities,
    join: fn(Condition<T>, Condition<T>) -> Condition<T>,
) -> Result<Condition<T>, String> {
    let mut conditions = several.iter().map(|one| asked::<T>(one, abilities));
    let first = conditions.next().ok_or("it asks for nothing")??;
    conditions.try_fold(first, |all, one| Ok(join(all, one?)))
}

fn value<T: Value>(text: &str) -> Result<T, String> {
    T::from_canonical(text).map_err(|_| format!("`{text}` is no value of kind `{}`", T::KIND.name))
}
