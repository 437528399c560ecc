//! What a person says of a match stands, whatever a model says later.

use std::collections::BTreeSet;

use accordant::engine::{Assigned, Case, CaseFilter};
use accordant::plan::Target;
use accordant::testing::{Story, entities, journal};
use accordant::{Actor, Error, Plan, Scope};
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

/// Whatever people do about a match stands in the histories of both; the words are kept once, and go with the first.
#[test]
fn what_is_told_of_a_match_is_told_of_both() {
    let mut story = told(Story::of::<Customer>().configure(matched), &records(300, 21));
    trained(&mut story);
    let tenant = story.tenant();
    let case = matches(&tenant).into_iter().find(|case| case.entities.len() == 2).expect("one of two entities");
    let (ben, key) = (Actor::new("ben"), case.key.to_string());
    block_on(tenant.assign(&key, Some(&ben), &ana())).expect("it is open");
    block_on(tenant.comment(&key, "see ticket 12", &ben)).expect("it is open");
    block_on(tenant.answer_match(&key, false, &ben, "ticket 12")).expect("it is open");
    let of_case = |id| {
        let page = block_on(tenant.history(id, None, 10_000)).expect("it is known");
        assert!(page.happenings.is_sorted_by(|a, b| a.place <= b.place));
        let about = page.happenings.into_iter().filter(|one| one.case.as_deref() == Some(&*key));
        about.map(|one| (one.kind.to_string(), one.by, one.text)).collect::<Vec<_>>()
    };
    let [first, second] = [of_case(case.entities[0]), of_case(case.entities[1])];
    assert_eq!(first, second);
    let kinds: Vec<&str> =
        first.iter().map(|(kind, ..)| kind.as_str()).filter(|kind| *kind != "case_changed").collect();
    assert_eq!(kinds, ["case_opened", "case_noted", "case_noted", "match_answered", "case_gone"], "{first:#?}");
    assert!(first.iter().any(|(_, by, text)| *by == ben && text == "see ticket 12"));
    // The case itself has each of them once.
    let of_case: Vec<_> =
        block_on(tenant.case_history(&key)).expect("it was open").into_iter().map(|one| one.kind).collect();
    assert_eq!(of_case.len(), first.len(), "{of_case:?}");
    let words = |id| {
        let page = block_on(tenant.history(id, None, 10_000)).expect("it is known");
        page.happenings.iter().filter(|one| one.text.contains("ticket 12")).count()
    };
    assert_eq!(words(case.entities[1]), 2);
    block_on(tenant.erase(case.entities[0], &ana(), "request 9")).expect("nothing is under way");
    assert_eq!(words(case.entities[1]), 0, "they went with the first");
    assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
}

#[test]
fn an_answer_that_two_are_one_is_told_once_of_the_one() {
    let mut story = told(Story::of::<Customer>().configure(matched), &records(300, 21));
    trained(&mut story);
    let tenant = story.tenant();
    let case = matches(&tenant).into_iter().find(|case| case.entities.len() == 2).expect("one of two entities");
    block_on(tenant.answer_match(&case.key, true, &ana(), "ticket 13")).expect("it is open");
    let page = block_on(tenant.history(entity_of(&tenant, &case.records[0]), None, 10_000)).expect("it is known");
    assert_eq!(page.happenings.iter().filter(|one| one.text.contains("ticket 13")).count(), 1);
}

#[test]
fn what_tells_most_is_asked_first() {
    let mut story = told(Story::of::<Customer>().configure(matched), &records(300, 21));
    trained(&mut story);
    let tenant = story.tenant();
    let tells = |case: &Case| case.matched.as_ref().map_or(0, |matched| matched.tells);
    let by_name = matches(&tenant);
    let asked = block_on(tenant.questions(&CaseFilter::default(), 1_000)).expect("the list");
    assert!(asked.is_sorted_by(|a, b| tells(a) >= tells(b)) && asked.len() == by_name.len() && asked.len() > 3);
    assert!(tells(&asked[0]) > tells(&asked[asked.len() - 1]));
    // How undecided it is, times what hangs on it: of two records alone, the nearest to a half comes first.
    let alone: BTreeSet<_> = groups(&tenant).into_iter().filter(|group| group.len() == 1).flatten().collect();
    let of_two = asked.iter().filter(|case| case.records.iter().all(|record| alone.contains(record)));
    let of_two = of_two.filter_map(|case| case.matched.as_ref()).filter(|matched| matched.refused.is_none());
    let sure = of_two.map(|matched| matched.probability.parts_per_million().abs_diff(500_000));
    let sure: Vec<u32> = sure.collect();
    assert!(sure.len() > 1 && sure.is_sorted(), "{sure:?}");
    let few = block_on(tenant.questions(&CaseFilter::default(), 2)).expect("the list");
    assert_eq!(few, asked[..2]);
    let ben = Actor::new("ben");
    block_on(tenant.assign(&asked[2].key, Some(&ben), &ana())).expect("it is open");
    let bens = CaseFilter { assigned: Some(Assigned::To(ben)), ..CaseFilter::default() };
    let bens: Vec<_> =
        block_on(tenant.questions(&bens, 10)).expect("the list").into_iter().map(|case| case.key).collect();
    assert_eq!(bens, [asked[2].key.clone()]);
}
