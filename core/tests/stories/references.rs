//! References: native ids become entities, and wait for them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Arc, Mutex};

use accordant::DiscrepancyKind::UnresolvedReference;
use accordant::chrono::{DateTime, TimeDelta};
use accordant::clock::ManualClock;
use accordant::engine::{Accordant, Builder, DiscrepancyFilter, Retention};
use accordant::store::{MemoryStore, StoreError};
use accordant::testing::{FakeSystem, StoreCall, StoreWatch, Story, Watched};
use accordant::{Canonical, Email, Ref, Tenant, TenantId};
use async_trait::async_trait;
use futures::executor::block_on;
use serde_json::json;

use crate::model::Member;

/// A firm: the CRM has it twice, as a company and as the account that invoices go to.
#[derive(Canonical, Clone, Debug)]
#[canonical(entity = "firm", system(crm as crm_company, object = "companies"))]
#[canonical(system(crm as crm_account, object = "accounts"), system(shop as shop_firm, object = "firms"))]
struct Firm {
    #[canonical(identity, at(crm_company = "vat", crm_account = "vat", shop_firm = "vat"))]
    vat: String,
}

/// A buyer names the account, and in the shop the firm.
#[derive(Canonical, Clone, Debug)]
#[canonical(entity = "buyer", system(crm, object = "contacts"), system(shop, object = "customers"))]
struct Buyer {
    #[canonical(identity, at(crm = "email", shop = "email"))]
    email: Email,
    #[canonical(at(crm("account", via_object = crm_account), shop = "firm"))]
    firm: Option<Ref<Firm>>,
}

