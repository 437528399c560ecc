//! Histories that are read a page at a time: each page reads its own stretch of the journal, and together they are the whole.

use std::sync::Arc;

use accordant::engine::Happening;
use accordant::testing::Watched;
use accordant::{Accordant, EntityId, MemoryStore, RecordRef, SeededEntropy, Tenant};
use futures::executor::block_on;
use serde_json::json;

use crate::counted::Counted;
use crate::model::{Account, World, account, step};
use crate::owed::in_both;

type Watch = Watched<MemoryStore, Counted>;

/// An account of which the CRM says something new so many times; who reads its history, and what that reads.
fn told(times: usize) -> (World, Tenant, Watch, EntityId) {
    let world = World::new();
    in_both(&world, [1]);
    let store = Watched::new(world.store.clone(), Counted::default());
    let builder = Accordant::builder().clock(Arc::clone(&world.clock)).store(store.clone()).entity::<Account>();
    let builder = builder.connect(world.crm.clone()).connect(world.shop.clone());
    let tenant = builder.entropy(SeededEntropy::new(9)).build().unwrap().tenant("acme");
    for system in ["crm", "shop"] {
        block_on(tenant.poll(system)).unwrap();
    }
    for number in 0..times {
        world.crm.edit("accounts", "1", &json!({ "phone": number.to_string() }));
        block_on(tenant.poll("crm")).unwrap();
        step(&tenant);
    }
    let record = RecordRef::new("crm", "accounts", "1");
    let id = block_on(tenant.entity_of(&record)).unwrap().unwrap();
    store.watch().entries();
    (world, tenant, store, id)
}

/// The whole history, by pages of so many; and the most that a page behind the first read of the journal.
fn by_pages(tenant: &Tenant, store: &Watch, id: EntityId, limit: usize) -> (Vec<Happening>, usize) {
    let (mut all, mut after, mut most) = (Vec::new(), None, 0);
    loop {
        let page = block_on(tenant.history(id, after, limit)).unwrap();
        let read = store.watch().entries();
        if after.is_some() {
            most = most.max(read);
        }
        all.extend(page.happenings);
        match page.next {
            Some(next) => after = Some(next),
            None => return (all, most),
        }
    }
}

#[test]
fn a_page_of_history_reads_its_own_stretch_of_the_journal() {
    let most: Vec<usize> = [200, 800]
        .into_iter()
        .map(|times| {
            let (_, tenant, store, id) = told(times);
            let whole = block_on(tenant.history(id, None, usize::MAX)).unwrap();
            assert!(whole.happenings.len() > 2 * times && whole.next.is_none());
            store.watch().entries();
            let (paged, most) = by_pages(&tenant, &store, id, 10);
            assert_eq!(paged, whole.happenings);
            most
        })
        .collect();
    assert!(most[1] <= most[0] && most[1] < 400, "of a history four times as long a page read {most:?}");
}

/// Whoever did not read the page before, or is told something new meanwhile, is told the same.
#[test]
fn a_page_tells_the_same_whoever_read_the_one_before() {
    let (world, tenant, store, id) = told(40);
    let console = world.open(3, world.crm.clone(), world.shop.clone());
    let (whole, _) = by_pages(&tenant, &store, id, 7);
    let first = block_on(tenant.history(id, None, 7)).unwrap();
    let cold = block_on(console.history(id, first.next, 7)).unwrap();
    assert_eq!(block_on(tenant.history(id, first.next, 7)).unwrap(), cold);
    assert_eq!(block_on(tenant.history(id, first.next, 7)).unwrap(), cold, "asked again");
    assert_eq!([first.happenings.clone(), cold.happenings].concat(), whole[..first.happenings.len() + 7]);
    // A record of long ago is linked between two pages: what it said before belongs to the past too.
    world.crm.edit("accounts", "2", &account(2));
    block_on(tenant.poll("crm")).unwrap();
    let other = RecordRef::new("crm", "accounts", "2");
    block_on(tenant.link(id, &other, &accordant::Actor::new("ana"))).unwrap();
    world.crm.edit("accounts", "1", &json!({ "phone": "new" }));
    block_on(tenant.poll("crm")).unwrap();
    let last = whole.last().map(|last| last.place);
    for after in [first.next, last] {
        let warm = block_on(tenant.history(id, after, 1000)).unwrap();
        let fresh = world.open(4, world.crm.clone(), world.shop.clone());
        assert_eq!(warm, block_on(fresh.history(id, after, 1000)).unwrap());
    }
}
