//! The queue in a SQLite file: the suite of all queues, several handles on one file, and what a restart leaves.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use accordant::ManualClock;
use accordant::bytes::Bytes;
use accordant::chrono::TimeDelta;
use accordant::id::TenantId;
use accordant::queue::{Consumer, Message, Queue, QueueError, SqliteQueue, Topic, conformance};
use futures::executor::block_on;

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at("2026-01-05T08:00:00Z".parse().unwrap()))
}

fn message(key: &str, id: &str) -> Message {
    Message { tenant: TenantId::new("acme"), key: key.into(), id: id.into(), body: Bytes::from_static(b"{}") }
}

#[test]
fn it_passes_the_suite_of_queues_in_a_file_and_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    for in_file in [true, false] {
        let mut number = 0;
        block_on(conformance::run(async || {
            number += 1;
            let clock = clock();
            let queue = match in_file {
                true => SqliteQueue::open(folder.path().join(format!("{number}.db"))).unwrap(),
                false => SqliteQueue::open_in_memory().unwrap(),
            };
            let subject = conformance::Subject::new(queue.clock(Arc::clone(&clock)));
            subject.passing(move || clock.advance(TimeDelta::minutes(1)))
        }));
    }
}

#[test]
fn what_was_published_is_there_after_a_restart_and_for_every_handle() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    let first = SqliteQueue::open_with(&path, 3).unwrap();
    let second = SqliteQueue::open(&path).unwrap();
    block_on(first.publish(Topic::Inputs, vec![message("a", "1")])).unwrap();
    block_on(second.publish(Topic::Inputs, vec![message("a", "2"), message("a", "1")])).unwrap();
    drop((first, second));
    let third = SqliteQueue::open(&path).unwrap();
    let mut consumer = block_on(third.join(Topic::Inputs, "g")).unwrap();
    let heard = block_on(consumer.next(9)).unwrap();
    assert_eq!(heard.iter().map(|one| one.message.id.as_str()).collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(consumer.share().partitions(), 3, "as it was made");
}

#[test]
fn what_everybody_acknowledged_is_forgotten_after_a_while_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    let clock = clock();
    let queue = SqliteQueue::open_with(&path, 1).unwrap().clock(Arc::clone(&clock));
    let mut groups: Vec<Box<dyn Consumer>> =
        ["one", "two"].iter().map(|group| block_on(queue.join(Topic::Inputs, group)).unwrap()).collect();
    block_on(queue.publish(Topic::Inputs, vec![message("a", "1"), message("a", "2")])).unwrap();
    let acknowledge = |consumer: &mut Box<dyn Consumer>, count: usize| {
        let heard = block_on(consumer.next(9)).unwrap();
        block_on(consumer.acknowledge(&heard[..count])).unwrap();
        block_on(consumer.rewind()).unwrap();
    };
    let kept = || {
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.query_row("SELECT count(*) FROM message", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    acknowledge(&mut groups[0], 2);
    acknowledge(&mut groups[1], 1);
    // A repetition within the while is told from something new.
    block_on(queue.publish(Topic::Inputs, vec![message("a", "1")])).unwrap();
    assert_eq!(kept(), 2);
    clock.advance(TimeDelta::minutes(11));
    block_on(queue.publish(Topic::Inputs, vec![message("a", "3")])).unwrap();
    acknowledge(&mut groups[0], 1);
    assert_eq!(kept(), 2, "one was acknowledged by both");
    acknowledge(&mut groups[1], 2);
    assert_eq!(kept(), 1);
}

#[test]
fn what_nobody_joined_to_hear_is_kept_for_a_week() {
    let clock = clock();
    let queue = SqliteQueue::open_in_memory().unwrap().clock(Arc::clone(&clock));
    let heard = |queue: &SqliteQueue, group: &str| {
        let mut consumer = block_on(queue.join(Topic::Golden, group)).unwrap();
        block_on(consumer.next(9)).unwrap().len()
    };
    block_on(queue.publish(Topic::Golden, vec![message("a", "1")])).unwrap();
    clock.advance(TimeDelta::days(8));
    block_on(queue.publish(Topic::Golden, vec![message("a", "2")])).unwrap();
    assert_eq!(heard(&queue, "late"), 1);
}

#[test]
fn another_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    drop(accordant::SqliteStore::open(&path).unwrap());
    let refused = SqliteQueue::open(&path).unwrap_err();
    assert!(!refused.to_string().is_empty() && std::error::Error::source(&refused).is_some(), "{refused:?}");
    std::fs::write(folder.path().join("text"), "no database at all, but long enough to be looked at").unwrap();
    assert!(SqliteQueue::open(folder.path().join("text")).is_err());
}

#[test]
fn no_more_inputs_wait_than_may_and_who_pushes_more_is_refused_whole() {
    let queue = SqliteQueue::open_in_memory().unwrap().clock(clock()).most(3);
    let push = |ids: &[&str]| {
        let messages = ids.iter().map(|id| message(id, id)).collect();
        block_on(queue.publish(Topic::Inputs, messages))
    };
    push(&["1", "2"]).unwrap();
    // One of the two would have room.
    let refused = push(&["3", "4"]).unwrap_err();
    assert!(matches!(refused, QueueError::Full { topic: "inputs", waiting: 2, most: 3 }), "{refused}");
    assert!(refused.may_pass());
    push(&["3"]).unwrap();
    push(&["1", "2", "3"]).expect("what is there already needs no room");
    assert!(push(&["4"]).is_err());
    // What the engine itself publishes is never refused.
    let told = (0..9).map(|id| message("a", &id.to_string())).collect();
    block_on(queue.publish(Topic::Journal, told)).unwrap();
    let mut consumer = block_on(queue.join(Topic::Inputs, "g")).unwrap();
    let heard = block_on(consumer.next(99)).unwrap();
    let mut ids: Vec<&str> = heard.iter().map(|one| one.message.id.as_str()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["1", "2", "3"]);
    assert!(push(&["4"]).is_err(), "heard is not done");
    block_on(consumer.acknowledge(&heard)).unwrap();
    push(&["4"]).unwrap();
    // What alone is more than may wait is taken where nothing else waits.
    let heard = block_on(consumer.next(99)).unwrap();
    block_on(consumer.acknowledge(&heard)).unwrap();
    push(&["5", "6", "7", "8", "9"]).unwrap();
}
