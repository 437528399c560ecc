//! Trouble: stale targets, systems that cannot be reached, programs that fight, and models that change.

use accordant::DiscrepancyKind::HardConflict;
use accordant::chrono::TimeDelta;
use accordant::testing::Story;
use accordant::{Canonical, Email, Scope};
use futures::executor::block_on;
use serde_json::json;

use crate::model::{Customer, ana};

#[test]
fn a_target_that_moved_is_not_overwritten_but_planned_again() {
    let story =
        ana().says("crm", "101", json!({ "company": "B" })).later(TimeDelta::minutes(5)).apply_after(|systems| {
            systems.of("shop").edit("customers", "9", &json!({ "defaultAddress": { "company": "C" } }));
        });
    assert_eq!(story.applied().superseded, 1);
    story
        .expect_in("shop", "9", "defaultAddress", json!({ "company": "C", "street": "A St", "zip": "1" }))
        .expect(Customer::COMPANY, "C")
        .apply()
        .expect_in("crm", "101", "company", json!("C"))
        .expect_in("netsuite", "7", "companyname", json!("C"))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn an_edit_of_another_field_does_not_stop_a_write() {
    let story = ana().says("crm", "101", json!({ "company": "B" })).apply_after(|systems| {
        systems.of("shop").edit("customers", "9", &json!({ "phone": "5" }));
    });
    assert_eq!(story.applied().superseded, 0);
    story.apply().expect_in("crm", "101", "phone", json!("5")).expect_no_discrepancy().expect_quiet();
}

#[test]
fn a_system_that_cannot_be_reached_is_owed_its_write() {
    let story = ana().says("crm", "101", json!({ "phone": "2" })).apply_after(|systems| {
        systems.of("shop").defers();
    });
    assert_eq!(story.applied().deferred, 1);
    story.apply().expect_in("shop", "9", "phone", json!("2")).expect_no_discrepancy().expect_quiet();
}

#[test]
fn a_system_that_names_a_delay_is_asked_again_after_it() {
    let begins = ana().says("crm", "101", json!({ "phone": "2" }));
    let story = begins.apply_after(|systems| {
        systems.of("shop").defers_for(TimeDelta::minutes(30));
        systems.of("netsuite").defers_for(TimeDelta::minutes(10));
    });
    let (deferred, retry_at) = (story.applied().deferred, story.applied().retry_at);
    assert_eq!((deferred, retry_at.map(|at| at.format("%T").to_string())), (2, Some("09:10:00".to_owned())));
    let story = story.later(TimeDelta::minutes(10)).apply();
    assert_eq!(story.applied().retry_at, None);
}

#[test]
fn an_update_whose_answer_is_lost_is_found_to_have_happened() {
    ana()
        .system("shop", |shop| {
            shop.loses_answer();
        })
        .says("crm", "101", json!({ "phone": "2" }))
        .apply()
        .expect_in("shop", "9", "phone", json!("2"))
        .expect_no_discrepancy()
        .expect_quiet()
        .expect_writes("shop", 1);
}

#[test]
fn a_write_without_the_record_in_its_answer_is_read_back() {
    ana()
        .system("shop", |shop| {
            shop.answers_without_record();
        })
        .says("crm", "101", json!({ "phone": "2", "tags": "a;b" }))
        .apply()
        .expect_no_discrepancy()
        .expect_quiet()
        .expect_writes("shop", 1);
}

#[test]
fn systems_that_fight_through_us_are_stopped() {
    let mut story = ana();
    for _ in 0..4 {
        story = story.later(TimeDelta::minutes(1)).says("crm", "101", json!({ "balance": "999.00" })).apply();
    }
    story
        .expect(Customer::BALANCE, "100 USD")
        .expect_discrepancy(HardConflict, "balance")
        .expect_quiet()
        .expect_writes("crm", 3);
}

#[test]
fn nightly_scans_leave_a_store_that_replays() {
    let mut story = ana();
    for _ in 0..12 {
        story = story.later(TimeDelta::days(1)).scans("crm").scans("shop").scans("netsuite");
    }
    let mut story = story
        .says("crm", "101", json!({ "phone": "2" }))
        .apply()
        .scans("shop")
        .expect(Customer::PHONE, "2")
        .expect_no_discrepancy()
        .expect_quiet();
    let verified = block_on(story.tenant().verify()).expect("the store can be read");
    assert!(verified.is_clean(), "{verified}: {:?}", verified.differences);
}

#[derive(Canonical)]
#[canonical(
    entity = "lead",
    system(crm, object = "leads"),
    system(shop, object = "leads"),
    system(netsuite, object = "lead")
)]
struct Before {
    #[canonical(identity, at(crm = "email", shop = "email", netsuite = "email"))]
    email: Email,
    #[canonical(at(crm = "fax", shop = "fax", netsuite = "fax"))]
    fax: Option<String>,
    #[canonical(at(crm = "segment", shop = "segment", netsuite = "segment"))]
    segment: Option<String>,
}

