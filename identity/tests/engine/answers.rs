//! What a person says of a match stands, whatever a model says later.

use accordant::engine::Case;
use accordant::plan::Target;
use accordant::testing::{Story, entities, journal};
use accordant::{Error, Plan, Scope};
use futures::executor::block_on;

use crate::world::{Customer, ana, entity_of, groups, matched, matches, records, settled, told, trained};

#[test]
fn answers_stand_after_training_and_are_not_asked_again() {
    let mut story = told(Story::of::<Customer>().configure(matched), &records(300, 21));
    trained(&mut story);
    let tenant = story.tenant();
    let open = matches(&tenant);
    assert!(open.len() > 1, "there is something to ask: {}", open.len());
    let [yes, no] = [&open[0], &open[1]];
    // While it may be another, nothing is created of it.
    block_on(tenant.answer_match(&yes.key, true, &ana(), "she called")).expect("it is open");
    let (one, other) = (&yes.records[0], &yes.records[1]);
    assert_eq!(entity_of(&tenant, one), entity_of(&tenant, other));
    block_on(tenant.answer_match(&no.key, false, &ana(), "father and son")).expect("it is open");
    let (first, second) = (&no.records[0], &no.records[1]);
    assert_ne!(entity_of(&tenant, first), entity_of(&tenant, second));
    // With who and when, in the journal.
    let answered = journal(&tenant).into_iter().filter(|(entry, _)| entry.kind.as_str() == "match_answered");
    let answered: Vec<_> = answered.map(|(entry, _)| (entry.actor, entry.at)).collect();
    assert_eq!(answered, [(ana(), story.now().timestamp_millis()), (ana(), story.now().timestamp_millis())]);
    let again = block_on(tenant.answer_match(&no.key, true, &ana(), "or not")).expect_err("it is answered");
    assert!(matches!(again, Error::CaseClosed { .. }), "{again}");
    let before = groups(&tenant);
    for version in 2..4 {
        let learned = trained(&mut story);
        assert_eq!((learned.version, learned.judged), (version, 2), "from a yes and a no");
        let tenant = story.tenant();
        assert_eq!(entity_of(&tenant, one), entity_of(&tenant, other));
        assert_ne!(entity_of(&tenant, first), entity_of(&tenant, second));
        let asked = |of: &[accordant::RecordRef]| matches(&tenant).iter().any(|case| case.records == of);
        assert!(!asked(&yes.records) && !asked(&no.records));
    }
    let lost = before.iter().filter(|group| !groups(&tenant).iter().any(|now| now.is_superset(group))).count();
    assert_eq!(lost, 0, "training takes nothing apart");
    assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
}

#[test]
fn what_was_linked_by_a_match_can_be_taken_apart_for_good() {
    let mut story = told(Story::of::<Customer>().configure(matched), &records(240, 22));
    trained(&mut story);
    let tenant = story.tenant();
    let merged =
        entities(&tenant).into_iter().find(|entity| entity.merged_into.is_some()).expect("something is merged");
    let into = merged.merged_into.expect("it is");
    let others = groups(&tenant);
    block_on(tenant.unmerge(merged.id, &ana())).expect("that can be taken back");
    settled(&tenant);
    let apart = groups(&tenant);
    let touched: Vec<_> = others.difference(&apart).collect();
    assert_eq!(touched.len(), 1, "only its component is another: {touched:?}");
    trained(&mut story);
    let tenant = story.tenant();
    let of = |id| entities(&tenant).into_iter().find(|entity| entity.id == id).expect("it is there");
    assert_eq!((of(merged.id).merged_into, of(into).merged_into), (None, None), "and it stays so");
    assert!(matches(&tenant).iter().all(|case| !(case.entities.contains(&into) && case.entities.contains(&merged.id))));
    // Until a person says otherwise.
    block_on(tenant.allow_merge(merged.id, into, &ana())).expect("both are there");
    settled(&tenant);
    let now = groups(&tenant);
    assert_eq!(now, others, "it is the match that it was");
}

#[test]
fn nothing_is_created_of_what_may_be_another() {
    let mut story = told(Story::of::<Customer>().configure(matched), &records(300, 21));
    trained(&mut story);
    let tenant = story.tenant();
    let lacks = |id| {
        let entity = entities(&tenant).into_iter().find(|entity| entity.id == id).expect("it is there");
        entity.links.iter().all(|link| link.record.connection.as_str() != "erp")
    };
    let waits = |case: &Case| case.entities.iter().copied().find(|id| lacks(*id)).map(|id| (case.key.clone(), id));
    let (key, entity) = matches(&tenant).iter().find_map(waits).expect("one that the ERP does not have");
    let of = |matches: &[Case]| matches.iter().filter(|case| case.entities.contains(&entity)).count();
    assert_eq!(of(&matches(&tenant)), 1, "it is asked about once");
    let plan = || block_on(tenant.plan(Scope::from(entity)).into_future()).expect("a plan");
    let creates = |plan: &Plan| plan.operations.iter().filter(|one| matches!(one.target, Target::New { .. })).count();
    let before = plan();
    assert_eq!(creates(&before), 0);
    assert!(before.parked.iter().any(|parked| parked.why.contains("it may be another entity")), "{before}");
    block_on(tenant.answer_match(&key, false, &ana(), "they are two")).expect("it is open");
    settled(&tenant);
    assert_eq!(creates(&plan()), 1, "now it is known what it lacks");
}
