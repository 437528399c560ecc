//! A migration that is cut off at any commit is finished by whoever accepts next, under the same model, and comes to the
//! same; under another model it is not gone on with.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use accordant::error::Error;
use accordant::id::TenantId;
use accordant::model::{At, EntityModel, Migration, TypedAttribute};
use accordant::store::{MemoryStore, StoreError, StoreFault};
use accordant::testing::{Called, StoreCall, StoreWatch, Watched};
use accordant::value::{Malformed, Value as _};
use async_trait::async_trait;
use futures::executor::block_on;
use serde_json::json;

use super::{Grade, ana, assert_clean, empty, entities, fill, first, golden, second, under};
use crate::support::{Said, Word, clock, record, says};

/// Lets so many commits through, and then nothing; or the last of them, whose answer is lost.
#[derive(Clone)]
struct Cut {
    left: Arc<AtomicI64>,
    unheard: bool,
}

#[async_trait]
impl StoreWatch for Cut {
    async fn before(&self, _: &TenantId, call: StoreCall<'_>) -> Result<(), StoreError> {
        let commit = matches!(call, StoreCall::Commit(_));
        if self.left.load(Ordering::SeqCst) <= 0 && (commit || self.unheard) {
            return Err(StoreError::Closed);
        }
        Ok(())
    }

    async fn after(&self, _: &TenantId, call: Called<'_>) -> Result<(), StoreError> {
        let last = matches!(call, Called::Commit(_)) && self.left.fetch_sub(1, Ordering::SeqCst) <= 1;
        if last && self.unheard { Err(StoreError::Closed) } else { Ok(()) }
    }
}

const UNITS: [&str; 5] = ["email", "given", "family", "segment", "memo"];

#[test]
fn a_migration_cut_off_at_any_commit_is_gone_on_with() {
    let whole = {
        let (store, clock) = (MemoryStore::new(), clock());
        fill(&under(first(), store.clone(), &clock), &clock);
        let tenant = under(second(), store, &clock);
        block_on(tenant.accept_model(&ana())).unwrap();
        entities(&tenant).map(|id| UNITS.map(|unit| golden(&tenant, id, unit)))
    };
    let mut cut_off = 0;
    for unheard in [false, true] {
        for commits in 0.. {
            let (store, clock) = (MemoryStore::new(), clock());
            fill(&under(first(), store.clone(), &clock), &clock);
            let cut = Cut { left: Arc::new(AtomicI64::new(commits)), unheard };
            let cut = under(second(), Watched::new(store.clone(), cut), &clock);
            let first_try = block_on(cut.accept_model(&ana()));
            if first_try.is_ok() {
                break;
            }
            cut_off += 1;
            // The first version goes on as long as nothing was migrated, and not a step later.
            let back = block_on(under(first(), store.clone(), &clock).accept_model(&ana()));
            let migrating = commits >= 2;
            if migrating {
                // What was cut off behind its last commit is done.
                let done = commits >= 5;
                assert!(done || matches!(back, Err(Error::ModelRefused { .. })), "{commits} commits: {back:?}");
            } else {
                assert!(back.is_ok(), "{commits} commits: {back:?}");
                assert_clean(&under(first(), store.clone(), &clock));
            }
            let tenant = under(second(), store.clone(), &clock);
            block_on(tenant.accept_model(&ana())).unwrap();
            assert_clean(&tenant);
            let came_to = entities(&tenant).map(|id| UNITS.map(|unit| golden(&tenant, id, unit)));
            assert_eq!(came_to, whole, "cut off after {commits} commits, unheard: {unheard}");
        }
    }
    assert!(cut_off >= 8, "{cut_off}");
}

/// Made twice, it is seen.
#[derive(Debug)]
struct Longer;

impl Migration<Word, Grade> for Longer {
    fn name(&self) -> Cow<'static, str> {
        "longer".into()
    }
    fn migrate(&self, word: Word) -> Result<Option<Grade>, Malformed> {
        let mut text = String::new();
        word.canonical(&mut text);
        Ok(Some(Grade(format!("{text}+"))))
    }
}

/// More customers than three pages hold.
const MANY: usize = 150;

