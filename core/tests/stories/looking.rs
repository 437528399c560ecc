//! Looking for something, and looking back: search, history, as-of.

use std::collections::BTreeSet;

use accordant::chrono::TimeDelta;
use accordant::classify::Verdict;
use accordant::engine::{CaseFilter, CaseKind, Happening, Search, Tenant};
use accordant::settle::Choice;
use accordant::testing::Story;
use accordant::view::EntityView;
use accordant::{Actor, EntityId, Error, Id};
use futures::executor::block_on;
use serde_json::json;

use crate::model::{Customer, Member, ana};

fn found(tenant: &Tenant, search: &Search) -> Vec<EntityId> {
    let page = block_on(tenant.search(search, None, 100)).expect("it is searched");
    assert_eq!(page.next, None);
    page.entities.into_iter().map(|found| found.id).collect()
}

fn history(tenant: &Tenant, id: EntityId) -> Vec<Happening> {
    let page = block_on(tenant.history(id, None, usize::MAX)).expect("a history");
    assert_eq!(page.next, None);
    page.happenings
}

fn two() -> (Story, EntityId, EntityId) {
    let mut story = ana();
    let one = story.entity_id::<Customer>();
    let mut story = story
        .says("crm", "202", json!({ "email": "ben@acme.test", "phone": "1", "company": "Borg" }))
        .says("shop", "10", json!({ "email": "ben@acme.test", "phone": "1" }))
        .later(TimeDelta::hours(1))
        .edits("crm", "202", json!({ "phone": "2" }))
        .edits("shop", "10", json!({ "phone": "3" }))
        .tells("crm", "202")
        .tells("shop", "10");
    let other = story.entity_id::<Customer>();
    assert_ne!(one, other);
    (story, one, other)
}

#[test]
fn entities_are_found_by_value_key_system_verdict_and_age() {
    let (mut story, ana, ben) = two();
    let tenant = story.tenant();
    let value = |value: &str, attribute: Option<&str>| Search {
        value: Some(value.into()),
        attribute: attribute.map(Into::into),
        ..Search::default()
    };
    assert_eq!(found(&tenant, &value(" BEN@acme.test", Some("email"))), [ben]);
    assert_eq!(found(&tenant, &value("Acme", Some("company"))), [ana]);
    assert_eq!(found(&tenant, &value("Acme", None)), [ana]);
    assert_eq!(found(&tenant, &value("1", Some("zip"))), [ana]);
    assert_eq!(found(&tenant, &value("nobody", None)), []);
    let key = |key: &str| Search { key: Some(key.into()), ..Search::default() };
    assert_eq!(found(&tenant, &key("202")), [ben]);
    assert_eq!(found(&tenant, &key(&ana.to_string())), [ana]);
    assert_eq!(found(&tenant, &key("404")), []);
    let of = |system: &str| Search { system: Some(system.into()), ..Search::default() };
    assert_eq!((found(&tenant, &of("netsuite")), found(&tenant, &of("crm")).len()), (vec![ana], 2));
    let frozen = Search { verdict: Some(Verdict::Frozen), ..Search::default() };
    assert_eq!(found(&tenant, &frozen), [ben]);
    let old = Search::default().older_than(TimeDelta::days(1));
    assert_eq!(found(&tenant, &old), []);
    let mut story = story.later(TimeDelta::days(2));
    assert_eq!(found(&story.tenant(), &old), [ben]);
    // Everything that is named must be met.
    let both = Search { system: Some("netsuite".into()), ..frozen };
    assert_eq!(found(&story.tenant(), &both), []);
}

#[test]
fn what_is_found_comes_with_its_cases() {
    let (mut story, _, ben) = two();
    let tenant = story.tenant();
    let search = Search { key: Some("10".into()), ..Search::default() };
    let page = block_on(tenant.search(&search, None, 10)).expect("it is searched");
    assert_eq!((page.entities.len(), page.entities[0].id), (1, ben));
    assert_eq!(page.entities[0].cases.len(), 1);
    assert_eq!(page.entities[0].cases[0].unit.as_deref(), Some("phone"));
    // A record that belongs to nobody is found by its key, as a case.
    let mut story = story.says("crm", "202", json!({ "email": "ana@acme.test" })).says(
        "netsuite",
        "77",
        json!({ "email": "ana@acme.test" }),
    );
    let search = Search { key: Some("77".into()), ..Search::default() };
    let page = block_on(story.tenant().search(&search, None, 10)).expect("it is searched");
    assert_eq!(page.cases.iter().map(|case| case.kind).collect::<Vec<_>>(), [CaseKind::Unlinked]);
}

