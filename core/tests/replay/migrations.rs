//! A model evolves over a filled store by declared migrations: what is known of an attribute becomes what is known of
//! others, or the change is refused and nothing was touched.

mod cut_off;
mod identity;
mod refused;
mod told;

use std::borrow::Cow;
use std::sync::Arc;

use accordant::Lifetime;
use accordant::clock::{ManualClock, SeededEntropy};
use accordant::discrepancy::DiscrepancyState;
use accordant::engine::{Accordant, Builder, Tenant};
use accordant::fingerprint::Fingerprint;
use accordant::id::{Actor, EntityId};
use accordant::model::{At, EntityModel, Migration, SystemObject, Transform, TypedAttribute};
use accordant::plan::Scope;
use accordant::settle::{Choice, Ruling};
use accordant::store::{MemoryStore, Store};
use accordant::value::{Field, Hints, Kind, Leaf, Malformed, Native, OneLeaf, Value};
use chrono::TimeDelta;
use futures::executor::block_on;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::support::{Fake, Said, Word, clock, record, says};

pub(crate) const SYSTEMS: [(&str, &str); 2] = [("crm", "contacts"), ("shop", "customers")];

/// A grade, in capitals. Another type than the word that it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grade(String);

impl Value for Grade {
    const KIND: Kind = Kind { name: "grade", version: 1 };
    fn parse(leaf: Leaf<'_>, _: &Hints) -> Result<Self, Malformed> {
        leaf.as_text().map(|text| Self(text.to_uppercase())).ok_or(Malformed::new("not a text"))
    }
    fn canonical(&self, out: &mut String) {
        out.push_str(&self.0);
    }
    fn from_canonical(text: &str) -> Result<Self, Malformed> {
        Ok(Self(text.to_owned()))
    }
    fn native(&self, _: &Hints) -> Native {
        Native::Text(self.0.to_lowercase().into())
    }
}
impl OneLeaf for Grade {}

/// A part of a name, by place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part(usize);

impl Part {
    fn of(self, name: &str) -> Option<Word> {
        let text = name.splitn(2, ' ').nth(self.0)?;
        Word::from_canonical(text).ok()
    }
}

impl Migration<Word, Word> for Part {
    fn name(&self) -> Cow<'static, str> {
        if self.0 == 0 { "given_name".into() } else { "family_name".into() }
    }
    fn migrate(&self, name: Word) -> Result<Option<Word>, Malformed> {
        let mut text = String::new();
        name.canonical(&mut text);
        Ok(self.of(&text))
    }
}

/// How the crm goes on being read: its one leaf holds both.
impl Transform<Word> for Part {
    fn name(&self) -> Cow<'static, str> {
        Migration::name(self)
    }
    fn fingerprint(&self, _: &mut Fingerprint) {}
    fn read(&self, leaves: &[Leaf<'_>]) -> Result<Option<Word>, Malformed> {
        Ok(leaves.first().and_then(Leaf::as_text).and_then(|name| self.of(name)))
    }
    fn write(&self, _: &Word) -> Vec<Native> {
        Vec::new()
    }
}

/// A word becomes a grade; the word `none` is no grade at all.
#[derive(Debug)]
pub(crate) struct ToGrade;

impl Migration<Word, Grade> for ToGrade {
    fn name(&self) -> Cow<'static, str> {
        "to_grade".into()
    }
    fn migrate(&self, word: Word) -> Result<Option<Grade>, Malformed> {
        let mut text = String::new();
        word.canonical(&mut text);
        match text.as_str() {
            "none" => Err(Malformed::new("not a grade")),
            word => Ok(Some(Grade(word.to_uppercase()))),
        }
    }
}

pub(crate) fn empty() -> EntityModel {
    let mut model = EntityModel::new("customer");
    for (system, object) in SYSTEMS {
        model.object(SystemObject::new(system, object));
    }
    model.attribute(
        TypedAttribute::<Word>::new("email").identity().at(At::path("crm", "email")).at(At::path("shop", "email")),
    );
    model
}

