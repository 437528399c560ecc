//! What cannot be migrated is refused with what to do instead, and nothing was touched.

use accordant::Lifetime;
use accordant::engine::Tenant;
use accordant::error::Error;
use accordant::model::{At, Attribute, Canonical, EntityModel, GoldenReader, Incomplete, TypedAttribute};
use accordant::settle::{Choice, Ruled, Ruling};
use accordant::store::MemoryStore;
use accordant::value::Field;
use futures::executor::block_on;

use super::{
    Grade, Part, SYSTEMS, ToGrade, ana, assert_clean, configured, empty, entities, fields, fill, first, golden, held,
    said, second, under,
};
use crate::support::{Word, clock, record, says};

/// Accepting is refused for this reason, and leaves every row and the journal as they were; whoever works under the first
/// version goes on.
fn refuses(prepare: impl FnOnce(&Tenant), model: EntityModel, reasons: &str) {
    let (store, clock) = (MemoryStore::new(), clock());
    let former = under(first(), store.clone(), &clock);
    fill(&former, &clock);
    prepare(&former);
    let before = held(&store);
    let tenant = under(model, store.clone(), &clock);
    let change = block_on(tenant.model_change()).unwrap();
    assert!(change.refused().any(|change| reasons.contains(&change.to_string())), "{change}");
    let refused = block_on(tenant.accept_model(&ana()));
    let Err(Error::ModelRefused { reasons: given }) = refused else { panic!("{refused:?}") };
    assert_eq!(given, reasons);
    assert!(held(&store) == before, "something was touched");
    block_on(says(&former, "crm", &[record("crm9", 90, fields(9, "gold"))])).unwrap();
    assert_clean(&former);
}

#[test]
fn a_value_of_which_nothing_can_be_made() {
    let none = |tenant: &Tenant| block_on(says(tenant, "crm", &[record("crm7", 20, fields(7, "none"))])).unwrap();
    refuses(
        none,
        second(),
        "customer.segment: nothing can be made of segment in 2 rows, as crm/contacts/crm7: not a grade; let the migration \
         answer that there is no value, or correct these first",
    );
}

#[test]
fn another_type_than_is_stored() {
    let mut model = empty();
    let both = |id: &str, path: &'static str| {
        TypedAttribute::<Word>::new(id).at(At::path("crm", path)).at(At::path("shop", path))
    };
    model.attribute(both("name", "name"));
    model.attribute(TypedAttribute::<Word>::new("note").hub());
    let segment = TypedAttribute::<Word>::new("code").at(At::path("crm", "segment"));
    model.attribute(segment.migrated("segment", FromGrade));
    model.retired("segment");
    refuses(
        |_| {},
        model,
        "customer.code: segment is stored as word 1, and the migration reads grade 1; declare a migration that reads what is \
         stored, or accept the model in between first",
    );
}

#[derive(Debug)]
struct FromGrade;

impl accordant::model::Migration<Grade, Word> for FromGrade {
    fn name(&self) -> std::borrow::Cow<'static, str> {
        "from_grade".into()
    }
    fn migrate(&self, _: Grade) -> Result<Option<Word>, accordant::value::Malformed> {
        Ok(None)
    }
}

#[test]
fn what_operators_entered_would_be_lost() {
    let mut model = first();
    model.attributes.retain(|attribute| attribute.id.as_str() != "note");
    model.attribute(TypedAttribute::<Grade>::new("note").hub());
    refuses(
        |_| {},
        model,
        "customer.note: grade 1, before word 1; only the hub holds what was entered; declare a migration from it, or retire \
         the id and begin with another one",
    );
    // With a migration, it is not.
    let (store, clock) = (MemoryStore::new(), clock());
    fill(&under(first(), store.clone(), &clock), &clock);
    let mut model = first();
    model.attributes.retain(|attribute| attribute.id.as_str() != "note");
    model.attribute(TypedAttribute::<Grade>::new("note").hub().migrated("note", ToGrade));
    let tenant = under(model, store, &clock);
    block_on(tenant.accept_model(&ana())).unwrap();
    assert_clean(&tenant);
    let told = block_on(tenant.explain_erased(entities(&tenant)[0], "note")).unwrap();
    assert_eq!(told.unit.golden, Field::value("CALLS BACK"));
}

