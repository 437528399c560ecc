//! The desk: what waits for a person, how grave it is, whose it is, and what was said about it.

use accordant::chrono::TimeDelta;
use accordant::engine::{Assigned, Case, CaseCursor, CaseFilter, CaseKind, Tenant};
use accordant::settle::Choice;
use accordant::testing::Story;
use accordant::triage::{Severity, Triage};
use accordant::{Actor, DiscrepancyKind, Error, money};
use futures::executor::block_on;
use proptest::prelude::*;
use serde_json::json;

use crate::model::{Customer, ana};

fn by(name: &str) -> Actor {
    Actor::new(name)
}

fn listed(tenant: &Tenant, filter: &CaseFilter) -> Vec<Case> {
    let page = block_on(tenant.open_cases(filter, None, 1_000)).expect("the list");
    assert_eq!(page.next, None);
    page.cases
}

/// Of the customers `names`, the CRM says one phone and the shop another, one hour after the other. NetSuite has a balance.
fn conflicts(story: Story, customers: &[(&str, u32)]) -> Story {
    customers.iter().fold(story, |story, (name, balance)| {
        let email = format!("{name}@acme.test");
        let story = story
            .says("crm", name, json!({ "email": email, "phone": "1" }))
            .says("shop", name, json!({ "email": email, "phone": "1" }))
            .says("netsuite", name, json!({ "email": email, "phone": "1", "balance": balance.to_string() }));
        story
            .later(TimeDelta::hours(1))
            .edits("crm", name, json!({ "phone": "2" }))
            .edits("shop", name, json!({ "phone": "3" }))
            .tells("crm", name)
            .tells("shop", name)
    })
}

fn weighed() -> Triage {
    Triage::of::<Customer>()
        .at_stake(Customer::BALANCE, money!(1_000 USD), money!(1_000_000 USD))
        .overdue_after(TimeDelta::days(2))
}

#[test]
fn open_cases_stand_in_one_list_the_gravest_first() {
    let story = Story::of::<Customer>().configure(|builder| builder.triage(weighed()));
    let mut story = conflicts(story, &[("ana", 10), ("ben", 2_000_000), ("cem", 5_000)])
        .says("netsuite", "8", json!({ "email": "ana@acme.test" })) // a second record of hers
        .says("crm", "9", json!({ "email": "ben@acme.test" }));
    let tenant = story.tenant();
    let conflicts = CaseFilter { discrepancies: vec![DiscrepancyKind::HardConflict], ..CaseFilter::default() };
    let phones = listed(&tenant, &conflicts);
    let severities: Vec<Severity> = phones.iter().map(|case| case.severity).collect();
    assert_eq!(severities, [Severity::Critical, Severity::High, Severity::Medium]);
    assert!(phones.iter().all(|case| case.kind == CaseKind::Discrepancy && case.unit.as_deref() == Some("phone")));
    let all = listed(&tenant, &CaseFilter::default());
    assert!(all.len() > 3 && all.is_sorted_by(|a, b| a.severity >= b.severity), "{all:?}");
    // Two days later all are overdue, and one step graver.
    let mut story = story.later(TimeDelta::days(3));
    let later = listed(&story.tenant(), &conflicts);
    let severities: Vec<Severity> = later.iter().map(|case| case.severity).collect();
    assert_eq!(severities, [Severity::Critical, Severity::Critical, Severity::High]);
    assert!(later.iter().all(|case| case.overdue));
    let grave = CaseFilter { at_least: Severity::Critical, ..conflicts };
    assert_eq!(listed(&story.tenant(), &grave).len(), 2);
    assert!(block_on(story.tenant().verify()).expect("it verifies").is_clean());
}