/// The first version: one name, and a segment that is a word.
pub(crate) fn first() -> EntityModel {
    let mut model = empty();
    let both = |id: &str, path: &'static str| {
        TypedAttribute::<Word>::new(id).at(At::path("crm", path)).at(At::path("shop", path))
    };
    model.attribute(both("name", "name"));
    model.attribute(both("segment", "segment"));
    model.attribute(TypedAttribute::<Word>::new("note").hub());
    model
}

/// The second: the name is split, which the shop does by itself by now; the segment is a grade; the note is called memo.
pub(crate) fn second() -> EntityModel {
    let mut model = empty();
    for (place, id, path) in [(0, "given", "first_name"), (1, "family", "last_name")] {
        let read = At::via("crm", &["name"], Part(place)).read_only();
        model.attribute(
            TypedAttribute::<Word>::new(id).at(read).at(At::path("shop", path)).migrated("name", Part(place)),
        );
    }
    let segment = TypedAttribute::<Grade>::new("segment").at(At::path("crm", "segment"));
    model.attribute(segment.at(At::path("shop", "segment")).migrated("segment", ToGrade));
    model.attribute(TypedAttribute::<Word>::new("memo").was("note").hub());
    model.retired("name");
    model
}

pub(crate) fn ana() -> Actor {
    Actor::new("ana")
}

pub(crate) fn under(model: EntityModel, store: impl Store, clock: &Arc<ManualClock>) -> Tenant {
    configured(model, store, clock, |builder| builder)
}

pub(crate) fn configured(
    model: EntityModel,
    store: impl Store,
    clock: &Arc<ManualClock>,
    configure: impl FnOnce(Builder) -> Builder,
) -> Tenant {
    let mut builder =
        Accordant::builder().store(store).clock(Arc::clone(clock)).entropy(SeededEntropy::new(5)).entity_model(model);
    for (system, object) in SYSTEMS {
        builder = builder.connect(Fake::new(system, object));
    }
    configure(builder).build().unwrap_or_else(|error| panic!("{error:?}")).tenant("acme")
}

/// What everybody says: the same, but of the third customer, of whose name and segment a person has to decide.
pub(crate) fn said(system: &str, at: i64) -> Vec<Said> {
    let customer = |n: usize| {
        let mut fields = json!({
            "email": format!("c{n}@acme.test"), "name": format!("Ana Diaz-{n}"), "first_name": "Ana",
            "last_name": format!("Diaz-{n}"), "segment": "gold",
        });
        if n == 2 && system == "shop" {
            fields["name"] = "Anna Diaz-2".into();
            fields["first_name"] = "Anna".into();
            fields["segment"] = "silver".into();
        }
        record(&format!("{system}{n}"), at, fields)
    };
    (0..3).map(customer).collect()
}

pub(crate) fn fill(tenant: &Tenant, clock: &ManualClock) {
    for (system, _) in SYSTEMS {
        block_on(says(tenant, system, &said(system, 10))).unwrap();
        clock.advance(TimeDelta::minutes(1));
    }
    let [first, second, _] = entities(tenant);
    let ruling = |choice, lifetime| Ruling { choice, lifetime, by: ana(), reason: "they told me".into() };
    let note = Choice::Value(Field::value("calls back"));
    block_on(tenant.rule(first, "note", ruling(note, Lifetime::Pinned))).unwrap();
    let gold = Choice::Value(Field::value("platinum"));
    block_on(tenant.rule(second, "segment", ruling(gold, Lifetime::Pinned))).unwrap();
    clock.advance(TimeDelta::minutes(1));
}

pub(crate) fn entities(tenant: &Tenant) -> [EntityId; 3] {
    let mut all = block_on(tenant.entities("customer", None, 10)).unwrap();
    all.sort_by_key(|id| golden(tenant, *id, "email"));
    all.try_into().expect("three customers")
}

pub(crate) fn assert_clean(tenant: &Tenant) {
    let verified = block_on(tenant.verify()).unwrap();
    assert!(verified.is_clean(), "{verified}: {:?}", verified.differences);
}

