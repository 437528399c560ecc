//! A process that dies at any commit of an application, before it or right after it: the next one ends where an
//! undisturbed one would have, and no write is lost or doubled. Nothing but `step` looks at the systems in between: what
//! is owed to be read must have survived the crash.

use accordant::engine::{CaseFilter, DiscrepancyFilter, Tenant};
use accordant::id::Actor;
use accordant::plan::Scope;
use accordant::settle::{Choice, Ruling};
use accordant::store::MemoryStore;
use accordant::testing::{Dies, Story, Watched, journal};
use accordant::{Canonical, Lifetime};
use futures::executor::block_on;
use serde_json::json;

use crate::model::{Customer, Member};

fn steps(tenant: &Tenant) {
    while block_on(tenant.step()).expect("the store was mended").more() {}
}

/// Plans, approves and applies once.
fn round(tenant: &Tenant) -> usize {
    let plan = block_on(async { tenant.plan(Scope::default()).await }).expect("a plan");
    block_on(tenant.approve(plan.hash, &Actor::new("ana"))).expect("an approval");
    block_on(tenant.apply(plan.hash)).expect("an application");
    plan.operations.len()
}

/// Tells a story, cuts its application off at every commit in either way, goes on, and lets `ends` look at the end.
fn at_every_commit<E: Canonical>(tell: impl Fn(Story) -> Story, ends: impl Fn(Story) -> Story) {
    for durable in [false, true] {
        let mut commits = 1;
        loop {
            let store = Watched::new(MemoryStore::new(), Dies::default());
            let mut story = tell(Story::of::<E>().configure(|builder| builder.store(store.clone())));
            let tenant = story.tenant();
            let plan = block_on(async { tenant.plan(Scope::default()).await }).expect("a plan");
            assert!(!plan.operations.is_empty(), "there is something to do");
            block_on(tenant.approve(plan.hash, &Actor::new("ana"))).expect("an approval");
            store.watch().at(commits, durable);
            // Cut off, it is an error or, at the very end, has done all there was to do.
            let applied = block_on(tenant.apply(plan.hash));
            let cut = store.watch().revive();
            assert!(cut || applied.is_ok(), "{applied:?}");
            // What was approved stays approved: the same plan goes on where it stopped.
            block_on(tenant.apply(plan.hash)).expect("it goes on");
            steps(&tenant);
            let rounds = (0..5).find(|_| {
                let owed = round(&tenant);
                steps(&tenant);
                owed == 0
            });
            assert!(rounds.is_some(), "cut off at commit {commits}: it does not come to rest");
            story = ends(story);
            let verified = block_on(tenant.verify()).expect("the journal");
            assert!(verified.is_clean(), "cut off at commit {commits}: {verified}");
            drop(story);
            if !cut {
                assert!(commits > 3, "the application has several commits");
                break;
            }
            commits += 1;
        }
    }
}

fn three(story: Story) -> Story {
    story
        .says("crm", "101", json!({ "email": "ana@acme.test", "phone": "1", "tags": "a" }))
        .says("shop", "9", json!({ "email": "ana@acme.test", "phone": "1", "tags": ["a"] }))
        .says("netsuite", "7", json!({ "email": "ana@acme.test", "phone": "1", "tags": ["a"] }))
        .expect_quiet()
}

#[test]
fn an_update_cut_off_anywhere_is_made_once() {
    at_every_commit::<Customer>(
        |story| three(story).says("crm", "101", json!({ "phone": "2" })),
        |story| {
            story
                .expect_in("shop", "9", "phone", json!("2"))
                .expect_in("netsuite", "7", "phone", json!("2"))
                .expect_no_discrepancy()
                .expect_quiet()
                .expect_writes("shop", 1)
                .expect_writes("netsuite", 1)
        },
    );
}

