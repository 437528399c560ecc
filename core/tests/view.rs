//! What a person who asks gets to read: the whole text of views and explanations, and what `find` and the lists answer.

#[path = "view/world.rs"]
mod world;

use accordant::discrepancy::{DiscrepancyKind, DiscrepancyState};
use accordant::engine::DiscrepancyFilter;
use accordant::error::Error;
use accordant::explain::Explanation;
use accordant::id::{Actor, Id, RecordRef};
use accordant::model::Attribute;
use accordant::settle::Choice;
use accordant::view::EntityView;
use futures::executor::block_on;
use world::{Company, Customer, World};

/// Shopify moves phone and e-mail address.
const MOVED: &str = r#"{"id":"7","at":1772618400000,"email":"ana@acme.example","phone":"+1 555 0199",
    "street":"12 Main St","zip":"8001"}"#;

/// HubSpot, an observer of the tier, moves it.
const SILVER: &str = r#"{"id":"101","at":1772618460000,"email":"Ana@Acme.test","phone":"+1 555 0100",
    "tier":"silver","tags":["b2b","eu"]}"#;

/// Ana is known to all three, which agree.
fn ana() -> World {
    let world = World::new();
    world.says("hubspot", r#"{"id":"101","at":1772356320000,"email":"Ana@Acme.test","phone":"+1 555 0100","tier":"gold","tags":["b2b","eu"]}"#);
    world.says("shopify", r#"{"id":"7","at":1772359920000,"email":"ana@acme.test","phone":"+1 555 0100","street":"12 Main St","zip":"8001"}"#);
    world.says("netsuite", r#"{"id":"C-1","at":1772529120000,"email":"ana@acme.test","phone":"+1 555 0100","tier":"gold","street":"12 Main St","zip":"8001"}"#);
    world
}

#[test]
fn a_view_shows_one_customer_side_by_side() {
    let world = ana();
    world.says("shopify", MOVED);
    world.says("hubspot", SILVER);
    let view = block_on(world.tenant.inspect(world.customer())).expect("the view");
    let text = view.to_string().replace(&view.entity.id.to_string(), "ID");
    assert_eq!(text, CUSTOMER, "{text}");
}

#[test]
fn an_explanation_says_who_said_it_who_decided_and_what_follows() {
    let world = ana();
    world.says("shopify", MOVED);
    let explain = |unit: &str| {
        let explained = block_on(world.tenant.explain_erased(world.customer().erase(), unit)).expect("an explanation");
        assert!(explained.explains_itself());
        without_fingerprint(&explained)
    };
    assert_eq!(explain("phone"), PHONE);
    assert_eq!(explain("email"), EMAIL);
    assert_eq!(explain("tags"), TAGS);
    assert_eq!(explain("greeting"), GREETING);
}

#[test]
fn a_decision_shows_in_view_and_explanation() {
    let world = ana();
    world.says("netsuite", r#"{"id":"C-1","at":1772618400000,"email":"ana@acme.test","phone":"+1 555 0100","tier":"basic","street":"12 Main St","zip":"8001"}"#);
    let by = Actor::new("bob");
    let choice = Choice::Value(accordant::value::Field::value("platinum"));
    block_on(world.tenant.decide(world.customer(), Customer::TIER, choice, &by, "agreed by phone")).expect("decided");
    let explained = block_on(world.tenant.explain(world.customer(), Customer::TIER)).expect("an explanation");
    assert!(explained.explains_itself());
    let text = without_fingerprint(&explained);
    assert_eq!(text, TIER, "{text}");
}

#[test]
fn every_settled_golden_value_explains_itself() {
    let world = ana();
    let view = block_on(world.tenant.inspect(world.customer())).expect("the view");
    for unit in &view.entity.units {
        let explained = block_on(world.tenant.explain_erased(view.entity.id, &unit.name)).expect("an explanation");
        assert!(explained.explains_itself(), "{explained}");
    }
    assert!(view.entity.units.len() >= 6);
}

#[test]
fn a_value_is_found_however_it_is_spelled() {
    let world = ana();
    let found = |value| block_on(world.tenant.find(Customer::EMAIL, value)).expect("the search runs");
    assert_eq!(found("ana@acme.test"), [world.customer()]);
    assert_eq!(found(" ANA@Acme.Test "), [world.customer()]);
    assert_eq!(found("ben@acme.test"), []);
    // Not an identity attribute: golden values are gone through.
    assert_eq!(block_on(world.tenant.find(Customer::PHONE, "+1 555 0100")).expect("it runs"), [world.customer()]);
    assert_eq!(block_on(world.tenant.find(Customer::ZIP, "8001")).expect("it runs"), [world.customer()]);
    assert_eq!(block_on(world.tenant.find(Customer::TAGS, "eu")).expect("it runs"), [world.customer()]);
    assert!(matches!(block_on(world.tenant.find(Customer::EMAIL, "")), Err(Error::Value { .. })));
}

#[test]
fn a_record_leads_to_its_entity() {
    let world = ana();
    let of = |id| block_on(world.tenant.entity_of(&RecordRef::new("shopify", "customers", id))).expect("it runs");
    assert_eq!(of("7"), Some(world.customer().erase()));
    assert_eq!(of("8"), None);
}

#[test]
fn entities_are_listed_page_by_page() {
    let world = ana();
    world.says("hubspot", r#"{"id":"102","at":1772356320000,"email":"ben@acme.test"}"#);
    world.says("hubspot", r#"{"id":"103","at":1772356320000,"email":"cem@acme.test"}"#);
    let page = |after, limit| block_on(world.tenant.entities("customer", after, limit)).expect("the list");
    let all = page(None, 10);
    assert_eq!(all.len(), 3);
    assert_eq!(page(None, 2), all[..2]);
    assert_eq!(page(Some(all[1]), 2), all[2..]);
    assert_eq!(block_on(world.tenant.entities("company", None, 10)).expect("the list"), []);
    assert!(matches!(block_on(world.tenant.entities("robot", None, 1)), Err(Error::UnknownEntityType { .. })));
}

#[test]
fn a_golden_record_that_lacks_something_required_says_what() {
    let world = World::new();
    world.says("hubspot", r#"{"id":"101","at":1772356320000,"phone":"+1 555 0100"}"#);
    let id = block_on(world.tenant.entities("customer", None, 1)).expect("the list")[0];
    let view = block_on(world.tenant.inspect(Id::<Customer>::new(id))).expect("the view");
    let incomplete = view.golden.expect_err("there is no e-mail address");
    assert_eq!(incomplete.to_string(), "the golden record lacks email");
    let complete = ana();
    let view = block_on(complete.tenant.inspect(complete.customer())).expect("the view");
    let expected = Customer {
        email: "ana@acme.test".to_owned(),
        phone: Some("+1 555 0100".to_owned()),
        zip: Some("8001".to_owned()),
        tags: vec!["b2b".to_owned(), "eu".to_owned()],
    };
    assert_eq!(view.golden, Ok(expected));
}

#[test]
fn an_entity_of_another_type_is_unknown() {
    let world = ana();
    let wrong = Id::<Company>::new(world.customer().erase());
    let error = block_on(world.tenant.inspect(wrong)).expect_err("a customer is no company");
    assert_eq!(error.to_string(), format!("there is no company {wrong}"));
    let error = block_on(world.tenant.explain_erased(wrong.erase(), "fax")).expect_err("no such attribute");
    assert_eq!(
        error.to_string(),
        "customer has no attribute `fax`; known: `address`, `email`, `greeting`, `phone`, `street`, `tags`, `tier`, `zip`"
    );
}

#[test]
fn a_handle_of_another_type_is_refused() {
    let world = ana();
    let (customer, by) = (world.customer(), Actor::new("bob"));
    let company = Id::<Company>::new(customer.erase());
    let tier = Attribute::<Company, String>::new("tier");
    let choice = || Choice::Value(accordant::value::Field::value("x"));
    let unknown = format!("there is no company {customer}");
    let decided = block_on(world.tenant.decide(company, tier, choice(), &by, "")).expect_err("it is a customer");
    assert_eq!(decided.to_string(), unknown);
    let entered = block_on(world.tenant.enter(company, tier, None, &by)).expect_err("it is a customer");
    assert_eq!(entered.to_string(), unknown);
    // The attribute exists, and is of another type than the handle.
    let number = Attribute::<Customer, i64>::new("tier");
    let refused = "tier: the handle is for values of another type";
    let entered = block_on(world.tenant.enter(customer, number, Some(1), &by)).expect_err("the tier is a text");
    assert_eq!(entered.to_string(), refused);
    assert_eq!(block_on(world.tenant.find(number, "1")).expect_err("the tier is a text").to_string(), refused);
    // One value entered for several would say that there are no others.
    let tags = block_on(world.tenant.enter(customer, Customer::TAGS, Some("x".to_owned()), &by));
    assert!(matches!(tags, Err(Error::Value { .. })), "{tags:?}");
    let missing = Attribute::<Customer, String>::new("fax");
    let decided = block_on(world.tenant.decide(customer, missing, choice(), &by, "")).expect_err("no such attribute");
    let known = "`address`, `email`, `greeting`, `phone`, `street`, `tags`, `tier`, `zip`";
    assert_eq!(decided.to_string(), format!("customer has no attribute `fax`; known: {known}"));
    assert_eq!(block_on(world.tenant.inspect(customer)).expect("the view").entity.decisions, []);
}

#[test]
fn presence_explains_itself() {
    let world = ana();
    let explained = block_on(world.tenant.explain_existence(world.customer())).expect("an explanation");
    assert_eq!(explained, block_on(world.tenant.explain_erased(explained.entity, "$exists")).expect("the same"));
    assert_eq!(explained.to_string(), THERE, "{explained}");
    assert!(explained.explains_itself());
    world.deletes("shopify", "7", r#"{"id":"7","at":1772618400000}"#);
    let explained = block_on(world.tenant.explain_existence(world.customer())).expect("an explanation");
    assert_eq!(explained.to_string(), DELETED, "{explained}");
    let company = Id::<Company>::new(world.customer().erase());
    assert!(block_on(world.tenant.explain_existence(company)).is_err(), "a customer is no company");
}

#[test]
fn discrepancies_are_filtered_and_come_gravest_first() {
    let world = ana();
    world.says("shopify", MOVED);
    world.says("hubspot", SILVER);
    let list = |filter: DiscrepancyFilter| -> Vec<(DiscrepancyKind, String)> {
        let found = block_on(world.tenant.discrepancies(filter)).expect("the list");
        found.into_iter().map(|standing| (standing.kind, standing.unit.to_string())).collect()
    };
    let all = list(DiscrepancyFilter::default());
    assert!(all.is_sorted(), "{all:?}");
    let unauthorized = (DiscrepancyKind::SoftDriftUnauthorized, "tier".to_owned());
    assert!(all.contains(&unauthorized), "{all:?}");
    let kinds = vec![DiscrepancyKind::SoftDriftUnauthorized];
    assert_eq!(list(DiscrepancyFilter { kinds, ..Default::default() }), std::slice::from_ref(&unauthorized));
    assert_eq!(
        list(DiscrepancyFilter { unit: Some("tier".into()), ..Default::default() }),
        std::slice::from_ref(&unauthorized)
    );
    // Shopify has no tier, so nothing about it concerns Shopify.
    let shopify = list(DiscrepancyFilter { system: Some("shopify".into()), ..Default::default() });
    assert!(!shopify.is_empty() && !shopify.contains(&unauthorized), "{shopify:?}");
    let states = vec![DiscrepancyState::Resolved];
    assert!(!list(DiscrepancyFilter { states, ..Default::default() }).contains(&unauthorized));
    assert_eq!(list(DiscrepancyFilter { entity_type: Some("company".into()), ..Default::default() }), []);
}

#[test]
fn who_may_not_see_personal_data_sees_that_there_is_some() {
    let world = ana();
    world.says("shopify", MOVED);
    let view: EntityView = block_on(world.tenant.inspect_erased(world.customer().erase())).expect("the view");
    let masked = view.masked();
    let json = serde_json::to_string(&masked).expect("a view is JSON");
    for text in [masked.to_string(), json] {
        assert!(text.contains("•••") && !text.to_lowercase().contains("acme"), "{text}");
        assert!(text.contains("+1 555 0199"), "{text}");
    }
    let explained = block_on(world.tenant.explain(world.customer(), Customer::EMAIL)).expect("an explanation");
    assert!(!explained.masked().to_string().contains("acme"));
}

#[test]
fn what_could_not_be_processed_is_listed_whole() {
    let world = ana();
    world.says("shopify", "no record");
    let letters = block_on(world.tenant.dead_letters()).expect("the list");
    assert_eq!(letters.iter().map(|(_, letter)| letter.body.as_str()).collect::<Vec<_>>(), ["no record"]);
    // NetSuite's customers make no entity of their own.
    world.says("netsuite", r#"{"id":"C-9","at":1772356320000,"email":"nobody@acme.test"}"#);
    let unlinked = block_on(world.tenant.unlinked()).expect("the list");
    assert_eq!(unlinked.iter().map(|row| row.record.to_string()).collect::<Vec<_>>(), ["netsuite/customer/C-9"]);
}

#[test]
fn every_future_is_send() {
    fn is_send<T: Send>(_: T) {}
    let world = ana();
    is_send(world.tenant.find(Customer::EMAIL, "x"));
    is_send(world.tenant.inspect(world.customer()));
    is_send(world.tenant.explain(world.customer(), Customer::EMAIL));
    is_send(world.tenant.discrepancies(DiscrepancyFilter::default()));
    is_send(world.tenant.entities("customer", None, 1));
    is_send(world.tenant.unlinked());
    is_send(world.tenant.dead_letters());
    let (by, id) = (Actor::new("ana"), world.customer());
    let record = RecordRef::new("shopify", "customers", "7");
    let hash = accordant::plan::PlanHash::default();
    is_send(world.tenant.receive("hubspot", accordant::Delivery::default()));
    is_send(world.tenant.poll("hubspot"));
    is_send(world.tenant.scan("hubspot"));
    is_send(world.tenant.step());
    is_send(world.tenant.plan(id).into_future());
    is_send(world.tenant.stored_plan(hash));
    is_send(world.tenant.approve(hash, &by));
    is_send(world.tenant.confirm_deletes(hash, &by));
    is_send(world.tenant.apply(hash));
    is_send(world.tenant.decide(id, Customer::TIER, Choice::Keep, &by, ""));
    is_send(world.tenant.decide_presence(id, Choice::Keep, &by, ""));
    is_send(world.tenant.enter(id, Customer::PHONE, None, &by));
    is_send(world.tenant.link(id.erase(), &record, &by));
    is_send(world.tenant.merge(id.erase(), id.erase(), &by));
    is_send(world.tenant.unmerge(id.erase(), &by));
    is_send(world.tenant.allow_merge(id.erase(), id.erase(), &by));
    is_send(world.tenant.accept_model(&by));
    is_send(world.tenant.replay());
    is_send(world.tenant.rederive());
    is_send(world.tenant.verify());
}

/// The explanation as text, but for fingerprints: they change with every version of a policy.
fn without_fingerprint(explained: &Explanation) -> String {
    explained
        .to_string()
        .lines()
        .map(|line| match line.split_once("under policy ") {
            Some((before, _)) => format!("{before}under policy ..\n"),
            None => format!("{line}\n"),
        })
        .collect()
}

const CUSTOMER: &str = r#"customer ID, live

             golden                hubspot          shopify             netsuite
                                   contacts/101     customers/7         customer/C-1
email      ! ana@acme.test         ana@acme.test  * ana@acme.example    ana@acme.test
phone        +1 555 0199         > +1 555 0100      +1 555 0199       > +1 555 0100
tier         gold                * silver                               gold
address      12 Main St, 8001                       12 Main St, 8001    12 Main St, 8001
tags[b2b]    b2b                   b2b
tags[eu]     eu                    eu
greeting     Dear gold customer

* moved   > a write of golden is owed   ! frozen: it waits for a person

first said    hubspot                 shopify                 netsuite
email         3 d older               2026-03-04 10:00 UTC    1 d older
phone         3 d older               2026-03-04 10:00 UTC    1 d older
tier          2026-03-04 10:01 UTC                            1 d older
address                               1 d 23 h older          2026-03-03 09:12 UTC
tags[b2b]     2026-03-01 09:12 UTC
tags[eu]      2026-03-01 09:12 UTC

waiting
  email: held by "verify-email": it was ana@acme.test; it would become "ana@acme.example"

discrepancies
  soft drift (authoritative): email, waiting since 2026-03-05 10:03 UTC: held by "verify-email": it was ana@acme.test
  soft drift (authoritative): phone, open since 2026-03-05 10:03 UTC: settled by latest; a write is owed
  soft drift (unauthorized): tier, waiting since 2026-03-05 10:04 UTC: an observer moved, and nothing enforces golden there
"#;

const TIER: &str = r#"tier is "basic"
  first said by netsuite/customer/C-1 at 2026-03-04 10:00 UTC
  decided by owner
  bob chose "platinum" at 2026-03-05 10:04 UTC, until someone says something new: agreed by phone
  now: a write is pending
  hubspot/contacts/101 shows "gold" since 2026-03-01 09:12 UTC, as accepted; a write is owed: propagates the golden value
  netsuite/customer/C-1 shows "basic" since 2026-03-04 10:00 UTC, as accepted; a write is owed: a person decided it; the owner is asked to follow
  soft drift (authoritative) since 2026-03-05 10:03 UTC: settled by owner; a write is owed
  chosen under policy ..
"#;

const THERE: &str = r#"$exists is "present"
  now: in agreement
  hubspot/contacts/101 shows "present", as accepted; no write: it is there, as the entity is
  shopify/customers/7 shows "present", as accepted; no write: it is there, as the entity is
  netsuite/customer/C-1 shows "present", as accepted; no write: it is there, as the entity is
"#;

const DELETED: &str = r#"$exists is "present"
  now: soft drift: a system that decides moved
  hubspot/contacts/101 shows "present", as accepted; no write: it is there, as the entity is
  shopify/customers/7 shows "gone" since 2026-03-04 10:00 UTC, moved; no write: what was deleted is not made again
  netsuite/customer/C-1 shows "present", as accepted; no write: it is there, as the entity is
  soft drift (authoritative) at shopify/customers/7 since 2026-03-05 10:03 UTC: the record was deleted; existence has no owner who could say so
"#;

const PHONE: &str = r#"phone is "+1 555 0199"
  first said by shopify/customers/7 at 2026-03-04 10:00 UTC
  decided by latest
    won: "+1 555 0199" from shopify/customers/7 at 2026-03-04 10:00 UTC
    heard: "+1 555 0100" from hubspot/contacts/101 at 2026-03-01 09:12 UTC
    heard: "+1 555 0100" from netsuite/customer/C-1 at 2026-03-03 09:12 UTC
  now: a write is pending
  hubspot/contacts/101 shows "+1 555 0100" since 2026-03-01 09:12 UTC, as accepted; a write is owed: propagates the golden value
  shopify/customers/7 shows "+1 555 0199" since 2026-03-04 10:00 UTC, as accepted; no write: it holds the golden value
  netsuite/customer/C-1 shows "+1 555 0100" since 2026-03-03 09:12 UTC, as accepted; a write is owed: propagates the golden value
  soft drift (authoritative) since 2026-03-05 10:03 UTC: settled by latest; a write is owed
  chosen under policy ..
"#;

const EMAIL: &str = r#"email is "ana@acme.test"
  first said by hubspot/contacts/101 at 2026-03-01 09:12 UTC
  decided by latest
  held by "verify-email": it was ana@acme.test; it would become "ana@acme.example", by latest
    won: "ana@acme.example" from shopify/customers/7 at 2026-03-04 10:00 UTC
    heard: "ana@acme.test" from hubspot/contacts/101 at 2026-03-01 09:12 UTC
    heard: "ana@acme.test" from netsuite/customer/C-1 at 2026-03-03 09:12 UTC
  now: frozen; nothing is written until a person decides
  hubspot/contacts/101 shows "ana@acme.test" since 2026-03-01 09:12 UTC, as accepted
  shopify/customers/7 shows "ana@acme.example" since 2026-03-04 10:00 UTC, moved
  netsuite/customer/C-1 shows "ana@acme.test" since 2026-03-03 09:12 UTC, as accepted
  soft drift (authoritative) since 2026-03-05 10:03 UTC: held by "verify-email": it was ana@acme.test
  chosen under policy ..
"#;

const TAGS: &str = r#"tags has 2 elements
tags[b2b] is "b2b"
  first said by hubspot/contacts/101 at 2026-03-01 09:12 UTC
  decided by latest
  now: in agreement
  hubspot/contacts/101 shows "b2b" since 2026-03-01 09:12 UTC, as accepted; no write: it holds the golden value
  chosen under policy ..
tags[eu] is "eu"
  first said by hubspot/contacts/101 at 2026-03-01 09:12 UTC
  decided by latest
  now: in agreement
  hubspot/contacts/101 shows "eu" since 2026-03-01 09:12 UTC, as accepted; no write: it holds the golden value
  chosen under policy ..
"#;

const GREETING: &str = r#"greeting is "Dear gold customer"
  derived by greeting from tier
  now: in agreement
  chosen under policy ..
"#;
