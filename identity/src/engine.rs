//! The engine of `accordant` asks this package which records are one entity where no key says so. The only module that knows it, with
//! what is below it.
//!
//! One line per entity type, and nothing to configure: what attributes hold is known by their types, and read off their names and values.
//!
//! ```
//! use accordant::matching::Matching;
//! use accordant::{Accordant, Canonical};
//! use accordant_identity::engine::FellegiSunter;
//!
//! #[derive(Canonical)]
//! #[canonical(entity = "customer", system(crm, object = "contacts"), system(erp, object = "customers"))]
//! struct Customer {
//!     #[canonical(pii, at(crm = "name", erp = "companyname"))]
//!     name: String,
//!     #[canonical(pii, at(crm = "city", erp = "billing.city"))]
//!     city: Option<String>,
//! }
//!
//! let builder = Accordant::builder().entity::<Customer>().match_by(Matching::of::<Customer>(FellegiSunter::new()));
//! # let _ = builder;
//! ```

mod held;

use std::collections::BTreeMap;
use std::sync::Arc;

use accordant::id::RecordRef;
use accordant::matching::{
    Column, Features, HeldTogether, Judged, MatchIndex, Matcher, MatcherError, Neighbourhood, Pair, Place, Probability,
    Step, Subject, Thresholds,
};
use accordant::text::Text;
use hashbrown::HashMap;

use crate::attribute::{Attribute, Entities, Kind, Schema};
use crate::blocking::{Rules, Scope};
use crate::cluster::Rails;
use crate::comparison::Declared;
use crate::decision::{Decision, Decisions, RecordName};
use crate::explain::Explanation;
use crate::hash;
use crate::index::{Change, Group, Index, NearPair};
use crate::layout::Role;
use crate::linkage::{self, Settings, Untrainable};
use crate::model::Model;
use crate::sniff;
use crate::table::Table;

pub use held::held_svg;

/// From so many records is read what attributes hold.
const SAMPLE: usize = 10_000;

/// The matcher of this package: after Fellegi and Sunter, with what depends on each other weighed together.
///
/// A system holds an entity here as often as it may, and no more: once, or as `many` and
/// [`Matching::at_most`](accordant::matching::Matching::at_most) say. Records that hold different values of what an entity has one of are
/// two ([`FellegiSunter::one_value`]). Such pairs are asked about, however strong they are.
#[derive(Debug, Clone, Default)]
pub struct FellegiSunter {
    kinds: BTreeMap<String, Kind>,
    compared: BTreeMap<String, Declared>,
    rules: Rules,
    one_value: BTreeMap<String, bool>,
    entities: Entities,
}

impl FellegiSunter {
    /// What attributes hold is known by their types, and read off their names and values.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says what an attribute holds, by its id. Training is an error where the entity type does not have it. What is [`Kind::Ignored`], as
    /// a status is that changes by itself, is not compared, and no reason to ask about a record again.
    #[must_use]
    pub fn kind(mut self, attribute: &str, kind: Kind) -> Self {
        self.kinds.insert(attribute.to_owned(), kind);
        self
    }

    /// Says how the values of an attribute are compared, by its id, in place of what is sensible for what it holds. Training is an error
    /// where [`Schema::comparing`] is one.
    #[must_use]
    pub fn comparing(mut self, attribute: &str, declared: Declared) -> Self {
        self.compared.insert(attribute.to_owned(), declared);
        self
    }

    /// Says which rules of blocking make pairs, over attributes by their ids. Training is an error where one does not fit.
    #[must_use]
    pub fn rules(self, rules: Rules) -> Self {
        Self { rules, ..self }
    }

    /// Says whether an entity has one value of an attribute, by its id: then two records that hold different values of it are not linked,
    /// however alike they are otherwise; that is a case. Training is an error where the entity type does not have it.
    ///
    /// By default that is so of identifiers that training found [reliable](crate::model::Identifier::is_reliable), and of attributes that the
    /// model declares as `identity` and that hold an [`Kind::Identifier`] or a [`Kind::Mailbox`]. A text or number that is declared as
    /// `identity` is taken for an identifier, unless its name or [`FellegiSunter::kind`] says what it holds. Phones, websites and the like
    /// are spelt in many ways, or one has several: of those it is so only where it is said. Of what is compared in parts, as a full name is,
    /// or not at all, it cannot be said: that is an error of the training.
    #[must_use]
    pub fn one_value(mut self, attribute: &str, one: bool) -> Self {
        self.one_value.insert(attribute.to_owned(), one);
        self
    }

