//! What systems make of what they are sent: their own form of it, and how that is told from somebody's edit.

use accordant::DiscrepancyKind::{HardConflict, Rewritten, SoftDriftAuthoritative};
use accordant::DiscrepancyState::Waiting;
use accordant::chrono::TimeDelta;
use accordant::engine::DiscrepancyFilter;
use accordant::settle::Choice;
use accordant::testing::Story;
use accordant::value::Field;
use accordant::{Applied, Canonical, Email, Lifetime, Scope};
use futures::executor::block_on;
use serde_json::json;

use crate::model::{Customer, Member, ana};

/// The CRM keeps whole amounts, and answers writes without the record.
fn whole_amounts_in_the_crm() -> Story {
    ana().system("crm", |crm| {
        crm.rewrites("balance", |text| text.split('.').next().unwrap_or_default().to_owned()).answers_without_record();
    })
}

#[test]
fn an_observer_that_is_enforced_may_keep_its_own_form_though_it_answers_without_the_record() {
    whole_amounts_in_the_crm()
        .says("netsuite", "7", json!({ "balance": "120.75" }))
        .apply()
        .expect_in("crm", "101", "balance", json!("120"))
        .scans("crm")
        .expect(Customer::BALANCE, "120.75 USD")
        .expect_discrepancy(Rewritten, "balance")
        .expect_no_discrepancy()
        .expect_quiet()
        .expect_writes("crm", 1)
        // What somebody enters there afterwards is an edit.
        .later(TimeDelta::minutes(1))
        .says("crm", "101", json!({ "balance": "121" }))
        .expect_plan(
            r#"crm/contacts/101 balance: "121.00 USD" -> "120.75 USD" (enforces the golden value against an observer's change)"#,
        )
        .apply()
        .expect_no_discrepancy()
        .expect_quiet()
        .expect_writes("crm", 2);
}

/// What is owed is planned, approved and sent, and nothing is read back yet.
fn sends(story: &mut Story) -> Applied {
    let tenant = story.tenant();
    let plan = block_on(async { tenant.plan(Scope::default()).await }).expect("it is planned");
    block_on(tenant.approve(plan.hash, &"ana".into())).expect("it is approved");
    block_on(tenant.apply(plan.hash)).expect("it is applied")
}

#[test]
fn an_edit_that_is_read_instead_of_what_was_written_is_no_form_of_it() {
    let mut story = whole_amounts_in_the_crm().says("netsuite", "7", json!({ "balance": "120.75" }));
    assert_eq!(sends(&mut story).done, 2);
    story.edits("crm", "101", json!({ "balance": "7.00" })).scans("crm").expect_plan(
        r#"crm/contacts/101 balance: "7.00 USD" -> "120.75 USD" (enforces the golden value against an observer's change)"#,
    );
}

#[test]
fn a_create_that_was_edited_before_it_was_found_has_an_edit() {
    let mut story = Story::of::<Member>().says("crm", "m1", json!({ "email": "ana@acme.test", "name": "Ana" })).system(
        "shop",
        |shop| {
            shop.loses_answer();
        },
    );
    assert_eq!(sends(&mut story).unknown, 1);
    story
        .edits("shop", "new-1", json!({ "name": "Anna" }))
        .polls("shop")
        .expect_entities(1)
        .expect(Member::NAME, "Anna")
        .apply()
        .expect_in("crm", "m1", "name", json!("Anna"))
        .expect_no_discrepancy()
        .expect_quiet();
}

/// The CRM's name of a member is enforced in the shop, where we make the account.
#[derive(Canonical, Clone, Debug)]
#[canonical(entity = "badge")]
#[canonical(system(crm, object = "members"), system(shop, object = "accounts", required, create_needs(email)))]
struct Badge {
    #[canonical(identity, at(crm = "email", shop = "email"))]
    email: Email,
    #[canonical(owner(crm), at(crm = "name", shop("name", strong)))]
    name: Option<String>,
}

/// The account is made, and nobody hears of it.
fn badge_made_unheard(rewrites: bool) -> Story {
    let mut story = Story::of::<Badge>().says("crm", "m1", json!({ "email": "ana@acme.test", "name": "Ana" })).system(
        "shop",
        |shop| {
            shop.loses_answer();
            if rewrites {
                shop.rewrites("name", str::to_uppercase);
            }
        },
    );
    assert_eq!(sends(&mut story).unknown, 1);
    story
}

