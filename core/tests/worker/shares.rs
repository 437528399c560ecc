//! Workers come and go: what one had is taken up by another, and done once.

use std::future::ready;
use std::pin::pin;

use accordant::chrono::TimeDelta;
use accordant::queue::{Message, Queue as _, Topic};
use accordant::store::Store as _;
use futures::executor::block_on;
use futures::future::poll_immediate;

use crate::model::{Between, approve, plan};
use crate::office::{LEASE, Office, heard, until_quiet};

#[test]
fn what_a_worker_that_died_had_in_hand_is_taken_up_by_another() {
    let office = Office::new();
    let shop = Between::new(&office.world.shop);
    let mut one = office.worker_with(&office.accordant(1, office.world.store.clone(), shop.clone()));
    until_quiet(&office, std::slice::from_mut(&mut one));
    office.allow_everything();
    for number in 1..=5 {
        office.comes(number);
    }
    // It dies in its first call.
    shop.happens(std::future::pending());
    for _ in 0..20 {
        let turn = pin!(one.turn());
        if block_on(poll_immediate(turn)).is_none() {
            break;
        }
    }
    std::mem::forget(one);
    let mut other = [office.worker(2), office.worker(3)];
    // Before its leases end, nobody touches what it had.
    for worker in &mut other {
        block_on(worker.turn()).unwrap();
    }
    office.world.clock.advance(LEASE + TimeDelta::seconds(1));
    until_quiet(&office, &mut other);
    assert_eq!(office.balance_in_shop(), vec!["100.00"; 5]);
    assert_eq!(office.world.shop.writes(), 5);
    office.is_clean();
}

#[test]
fn what_was_committed_and_not_acknowledged_is_heard_again_and_changes_nothing() {
    let office = Office::new();
    office.allow_everything();
    // It follows from the beginning.
    let mut service = block_on(office.queue.join(Topic::Inputs, "service")).unwrap();
    for number in 1..=5 {
        office.comes(number);
    }
    let mut one = office.worker(1);
    until_quiet(&office, std::slice::from_mut(&mut one));
    let of_the_crm = || {
        let journal = block_on(office.world.store.journal(office.tenant().id(), 0, usize::MAX)).unwrap();
        journal
            .iter()
            .filter(|(entry, _)| entry.kind.as_str() == "observed" && entry.subject.starts_with("crm"))
            .count()
    };
    let observed = of_the_crm();
    // As brokers deliver what a worker that died right before its acknowledgement had taken in.
    let heard: Vec<Message> = heard(&mut *service);
    assert_eq!(heard.len(), 5);
    for again in 0..2 {
        let repeated =
            heard.iter().map(|message| Message { id: format!("{} {again}", message.id).into(), ..message.clone() });
        block_on(office.queue.publish(Topic::Inputs, repeated.collect())).unwrap();
    }
    until_quiet(&office, std::slice::from_mut(&mut one));
    assert!(one.worked().heard >= 15);
    assert_eq!(of_the_crm(), observed);
    assert_eq!(office.world.shop.writes(), 5);
}

#[test]
fn a_plan_that_a_person_approves_is_carried_out_whoever_comes_and_goes() {
    let office = Office::new();
    let mut workers = vec![office.worker(1), office.worker(2)];
    for number in 1..=3 {
        office.comes(number);
    }
    until_quiet(&office, &mut workers);
    assert_eq!(office.world.shop.writes(), 0, "nobody allowed it");
    let tenant = office.tenant();
    // The one that will hear of it cannot carry it out, and is gone before it can.
    office.world.shop.unavailable(true);
    approve(&tenant, plan(&tenant).hash);
    for _ in 0..3 {
        for worker in &mut workers {
            block_on(worker.turn()).unwrap();
        }
    }
    office.world.shop.unavailable(false);
    workers.clear();
    office.world.clock.advance(TimeDelta::minutes(1));
    until_quiet(&office, &mut [office.worker(3)]);
    assert_eq!(office.world.shop.writes(), 3);
    office.is_clean();
}

/// Whoever comes in the place of a worker has its partitions, so that nobody else finds that anything changed.
#[test]
fn what_a_worker_had_put_off_is_taken_up_by_the_one_that_replaces_it() {
    for place in 0..2 {
        let office = Office::new();
        let mut workers = vec![office.worker(1), office.worker(2)];
        until_quiet(&office, &mut workers);
        office.allow_everything();
        office.world.shop.unavailable(true);
        for number in 1..=8 {
            office.comes(number);
        }
        for _ in 0..10 {
            for worker in &mut workers {
                block_on(worker.turn()).unwrap();
            }
        }
        let shares = workers[1 - place].share();
        let restarted = workers.remove(place);
        block_on(restarted.run(|_| ready(()), ready(()), |_| {})).unwrap();
        let mut other = office.worker(3);
        block_on(other.turn()).unwrap();
        workers.push(other);
        office.world.shop.unavailable(false);
        // Until what failed is tried again. Nobody is silent for as long as a lease of the queue.
        for _ in 0..20 {
            workers.iter_mut().for_each(|worker| assert!(block_on(worker.turn()).is_ok()));
            office.world.clock.advance(TimeDelta::seconds(6));
        }
        until_quiet(&office, &mut workers);
        assert_eq!(workers[0].share(), shares, "the other one saw nobody come or go");
        assert_eq!(office.world.shop.writes(), 8, "worker {place} was replaced");
        office.is_clean();
    }
}
