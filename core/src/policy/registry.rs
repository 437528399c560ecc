//! What a configuration file may name: value kinds, policies and normalizers, the user's own included.

mod arguments;
mod makers;
mod spec;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::equivalence::Normalizer;
use crate::model::{AnyMigration, AttributeModel, Declaration, Migration, declare, declare_amount, migration};
use crate::policy::suggest::nearest;
use crate::policy::{AnyPolicy, Policy, erase};
use crate::rule::named::{Abilities, MakeRule, RuleWords};
use crate::rule::{self, AnyRule, Measured, Proportional};
use crate::value::{Additive, Composite, InCurrency, Kind, OneLeaf, Ordered, Value};

pub(crate) use arguments::Arguments;
pub(crate) use makers::Make;
pub use spec::{NotAPolicySpec, Parameter, PolicySpec};

/// The policies, value kinds and normalizers that a file may name.
///
/// A policy is found by the kind of value and by name, so a file cannot give `sum` to texts.
#[derive(Clone, Default)]
pub struct Registry {
    kinds: BTreeMap<&'static str, KindEntry>,
    users: BTreeMap<(&'static str, String), Arc<dyn AnyPolicy>>,
    normalizers: BTreeMap<String, Arc<dyn Normalizer>>,
    migrations: BTreeMap<String, Arc<dyn AnyMigration>>,
}

/// What is known of one kind of value.
#[derive(Clone)]
pub(crate) struct KindEntry {
    pub(crate) kind: Kind,
    /// Builds an attribute of the kind; `None` if files cannot declare one.
    pub(crate) declare: Option<fn(Declaration) -> AttributeModel>,
    pub(crate) in_currency: bool,
    makers: BTreeMap<&'static str, Make>,
    /// Makes a rule of the kind, and what its values can be asked beside what all can.
    make_rule: MakeRule,
    abilities: Abilities,
}

impl Registry {
    /// Nothing but the policies that need not know the type of a value.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Everything built in.
    #[must_use]
    pub fn builtin() -> Self {
        builtin(Self::new())
    }

    /// Makes a value type known: files may declare attributes of its kind and give them any policy that asks for no more.
    #[must_use]
    pub fn kind<T: OneLeaf>(mut self) -> Self {
        self.entry::<T>().declare = Some(declare::<T>);
        self
    }

    /// As [`Registry::kind`], for a type whose amounts are in a currency.
    #[must_use]
    pub fn amount<T: InCurrency>(mut self) -> Self {
        let entry = self.entry::<T>();
        entry.declare = Some(declare_amount::<T>);
        entry.in_currency = true;
        self
    }

    /// Gives a kind the policies that ask for an order, `minimum`, `maximum`, `monotone`, and the conditions `above` and `below`.
    #[must_use]
    pub fn ordered<T: Ordered>(mut self) -> Self {
        let entry = self.entry::<T>();
        entry.makers.extend(makers::ordered::<T>());
        entry.abilities.extend(rule::named::ordered::<T>());
        self
    }

    /// Gives a kind the conditions that ask for a distance: `moved_by`.
    #[must_use]
    pub fn measured<T: Measured>(mut self) -> Self {
        self.entry::<T>().abilities.extend(rule::named::measured::<T>());
        self
    }

    /// Gives a kind the conditions that ask for hundredths: `moved_by_percent`.
    #[must_use]
    pub fn proportional<T: Proportional>(mut self) -> Self {
        self.entry::<T>().abilities.extend(rule::named::proportional::<T>());
        self
    }

    /// Gives a kind the policies that add: `sum`.
    #[must_use]
    pub fn additive<T: Additive>(mut self) -> Self {
        self.entry::<T>().makers.extend(makers::additive::<T>());
        self
    }

    /// Makes a policy of your own known, under its name, to attributes of type `T`. Its parameters stay those given here.
    ///
    /// `Registry::builtin().with::<String>(Stickiest { days: 30 })`
    #[must_use]
    pub fn with<T: Value>(mut self, policy: impl Policy<T>) -> Self {
        let name = policy.name().into_owned();
        self.users.insert((T::KIND.name, name), erase::<T, _>(policy));
        self
    }