#[test]
fn an_update_whose_answer_lacks_the_record_is_read_back_after_any_crash() {
    at_every_commit::<Customer>(
        |story| {
            three(story)
                .system("shop", |shop| {
                    shop.answers_without_record();
                })
                .says("crm", "101", json!({ "phone": "2", "tags": "a;b" }))
        },
        |mut story| {
            // Not even noted as rewritten: what the write left there was read.
            let standing = block_on(story.tenant().discrepancies(DiscrepancyFilter::default())).expect("the list");
            assert_eq!(standing, []);
            story
                .expect_in("shop", "9", "tags", json!(["a", "b"]))
                .expect_unit::<Customer>("tags[b]", "b")
                .expect_no_discrepancy()
                .expect_quiet()
                .expect_writes("shop", 1)
        },
    );
}

#[test]
fn a_write_that_went_stale_is_planned_again_after_any_crash() {
    at_every_commit::<Customer>(
        |story| {
            three(story)
                .system("shop", |shop| {
                    shop.goes_stale();
                })
                .says("crm", "101", json!({ "phone": "2" }))
        },
        |story| {
            story
                .expect_in("shop", "9", "phone", json!("2"))
                .expect_no_discrepancy()
                .expect_quiet()
                .expect_writes("shop", 1)
        },
    );
}

#[test]
fn a_create_cut_off_anywhere_is_made_once() {
    at_every_commit::<Member>(
        |story| story.says("crm", "m1", json!({ "email": "ana@acme.test", "name": "Ana" })),
        |mut story| {
            assert_eq!(story.fake("shop").ids("accounts"), ["new-1"]);
            story.expect_entities(1).expect_no_discrepancy().expect_quiet().expect_writes("shop", 1)
        },
    );
}

#[test]
fn records_that_refer_to_each_other_are_created_once_each() {
    at_every_commit::<Member>(
        |story| {
            let sponsored = json!({ "email": "ben@acme.test", "sponsor": "m1" });
            story.says("crm", "m1", json!({ "email": "ana@acme.test", "sponsor": "m2" })).says("crm", "m2", sponsored)
        },
        |mut story| {
            assert_eq!(story.fake("shop").ids("accounts").len(), 2);
            story.expect_entities(2).expect_no_discrepancy().expect_quiet()
        },
    );
}

#[test]
fn many_cases_are_decided_all_or_none_wherever_the_process_dies() {
    for durable in [false, true] {
        let store = Watched::new(MemoryStore::new(), Dies::default());
        let story = Story::of::<Customer>().configure(|builder| builder.store(store.clone()));
        let mut story = (0..4).fold(story, |story, n| {
            let (id, email) = (format!("c{n}"), format!("c{n}@acme.test"));
            let said = json!({ "email": email, "phone": "1" });
            story
                .says("crm", &id, said.clone())
                .says("shop", &id, said)
                .edits("crm", &id, json!({ "phone": "2" }))
                .edits("shop", &id, json!({ "phone": "3" }))
                .tells("crm", &id)
                .tells("shop", &id)
        });
        let tenant = story.tenant();
        let ruling = Ruling {
            choice: Choice::Take("shop".into()),
            lifetime: Lifetime::default(),
            by: Actor::new("ana"),
            reason: "the shop asks at every order".to_owned(),
        };
        let shown = block_on(tenant.preview_decisions(&CaseFilter::default(), ruling)).expect("a preview");
        assert_eq!(shown.effects.len(), 4);
        let before = journal(&tenant).len();
        store.watch().at(1, durable);
        assert!(block_on(tenant.decide_all(&shown)).is_err(), "it is cut off");
        assert!(store.watch().revive());
        let decided = |tenant: &Tenant| {
            let ids = block_on(tenant.entities("customer", None, 9)).expect("the list");
            let views = ids.into_iter().map(|id| block_on(tenant.inspect_erased(id)).expect("a view"));
            views.filter(|view| view.decisions.len() == 1).count()
        };
        // The acknowledgement alone was lost, or all of it.
        assert_eq!(decided(&tenant), if durable { 4 } else { 0 });
        assert_eq!(journal(&tenant).len() != before, durable);
        let again = block_on(tenant.decide_all(&shown)).expect("it is asked for again");
        assert_eq!((again.decided, again.moved.len()), if durable { (0, 4) } else { (4, 0) });
        assert_eq!(decided(&tenant), 4);
        assert!(block_on(tenant.verify()).expect("the journal").is_clean());
    }
}
