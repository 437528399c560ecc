//! Why records are one entity, and where that would break first, is asked of the engine, as why two are.

use accordant::matching::{Holds, Matching};
use accordant::role::{Role, Roles};
use accordant::testing::Story;
use accordant::{Actor, Error, RecordRef};
use accordant_identity::engine::{FellegiSunter, held_svg};
use futures::executor::block_on;
use serde_json::json;

use crate::world::{Customer, ana, entity_of, groups, matched, records, told, trained};

/// Three records of one person in three systems, of whom one has another mailbox, beside customers that are learned from.
fn three() -> (Story, [RecordRef; 3]) {
    let who = json!({ "first_name": "Zyxwanna", "last_name": "Qwertzuiop", "phone": "+31 20 555 77 66",
                      "email": "zyxwanna@qwertzuiop.test", "street": "12 Kerk Lane", "postcode": "91234",
                      "city": "Utrecht", "country": "NL" });
    let mut moved = who.clone();
    moved["email"] = json!("zyx@gmail.com");
    let story = told(Story::of::<Customer>().configure(matched), &records(240, 31));
    let mut story = story.says("crm", "z", who.clone()).says("shop", "z", who).says("erp", "z", moved);
    trained(&mut story);
    let of = [("crm", "contacts"), ("shop", "customers"), ("erp", "accounts")];
    (story, of.map(|(system, object)| RecordRef::new(system, object, "z")))
}

#[test]
fn why_three_records_are_one_is_told_with_where_it_would_break_first() {
    let (mut story, three) = three();
    let tenant = story.tenant();
    let one = entity_of(&tenant, &three[0]);
    assert!(three.iter().all(|record| entity_of(&tenant, record) == one), "they are one: {:?}", groups(&tenant));
    let held = block_on(tenant.explain_match(&three[0])).expect("there is a model").expect("it was shown the record");
    let mut sorted = three.to_vec();
    sorted.sort();
    assert_eq!(held.records, sorted);
    for record in &three {
        assert_eq!(
            block_on(tenant.explain_match(record)).ok().flatten().as_ref(),
            Some(&held),
            "whoever is asked about"
        );
    }
    // Two pairs hold three records, the strongest first; each says why it weighs what it weighs, and by what it was compared at all.
    let [first, weakest] = &held.bridges[..] else { panic!("{held}") };
    assert!(first.millibits >= weakest.millibits && held.weakest() == Some(weakest));
    for bridge in &held.bridges {
        assert_eq!((bridge.sides.0 + bridge.sides.1, bridge.because), (3, Holds::Compared));
        assert!(bridge.compared_by.iter().any(|rule| rule.contains("phone")), "{bridge:?}");
        let sum: i32 = bridge.steps.iter().map(|step| step.millibits).sum();
        assert!((sum - bridge.millibits).abs() < 20, "{sum} and {}", bridge.millibits);
    }
    let erp = &three[2];
    assert!(weakest.one == *erp || weakest.other == *erp, "who has another mailbox is held least: {held}");
    let text = held.to_string();
    assert!(
        text.starts_with("3 records, held together by 2 pairs:\n") && text.contains("\nIt would break first between ")
    );
    assert!(!text.to_lowercase().contains("zyx") && !text.contains("555"), "no value is told: {text}");
    let chart = held_svg(&held);
    assert!(chart.starts_with("<svg") && chart.ends_with("</svg>"), "{chart}");
    assert_eq!((chart.matches("stroke-width").count(), chart.matches("#c0392b\" stroke-width").count()), (2, 1));
    assert!(three.iter().all(|record| chart.contains(&record.to_string())), "{chart}");
    let nobody = RecordRef::new("crm", "contacts", "nobody");
    assert!(matches!(block_on(tenant.explain_match(&nobody)), Ok(None)), "it was shown no such record");
    let unmatched = RecordRef::new("crm", "invoices", "z");
    assert!(matches!(block_on(tenant.explain_match(&unmatched)), Ok(None)), "of no matched type");
}

#[test]
fn why_records_are_one_is_shown_to_who_has_a_role() {
    let (story, three) = three();
    let viewer = Actor::new("vera");
    let mut story = story
        .rebuilt(|builder| builder.match_by(Matching::of::<Customer>(FellegiSunter::new())).roles(Roles::new(&ana())));
    let tenant = story.tenant();
    let shown = |by: &Actor| block_on(tenant.seen_by(by).explain_match(&three[0]));
    assert!(matches!(shown(&viewer), Err(Error::Forbidden { .. })));
    block_on(tenant.grant(&viewer, Role::Viewer, &ana(), "ticket 4")).expect("an admin grants");
    let held = shown(&viewer).expect("a viewer may").expect("it was shown the record");
    assert_eq!((held.records.len(), held.bridges.len()), (3, 2), "the index is built where it is not held yet");
}