    /// Makes a normalizer known under its name.
    #[must_use]
    pub fn normalizer(mut self, normalizer: impl Normalizer) -> Self {
        self.normalizers.insert(normalizer.name().into_owned(), Arc::new(normalizer));
        self
    }

    /// Makes a migration known under its name: files name it where an attribute is made of another.
    #[must_use]
    pub fn migration<F: Value, T: Value>(mut self, migration: impl Migration<F, T>) -> Self {
        self.migrations.insert(migration.name().into_owned(), migration::erase(migration));
        self
    }

    fn entry<T: Value>(&mut self) -> &mut KindEntry {
        self.kinds.entry(T::KIND.name).or_insert_with(|| KindEntry {
            kind: T::KIND,
            declare: None,
            in_currency: false,
            makers: makers::general::<T>(),
            make_rule: rule::named::make::<T>,
            abilities: Abilities::new(),
        })
    }

    pub(crate) fn kind_named(&self, name: &str) -> Option<&KindEntry> {
        self.kinds.get(name)
    }

    /// The kinds that a file may declare attributes of.
    pub(crate) fn declarable(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.kinds.values().filter(|entry| entry.declare.is_some()).map(|entry| entry.kind.name)
    }

    /// The normalizer of a name: one that is registered, or a registered built-in one with a parameter, `phone(US)`.
    pub(crate) fn normalizer_named(&self, name: &str) -> Option<Arc<dyn Normalizer>> {
        let built_in = || {
            let (family, _) = name.split_once('(')?;
            crate::normalize::by_name(name).filter(|_| self.normalizers.contains_key(family))
        };
        self.normalizers.get(name).cloned().or_else(built_in)
    }

    pub(crate) fn migration_named(&self, name: &str) -> Option<Arc<dyn AnyMigration>> {
        self.migrations.get(name).cloned()
    }

    pub(crate) fn migration_names(&self) -> impl Iterator<Item = &str> {
        self.migrations.keys().map(String::as_str)
    }

    pub(crate) fn normalizer_names(&self) -> impl Iterator<Item = &str> {
        self.normalizers.keys().map(String::as_str)
    }

    /// The names that a file may give to attributes of a kind, in alphabetical order.
    #[must_use]
    pub fn known(&self, kind: &str) -> Vec<String> {
        let makers = self.makers(kind);
        let users = self.users.keys().filter(|(of, _)| *of == kind).map(|(_, name)| name.clone());
        let mut known: Vec<String> = makers.keys().map(|name| (*name).to_owned()).chain(users).collect();
        known.sort();
        known.dedup();
        known
    }

    /// Policies of a kind that nobody registered are those that never read a value, so any type can stand in for it.
    fn makers(&self, kind: &str) -> BTreeMap<&'static str, Make> {
        match self.kinds.get(kind) {
            Some(entry) => entry.makers.clone(),
            None if kind == Composite::KIND.name => makers::composite(),
            None => makers::general::<Composite>(),
        }
    }

    /// The rule that a file's words make of values of `kind`; or why they make none.
    pub(crate) fn rule(&self, kind: &str, words: &RuleWords) -> Result<Arc<dyn AnyRule>, String> {
        let Some(entry) = self.kinds.get(kind) else {
            return Err(format!(
                "values of kind `{kind}` cannot be read here: register the type with `Registry::kind`"
            ));
        };
        (entry.make_rule)(words, &entry.abilities)
    }

