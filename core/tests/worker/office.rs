//! Several workers on one store and one queue, each of which takes a turn when a test says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use accordant::chrono::TimeDelta;
use accordant::connector::Connector;
use accordant::engine::Builder;
use accordant::queue::{Consumer, Message, Queue, SqliteQueue, Topic};
use accordant::rollout::Stage;
use accordant::store::Store;
use accordant::{Accordant, SeededEntropy, StandingApproval, Tenant, Worker};
use futures::executor::block_on;
use serde_json::json;

use crate::model::{Account, World, account, approver};

pub(crate) const LEASE: TimeDelta = TimeDelta::minutes(2);

pub(crate) struct Office {
    pub(crate) world: World,
    pub(crate) queue: SqliteQueue,
    services: AtomicUsize,
}

impl Office {
    pub(crate) fn new() -> Self {
        let world = World::new();
        let queue = SqliteQueue::open_in_memory().unwrap().clock(Arc::clone(&world.clock));
        Self { world, queue, services: AtomicUsize::new(0) }
    }

    pub(crate) fn builder(&self, seed: u64, store: impl Store, shop: impl Connector) -> Builder {
        Accordant::builder()
            .clock(Arc::clone(&self.world.clock))
            .entropy(SeededEntropy::new(seed))
            .store(store)
            .lease(LEASE)
            .connect(self.world.crm.clone())
            .connect(shop)
            .entity::<Account>()
    }

    pub(crate) fn accordant(&self, seed: u64, store: impl Store, shop: impl Connector) -> Accordant {
        self.builder(seed, store, shop).build().unwrap()
    }

    pub(crate) fn plain(&self, seed: u64) -> Accordant {
        self.accordant(seed, self.world.store.clone(), self.world.shop.clone())
    }

    pub(crate) fn tenant(&self) -> Tenant {
        self.plain(99).tenant("acme")
    }

    pub(crate) fn worker(&self, seed: u64) -> Worker {
        self.worker_with(&self.plain(seed))
    }

    pub(crate) fn worker_with(&self, accordant: &Accordant) -> Worker {
        block_on(Worker::join(accordant, self.queue.clone(), &["acme"])).unwrap()
    }

    /// Everything that the shop is owed may be written there.
    pub(crate) fn allow_everything(&self) {
        let tenant = self.tenant();
        block_on(tenant.set_stage("shop", Stage::Act, &approver(), "two quiet weeks")).unwrap();
        let until = "2026-02-05T08:00:00Z".parse().unwrap();
        for approval in [
            StandingApproval::of(Account::BALANCE),
            StandingApproval::of(Account::PHONE),
            StandingApproval::of_creates("account"),
        ] {
            let approval = approval.toward("shop").at_most(1000).until(until);
            block_on(tenant.give_standing(approval, &approver(), "they follow")).unwrap();
        }
    }

    /// The CRM makes an account, and tells one of our doors.
    pub(crate) fn comes(&self, number: usize) {
        let id = number.to_string();
        self.world.crm.edit("accounts", &id, &account(number));
        self.told(number);
    }

    pub(crate) fn told(&self, number: usize) {
        let id = number.to_string();
        let version = self.world.crm.versions("accounts", &id) - 1;
        let delivery = self.world.crm.webhook("accounts", &id, version);
        // A door of its own each time: two with one seed would give two deliveries one id.
        let seed = 1_000 + self.services.fetch_add(1, Ordering::SeqCst) as u64;
        let door = self.plain(seed).tenant("acme");
        block_on(door.enqueue(&self.queue, "crm", delivery)).unwrap();
    }

    pub(crate) fn balance_in_shop(&self) -> Vec<String> {
        let shop = &self.world.shop;
        let of = |id: &String| shop.record("customers", id).unwrap()["balance"].as_str().unwrap_or("").to_owned();
        shop.ids("customers").iter().map(of).collect()
    }

    pub(crate) fn edits(&self, number: usize, balance: &str) {
        self.world.crm.edit("accounts", &number.to_string(), &json!({ "balance": balance }));
        self.told(number);
    }

    /// What a service that follows a topic hears.
    pub(crate) fn heard(&self, topic: Topic) -> Vec<Message> {
        let mut consumer: Box<dyn Consumer> = block_on(self.queue.join(topic, &self.another_service())).unwrap();
        heard(&mut *consumer)
    }

    fn another_service(&self) -> String {
        format!("service {}", self.services.fetch_add(1, Ordering::SeqCst))
    }

    /// How long the journal is.
    fn journaled(&self) -> usize {
        block_on(self.world.store.journal(self.tenant().id(), 0, usize::MAX)).unwrap().len()
    }

    pub(crate) fn is_clean(&self) {
        let verified = block_on(self.tenant().verify()).unwrap();
        assert!(verified.is_clean(), "{verified}: {:?}", verified.differences);
    }
}

/// Every worker takes turns until none of them has anything to do.
pub(crate) fn until_quiet(office: &Office, workers: &mut [Worker]) {
    let mut quiet = 0;
    for _ in 0..100 {
        let before = office.journaled();
        let mut rests = Vec::new();
        for worker in workers.iter_mut() {
            rests.push(block_on(worker.turn()).unwrap());
        }
        office.world.clock.advance(TimeDelta::seconds(6));
        let after = office.journaled();
        let rests = before == after && rests.iter().all(|rest| *rest > TimeDelta::zero());
        quiet = if rests { quiet + 1 } else { 0 };
        // Shares are settled within two rounds.
        if quiet == 4 {
            return;
        }
    }
    panic!("they find no rest: {workers:?}");
}

/// All that a consumer hears until there is nothing more.
pub(crate) fn heard(consumer: &mut dyn Consumer) -> Vec<Message> {
    let mut heard = Vec::new();
    loop {
        let more = block_on(consumer.next(500)).unwrap();
        if more.is_empty() {
            return heard;
        }
        heard.extend(more.into_iter().map(|delivered| delivered.message));
    }
}