/// That a system says it from now on gives nothing of it back.
#[test]
fn what_operators_entered_would_be_lost_though_a_system_says_it_from_now_on() {
    let mut model = first();
    model.attributes.retain(|attribute| attribute.id.as_str() != "note");
    model.attribute(TypedAttribute::<Grade>::new("note").at(At::path("crm", "note")));
    refuses(
        |_| {},
        model.clone(),
        "customer.note: grade 1, before word 1; only the hub holds what was entered; declare a migration from it, or retire \
         the id and begin with another one",
    );
    // What systems said they say again, whoever enters it from now on.
    let (store, clock) = (MemoryStore::new(), clock());
    let former = || {
        let mut model = first();
        model.attributes.retain(|attribute| attribute.id.as_str() != "note");
        model.attribute(TypedAttribute::<Word>::new("note").at(At::path("crm", "note")));
        model
    };
    fill_said(&under(former(), store.clone(), &clock));
    let mut model = former();
    model.attributes.retain(|attribute| attribute.id.as_str() != "note");
    model.attribute(TypedAttribute::<Grade>::new("note").hub());
    let tenant = under(model, store, &clock);
    block_on(tenant.accept_model(&ana())).unwrap();
    assert_clean(&tenant);
}

fn fill_said(tenant: &Tenant) {
    for (system, _) in SYSTEMS {
        block_on(says(tenant, system, &said(system, 10))).unwrap();
    }
}

#[test]
fn a_member_of_a_group_is_no_value_of_its_own() {
    let grouped = || {
        let mut model = empty();
        for (id, path) in [("street", "street"), ("zip", "zip")] {
            let member = TypedAttribute::<Word>::new(id).group("address");
            model.attribute(member.at(At::path("crm", path)).at(At::path("shop", path)));
        }
        model
    };
    let (store, clock) = (MemoryStore::new(), clock());
    block_on(says(&under(grouped(), store.clone(), &clock), "crm", &[record("crm1", 1, fields(1, "gold"))])).unwrap();
    let mut model = grouped();
    model.attribute(TypedAttribute::<Word>::new("house").at(At::path("crm", "house")).migrated("street", Part(1)));
    let before = held(&store);
    let refused = block_on(under(model, store.clone(), &clock).accept_model(&ana()));
    let Err(Error::ModelRefused { reasons }) = refused else { panic!("{refused:?}") };
    let expected = "customer.house: street is part of a group or a collection, and no value of its own; take it out of its \
                    group or collection first, and accept that";
    assert_eq!(reasons, expected);
    assert!(held(&store) == before, "something was touched");
}

/// The first version, as a type by which attributes are named.
struct Known;

impl Canonical for Known {
    const ENTITY: &'static str = "customer";
    fn model() -> EntityModel {
        first()
    }
    fn read(_: &GoldenReader<'_>) -> Result<Self, Incomplete> {
        Ok(Known)
    }
}

#[test]
fn a_decision_that_waits_for_a_second_person_is_waited_for() {
    let (store, clock) = (MemoryStore::new(), clock());
    fill(&under(first(), store.clone(), &clock), &clock);
    let former = configured(first(), store.clone(), &clock, |builder| {
        builder.four_eyes(Attribute::<Known, Word>::new("segment"))
    });
    let [_, _, third] = entities(&former);
    let ruling = Ruling {
        choice: Choice::Value(Field::value("gold")),
        lifetime: Lifetime::Pinned,
        by: ana(),
        reason: "they told me".into(),
    };
    assert!(matches!(block_on(former.rule(third, "segment", ruling)), Ok(Ruled::Proposed)));
    let before = held(&store);
    let tenant = under(second(), store.clone(), &clock);
    let refused = block_on(tenant.accept_model(&ana()));
    let Err(Error::ModelRefused { reasons }) = refused else { panic!("{refused:?}") };
    assert_eq!(
        reasons,
        format!(
            "customer.segment: segment is being written or decided in 1 entity, as {third}; let writes be answered and \
             decisions be approved or withdrawn, and accept then"
        )
    );
    assert!(held(&store) == before, "something was touched");
    block_on(former.approve_decision(third, "segment", &accordant::Actor::new("noah"))).unwrap();
    block_on(tenant.accept_model(&ana())).unwrap();
    assert_clean(&tenant);
    assert_eq!(golden(&tenant, third, "segment").as_deref(), Some("GOLD"));
}

#[test]
fn a_migration_that_cannot_be_meant_does_not_build() {
    let mut model = empty();
    let list = TypedAttribute::<Word>::new("names").shape(accordant::model::Shape::List).at(At::path("crm", "names"));
    model.attribute(list.migrated("name", Part(0)));
    let mistakes = accordant::model::Model::compile(vec![model]).unwrap_err().to_string();
    assert!(
        mistakes.contains(
            "customer.names: migration `given_name` makes one value, and this is part of a group or a collection"
        ),
        "{mistakes}"
    );
}