    /// Says that an entity is an account: the contacts of a company are one. Without that an entity is a person, and colleagues are two.
    #[must_use]
    pub const fn of_accounts(mut self) -> Self {
        self.entities = Entities::Accounts;
        self
    }

    /// What an attribute holds, as it is declared or its type tells; none where only its name and values do.
    fn kind_of(&self, column: &Column) -> Option<Kind> {
        let whole = matches!(column.kind, "integer" | "unsigned");
        let of_type = || if column.identity && whole { Some(Kind::Identifier) } else { kind_of_type(column.kind) };
        self.kinds.get(column.attribute.as_str()).copied().or_else(of_type)
    }

    /// Whether an entity has one value of an attribute, in a field of this role, which may be one that training found reliable.
    fn is_one_value(&self, column: &Column, role: Role, reliable: bool) -> bool {
        let identifies = reliable || (column.identity && matches!(role, Role::Identifier | Role::Mailbox));
        self.one_value.get(column.attribute.as_str()).copied().unwrap_or(identifies)
    }

    fn schema(&self, subject: &Subject, records: &[&Features]) -> Schema {
        let names: Vec<String> = subject.columns.iter().map(|column| column.attribute.as_str().to_owned()).collect();
        let sample: Vec<&[Text]> = records.iter().take(SAMPLE).map(|features| &*features.values).collect();
        let sniffed = sniff::schema(&names, &sample, &[]);
        let attributes = subject.columns.iter().zip(sniffed.attributes).map(|(column, sniffed)| {
            let read = || if column.identity { sniff::identity(&sniffed) } else { sniffed.kind };
            let kind = self.kind_of(column).unwrap_or_else(read);
            Attribute { kind, ..sniffed }
        });
        Schema { attributes: attributes.collect(), entities: self.entities }
    }
}

/// What values of a type hold; none where the type does not tell.
fn kind_of_type(name: &str) -> Option<Kind> {
    Some(match name {
        "email" => Kind::Mailbox,
        "phone" => Kind::Phone,
        "country" => Kind::Country,
        "domain" | "url" => Kind::Website,
        "date" => Kind::Date,
        // What changes by itself identifies nobody.
        "bool" | "consent" | "currency" | "decimal" | "instant" | "integer" | "money" | "unsigned" => Kind::Ignored,
        _ => return None,
    })
}

fn place_name(connection: &str, object: &str) -> String {
    format!("{connection}\u{1f}{object}")
}

fn name(record: &RecordRef) -> RecordName {
    RecordName { system: place_name(record.connection.as_str(), record.object.as_str()), id: record.id.to_string() }
}

fn group(features: &Features) -> Group {
    // 0 stands for none.
    features.held.map_or(0, |held| hash::bytes(held.text().as_bytes()).max(1))
}

/// The table of records, by the columns of a schema.
fn table(schema: Schema, places: &[Place], columns: &[Option<usize>], records: &[&Features]) -> Table {
    let mut table = Table::new(schema);
    for place in places {
        table.system(&place_name(place.connection.as_str(), place.object.as_str()));
    }
    for features in records {
        let RecordName { system, id } = name(&features.record);
        table.push(&id, &system, &values(columns, features));
    }
    table
}

/// What a record says, in the order of a model's columns.
fn values<'f>(columns: &[Option<usize>], features: &'f Features) -> Vec<&'f str> {
    let value = |column: &Option<usize>| column.and_then(|column| features.values.get(column));
    columns.iter().map(|column| value(column).map_or("", |value| value.as_str())).collect()
}