#[test]
fn a_value_is_found_on_whatever_side_it_stands() {
    let value = |value: &str| Search { value: Some(value.into()), ..Search::default() };
    let of_phones = |phone: &str| Search { attribute: Some("phone".into()), ..value(phone) };
    // At first contact neither is golden; two that move apart leave golden where it was.
    let mut story = Story::of::<Customer>().says("crm", "1", json!({ "email": "eve@acme.test", "phone": "555" })).says(
        "shop",
        "2",
        json!({ "email": "eve@acme.test", "phone": "666" }),
    );
    let eve = story.entity_id::<Customer>();
    for phone in ["555", "666"] {
        assert_eq!(found(&story.tenant(), &of_phones(phone)), [eve], "{phone}");
        assert_eq!(found(&story.tenant(), &value(phone)), [eve], "{phone}");
    }
    let (mut story, _, ben) = two();
    for phone in ["2", "3"] {
        assert_eq!(found(&story.tenant(), &of_phones(phone)), [ben], "{phone}");
    }
    // What lost is found until it is overwritten everywhere.
    let mut story = story.of_record("crm", "202").decides("ana", Customer::PHONE, Choice::Take("crm".into()));
    assert_eq!(found(&story.tenant(), &of_phones("3")), [ben]);
    assert_eq!(found(&story.tenant(), &of_phones("4")), []);
}

#[test]
fn an_id_that_was_merged_away_finds_the_survivor() {
    let (mut story, ana, ben) = two();
    let tenant = story.tenant();
    block_on(tenant.merge(ana, ben, &Actor::new("ana"))).expect("they are merged");
    let key = Search { key: Some(ben.to_string().into()), ..Search::default() };
    assert_eq!(found(&tenant, &key), [ana]);
}

#[test]
fn cases_about_records_and_matches_are_found_by_value_system_and_age() {
    let (story, ..) = two();
    let mut story = story.says("crm", "202", json!({ "email": "ana@acme.test" })).says(
        "netsuite",
        "77",
        json!({ "email": "ana@acme.test", "phone": "808" }),
    );
    let unlinked = |story: &mut Story, search: Search| {
        let page = block_on(story.tenant().search(&search, None, 10)).expect("it is searched");
        assert!(!page.more_cases);
        page.cases.iter().filter(|case| case.kind == CaseKind::Unlinked).count()
    };
    let value = |value: &str| Search { value: Some(value.into()), ..Search::default() };
    assert_eq!(unlinked(&mut story, value("808")), 1);
    assert_eq!(unlinked(&mut story, Search { attribute: Some("email".into()), ..value("ANA@acme.test") }), 1);
    assert_eq!(unlinked(&mut story, value("809")), 0);
    let of = |system: &str| Search { system: Some(system.into()), ..Search::default() };
    assert_eq!((unlinked(&mut story, of("netsuite")), unlinked(&mut story, of("shop"))), (1, 0));
    let old = Search::default().older_than(TimeDelta::days(1));
    assert_eq!(unlinked(&mut story, old.clone()), 0);
    let mut story = story.later(TimeDelta::days(2));
    assert_eq!(unlinked(&mut story, old), 1);
}

