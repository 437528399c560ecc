//! What the matcher is sure of is linked, whatever the order in which it came, and replay asks no model.

use accordant::engine::CaseKind;
use accordant::matching::{Matching, Probability};
use accordant::testing::{Story, journal};
use accordant::{Accordant, Error};
use accordant_identity::engine::FellegiSunter;
use accordant_identity::testing::Draw;
use futures::executor::block_on;
use serde_json::json;

use crate::world::{
    Customer, ana, entity_of, groups, judged, matched, matches, records, reference, scanned, settled, told, trained,
};

#[test]
fn customers_of_three_systems_become_one_and_replay_says_the_same() {
    let records = records(260, 11);
    let mut story = told(Story::of::<Customer>().configure(matched), &records);
    let tenant = story.tenant();
    assert_eq!(groups(&tenant).len(), records.len(), "without a model, no record is another's");
    let trained = trained(&mut story);
    assert_eq!((trained.version, trained.records), (1, records.len()));
    let found = groups(&tenant);
    let (right, wrong) = judged(&found, &records);
    let truth = judged(&std::iter::once(records.iter().map(reference).collect()).collect(), &records).0;
    assert!(right * 2 > truth, "{right} of {truth} pairs are linked");
    assert!(wrong * 50 <= right, "{wrong} pairs are linked that are none, beside {right}");
    // Every link says why, and the journal has the waterfall.
    let told = journal(&tenant).into_iter().filter(|(entry, _)| entry.kind.as_str() == "matched").count();
    assert!(told > 0);
    let linked =
        found.iter().find(|group| group.len() > 1).and_then(|group| group.first()).expect("something is linked");
    let history = block_on(tenant.history(entity_of(&tenant, linked), None, 100)).expect("it has one");
    let lines: Vec<String> = history.happenings.iter().map(|happening| happening.text.to_string()).collect();
    assert!(lines.iter().any(|line| line.contains("by model 1")), "{lines:?}");
    // What is stored is what the journal adds up to: no model is asked again.
    let verified = block_on(tenant.verify()).expect("the chain holds");
    assert!(verified.is_clean(), "{:?}", verified.differences);
    // Nothing is left to do, neither for this process nor for one that begins now.
    assert_eq!(block_on(tenant.match_records()).expect("it is asked").asked, 0);
    let mut again = story.rebuilt(matched);
    let tenant = again.tenant();
    block_on(tenant.train_matcher("customer", &ana())).expect("they tell something");
    settled(&tenant);
    assert_eq!(groups(&tenant), found, "the same records give the same model, and that links nothing more");
}

#[test]
fn records_one_at_a_time_give_the_entities_of_any_other_order() {
    let records = records(240, 12);
    let (first, then) = records.split_at(records.len() - 30);
    let mut found = Vec::new();
    for seed in 0..3 {
        let mut draw = Draw::new(seed);
        let mut then = then.to_vec();
        for place in (1..then.len()).rev() {
            then.swap(place, draw.below(place + 1));
        }
        let mut story = told(Story::of::<Customer>().configure(matched), first);
        let model = trained(&mut story).digest;
        // From here on each record is looked at as it comes.
        let mut story = told(story, &then);
        let tenant = story.tenant();
        let cases: Vec<_> = matches(&tenant).into_iter().map(|case| (case.key, case.matched)).collect();
        found.push((model, groups(&tenant), cases));
    }
    assert!(
        found[0].1.iter().any(|group| group.len() > 1 && then.iter().any(|record| group.contains(&reference(record))))
    );
    assert_eq!(found[0], found[1]);
    assert_eq!(found[0], found[2]);
}