    /// The policy that `spec` names, for values of `kind`. A policy of the user's goes before a built-in one.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the name and the parameters.
    pub fn policy(&self, kind: &str, spec: &PolicySpec) -> Result<Arc<dyn AnyPolicy>, Vec<PolicyMistake>> {
        let own = self.users.iter().find(|((of, name), _)| *of == kind && *name == spec.name);
        let mut arguments = Arguments::of(spec);
        let policy = if let Some((_, policy)) = own {
            Arc::clone(policy)
        } else {
            let Some(make) = self.makers(kind).get(spec.name.as_str()).copied() else {
                let known = self.known(kind);
                let suggestion = nearest(&spec.name, known.iter().map(String::as_str)).map(ToOwned::to_owned);
                let unknown = UnknownPolicy { name: spec.name.clone(), kind: kind.to_owned(), known, suggestion };
                return Err(vec![PolicyMistake::Unknown(unknown)]);
            };
            make(&mut arguments)
        };
        let blind = own.is_none() && !self.kinds.contains_key(kind) && kind != Composite::KIND.name;
        if blind && spec.parameters.contains_key("downgrade_invalid") {
            arguments.refuse(
                "downgrade_invalid",
                format!("values of kind `{kind}` cannot be read here: register the type with `Registry::kind`"),
            );
        }
        let mistakes = arguments.finish();
        if mistakes.is_empty() { Ok(policy) } else { Err(mistakes) }
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("kinds", &self.kinds.keys())
            .field("own_policies", &self.users.keys())
            .field("normalizers", &self.normalizers.keys())
            .field("migrations", &self.migrations.keys())
            .finish()
    }
}

/// Registers every built-in kind and normalizer.
fn builtin(mut registry: Registry) -> Registry {
    use chrono::{DateTime, NaiveDate, Utc};

    use crate::value::{Consent, Country, Currency, Decimal, Domain, Email, Money, WebUrl};

    registry = registry.kind::<Composite>();
    registry = registry.kind::<String>().ordered::<String>();
    registry = registry.kind::<i64>().ordered::<i64>().additive::<i64>();
    registry = registry.kind::<u64>().ordered::<u64>().additive::<u64>();
    registry = registry.kind::<bool>();
    registry = registry.kind::<Decimal>().ordered::<Decimal>().additive::<Decimal>();
    registry = registry.amount::<Money>().ordered::<Money>().additive::<Money>();
    registry = registry.kind::<Email>().kind::<WebUrl>().kind::<Domain>().kind::<Country>().kind::<Currency>();
    registry = registry.kind::<Consent>().ordered::<Consent>();
    registry = registry.kind::<NaiveDate>().ordered::<NaiveDate>();
    registry = registry.kind::<DateTime<Utc>>().ordered::<DateTime<Utc>>();
    registry = registry.measured::<i64>().measured::<u64>().measured::<Decimal>().measured::<Money>();
    registry = registry.proportional::<i64>().proportional::<Decimal>().proportional::<Money>();
    #[cfg(feature = "phone")]
    {
        registry = registry.kind::<crate::value::Phone>();
    }
    for name in crate::normalize::NAMES {
        if let Some(normalizer) = crate::normalize::by_name(name) {
            registry.normalizers.insert((*name).to_owned(), normalizer);
        }
    }
    if let Some(entry) = registry.kinds.get_mut(Consent::KIND.name) {
        entry.makers.extend(makers::consent());
    }
    if let Some(entry) = registry.kinds.get_mut(Composite::KIND.name) {
        // Composites come from groups and collections; no single attribute is declared as one.
        entry.declare = None;
        entry.makers = makers::composite();
    }
    registry
}

/// A policy that no registry entry has for this kind of value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownPolicy {
    /// What the file says.
    pub name: String,
    /// The kind of value.
    pub kind: String,
    /// What it could have said.
    pub known: Vec<String>,
    /// What it probably meant.
    pub suggestion: Option<String>,
}

impl fmt::Display for UnknownPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no policy `{}` for values of kind `{}`", self.name, self.kind)?;
        if let Some(suggestion) = &self.suggestion {
            write!(f, "; did you mean `{suggestion}`?")?;
        }
        write!(f, " (known: {})", self.known.join(", "))
    }
}

impl std::error::Error for UnknownPolicy {}

/// One thing that is wrong with a policy in a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyMistake {
    /// No such policy.
    #[error(transparent)]
    Unknown(#[from] UnknownPolicy),
    /// A parameter is missing, unknown or of another type.
    #[error("parameter `{parameter}` of `{policy}`: {problem}")]
    Parameter {
        /// The policy.
        policy: String,
        /// The parameter.
        parameter: String,
        /// What is wrong with it.
        problem: String,
    },
}

#[cfg(test)]
mod tests;