fn golden(tenant: &Tenant, id: EntityId, unit: &str) -> Option<String> {
    let explained = block_on(tenant.explain_erased(id, unit)).unwrap();
    explained.unit.golden.as_value().map(ToOwned::to_owned)
}

/// A filled store of the first version, accepted under the second.
fn evolved() -> (MemoryStore, Arc<ManualClock>, Tenant) {
    let (store, clock) = (MemoryStore::new(), clock());
    fill(&under(first(), store.clone(), &clock), &clock);
    let tenant = under(second(), store.clone(), &clock);
    let change = block_on(tenant.accept_model(&ana())).unwrap();
    let lines: Vec<String> = change.changes.iter().map(ToString::to_string).collect();
    let told = [
        "customer.given: migrated from name by given_name",
        "customer.family: migrated from name by family_name",
        "customer.memo: renamed, was note",
        "customer.name: retired",
        "customer.segment: migrated from segment by to_grade",
    ];
    for line in told {
        assert!(lines.iter().any(|known| known == line), "{line} is missing in {lines:?}");
    }
    assert_eq!(lines.len(), told.len(), "{lines:?}");
    (store, clock, tenant)
}

#[test]
fn a_split_and_a_retype_carry_golden_values_decisions_and_what_systems_say() {
    let (_, _, tenant) = evolved();
    assert_clean(&tenant);
    assert!(block_on(tenant.model_change()).unwrap().is_empty());
    let [one, two, three] = entities(&tenant);
    assert_eq!(golden(&tenant, one, "given").as_deref(), Some("Ana"));
    assert_eq!(golden(&tenant, one, "family").as_deref(), Some("Diaz-0"));
    assert_eq!(golden(&tenant, one, "segment").as_deref(), Some("GOLD"));
    assert_eq!(golden(&tenant, one, "memo").as_deref(), Some("calls back"));
    assert_eq!(golden(&tenant, two, "segment").as_deref(), Some("PLATINUM"));
    let told = block_on(tenant.explain_erased(two, "segment")).unwrap().to_string();
    assert!(told.contains("ana chose \"PLATINUM\""), "{told}");
    assert!(told.contains("then migrated from segment by to_grade"), "{told}");
    // Bases follow where the leaf is the same one; the shop's own leaves were never read.
    let replayed = block_on(tenant.replay()).unwrap();
    let bases = |id, unit: u16| {
        let unit = accordant::model::UnitKey::Whole(unit);
        let of = |link: &accordant::entity::Link| {
            (link.record.connection.to_string(), link.bases.get(&unit).map(|base| base.seen.clone()))
        };
        replayed.entities.get::<EntityId>(&id).unwrap().links.iter().map(of).collect::<Vec<_>>()
    };
    assert!(bases(one, 1).contains(&("crm".into(), Some(Field::value("Ana")))), "{:?}", bases(one, 1));
    assert!(bases(one, 1).contains(&("shop".into(), None)), "{:?}", bases(one, 1));
    for system in ["crm", "shop"] {
        assert!(bases(one, 3).contains(&(system.into(), Some(Field::value("GOLD")))), "{:?}", bases(one, 3));
    }
    // What waited for a person waits still, since it was first seen.
    let disputed = |unit: &str| {
        let standing = replayed.entities[&three].discrepancies.values();
        let mut standing = standing.filter(|one| one.state != DiscrepancyState::Resolved && *one.unit == *unit);
        standing.next().map(|one| (one.state, one.first_seen < one.last_seen, one.said.clone()))
    };
    let said = vec![Field::value("GOLD"), Field::value("SILVER")];
    assert_eq!(disputed("segment"), Some((DiscrepancyState::Waiting, true, said)));
}