#[derive(Canonical)]
#[canonical(
    entity = "lead",
    system(crm, object = "leads"),
    system(shop, object = "leads"),
    system(netsuite, object = "lead")
)]
#[canonical(retired("fax"))]
struct After {
    #[canonical(identity, at(crm = "email", shop = "email", netsuite = "email"))]
    email: Email,
    #[canonical(was("segment"), at(crm = "segment", shop = "segment", netsuite = "segment"))]
    tier: Option<String>,
}

#[test]
fn a_renamed_attribute_keeps_its_value_and_a_retired_one_writes_nothing() {
    let lead = json!({ "email": "ana@acme.test", "fax": "1", "segment": "gold" });
    Story::of::<Before>()
        .says("crm", "1", lead.clone())
        .says("shop", "2", lead.clone())
        .says("netsuite", "3", lead)
        .says("crm", "1", json!({ "fax": "2" }))
        .expect(Before::SEGMENT, "gold")
        .upgraded_to::<After>()
        .expect(After::TIER, "gold")
        .expect_quiet()
        .says("shop", "2", json!({ "segment": "silver", "fax": "3" }))
        .expect(After::TIER, "silver")
        .expect_plan(
            r#"
            crm/leads/1 tier: "gold" -> "silver" (propagates the golden value)
            netsuite/lead/3 tier: "gold" -> "silver" (propagates the golden value)
            "#,
        )
        .apply()
        .expect_in("crm", "1", "fax", json!("2"))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn our_own_writing_is_no_witness_before_its_answer_is_known_either() {
    let mut story = ana().says("crm", "101", json!({ "company": "Borg" }));
    let tenant = story.tenant();
    let plan = block_on(async { tenant.plan(Scope::default()).await }).expect("a plan");
    block_on(tenant.approve(plan.hash, &"ana".into())).expect("an approval");
    // Somebody enters another company in the shop, later than the CRM's, and before NetSuite is written the CRM's.
    let mut story = story
        .later(TimeDelta::minutes(10))
        .edits("shop", "9", json!({ "defaultAddress": { "company": "Cyb" } }))
        .later(TimeDelta::minutes(10))
        .system("netsuite", |netsuite| {
            netsuite.loses_answer();
        });
    let applied = block_on(story.tenant().apply(plan.hash)).expect("it is applied");
    assert_eq!(applied.unknown, 1, "{applied:?}");
    // That NetSuite holds the CRM's company now is our doing, and says nothing new, though nobody has probed it yet.
    for system in ["netsuite", "shop"] {
        block_on(story.tenant().poll(system)).expect("it is polled");
    }
    story
        .expect(Customer::COMPANY, "Cyb")
        .apply()
        .expect_in("netsuite", "7", "companyname", json!("Cyb"))
        .expect_in("crm", "101", "company", json!("Cyb"))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn a_word_that_we_could_not_write_is_a_persons_own_once_they_say_it() {
    // The shop's people say another company before we write the CRM's; we are refused. Then they say the CRM's themselves.
    ana()
        .says("crm", "101", json!({ "company": "Borg" }))
        .later(TimeDelta::minutes(10))
        .apply_after(|systems| {
            systems.of("shop").edit("customers", "9", &json!({ "defaultAddress": { "company": "Cyb" } }));
        })
        .expect(Customer::COMPANY, "Cyb")
        .later(TimeDelta::minutes(10))
        .says("shop", "9", json!({ "defaultAddress": { "company": "Borg" } }))
        .expect(Customer::COMPANY, "Borg")
        .apply()
        .expect_in("shop", "9", "defaultAddress", json!({ "company": "Borg", "street": "A St", "zip": "1" }))
        .expect_in("crm", "101", "company", json!("Borg"))
        .expect_in("netsuite", "7", "companyname", json!("Borg"))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn what_may_still_arrive_is_ours_though_it_was_refused_when_it_was_sent_again() {
    let story = ana()
        .says("crm", "101", json!({ "company": "Borg" }))
        .system("netsuite", |netsuite| {
            netsuite.loses_request();
        })
        .apply()
        .system("netsuite", |netsuite| {
            netsuite.goes_stale();
        })
        .apply();
    assert_eq!(story.applied().superseded, 1, "{:?}", story.applied());
    story
        .later(TimeDelta::minutes(10))
        .says("shop", "9", json!({ "defaultAddress": { "company": "Cyb" } }))
        .later(TimeDelta::minutes(10))
        // The request that was thought lost arrives.
        .says("netsuite", "7", json!({ "companyname": "Borg" }))
        .expect(Customer::COMPANY, "Cyb")
        .apply()
        .expect_in("netsuite", "7", "companyname", json!("Cyb"))
        .expect_no_discrepancy()
        .expect_quiet();
}