/// Where the columns of a schema stand among those of the entity type; one that it has no longer stands nowhere.
fn columns(schema: &Schema, subject: &Subject) -> Vec<Option<usize>> {
    let place = |name: &str| subject.columns.iter().position(|column| column.attribute.as_str() == name);
    schema.attributes.iter().map(|attribute| place(&attribute.name)).collect()
}

fn in_order(records: &[Features]) -> Vec<&Features> {
    let mut records: Vec<&Features> = records.iter().collect();
    records.sort_by(|a, b| a.record.cmp(&b.record));
    records
}

impl Matcher for FellegiSunter {
    fn train(
        &self,
        subject: &Subject,
        records: &[Features],
        judged: &[Judged],
        version: u32,
    ) -> Result<String, MatcherError> {
        let declared =
            |name: &&String| !subject.columns.iter().any(|column| column.attribute.as_str() == name.as_str());
        let unknown = |what: &str, name: &String| {
            MatcherError::Declared(format!("{what} of `{name}`, which is no attribute that it is shown").into())
        };
        if let Some(name) = self.kinds.keys().find(declared) {
            return Err(unknown("a kind is declared", name));
        }
        if let Some(name) = self.one_value.keys().find(declared) {
            return Err(unknown("it is said whether an entity has one value", name));
        }
        let records = in_order(records);
        let mut schema = self.schema(subject, &records);
        for (attribute, declared) in &self.compared {
            let comparing = schema.comparing(attribute, declared.clone());
            schema = comparing.map_err(|why| MatcherError::Declared(why.to_string().into()))?;
        }
        let columns = columns(&schema, subject);
        let table = table(schema, &subject.places, &columns, &records);
        let compared_whole = |name: &str| table.layout().fields.iter().any(|field| field.name == name);
        if let Some((name, _)) = self.one_value.iter().find(|(name, one)| **one && !compared_whole(name)) {
            return Err(MatcherError::Declared(
                format!("an entity is to have one value of `{name}`, which is compared in parts, or not at all").into(),
            ));
        }
        let mut decisions = Decisions::default();
        for Judged { one, other, same, .. } in judged {
            let (by, at) = (String::new(), String::new());
            decisions.add(Decision { a: name(one), b: name(other), same: *same, by, at });
        }
        let settings = Settings { rules: self.rules.clone(), ..Settings::of(Scope::Within) };
        let linkage = linkage::train_as(&table, &settings, &decisions, &mut |_| {}).map_err(|why| match why {
            Untrainable::Rule(why) => MatcherError::Declared(why.to_string().into()),
            why => MatcherError::NothingToLearn(why.to_string().into()),
        })?;
        let model = Model { version, ..Model::clone(linkage.scorer.model()) };
        String::from_utf8(model.to_bytes()).map_err(|_| MatcherError::Model("a model that is no text".into()))
    }

    fn compares(&self, column: &Column) -> bool {
        self.kind_of(column) != Some(Kind::Ignored)
    }

    fn remarks(&self, model: &str) -> Vec<Text> {
        let model = Model::from_bytes(model.as_bytes());
        model.map_or_else(|_| Vec::new(), |model| model.remarks().into_iter().map(Text::from).collect())
    }

    fn index(
        &self,
        subject: &Subject,
        model: &str,
        thresholds: Thresholds,
        records: Vec<Features>,
    ) -> Result<Box<dyn MatchIndex>, MatcherError> {
        let model = Model::from_bytes(model.as_bytes()).map_err(|why| MatcherError::Model(why.to_string().into()))?;
        let columns = columns(&model.schema, subject);
        let records = in_order(&records);
        let table = table(model.schema.clone(), &subject.places, &columns, &records);
        let groups: Vec<Group> = records.iter().map(|features| group(features)).collect();
        let bits = |of: Probability| model.calibration.bits(f64::from(of.parts_per_million()) / 1e6) as f32;
        let identifiers = model.identifiers();
        let reliable = |field: usize| identifiers.iter().any(|of| of.field == field && of.is_reliable());
        let one_value = |field: usize, name: &str, role: Role| {
            let column = subject.columns.iter().find(|column| column.attribute.as_str() == name);
            column.is_some_and(|column| self.is_one_value(column, role, reliable(field)))
        };
        let fields = table.layout().fields.iter().enumerate();
        let rails = Rails {
            sure: bits(thresholds.link),
            open: bits(thresholds.review),
            per_system: subject.places.iter().map(|place| place.most).collect(),
            one_value: fields
                .filter(|(place, field)| one_value(*place, &field.name, field.role))
                .map(|(place, _)| place)
                .collect(),
            // They are among those, where nothing else is said of them.
            identifiers: false,
            ..Rails::default()
        };
        let names = records.iter().map(|features| (name(&features.record).key(), features.record.clone())).collect();
        let index = Index::of_groups(Arc::new(model), table, rails, Decisions::default(), &groups);
        Ok(Box::new(Records { columns, index, names, came_apart: Vec::new() }))
    }
}

