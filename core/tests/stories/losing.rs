//! What is declared of losses: what a deletion does that does not retire the entity by itself, and what becomes of the records
//! of other systems where it does.

use accordant::DiscrepancyKind::{Diverged, MissingRepresentation, SoftDriftAuthoritative};
use accordant::chrono::TimeDelta;
use accordant::settle::Choice;
use accordant::testing::{FakeSystem, Story};
use accordant::{Accordant, Canonical, DiscrepancyKind, Email, ManualClock};
use futures::executor::block_on;
use serde_json::json;

/// The CRM says who is a customer. What the shop loses is made anew; NetSuite may be without one, and keeps what it has.
#[derive(Canonical, Clone, Debug)]
#[canonical(entity = "customer", existence(crm), on_delete = archive)]
#[canonical(
    system(crm, object = "contacts", on_loss = retire),
    system(shop, object = "customers", on_loss = restore, create_needs(email)),
    system(netsuite, object = "customer", on_loss = accept, on_delete = stand)
)]
pub struct Customer {
    #[canonical(identity, at(crm = "email", shop = "email", netsuite = "email"))]
    pub email: Email,
    #[canonical(at(crm = "phone", shop = "phone", netsuite = "phone"))]
    pub phone: Option<String>,
}

/// The same, of which every system has a say.
#[derive(Canonical, Clone, Debug)]
#[canonical(entity = "client", on_loss = restore)]
#[canonical(
    system(crm, object = "contacts", on_loss = ask),
    system(shop, object = "customers", create_needs(email)),
    system(netsuite, object = "customer")
)]
pub struct Client {
    #[canonical(identity, at(crm = "email", shop = "email", netsuite = "email"))]
    pub email: Email,
}

fn in_three<E: Canonical>() -> Story {
    let says = json!({ "email": "ana@acme.test", "phone": "1" });
    let mut story = Story::of::<E>();
    for (system, id) in [("crm", "1"), ("shop", "9"), ("netsuite", "7")] {
        story = story.says(system, id, says.clone());
    }
    story.expect_entities(1).expect_no_discrepancy().expect_quiet()
}

fn standing(story: &mut Story) -> Vec<(DiscrepancyKind, String)> {
    let standing = block_on(story.tenant().discrepancies(Default::default())).expect("the list");
    standing.into_iter().map(|one| (one.kind, one.reason.to_string())).collect()
}

#[test]
fn what_is_lost_is_made_anew_where_that_is_declared() {
    let mut story = in_three::<Customer>().deletes("shop", "9");
    let declared = "it is gone, and what is lost there is restored, as is declared";
    assert_eq!(
        standing(&mut story),
        [(MissingRepresentation, declared.to_owned())],
        "a write is owed, and nobody is asked"
    );
    let mut story = story
        .expect_plan(
            r#"
            shop/customers (1) create: email "ana@acme.test", phone "1" (it is gone, and what is lost there is restored, as is declared)
            "#,
        )
        .apply()
        .expect_entities(1)
        .expect_retired::<Customer>(false)
        .expect_no_discrepancy()
        .expect_quiet();
    assert_eq!(story.fake("shop").ids("customers").len(), 1);
    let tenant = story.tenant();
    let id = story.entity_id::<Customer>();
    let told = block_on(tenant.history(id, None, 200)).expect("it is known").happenings;
    let why = "shop/customers/9 is gone, and is to be made anew, as is declared of its system";
    assert!(told.iter().any(|one| one.text == why), "its history says why");
    assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
}

#[test]
fn a_person_may_accept_a_loss_that_would_be_restored() {
    in_three::<Customer>()
        .deletes("shop", "9")
        .decides_presence::<Customer>("ana", Choice::Keep)
        .expect_no_discrepancy()
        .expect_quiet()
        // It is not asked for again when something else is lost.
        .deletes("netsuite", "7")
        .expect_no_discrepancy()
        .expect_quiet();
}

/// A system that deletes what is made there again and again is not fought with.
#[test]
fn the_third_loss_in_one_place_asks_a_person() {
    let mut story = in_three::<Customer>();
    let mut lost = "9".to_owned();
    for _ in 0..2 {
        story = story.deletes("shop", &lost).apply().expect_quiet().expect_no_discrepancy();
        [lost] = story.fake("shop").ids("customers").try_into().expect("it was made anew");
    }
    let mut story = story.deletes("shop", &lost).expect_quiet();
    let [(kind, reason)] = standing(&mut story).try_into().expect("one case");
    assert_eq!(kind, DiscrepancyKind::SoftDriftUnauthorized);
    assert!(reason.ends_with("3 records were lost there, so that restoring it again is a person's to say"), "{reason}");
    assert!(block_on(story.tenant().verify()).expect("the chain holds").is_clean());
}

#[test]
fn a_loss_is_accepted_where_that_is_declared() {
    in_three::<Customer>()
        .deletes("netsuite", "7")
        .expect_no_discrepancy()
        .expect_quiet()
        .says("crm", "1", json!({ "phone": "2" }))
        .apply()
        .expect_in("shop", "9", "phone", json!("2"))
        .expect_quiet()
        .expect_retired::<Customer>(false);
}