#[test]
fn a_reference_names_one_of_several_object_types() {
    let mut story = Story::of::<Firm>()
        .and::<Buyer>()
        .says("crm_company", "1", json!({ "vat": "ACME" }))
        .says("crm_account", "1", json!({ "vat": "UMBRELLA" }))
        .says("shop_firm", "7", json!({ "vat": "ACME" }))
        .says("shop_firm", "8", json!({ "vat": "UMBRELLA" }))
        .says("crm", "101", json!({ "email": "ana@acme.test", "account": "1" }))
        .says("shop", "9", json!({ "email": "ana@acme.test", "firm": "8" }))
        .expect_no_discrepancy()
        .expect_quiet()
        .says("shop", "9", json!({ "firm": "7" }))
        .apply()
        .expect_in("crm", "101", "account", json!("1"));
    assert!(story.golden(Buyer::FIRM).is_value());
    // ACME has no account: the reference waits for one, and is written when there is one.
    story
        .says("crm_account", "2", json!({ "vat": "ACME" }))
        .apply()
        .expect_in("crm", "101", "account", json!("2"))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn which_of_several_object_types_a_reference_names_must_be_said() {
    let mistakes = |via: Option<&str>| {
        let clock = Arc::new(ManualClock::at(DateTime::UNIX_EPOCH));
        let mut buyer = Buyer::model();
        let mappings = buyer.attributes.iter_mut().flat_map(|attribute| &mut attribute.mappings);
        for mapping in mappings.filter(|mapping| mapping.via_object.is_some()) {
            mapping.via_object = via.map(Into::into);
        }
        let models = [Firm::model(), buyer.clone()];
        let [crm, shop] = ["crm", "shop"].map(|name| FakeSystem::new(name, &models, &clock));
        let builder = Accordant::builder().connect(crm).connect(shop).entity::<Firm>().entity_model(buyer);
        builder.build().err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert_eq!(mistakes(Some("crm_company")), "");
    let unsaid = mistakes(None);
    assert!(
        unsaid.contains(
            "buyer.firm: `firm` is represented by several object types of `crm`; say which one the ids here are of, \
             with `via_object`: `crm_company`, `crm_account`"
        ),
        "{unsaid}"
    );
    let unknown = mistakes(Some("crm_acount"));
    assert!(
        unknown.contains(
            "buyer.firm: `via_object` names `crm_acount`, which is no object key of `firm` in `crm`; they are \
             `crm_company`, `crm_account`"
        ),
        "{unknown}"
    );
}

#[test]
fn a_reference_waits_for_its_target_and_is_then_written() {
    Story::of::<Member>()
        .says("crm", "m1", json!({ "email": "ana@acme.test", "sponsor": "m2" }))
        .later(TimeDelta::seconds(1))
        .expect_missing(Member::SPONSOR)
        .expect_discrepancy(UnresolvedReference, "sponsor")
        .says("crm", "m2", json!({ "email": "ben@acme.test" }))
        .apply()
        .apply()
        .expect_in("shop", "new-1", "email", json!("ana@acme.test"))
        .expect_in("shop", "new-1", "sponsor", json!({ "id": "new-2" }))
        .expect_no_discrepancy()
        .expect_quiet()
        .expect_writes("shop", 3);
}

#[test]
fn a_ring_of_references_is_closed() {
    Story::of::<Member>()
        .says("crm", "m1", json!({ "email": "ana@acme.test", "sponsor": "m2" }))
        .later(TimeDelta::seconds(1))
        .says("crm", "m2", json!({ "email": "ben@acme.test", "sponsor": "m1" }))
        .apply()
        .apply()
        .expect_in("shop", "new-1", "sponsor", json!({ "id": "new-2" }))
        .expect_in("shop", "new-2", "sponsor", json!({ "id": "new-1" }))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn an_application_names_the_plan_of_what_it_made_possible() {
    let story = Story::of::<Member>()
        .says("crm", "m1", json!({ "email": "ana@acme.test", "sponsor": "m2" }))
        .later(TimeDelta::seconds(1))
        .says("crm", "m2", json!({ "email": "ben@acme.test", "sponsor": "m1" }))
        .apply();
    assert!(story.applied().successor.is_some(), "the references are owed now");
    let story = story.apply();
    assert_eq!(story.applied().successor, None, "nothing is owed any more");
}

#[test]
fn a_reference_that_one_system_changes_is_translated_for_the_other() {
    Story::of::<Member>()
        .says("crm", "m1", json!({ "email": "ana@acme.test", "sponsor": "m2" }))
        .later(TimeDelta::seconds(1))
        .says("crm", "m2", json!({ "email": "ben@acme.test" }))
        .later(TimeDelta::seconds(1))
        .says("crm", "m3", json!({ "email": "cleo@acme.test" }))
        .apply()
        .apply()
        .expect_quiet()
        .says("shop", "new-1", json!({ "sponsor": { "id": "new-3" } }))
        .apply()
        .expect_in("crm", "m1", "sponsor", json!("m3"))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn more_references_than_are_looked_at_together_wake_with_their_target() {
    let member = |number: usize| json!({ "email": format!("m{number}@acme.test"), "sponsor": "boss" });
    let story =
        (0..300).fold(Story::of::<Member>(), |story, number| story.edits("crm", &format!("m{number}"), member(number)));
    let mut story = story.polls("crm").says("crm", "boss", json!({ "email": "boss@acme.test" }));
    let unresolved = DiscrepancyFilter { kinds: vec![UnresolvedReference], ..DiscrepancyFilter::default() };
    assert_eq!(block_on(story.tenant().discrepancies(unresolved)).expect("the list"), []);
}

#[test]
fn references_follow_a_merge_of_what_they_name_and_its_end() {
    let mut story = Story::of::<Member>()
        .says("crm", "m1", json!({ "email": "ana@acme.test", "sponsor": "m2" }))
        .later(TimeDelta::seconds(1))
        .says("crm", "m2", json!({ "email": "ben@acme.test" }))
        .later(TimeDelta::seconds(1))
        .says("crm", "m3", json!({ "email": "b@acme.test" }))
        .apply()
        .apply()
        .expect_quiet();
    let tenant = story.tenant();
    let of = |id: &str| {
        let record = accordant::RecordRef::new("crm", "members", id);
        block_on(tenant.entity_of(&record)).expect("the store answers").expect("it is linked")
    };
    let (ana, merged, survivor) = (of("m1"), of("m2"), of("m3"));
    let sponsor = || {
        let view = block_on(tenant.inspect_erased(ana)).expect("the view");
        view.unit("sponsor").expect("the unit").golden.as_value().map(str::to_owned)
    };
    assert_eq!(sponsor(), Some(merged.to_string()));
    block_on(tenant.merge(survivor, merged, &"ben".into())).expect("they can be merged");
    assert_eq!(sponsor(), Some(survivor.to_string()));
    block_on(tenant.unmerge(merged, &"ben".into())).expect("that can be taken back");
    assert_eq!(sponsor(), Some(merged.to_string()));
    let verified = block_on(tenant.verify()).expect("the chain holds");
    assert!(verified.is_clean(), "{verified}: {:?}", verified.differences);
    story.of_record("crm", "m1").expect_quiet();
}

/// A process that hears what is new just before another one lets go of records that are gone.
struct Meanwhile(Mutex<Option<Tenant>>);

#[async_trait]
impl StoreWatch for Meanwhile {
    async fn before(&self, _: &TenantId, call: StoreCall<'_>) -> Result<(), StoreError> {
        let StoreCall::Commit(commit) = call else { return Ok(()) };
        if !commit.journal.iter().any(|entry| *entry.kind == *"tombstone_expired") {
            return Ok(());
        }
        let other = self.0.lock().unwrap().take();
        if let Some(other) = other {
            other.poll("crm").await.unwrap();
        }
        Ok(())
    }
}

#[test]
fn who_comes_to_name_a_record_while_it_is_let_go_of_is_settled_without_it() {
    let store = MemoryStore::new();
    let tombstones = Some(TimeDelta::days(90));
    let keeping = |builder: Builder| builder.retention(Retention { tombstones, ..Retention::default() });
    let mut story = Story::of::<Member>()
        .configure(|builder| keeping(builder).store(store.clone()))
        .says("crm", "m1", json!({ "email": "ana@acme.test" }))
        .says("crm", "m2", json!({ "email": "ben@acme.test" }))
        .deletes("crm", "m2")
        .expect_retired::<Member>(true);
    let other = story.tenant();
    let meanwhile = Watched::new(store.clone(), Meanwhile(Mutex::new(Some(other))));
    let mut story = story.rebuilt(|builder| keeping(builder).store(meanwhile));
    let tenant = story.tenant();
    let steps = || while block_on(tenant.step()).unwrap().more() {};
    story = story.later(TimeDelta::days(1));
    steps();
    story = story.edits("crm", "m1", json!({ "sponsor": "m2" })).later(TimeDelta::days(91));
    steps();
    story.of_record("crm", "m1").expect_discrepancy(UnresolvedReference, "sponsor");
    let verified = block_on(tenant.verify()).unwrap();
    assert!(verified.is_clean(), "{verified}: {:?}", verified.differences);
    let let_go = block_on(accordant::store::Store::journal(&store, &TenantId::new("story"), 0, usize::MAX)).unwrap();
    assert!(let_go.iter().any(|(entry, _)| *entry.kind == *"tombstone_expired"), "it was let go of");
}