/// The index of this package, with the records by what it calls them.
struct Records {
    columns: Vec<Option<usize>>,
    index: Index,
    names: HashMap<u64, RecordRef>,
    /// What came apart since that was asked last.
    came_apart: Vec<RecordRef>,
}

impl Records {
    /// Notes a record of each side of what was split.
    fn note(&mut self, changes: &[Change]) {
        for change in changes {
            if let Change::Split { from, into } = change {
                let first = |entity| self.names.get(&self.index.records(entity).first()?.key()).cloned();
                self.came_apart.extend([*from, *into].into_iter().filter_map(first));
            }
        }
    }

    fn pair(&self, pair: &NearPair) -> Option<Pair> {
        let named = |key: &u64| self.names.get(key).cloned();
        let (one, other) = (named(&pair.a)?, named(&pair.b)?);
        let refused = pair.refused.map(|why| Text::from(why.to_string()));
        let steps = steps(&pair.explanation);
        let tells = (pair.tells * 1e3).clamp(0.0, 1e9) as u32;
        Some(Pair::new(one, other, probability(pair.probability), refused, steps).telling(tells))
    }
}

impl MatchIndex for Records {
    fn put(&mut self, features: &Features) {
        let name = name(&features.record);
        self.names.insert(name.key(), features.record.clone());
        let changes = self.index.put_in(&name, &values(&self.columns, features), group(features));
        self.note(&changes);
    }

    fn remove(&mut self, record: &RecordRef) {
        let name = name(record);
        let changes = self.index.remove(&name);
        self.note(&changes);
        self.names.remove(&name.key());
    }

    fn hold_apart(&mut self, one: &RecordRef, other: &RecordRef, apart: bool) {
        let changes = self.index.hold_apart(&name(one), &name(other), apart);
        self.note(&changes);
    }

    fn around(&self, record: &RecordRef) -> Neighbourhood {
        let near = self.index.near(&name(record));
        let named = |key: &u64| self.names.get(key).cloned();
        let clusters = near.clusters.iter().map(|keys| keys.iter().filter_map(named).collect());
        let pairs = near.pairs.iter().filter_map(|pair| self.pair(pair));
        Neighbourhood::new(clusters.collect(), pairs.collect())
    }

    fn held_together(&self, record: &RecordRef) -> Option<HeldTogether> {
        self.held(record)
    }

    fn between(&self, one: &RecordRef, other: &RecordRef) -> Pair {
        let pair = self.index.between(&name(one), &name(other)).and_then(|pair| self.pair(&pair));
        pair.unwrap_or_else(|| Pair::new(one.clone(), other.clone(), probability(0.0), None, Vec::new()))
    }

    fn came_apart(&mut self) -> Vec<RecordRef> {
        std::mem::take(&mut self.came_apart)
    }
}

/// In parts per million, cut off: nothing is said to be surer than it is.
fn probability(of: f64) -> Probability {
    Probability::per_million((of.clamp(0.0, 1.0) * 1e6) as u32)
}

fn steps(explanation: &Explanation) -> Vec<Step> {
    let step = |step: &crate::explain::Step| Step::new(step.of.as_str(), step.says.as_str(), millibits(step.bits));
    explanation.steps.iter().map(step).collect()
}

fn millibits(bits: f64) -> i32 {
    (bits * 1e3).round().clamp(-1e9, 1e9) as i32
}