#[test]
fn a_match_that_nobody_could_tell_is_a_case_beside_the_discrepancies() {
    let mut story = conflicts(Story::of::<Customer>(), &[("ana", 1), ("ben", 1)]).says(
        "crm",
        "ben",
        json!({ "email": "ana@acme.test" }),
    );
    let kinds: Vec<CaseKind> = listed(&story.tenant(), &CaseFilter::default()).iter().map(|case| case.kind).collect();
    assert!(kinds.contains(&CaseKind::SharedIdentity) && kinds.contains(&CaseKind::Discrepancy), "{kinds:?}");
    let only = CaseFilter { kinds: vec![CaseKind::SharedIdentity], ..CaseFilter::default() };
    let shared = listed(&story.tenant(), &only);
    assert_eq!((shared.len(), shared[0].entities.len(), shared[0].entity_type.is_some()), (1, 2, true));
    // It has been noted on as any other case is.
    block_on(story.tenant().label(&shared[0].key, "family", &by("ana"))).expect("it is open");
    let labelled = CaseFilter { label: Some("family".into()), ..CaseFilter::default() };
    assert_eq!(listed(&story.tenant(), &labelled).len(), 1);
}

#[test]
fn what_is_noted_on_a_case_is_journaled_and_outlives_it() {
    let mut story = conflicts(Story::of::<Customer>(), &[("ana", 1)]);
    let tenant = story.tenant();
    let key = listed(&tenant, &CaseFilter::default())[0].key.clone();
    let (ana, ben) = (by("ana"), by("ben"));
    block_on(async {
        tenant.assign(&key, Some(&ben), &ana).await?;
        tenant.label(&key, " vip ", &ana).await?;
        tenant.label(&key, "vip", &ana).await?; // says nothing new
        tenant.label(&key, "call", &ana).await?;
        tenant.unlabel(&key, "call", &ben).await?;
        tenant.comment(&key, "rang twice", &ben).await
    })
    .expect("the case is open");
    let journaled = accordant::testing::journal(&tenant);
    assert_eq!(journaled.iter().filter(|(entry, _)| *entry.kind == *"case_noted").count(), 5);
    let case = block_on(tenant.case(&key)).expect("it is open");
    assert_eq!((case.assignee.as_ref(), case.labels.len(), case.comments[0].by.as_str()), (Some(&ben), 1, "ben"));
    assert_eq!(&*case.comments[0].text, "rang twice");
    let mine = CaseFilter { assigned: Some(Assigned::To(ben.clone())), ..CaseFilter::default() };
    let nobodys = CaseFilter { assigned: Some(Assigned::Nobody), ..CaseFilter::default() };
    assert_eq!((listed(&tenant, &mine).len(), listed(&tenant, &nobodys).len()), (1, 0));

    let mut story = story.decides("ben", Customer::PHONE, Choice::Keep);
    let tenant = story.tenant();
    assert_eq!(listed(&tenant, &CaseFilter::default()), []);
    let refused = block_on(tenant.comment(&key, "too late", &ana));
    assert!(matches!(&refused, Err(Error::CaseClosed { key: of, .. }) if *of == key), "{refused:?}");
    assert!(block_on(tenant.verify()).expect("it verifies").is_clean());

    // It comes back, with all that was noted on it.
    let mut story = story
        .apply()
        .later(TimeDelta::hours(1))
        .edits("crm", "ana", json!({ "phone": "5" }))
        .edits("shop", "ana", json!({ "phone": "6" }))
        .tells("crm", "ana")
        .tells("shop", "ana");
    let again = block_on(story.tenant().case(&key)).expect("it is open again");
    assert_eq!((again.assignee, again.comments.len()), (Some(ben), 1));
}

#[test]
fn what_is_no_note_is_refused_and_nothing_is_journaled() {
    let mut story = conflicts(Story::of::<Customer>(), &[("ana", 1)]);
    let tenant = story.tenant();
    let key = listed(&tenant, &CaseFilter::default())[0].key.clone();
    let entries = accordant::testing::journal(&tenant).len();
    let ana = by("ana");
    for text in [String::new(), "  ".to_owned(), "x".repeat(1 << 20)] {
        let refused = block_on(tenant.comment(&key, &text, &ana));
        assert!(matches!(refused, Err(Error::NotNoted { .. })), "{refused:?}");
    }
    assert!(matches!(block_on(tenant.label(&key, &"x".repeat(200), &ana)), Err(Error::NotNoted { .. })));
    for unknown in ["", "phone", "discrepancy/7", "desk/x"] {
        let refused = block_on(tenant.assign(unknown, None, &ana));
        assert!(matches!(refused, Err(Error::UnknownCase { .. })), "{unknown}: {refused:?}");
    }
    let refused = block_on(tenant.assign("shared/none", None, &ana));
    assert!(matches!(refused, Err(Error::CaseClosed { .. })), "{refused:?}");
    assert_eq!(accordant::testing::journal(&tenant).len(), entries);
}