#[test]
fn what_stands_when_its_entity_is_retired_is_owed_nothing_and_asks_nobody() {
    let mut story = in_three::<Customer>().deletes("crm", "1").expect_retired::<Customer>(true).expect_plan(
        "
        shop/customers/9 archive (the entity was retired by the system that owns existence)
        ",
    );
    let declared = "the entity was retired by the system that owns existence; this record stands, as is declared";
    assert!(standing(&mut story).contains(&(Diverged, declared.to_owned())));
    let mut story = story.apply().expect_quiet();
    assert_eq!(standing(&mut story), [(Diverged, declared.to_owned())]);
    assert_eq!(story.fake("netsuite").ids("customer"), ["7"]);
    let view = block_on(story.tenant().inspect_erased(story.entity_id::<Customer>())).expect("it is known");
    assert!(view.to_string().contains("customer"), "{view}");
}

/// Whose deletion retires the entity retires it although somebody changed it meanwhile, where that is declared.
#[test]
fn a_deletion_goes_before_an_update_where_that_is_declared() {
    in_three::<Customer>()
        .says("shop", "9", json!({ "phone": "2" }))
        .deletes("crm", "1")
        .expect_retired::<Customer>(true);
}

/// The entity type says it of every system that says nothing else; and all of them lost is lost.
#[test]
fn what_is_declared_of_an_entity_type_is_of_every_system_that_says_nothing_else() {
    let mut story = in_three::<Client>().deletes("shop", "9").apply().expect_quiet().expect_no_discrepancy();
    assert_eq!(story.fake("shop").ids("customers").len(), 1);
    let mut story = story.deletes("crm", "1");
    let [(kind, _)] = standing(&mut story).try_into().expect("one case");
    assert_eq!(kind, SoftDriftAuthoritative, "of the CRM a person is asked");
    let [made] = story.fake("shop").ids("customers").try_into().expect("one");
    let made: String = made;
    let story = story.later(TimeDelta::minutes(1)).deletes("netsuite", "7");
    story.deletes("shop", &made).expect_retired::<Client>(true).expect_quiet();
}

/// What is no longer declared is no longer owed: it is listed, and a person is asked.
#[test]
fn what_is_not_declared_any_more_asks_a_person() {
    #[derive(Canonical, Clone, Debug)]
    #[canonical(entity = "customer", existence(crm), on_delete = archive)]
    #[canonical(
        system(crm, object = "contacts"),
        system(shop, object = "customers", create_needs(email)),
        system(netsuite, object = "customer")
    )]
    pub struct Asked {
        #[canonical(identity, at(crm = "email", shop = "email", netsuite = "email"))]
        pub email: Email,
        #[canonical(at(crm = "phone", shop = "phone", netsuite = "phone"))]
        pub phone: Option<String>,
    }
    let story = in_three::<Customer>().deletes("shop", "9").upgraded_to::<Asked>();
    // It is looked at anew with the next word about it.
    let mut story = story.says("crm", "1", json!({ "phone": "3" }));
    let found: Vec<_> = standing(&mut story).into_iter().map(|(kind, _)| kind).collect();
    assert!(found.contains(&DiscrepancyKind::DeleteAgainstUpdate), "{found:?}");
    assert!(!found.contains(&MissingRepresentation), "and no record is owed: {found:?}");
}

#[test]
fn who_does_not_own_existence_cannot_retire_an_entity() {
    #[derive(Canonical, Clone, Debug)]
    #[canonical(entity = "customer", existence(crm))]
    #[canonical(system(crm, object = "contacts"), system(shop, object = "customers", on_loss = retire))]
    pub struct Unowned {
        #[canonical(identity, at(crm = "email", shop = "email"))]
        pub email: Email,
    }
    #[derive(Canonical, Clone, Debug)]
    #[canonical(entity = "customer", on_loss = retire)]
    #[canonical(system(crm, object = "contacts"), system(shop, object = "customers"))]
    pub struct Nobodys {
        #[canonical(identity, at(crm = "email", shop = "email"))]
        pub email: Email,
    }
    fn refused<E: Canonical>() -> String {
        let clock = std::sync::Arc::new(ManualClock::at("2026-01-05T08:00:00Z".parse().expect("an instant")));
        let models = [E::model()];
        let builder = Accordant::builder().entity::<E>();
        let builder =
            builder.connect(FakeSystem::new("crm", &models, &clock)).connect(FakeSystem::new("shop", &models, &clock));
        builder.build().expect_err("it cannot be meant").to_string()
    }
    let unowned =
        "customer: a record that is lost in `shop` cannot retire the entity, because `shop` does not own existence";
    assert!(refused::<Unowned>().contains(unowned), "{}", refused::<Unowned>());
    let nobodys =
        "customer: `on_loss` cannot retire it, because no system owns its existence; name one with `existence`";
    assert!(refused::<Nobodys>().contains(nobodys), "{}", refused::<Nobodys>());
}