#[test]
fn a_search_goes_on_where_it_stopped() {
    let mut story = Story::of::<Customer>();
    for n in 0..7 {
        let (id, email) = (format!("c{n}"), format!("c{n}@acme.test"));
        story = story.says("crm", &id, json!({ "email": email, "company": "Acme" }));
    }
    let tenant = story.tenant();
    for search in [Search::default(), Search { value: Some("Acme".into()), ..Search::default() }] {
        let whole = found(&tenant, &search);
        assert_eq!(whole.len(), 7);
        for size in 1..9 {
            let (mut paged, mut after) = (Vec::new(), None);
            loop {
                let page = block_on(tenant.search(&search, after, size)).expect("a page");
                assert!(page.entities.len() <= size);
                paged.extend(page.entities.into_iter().map(|found| found.id));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(paged, whole, "pages of {size}");
        }
    }
}

#[test]
fn a_search_for_what_there_is_not_says_what_there_is() {
    let (mut story, ..) = two();
    let tenant = story.tenant();
    let searched = |search: Search| block_on(tenant.search(&search, None, 10)).map(drop);
    let attribute = |name: &str, value: Option<&str>| Search {
        attribute: Some(name.into()),
        value: value.map(Into::into),
        ..Search::default()
    };
    assert!(matches!(searched(attribute("fax", Some("1"))), Err(Error::UnknownAttribute { .. })));
    assert!(matches!(searched(attribute("email", None)), Err(Error::Value { .. })));
    let order = Search { entity_type: Some("order".into()), ..Search::default() };
    assert!(matches!(searched(order), Err(Error::UnknownEntityType { .. })));
}

#[test]
fn a_history_tells_what_was_said_decided_and_written() {
    let (story, _, ben) = two();
    let mut story = story.decides("ana", Customer::PHONE, Choice::Take("shop".into())).apply();
    let tenant = story.tenant();
    let told = history(&tenant, ben);
    let texts: Vec<String> = told.iter().map(ToString::to_string).collect();
    let wanted = [
        r#"crm/contacts/202 said (contacts/webhooks): email "ben@acme.test", phone "1""#,
        "it came to be, a customer",
        r#"phone: (none) -> "1""#,
        "shop/customers/10 was linked: it has the same email",
        r#"phone: "1" -> "2""#,
        "hard conflict about phone waits for a person",
        r#"phone: "2" -> "3", by decision of ana"#,
        "ana decided on phone: the story says so",
        "hard conflict about phone was resolved",
        "a write was confirmed",
    ];
    let mut behind = texts.iter();
    for wanted in wanted {
        assert!(behind.any(|text| text.contains(wanted)), "{wanted} is not told, or too early:\n{}", texts.join("\n"));
    }
    assert!(told.is_sorted_by_key(|one| one.place));
    // It is the same in pages; and of nobody else.
    for size in [1, 3, 10] {
        let (mut paged, mut after) = (Vec::new(), None);
        loop {
            let page = block_on(tenant.history(ben, after, size)).expect("a page");
            paged.extend(page.happenings);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(paged, told, "pages of {size}");
    }
    assert!(texts.iter().all(|text| !text.contains("ana@acme.test")), "{}", texts.join("\n"));
    let nobody = EntityId::from_parts(1, [7; 10]);
    assert!(matches!(block_on(tenant.history(nobody, None, 1)), Err(Error::UnknownEntity { .. })));
}

#[test]
fn a_record_that_went_elsewhere_leaves_its_past_behind() {
    let (mut story, ana, ben) = two();
    let tenant = story.tenant();
    let record = accordant::RecordRef::new("shop", "customers", "10");
    block_on(tenant.link(ana, &record, &Actor::new("eve"))).expect("it is linked");
    let mut story = story.later(TimeDelta::hours(1)).says("shop", "10", json!({ "phone": "9" }));
    let told = |id| {
        let texts = history(&story.tenant(), id).iter().map(ToString::to_string).collect::<Vec<_>>();
        texts.join("\n")
    };
    let mut told = told;
    let (of_ana, of_ben) = (told(ana), told(ben));
    assert!(of_ben.contains("shop/customers/10 was unlinked") && !of_ben.contains(r#"phone "9""#), "{of_ben}");
    assert!(of_ben.contains(r#"phone "3""#), "{of_ben}");
    assert!(
        of_ana.contains("shop/customers/10 was linked: eve said so") && of_ana.contains(r#"phone "9""#),
        "{of_ana}"
    );
}

#[test]
fn a_case_has_a_history_that_outlives_it() {
    let (mut story, _, _) = two();
    let tenant = story.tenant();
    let key = block_on(tenant.open_cases(&CaseFilter::default(), None, 1)).expect("the list").cases.remove(0).key;
    block_on(tenant.comment(&key, "rang twice", &Actor::new("ben"))).expect("it is open");
    let mut story = story.decides("ana", Customer::PHONE, Choice::Keep).apply();
    let told = block_on(story.tenant().case_history(&key)).expect("a history");
    let texts: Vec<&str> = told.iter().map(|one| one.text.as_str()).collect();
    // The CRM was heard first, and golden followed it for a moment.
    assert!(texts[0].starts_with("soft drift (authoritative) about phone: settled by three-way"), "{texts:?}");
    assert!(texts[1].starts_with("hard conflict about phone waits for a person"), "{texts:?}");
    assert_eq!(texts[2], "rang twice");
    assert_eq!(texts.last(), Some(&"hard conflict about phone was resolved"), "{texts:?}");
    let unknown = block_on(story.tenant().case_history("phone"));
    assert!(matches!(unknown, Err(Error::UnknownCase { .. })), "{unknown:?}");
}

/// Whom a reference leads to is looked up as it was, too: Ana's sponsor became another one by a link.
#[test]
fn looking_back_follows_references_as_they_led_then() {
    let mut story = Story::of::<Member>()
        .says("crm", "1", json!({ "email": "sponsor@acme.test", "name": "S" }))
        .says("crm", "2", json!({ "email": "other@acme.test", "name": "O" }))
        .says("crm", "3", json!({ "email": "ana@acme.test", "name": "Ana", "sponsor": "1" }))
        .later(TimeDelta::hours(1));
    let tenant = story.tenant();
    let of = |id: &str| {
        let record = accordant::RecordRef::new("crm", "members", id);
        block_on(tenant.entity_of(&record)).expect("it runs").expect("it is linked")
    };
    let (other, ana) = (of("2"), of("3"));
    let look = || block_on(tenant.inspect_erased(ana)).expect("the view");
    let (then, before) = (story.now(), look());
    let mut story = story.later(TimeDelta::hours(1));
    let record = accordant::RecordRef::new("crm", "members", "1");
    block_on(story.tenant().link(other, &record, &Actor::new("eve"))).expect("it is linked");
    let after = look();
    assert_ne!(golden(&before, "sponsor"), golden(&after, "sponsor"));
    let seen = block_on(tenant.as_of(then).inspect_erased(ana)).expect("it was there");
    assert_eq!(seen, before);
    let typed = block_on(tenant.as_of(then).inspect(Id::<Member>::new(ana))).expect("it was there");
    assert_eq!(typed.golden.expect("it is complete").name.as_deref(), Some("Ana"));
    let early = then - TimeDelta::days(300);
    assert!(matches!(block_on(tenant.as_of(early).inspect_erased(ana)), Err(Error::UnknownEntity { .. })));
}

fn golden(view: &EntityView, unit: &str) -> BTreeSet<String> {
    view.unit(unit).into_iter().map(|unit| unit.golden.to_string()).collect()
}