#[test]
fn tenants_do_not_see_each_others_cases() {
    let mut story = conflicts(Story::of::<Customer>(), &[("ana", 1)]);
    let key = listed(&story.tenant(), &CaseFilter::default())[0].key.clone();
    let other = story.tenant_named("other");
    assert_eq!(listed(&other, &CaseFilter::default()), []);
    let refused = block_on(other.comment(&key, "mine?", &by("eve")));
    assert!(matches!(refused, Err(Error::UnknownCase { .. })), "{refused:?}");
}

#[test]
fn another_triage_files_all_cases_anew() {
    let mut story = conflicts(Story::of::<Customer>(), &[("ana", 5_000), ("ben", 1)]);
    let severities = |tenant: &Tenant| -> Vec<Severity> {
        listed(tenant, &CaseFilter::default()).iter().map(|case| case.severity).collect()
    };
    assert_eq!(severities(&story.tenant()), [Severity::Medium, Severity::Medium]);
    let mut story = story.rebuilt(|builder| builder.triage(weighed()));
    assert_eq!(severities(&story.tenant()), [Severity::High, Severity::Medium]);
    assert!(block_on(story.tenant().verify()).expect("it verifies").is_clean());
}

#[test]
fn a_triage_that_looks_at_nothing_is_a_mistake_of_the_configuration() {
    use accordant::engine::Accordant;
    use accordant::model::Attribute;
    let gone: Attribute<Customer, i64> = Attribute::new("gone");
    let built = Accordant::builder()
        .entity::<Customer>()
        .triage(Triage::of::<Customer>().at_stake(gone, 1, 2))
        .triage(Triage::of::<Customer>())
        .triage(Triage::of_type("order"))
        .build();
    let Err(Error::Configuration(mistakes)) = built else { panic!("it is built") };
    let text = mistakes.to_string();
    for mistake in ["looks at `customer.gone`", "two triages", "a triage is of `order`"] {
        assert!(text.contains(mistake), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// However the list is cut into pages, and whatever happens to the clock between them, it is the same list.
    #[test]
    fn pages_of_any_size_make_one_list(
        balances in proptest::collection::vec(prop_oneof![Just(1u32), Just(5_000), Just(2_000_000)], 1..6),
        size in 1usize..4,
        days in 0i64..4,
    ) {
        let names: Vec<String> = (0..balances.len()).map(|n| format!("c{n}")).collect();
        let customers: Vec<(&str, u32)> = names.iter().map(String::as_str).zip(balances).collect();
        let story = Story::of::<Customer>().configure(|builder| builder.triage(weighed()));
        let mut story = conflicts(story, &customers).later(TimeDelta::days(days));
        let whole = listed(&story.tenant(), &CaseFilter::default());
        prop_assert_eq!(whole.len(), customers.len());
        let (mut paged, mut after): (Vec<Case>, Option<CaseCursor>) = (Vec::new(), None);
        loop {
            let page = block_on(story.tenant().open_cases(&CaseFilter::default(), after.as_ref(), size)).expect("a page");
            prop_assert!(page.cases.len() <= size);
            paged.extend(page.cases);
            let Some(next) = page.next else { break };
            // A cursor is stored as text, and read again.
            after = Some(next.to_string().parse().expect("a cursor"));
            story = story.later(TimeDelta::hours(30));
        }
        let keys = |cases: &[Case]| cases.iter().map(|case| case.key.clone()).collect::<Vec<_>>();
        prop_assert_eq!(keys(&paged), keys(&whole));
        prop_assert!(whole.is_sorted_by(|a, b| a.severity >= b.severity));
        prop_assert!(block_on(story.tenant().verify()).expect("it verifies").is_clean());
    }
}

#[test]
fn a_story_of_one_customer_has_no_open_case() {
    assert_eq!(listed(&ana().tenant(), &CaseFilter::default()), []);
}

/// A member whose nickname is personal.
#[derive(accordant::Canonical)]
#[canonical(entity = "guest", system(crm, object = "guests"), system(shop, object = "visitors"))]
struct Guest {
    #[canonical(identity, at(crm = "number", shop = "number"))]
    number: String,
    #[canonical(pii, at(crm = "nick", shop = "nick"))]
    nick: Option<String>,
}

#[test]
fn a_masked_case_quotes_no_personal_value() {
    let said = json!({ "number": "1", "nick": "a" });
    let mut story = Story::of::<Guest>()
        .says("crm", "1", said.clone())
        .says("shop", "1", said)
        .decides("ana", Guest::NICK, Choice::Value(accordant::value::Field::value("secret")))
        .later(TimeDelta::hours(1))
        .edits("crm", "1", json!({ "nick": "hidden" }))
        .edits("shop", "1", json!({ "nick": "covert" }))
        .tells("crm", "1")
        .tells("shop", "1");
    let tenant = story.tenant();
    let case = listed(&tenant, &CaseFilter::default()).remove(0);
    block_on(tenant.comment(&case.key, "he is called covert", &by("ana"))).expect("it is open");
    let case = listed(&tenant, &CaseFilter::default()).remove(0);
    let (whole, masked) = (format!("{case:?}"), format!("{:?}", case.masked()));
    assert!(case.pii && whole.contains("secret") && whole.contains("covert"), "{whole}");
    for value in ["secret", "hidden", "covert"] {
        assert!(!masked.contains(value), "{masked}");
    }
    assert_eq!(&*case.masked().reason, "reopened: •••");
}

/// What the journal tells of a case about a record: when it opened, what people noted, and when it went; and it stood open then
/// for whoever looks back, with what had been noted by then.
#[test]
fn a_case_about_a_record_has_a_past_although_it_is_closed() {
    let mut story = Story::of::<crate::model::Member>().says("crm", "m1", json!({ "email": "ben@acme.test" })).says(
        "netsuite",
        "s1",
        json!({ "email": "ana@acme.test" }),
    );
    let tenant = story.tenant();
    let [open] = block_on(tenant.cases(None, 10)).expect("the list").try_into().expect("one case");
    let key = open.key.to_string();
    block_on(tenant.assign(&key, Some(&Actor::new("ana")), &Actor::new("ben"))).expect("it is open");
    let stood = story.now();
    let then = block_on(tenant.open_cases(&CaseFilter::default(), None, 10)).expect("the list").cases;
    let mut story = story.later(TimeDelta::hours(1)).says("crm", "m2", json!({ "email": "ana@acme.test" }));
    let tenant = story.tenant();
    assert_eq!(block_on(tenant.cases(None, 10)).expect("the list"), []);
    let told = block_on(tenant.case_history(&key)).expect("it was open once");
    let kinds: Vec<&str> = told.iter().map(|one| &*one.kind).collect();
    assert_eq!(kinds, ["case_opened", "case_noted", "case_gone"], "{told:#?}");
    assert_eq!(told[0].text, "the case opened: it matches no entity, and its object type makes none");
    assert_eq!(block_on(tenant.as_of(stood).open_cases(&CaseFilter::default())).expect("the journal reads"), then);
    assert_eq!(block_on(tenant.as_of(story.now()).open_cases(&CaseFilter::default())).expect("the journal reads"), []);
    assert!(matches!(
        block_on(tenant.case_history("unlinked/nobody")),
        Err(Error::UnknownCase { .. } | Error::CaseClosed { .. })
    ));
    assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
}