#[test]
fn systems_that_say_the_same_again_have_not_moved() {
    let (_, _, tenant) = evolved();
    let settled = |tenant: &Tenant| entities(tenant).map(|id| golden(tenant, id, "given"));
    let before = settled(&tenant);
    for (system, _) in SYSTEMS {
        block_on(says(&tenant, system, &said(system, 20))).unwrap();
    }
    assert_eq!(settled(&tenant), before);
    assert_clean(&tenant);
    let plan = block_on(async { tenant.plan(Scope::default()).await }).unwrap();
    let of_agreed: Vec<_> = plan.operations.iter().filter(|one| one.entity == entities(&tenant)[0]).collect();
    assert!(of_agreed.is_empty(), "{of_agreed:?}");
    // And one that does move is heard.
    let fields = json!({ "email": "c0@acme.test", "name": "Eva Diaz-0", "segment": "basic" });
    block_on(says(&tenant, "crm", &[record("crm0", 30, fields)])).unwrap();
    assert_eq!(golden(&tenant, entities(&tenant)[0], "given").as_deref(), Some("Eva"));
    assert_eq!(golden(&tenant, entities(&tenant)[0], "segment").as_deref(), Some("BASIC"));
    assert_clean(&tenant);
}

#[test]
fn looking_back_before_a_migration_shows_what_it_would_have_made() {
    let (_, clock, tenant) = evolved();
    let then =
        chrono::DateTime::from_timestamp_millis(accordant::Clock::now(&*clock)).unwrap() - TimeDelta::seconds(90);
    let [one, two, _] = entities(&tenant);
    let past = tenant.as_of(then);
    let told = block_on(past.explain_erased(one, "given")).unwrap();
    assert_eq!(told.unit.golden, Field::value("Ana"));
    assert!(told.to_string().contains("crm/contacts/crm0 shows \"Ana\""), "{told}");
    // It was decided later.
    assert_eq!(block_on(past.explain_erased(two, "segment")).unwrap().unit.golden, Field::value("GOLD"));
    let replayed = block_on(past.replay()).unwrap();
    let unit = accordant::model::UnitKey::Whole(2);
    assert_eq!(replayed.entities[&one].golden.get(&unit).unwrap().field, Field::value("Diaz-0"));
}

