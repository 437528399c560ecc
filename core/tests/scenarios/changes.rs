//! What is also specified: models, policies and schemas that change; exact numbers; tolerance; erasure.

use accordant::chrono::TimeDelta;
use accordant::model::EntityModel;
use accordant::store::Store as _;
use accordant::testing::Story;
use accordant::{Canonical, Decimal, Email, MemoryStore, Money, RecordRef};
use futures::executor::block_on;
use serde_json::json;

#[derive(Canonical)]
#[canonical(entity = "lead")]
#[canonical(system(crm, object = "leads"), system(shop, object = "leads"), system(netsuite, object = "lead"))]
struct Wide {
    #[canonical(identity, at(crm = "email", shop = "email", netsuite = "email"))]
    email: Email,
    #[canonical(at(crm = "tier", shop = "tier", netsuite = "tier"))]
    tier: Option<String>,
    #[canonical(at(crm = "score", shop = "score", netsuite = "score"), equivalence = tolerance("0.5"))]
    score: Option<Decimal>,
    #[canonical(at(crm("due", currency = EUR), shop("due", currency = EUR), netsuite("due", currency = EUR)))]
    due: Option<Money>,
}

/// The same entity: NetSuite holds no tier any more, and the CRM owns it.
#[derive(Canonical)]
#[canonical(entity = "lead")]
#[canonical(system(crm, object = "leads"), system(shop, object = "leads"), system(netsuite, object = "lead"))]
struct Narrow {
    #[canonical(identity, at(crm = "email", shop = "email", netsuite = "email"))]
    email: Email,
    #[canonical(owner(crm), at(crm = "tier", shop = "tier"))]
    tier: Option<String>,
    #[canonical(at(crm = "score", shop = "score", netsuite = "score"), equivalence = tolerance("0.5"))]
    score: Option<Decimal>,
    #[canonical(at(crm("due", currency = EUR), shop("due", currency = EUR), netsuite("due", currency = EUR)))]
    due: Option<Money>,
}

fn lead() -> Story {
    let lead = json!({ "email": "ana@acme.test", "tier": "gold", "score": "10.0", "due": "0.10" });
    Story::of::<Wide>()
        .says("crm", "1", lead.clone())
        .says("shop", "2", lead.clone())
        .says("netsuite", "3", lead)
        .expect_no_discrepancy()
        .expect_quiet()
        .later(TimeDelta::hours(1))
}

/// A field that is mapped no longer is out of scope: it is not cleared, not written, and nobody is told that it is gone.
#[test]
fn also_a_field_that_is_mapped_no_longer_is_out_of_scope_and_not_cleared() {
    lead()
        .upgraded_to::<Narrow>()
        .expect(Narrow::TIER, "gold")
        .expect_quiet()
        .says("netsuite", "3", json!({ "tier": null }))
        .says("crm", "1", json!({ "tier": "silver" }))
        .expect(Narrow::TIER, "silver")
        .apply()
        .expect_in("shop", "2", "tier", json!("silver"))
        .expect_in("netsuite", "3", "tier", json!(null))
        .expect_no_discrepancy()
        .expect_quiet();
}

/// A new policy is a plan, not a side effect: golden stands until somebody moves, and every value says what settled it.
#[test]
fn also_a_new_policy_moves_nothing_by_itself() {
    let mut story = lead().upgraded_to::<Narrow>();
    let before = story.explain(Narrow::TIER);
    assert!(before.contains("gold"), "{before}");
    story
        .expect_quiet()
        .says("shop", "2", json!({ "tier": "bronze" })) // it decides no longer
        .expect(Narrow::TIER, "gold")
        .expect_in("crm", "1", "tier", json!("gold"));
}

/// A field in a shape that nobody knows is loud, on that field only; the record's others go on.
#[test]
fn also_schema_drift_is_loud_and_stops_that_field_only() {
    let mut story =
        lead().says("crm", "1", json!({ "score": { "of": 1 }, "tier": "silver" })).expect(Wide::TIER, "silver");
    let letters = block_on(story.tenant().dead_letters()).expect("the list");
    assert_eq!(letters.len(), 1, "{letters:?}");
    story.expect(Wide::SCORE, "10.0").apply().expect_in("shop", "2", "tier", json!("silver")).expect_in(
        "netsuite",
        "3",
        "tier",
        json!("silver"),
    );
}

/// Money is exact: a tenth is a tenth, and three of them are what they are.
#[test]
fn also_money_is_exact_and_carries_its_currency() {
    lead()
        .says("crm", "1", json!({ "due": "0.30" }))
        .expect(Wide::DUE, "0.3 EUR")
        .apply()
        .expect_in("shop", "2", "due", json!("0.30"))
        .expect_in("netsuite", "3", "due", json!("0.30"))
        .says("shop", "2", json!({ "due": "0.3" }))
        .expect_no_discrepancy()
        .expect_quiet();
}

/// Tolerance is per attribute and in its own unit: within it nobody moved, beyond it somebody did.
#[test]
fn also_a_tolerance_has_a_unit_and_does_not_drift() {
    lead()
        .says("shop", "2", json!({ "score": "10.4" }))
        .expect(Wide::SCORE, "10.0")
        .expect_quiet()
        .says("shop", "2", json!({ "score": "10.8" })) // beyond what golden is, though not beyond what it said before
        .expect(Wide::SCORE, "10.8")
        .apply()
        .expect_in("crm", "1", "score", json!(10.8))
        .expect_quiet();
}

/// A mapping that leads nowhere, a cycle, an owner who holds nothing: refused before the first event.
#[test]
fn also_a_model_that_contradicts_itself_is_refused_before_the_first_event() {
    let mut model = EntityModel::new("lead");
    model.object(accordant::model::SystemObject::new("crm", "leads"));
    model.attribute(accordant::model::TypedAttribute::<String>::new("tier").owner("nobody"));
    let refused = accordant::Accordant::builder().entity_model(model).build();
    let error = refused.expect_err("nobody owns it");
    assert!(error.to_string().contains("nobody") || format!("{error:?}").contains("nobody"), "{error}");
}

/// What a person's erasure takes away leaves a chain that verifies, and the others' state as it was.
#[test]
fn also_an_erased_subject_leaves_a_chain_that_verifies() {
    let store = MemoryStore::new();
    let lead = json!({ "email": "ana@acme.test", "tier": "gold" });
    let mut story = Story::of::<Wide>()
        .configure(|builder| builder.store(store.clone()))
        .says("crm", "1", lead.clone())
        .says("shop", "2", lead.clone())
        .says("netsuite", "3", lead);
    let tenant = story.tenant();
    let record = RecordRef::new("crm", "leads", "1");
    let erased = block_on(store.erase(tenant.id(), &record.to_string())).expect("the store answers");
    assert!(erased > 0, "nothing was journaled about {record}");
    let replayed = block_on(tenant.replay()).expect("the chain holds without what was erased");
    assert_eq!(replayed.erased, erased);
    story.expect(Wide::TIER, "gold").expect_quiet();
}