/// A segment and a level; or both as grades, the level by another name.
fn graded(longer: bool) -> EntityModel {
    let mut model = empty();
    if longer {
        let segment = TypedAttribute::<Grade>::new("segment").at(At::path("crm", "segment"));
        model.attribute(segment.migrated("segment", Longer));
        let tier = TypedAttribute::<Grade>::new("tier").at(At::path("crm", "level"));
        model.attribute(tier.migrated("level", Longer));
        model.retired("level");
    } else {
        model.attribute(TypedAttribute::<Word>::new("segment").at(At::path("crm", "segment")));
        model.attribute(TypedAttribute::<Word>::new("level").at(At::path("crm", "level")));
    }
    model
}

/// Nothing is migrated twice, and nothing is left out, wherever in a table it is cut off.
#[test]
fn a_migration_cut_off_in_the_middle_of_many_makes_each_once() {
    let mut cut_off = 0;
    for commits in 0.. {
        let (store, clock) = (MemoryStore::new(), clock());
        let customers = (0..MANY).map(|n| -> Said {
            let fields = json!({ "email": format!("c{n}@acme.test"), "segment": format!("s{n}"), "level": "l" });
            record(&format!("{n}"), 10, fields)
        });
        block_on(says(&under(graded(false), store.clone(), &clock), "crm", &customers.collect::<Vec<_>>())).unwrap();
        let cut = Cut { left: Arc::new(AtomicI64::new(commits)), unheard: commits % 2 == 1 };
        let first_try = block_on(under(graded(true), Watched::new(store.clone(), cut), &clock).accept_model(&ana()));
        if first_try.is_ok() {
            break;
        }
        cut_off += 1;
        let tenant = under(graded(true), store.clone(), &clock);
        block_on(tenant.accept_model(&ana())).unwrap();
        assert_clean(&tenant);
        let all = block_on(tenant.entities("customer", None, 2 * MANY)).unwrap();
        assert_eq!(all.len(), MANY);
        for id in all {
            let email = golden(&tenant, id, "email").unwrap();
            let n = email.trim_start_matches('c').trim_end_matches("@acme.test").to_owned();
            assert_eq!(golden(&tenant, id, "segment"), Some(format!("s{n}+")), "cut off after {commits} commits");
            assert_eq!(golden(&tenant, id, "tier").as_deref(), Some("l+"), "cut off after {commits} commits");
        }
    }
    assert!(cut_off >= 8, "{cut_off}");
}

/// A store that cannot be read once somebody has committed.
struct Blind(AtomicBool);

#[async_trait]
impl StoreWatch for Blind {
    async fn before(&self, _: &TenantId, call: StoreCall<'_>) -> Result<(), StoreError> {
        match call {
            StoreCall::Commit(_) => self.0.store(true, Ordering::SeqCst),
            StoreCall::Scan(_) if self.0.load(Ordering::SeqCst) => {
                return Err(StoreError::database("test", StoreFault::Unavailable, "as planned"));
            }
            _ => {}
        }
        Ok(())
    }
}

/// A change that was cut off stays so, though a later one cannot be looked into.
#[test]
fn who_cannot_look_through_the_store_does_not_give_up_what_was_cut_off() {
    let (store, clock) = (MemoryStore::new(), clock());
    let former = under(first(), store.clone(), &clock);
    fill(&former, &clock);
    let mut renamed = first();
    renamed.attributes.retain(|attribute| attribute.id.as_str() != "note");
    renamed.attribute(TypedAttribute::<Word>::new("memo").was("note").hub());
    let cut = Cut { left: Arc::new(AtomicI64::new(1)), unheard: false };
    let cut = under(renamed, Watched::new(store.clone(), cut), &clock);
    assert!(block_on(cut.accept_model(&ana())).is_err());
    let blind = under(second(), Watched::new(store.clone(), Blind(AtomicBool::new(false))), &clock);
    assert!(matches!(block_on(blind.accept_model(&ana())), Err(Error::Store { .. })));
    let tenant = under(first(), store.clone(), &clock);
    let refused = block_on(says(&tenant, "crm", &super::said("crm", 20)));
    assert!(matches!(refused, Err(Error::ModelChanged { .. })), "{refused:?}");
    let tenant = under(second(), store, &clock);
    block_on(tenant.accept_model(&ana())).unwrap();
    assert_clean(&tenant);
}