#[test]
fn a_renamed_attribute_keeps_its_discrepancies_and_since_when() {
    let (store, clock) = (MemoryStore::new(), clock());
    let tenant = under(first(), store.clone(), &clock);
    fill(&tenant, &clock);
    let standing = |tenant: &Tenant, unit: &str| {
        let replayed = block_on(tenant.replay()).unwrap();
        let entity = &replayed.entities[&entities(tenant)[2]];
        entity.discrepancies.values().find(|one| *one.unit == *unit).map(|one| (one.id, one.first_seen, one.state))
    };
    let before = standing(&tenant, "segment").unwrap();
    let renamed = |label: &dyn Fn(&mut EntityModel)| {
        let mut renamed = empty();
        let both = |id: &str, path: &'static str| {
            TypedAttribute::<Word>::new(id).at(At::path("crm", path)).at(At::path("shop", path))
        };
        renamed.attribute(both("name", "name"));
        label(&mut renamed);
        renamed.attribute(TypedAttribute::<Word>::new("note").hub());
        renamed
    };
    let word = |model: &mut EntityModel| {
        let label = TypedAttribute::<Word>::new("label").was("segment").at(At::path("crm", "segment"));
        model.attribute(label.at(At::path("shop", "segment")));
    };
    let tenant = under(renamed(&word), store, &clock);
    block_on(tenant.accept_model(&ana())).unwrap();
    assert_eq!(standing(&tenant, "label"), Some(before));
    assert_eq!(standing(&tenant, "segment"), None);
    assert_clean(&tenant);
    // Of another type at once, whichever of two ids were the smaller.
    for id in ["label", "a", "tier", "zone", "rank", "level"] {
        let (store, clock) = (MemoryStore::new(), crate::support::clock());
        let former = under(first(), store.clone(), &clock);
        fill(&former, &clock);
        let standing = |tenant: &Tenant, units: &[&str]| {
            let replayed = block_on(tenant.replay()).unwrap();
            let all = replayed.entities[&entities(tenant)[2]].discrepancies.values();
            let of = all.filter(|one| units.contains(&&*one.unit)).map(|one| (one.id, one.first_seen, one.state));
            of.collect::<Vec<_>>()
        };
        let before = standing(&former, &["segment"]);
        assert!(!before.is_empty());
        let grade = |model: &mut EntityModel| {
            let grade = TypedAttribute::<Grade>::new(id).was("segment").migrated("segment", ToGrade);
            model.attribute(grade.at(At::path("crm", "segment")).at(At::path("shop", "segment")));
        };
        let tenant = under(renamed(&grade), store, &clock);
        block_on(tenant.accept_model(&ana())).unwrap();
        assert_eq!(standing(&tenant, &[id, "segment"]), before, "renamed to {id}");
        assert_eq!(standing(&tenant, &["segment"]), []);
        assert_clean(&tenant);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, ..ProptestConfig::default() })]

    /// Whatever was said before, and is said afterwards: the journal adds up to what is stored, golden is what the migration
    /// makes of what it was, and looking back shows that too.
    #[test]
    fn what_is_stored_is_what_the_journal_adds_up_to(
        before in vec((0usize..2, 0u8..3, 0u8..4, 1i64..40), 0..8),
        after in vec((0usize..2, 0u8..3, 0u8..4, 1i64..60), 0..6),
    ) {
        let said = |(system, n, value, at): (usize, u8, u8, i64)| {
            let system = SYSTEMS[system].0;
            let names = [Json::Null, "".into(), "Eva".into(), format!("Eva Lund-{value}").into()];
            let fields = json!({
                "email": format!("c{n}@acme.test"), "name": names[usize::from(value)], "segment": format!("s{value}"),
                "first_name": "Eva", "last_name": format!("Lund-{value}"),
            });
            (system, record(&format!("{system}{n}"), at, fields))
        };
        let (store, clock) = (MemoryStore::new(), clock());
        let former = under(first(), store.clone(), &clock);
        fill(&former, &clock);
        for (system, said) in before.into_iter().map(said) {
            block_on(says(&former, system, &[said])).unwrap();
        }
        let names = entities(&former).map(|id| {
            let stands = block_on(former.explain_erased(id, "name")).unwrap().discrepancies;
            (golden(&former, id, "name"), stands.is_empty())
        });
        let then = chrono::DateTime::from_timestamp_millis(accordant::Clock::now(&*clock)).unwrap();
        clock.advance(TimeDelta::minutes(1));
        let tenant = under(second(), store, &clock);
        block_on(tenant.accept_model(&ana())).unwrap();
        assert_clean(&tenant);
        for (id, (name, agreed)) in entities(&tenant).into_iter().zip(names) {
            let parts = ["given", "family"].map(|unit| golden(&tenant, id, unit));
            let made = [0, 1].map(|part| name.as_deref()?.splitn(2, ' ').nth(part).map(ToOwned::to_owned));
            // Who contradicted by a leaf that is read no more contradicts nobody now.
            prop_assert!(!agreed || parts == made, "{parts:?}, {made:?}");
            let past = tenant.as_of(then);
            let shown = ["given", "family"].map(|unit| block_on(past.explain_erased(id, unit)).unwrap().unit.golden);
            prop_assert_eq!(shown.map(|field| field.as_value().map(ToOwned::to_owned)), made);
        }
        for (system, said) in after.into_iter().map(said) {
            block_on(says(&tenant, system, &[said])).unwrap();
        }
        assert_clean(&tenant);
    }
}

/// What the rows of a tenant hold, and how long its journal is.
pub(crate) fn held(store: &MemoryStore) -> (Vec<(String, Vec<u8>)>, usize) {
    let tenant = accordant::TenantId::new("acme");
    let mut rows = Vec::new();
    for table in accordant::store::Table::ALL {
        let all = block_on(store.scan(&tenant, table, "", None, usize::MAX)).unwrap();
        rows.extend(all.into_iter().map(|row| (format!("{} {}", table.name(), row.key), row.value)));
    }
    (rows, block_on(store.journal(&tenant, 0, usize::MAX)).unwrap().len())
}

pub(crate) fn fields(n: usize, segment: &str) -> Json {
    json!({ "email": format!("c{n}@acme.test"), "name": "Ana Diaz", "segment": segment })
}
