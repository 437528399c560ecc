//! What is not there yet is created once everybody was asked who could tell that it is.

use accordant::engine::Tenant;
use accordant::plan::{Plan, Target};
use accordant::store::{Store as _, Table};
use accordant::testing::{Story, entities};
use accordant::{EntityId, MemoryStore, RecordRef};
use futures::executor::block_on;

use crate::world::{Customer, ana, body, entity_of, matched, records, reference, settled, told, trained};

fn creates(plan: &Plan) -> usize {
    plan.operations.iter().filter(|one| matches!(one.target, Target::New { .. })).count()
}

fn planned(tenant: &Tenant, id: EntityId) -> Plan {
    block_on(tenant.plan(id).into_future()).expect("a plan")
}

/// One of whom the ERP has no record, and whom it may be given; and a record of theirs.
fn lacking(tenant: &Tenant) -> (EntityId, RecordRef) {
    let standing = entities(tenant).into_iter().filter(|entity| entity.merged_into.is_none());
    let of = |entity: accordant::entity::Entity| Some((entity.id, (*entity.links.first()?.record).clone()));
    standing.filter_map(of).find(|(id, _)| creates(&planned(tenant, *id)) == 1).expect("one whom the ERP lacks")
}

#[test]
fn what_was_heard_from_there_is_asked_about_before_anything_is_created() {
    let told_of = records(300, 21);
    let mut story = told(Story::of::<Customer>().configure(matched), &told_of);
    trained(&mut story);
    let tenant = story.tenant();
    let (id, record) = lacking(&tenant);
    let said = told_of.iter().find(|told| reference(told) == record).map(body).expect("it was told of");
    let plan = planned(&tenant, id);
    block_on(tenant.approve(plan.hash, &ana())).expect("it is stored");
    // Meanwhile a person enters the customer there, and the poll takes it in.
    story.fake("erp").edit("accounts", "entered", &said);
    block_on(tenant.poll("erp")).expect("it answers");
    // Before anybody asked, it is not known whose it is.
    let applied = block_on(tenant.apply(plan.hash)).expect("it runs");
    assert_eq!((applied.done, applied.held.len()), (0, 1), "{applied:?}");
    assert!(applied.held[0].why.contains("the matcher is asked first"), "{}", applied.held[0].why);
    assert_eq!(creates(&planned(&tenant, id)), 0);
    settled(&tenant);
    assert_eq!(entity_of(&tenant, &RecordRef::new("erp", "accounts", "entered")), id);
    assert_eq!(creates(&planned(&tenant, id)), 0, "it is there");
    assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
}

#[test]
fn a_type_that_is_matched_no_longer_holds_nothing_back() {
    let kept = MemoryStore::new();
    let told_of = records(300, 21);
    let story = Story::of::<Customer>().configure(|builder| matched(builder.store(kept.clone())));
    let mut story = told(story, &told_of);
    trained(&mut story);
    let tenant = story.tenant();
    let (id, _) = lacking(&tenant);
    story.fake("erp").edit("accounts", "entered", &body(&told_of[0]));
    block_on(tenant.poll("erp")).expect("it answers");
    assert_eq!(creates(&planned(&tenant, id)), 0, "one waits to be asked about");
    let queued =
        || block_on(kept.scan(tenant.id(), Table::Index, "\u{1f}match\u{1f}", None, 9)).expect("memory answers");
    assert_eq!(queued().len(), 1);
    let mut story = story.rebuilt(|builder| builder.store(kept.clone()));
    let unmatched = story.tenant();
    assert_eq!(creates(&planned(&unmatched, id)), 1);
    settled(&unmatched);
    assert_eq!(queued().len(), 0, "nobody would ever ask");
    // Whoever matches it again asks about all.
    let mut story = story.rebuilt(|builder| matched(builder.store(kept.clone())));
    let again = story.tenant();
    let first = block_on(again.match_records()).expect("the store works");
    assert!(first.asked > 0 && first.next == accordant::engine::Next::Now, "{first:?}");
    assert_eq!(creates(&planned(&again, id)), 0, "it waits for those who are not asked about yet");
    settled(&again);
    assert_eq!(block_on(again.match_records()).expect("the store works").asked, 0);
}