#[test]
fn what_a_probe_finds_at_an_observer_is_an_edit_that_is_enforced() {
    let mut story = badge_made_unheard(false).edits("shop", "new-1", json!({ "name": "Anna" }));
    assert_eq!(block_on(story.tenant().recover()).expect("it is probed").done, 1);
    story
        .expect_plan(
            r#"shop/accounts/new-1 name: "Anna" -> "Ana" (enforces the golden value against an observer's change)"#,
        )
        .apply()
        .expect_in("shop", "new-1", "name", json!("Ana"))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn a_form_that_a_probe_found_is_the_systems_own_once_the_same_value_meets_it_again() {
    let mut story = badge_made_unheard(true);
    assert_eq!(block_on(story.tenant().recover()).expect("it is probed").done, 1);
    story
        .expect_plan(
            r#"shop/accounts/new-1 name: "ANA" -> "Ana" (enforces the golden value against an observer's change)"#,
        )
        .apply()
        .expect_in("shop", "new-1", "name", json!("ANA"))
        .expect_discrepancy(Rewritten, "name")
        .expect_no_discrepancy()
        .expect_quiet()
        .expect_writes("shop", 2);
}

/// NetSuite owns titles, and keeps them in capitals.
fn capital_titles() -> Story {
    ana().system("netsuite", |netsuite| {
        netsuite.rewrites("title", str::to_uppercase);
    })
}

#[test]
fn an_owner_that_follows_a_decision_in_its_own_form_has_followed() {
    for silent in [false, true] {
        capital_titles()
            .system("netsuite", |netsuite| {
                if silent {
                    netsuite.answers_without_record();
                }
            })
            .says("netsuite", "7", json!({ "title": "MR" }))
            .apply()
            .decides("ana", Customer::TITLE, Choice::Value(Field::value("dr")))
            .apply()
            .expect_in("netsuite", "7", "title", json!("DR"))
            .expect(Customer::TITLE, "DR")
            .apply()
            .apply()
            .expect_in("shop", "9", "title", json!("DR"))
            .expect_quiet()
            .expect_writes("netsuite", 1);
    }
}

#[test]
fn an_owner_that_keeps_what_it_had_is_asked_once_and_a_person_is_told() {
    for silent in [false, true] {
        for lifetime in [Lifetime::UntilInputsChange, Lifetime::Pinned] {
            capital_titles()
                .system("netsuite", |netsuite| {
                    if silent {
                        netsuite.answers_without_record();
                    }
                })
                .says("netsuite", "7", json!({ "title": "DR" }))
                .apply()
                .decides_for("ana", Customer::TITLE, Choice::Value(Field::value("dr")), lifetime)
                .apply()
                .apply()
                .apply()
                .expect_in("netsuite", "7", "title", json!("DR"))
                .expect_in("shop", "9", "title", json!("DR"))
                .expect(Customer::TITLE, "DR")
                .expect_quiet()
                .expect_writes("netsuite", 1)
                .decides("ana", Customer::TITLE, Choice::Take("netsuite".into()))
                .expect_no_discrepancy()
                .expect_quiet();
        }
    }
}

#[test]
fn an_owner_that_does_not_follow_is_a_conflict_with_the_person_who_decided() {
    capital_titles()
        .says("netsuite", "7", json!({ "title": "DR" }))
        .apply()
        .decides("ana", Customer::TITLE, Choice::Value(Field::value("dr")))
        .apply()
        .expect_discrepancy(HardConflict, "title")
        .expect_quiet()
        // Asked again, it is sent again: somebody may have seen to it.
        .decides("ana", Customer::TITLE, Choice::Value(Field::value("dr")))
        .expect_plan(r#"netsuite/customer/7 title: "DR" -> "dr" (a person decided it; the owner is asked to follow)"#);
}

#[test]
fn a_link_that_keeps_its_own_form_is_owed_nothing_beside_one_that_nobody_may_write() {
    let mut story = ana()
        .says("netsuite", "7", json!({ "title": "Mr" }))
        .apply()
        .expect_in("crm", "101", "title", json!("Mr"))
        .system("shop", |shop| {
            shop.rewrites("title", str::to_uppercase);
        })
        .says("netsuite", "7", json!({ "title": "Dr" }))
        .apply()
        .expect_in("shop", "9", "title", json!("DR"))
        .expect_in("crm", "101", "title", json!("Mr")) // weak: filled once
        .expect_discrepancy(SoftDriftAuthoritative, "title")
        .expect_quiet();
    let standing = block_on(story.tenant().discrepancies(DiscrepancyFilter::default())).expect("the list");
    assert_eq!(standing.iter().map(|standing| standing.state).collect::<Vec<_>>(), [Waiting]);
}

#[test]
fn a_decision_for_an_observers_value_asks_an_owner_that_never_had_one() {
    ana()
        .says("crm", "101", json!({ "title": "Dr" }))
        .expect_missing(Customer::TITLE)
        .decides("ana", Customer::TITLE, Choice::Take("crm".into()))
        .apply()
        .expect_in("netsuite", "7", "title", json!("Dr"))
        .expect(Customer::TITLE, "Dr")
        .apply()
        .expect_in("shop", "9", "title", json!("Dr"))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn what_was_told_of_the_writes_version_is_the_systems_form_though_the_record_was_read_later() {
    let mut story = whole_amounts_in_the_crm().says("netsuite", "7", json!({ "balance": "120.75" }));
    assert_eq!(sends(&mut story).done, 2);
    let written = story.fake("crm").versions("contacts", "101") - 1;
    story
        // Somebody edits another field before anybody has read what the write made of the amount.
        .later(TimeDelta::minutes(1))
        .edits("crm", "101", json!({ "phone": "2" }))
        .tells_of("crm", "101", written)
        .polls("crm")
        .expect_in("crm", "101", "balance", json!("120"))
        .apply()
        .expect_no_discrepancy()
        .expect_quiet()
        .expect_writes("crm", 1);
}