#[test]
fn spouses_stay_two() {
    // They share all but the given name and the mailbox.
    let of = |given: &str, mailbox: &str| {
        json!({ "first_name": given, "last_name": "Zandvliet", "email": mailbox, "phone": "+31 207654321",
                "street": "12 Kerk Lane", "city": "Zaandam", "postcode": "91234", "country": "nl" })
    };
    let mut story = scanned(Story::of::<Customer>().configure(matched), &records(1_500, 11))
        .says("crm", "anna", of("Anna", "anna.zandvliet77@gmail.com"))
        .says("shop", "anna", of("Ana", "anna.zandvliet77@gmail.com"))
        .says("erp", "peter", of("Peter", "pzandvliet1@outlook.com"));
    trained(&mut story);
    let tenant = story.tenant();
    let of = |system, object, id| entity_of(&tenant, &accordant::RecordRef::new(system, object, id));
    assert_eq!(of("crm", "contacts", "anna"), of("shop", "customers", "anna"), "Anna is one");
    assert_ne!(of("crm", "contacts", "anna"), of("erp", "accounts", "peter"), "Peter is another");
}

#[test]
fn a_type_can_be_asked_about_only() {
    let records = records(240, 14);
    let ask = |builder: accordant::Builder| {
        builder
            .match_by(Matching::of::<Customer>(FellegiSunter::new()).always_ask().review_from(Probability::percent(90)))
    };
    let mut story = told(Story::of::<Customer>().configure(ask), &records);
    trained(&mut story);
    let tenant = story.tenant();
    assert_eq!(groups(&tenant).len(), records.len(), "nothing is linked");
    let open = matches(&tenant);
    assert!(!open.is_empty());
    for case in open {
        let told = case.matched.as_ref().expect("it says why");
        assert!(case.kind == CaseKind::Match && told.probability >= Probability::percent(90) && told.model == 1);
        // The waterfall adds up to what the probability is of, but for what is rounded.
        let bits = f64::from(told.steps.iter().map(|step| step.millibits).sum::<i32>()) / 1e3;
        let of = |bits: f64| Probability::per_million((1e6 / (1.0 + (-bits).exp2())) as u32);
        assert!((of(bits - 0.02)..=of(bits + 0.02)).contains(&told.probability), "{bits} bits: {told:?}");
        assert!(told.steps.len() > 2 && case.records.len() == 2 && case.entities.len() == 2, "{case:?}");
    }
}

#[test]
fn what_cannot_be_matched_says_so() {
    let two = || Matching::of::<Customer>(FellegiSunter::new());
    let built = Accordant::builder().entity::<Customer>().match_by(two()).match_by(two()).build();
    assert!(built.expect_err("two matchers").to_string().contains("two matchers"));
    let built = Accordant::builder().entity::<Customer>().match_by(Matching::of_entity("order", FellegiSunter::new()));
    assert!(built.build().expect_err("there is no such type").to_string().contains("`order`"));
    let crossed = two().link_from(Probability::percent(40));
    let built = Accordant::builder().entity::<Customer>().match_by(crossed).build();
    assert!(built.expect_err("less is asked about than is linked").to_string().contains("ask about less"));
    // Nothing is guessed where nothing tells records apart.
    let mut story = Story::of::<Customer>().configure(matched);
    let tenant = story.tenant();
    let refused = block_on(tenant.train_matcher("customer", &ana())).expect_err("there is nobody");
    assert!(matches!(refused, Error::Matcher { .. }), "{refused}");
    for id in 0..5 {
        story = story.says("crm", &id.to_string(), json!({ "company": null, "first_name": "", "country": "NL" }));
    }
    let refused = block_on(tenant.train_matcher("customer", &ana())).expect_err("all say the same");
    assert!(matches!(refused, Error::Matcher { .. }), "{refused}");
    let refused = block_on(tenant.train_matcher("order", &ana())).expect_err("there is no such type");
    assert!(matches!(refused, Error::NoMatcher { .. }), "{refused}");
    assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
}

#[test]
fn a_huge_value_and_none_are_records_like_others() {
    let huge = "x".repeat(100_000);
    let story = told(Story::of::<Customer>().configure(matched), &records(200, 15));
    let mut story = story
        .says("crm", "huge", json!({ "company": huge, "first_name": huge, "street": huge }))
        .says("erp", &"9".repeat(600), json!({ "company": huge }))
        .says("shop", "nothing", json!({}));
    trained(&mut story);
    let tenant = story.tenant();
    let before = groups(&tenant);
    let mut story = story.says("crm", "nobody", json!({ "company": null }));
    let tenant = story.tenant();
    assert_eq!(groups(&tenant).len(), before.len() + 1);
    assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
}
