//! The suite that a [`Queue`] must pass, for authors of queues. Exempt from semver: cases are added as they are thought of.
//!
//! ```no_run
//! # use accordant::queue::{SqliteQueue, conformance};
//! # async fn run() {
//! let mut number = 0;
//! conformance::run(async || {
//!     number += 1;
//!     conformance::Subject::new(SqliteQueue::open(format!("queue-{number}.db")).unwrap())
//! })
//! .await;
//! # }
//! ```

#![expect(clippy::disallowed_methods, reason = "how long a real queue takes is measured, not decided on")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{Consumer, Delivered, Message, Queue, Topic, partition_of};
use crate::id::TenantId;

/// An empty queue to be looked at.
pub struct Subject {
    queue: Box<dyn Queue>,
    pass: Box<dyn Fn() + Send + Sync>,
    forgets_repetitions: bool,
}

impl std::fmt::Debug for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subject").finish_non_exhaustive()
    }
}

impl Subject {
    /// A queue whose leases run by the real clock.
    pub fn new(queue: impl Queue) -> Self {
        Self { queue: Box::new(queue), pass: Box::new(|| ()), forgets_repetitions: true }
    }

    /// Its leases run by a clock that `pass` moves beyond the end of any of them.
    #[must_use]
    pub fn passing(self, pass: impl Fn() + Send + Sync + 'static) -> Self {
        Self { pass: Box::new(pass), ..self }
    }

    /// The broker cannot tell a repetition: whoever hears it must.
    #[must_use]
    pub fn repeating(self) -> Self {
        Self { forgets_repetitions: false, ..self }
    }
}

/// How long anything may take on a real broker.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs every case, each on an empty queue of its own.
///
/// # Panics
///
/// If the queue does not keep its contract.
pub async fn run(mut empty: impl AsyncFnMut() -> Subject) {
    messages_come_back_as_they_went_in(&empty().await).await;
    what_is_of_one_key_comes_in_order(&empty().await).await;
    every_group_hears_everything_and_what_was_acknowledged_no_more(&empty().await).await;
    what_was_not_acknowledged_comes_again(&empty().await).await;
    members_share_partitions_and_each_message_is_heard_by_one(&empty().await).await;
    what_a_dead_member_had_goes_to_others_and_its_late_word_counts_nothing(&empty().await).await;
    a_repetition_is_one_message_where_the_broker_can_tell(&empty().await).await;
    what_is_too_large_is_refused_and_nothing_of_it_is_published(&empty().await).await;
}

fn message(tenant: &str, key: &str, id: &str, body: &[u8]) -> Message {
    Message { tenant: TenantId::new(tenant), key: key.into(), id: id.into(), body: Bytes::copy_from_slice(body) }
}

fn numbered(count: usize) -> Vec<Message> {
    (0..count).map(|n| message("acme", &format!("k{}", n % 40), &format!("id{n}"), n.to_string().as_bytes())).collect()
}

async fn publish(subject: &Subject, messages: Vec<Message>) {
    subject.queue.publish(Topic::Inputs, messages).await.expect("it publishes");
}

async fn join(subject: &Subject, group: &str) -> Box<dyn Consumer> {
    subject.queue.join(Topic::Inputs, group).await.expect("it joins")
}

/// Listens until so many messages have come.
async fn hear(consumer: &mut dyn Consumer, count: usize) -> Vec<Delivered> {
    let (begun, mut heard) = (Instant::now(), Vec::new());
    while heard.len() < count {
        assert!(begun.elapsed() < PATIENCE, "of {count} messages, {} came", heard.len());
        heard.extend(consumer.next(7).await.expect("it delivers"));
    }
    heard
}

/// Listens a few times: nothing may come.
async fn hears_nothing(consumer: &mut dyn Consumer) {
    for _ in 0..5 {
        assert_eq!(consumer.next(7).await.expect("it delivers"), []);
    }
}

async fn messages_come_back_as_they_went_in(subject: &Subject) {
    let all: Vec<u8> = (0..=255).collect();
    let large = vec![b'x'; subject.queue.most_bytes().min(300_000)];
    let sent = vec![
        message("acme", "crm\u{1f}people\u{1f}1", "a", &all),
        message("globex", "crm\u{1f}people\u{1f}1", "b", b""),
        message("Łódź 🦊", "%_'\";--\u{0}", "c/\u{1f}🦊", large.as_slice()),
        message("acme", "", "d", b"{}"),
    ];
    publish(subject, sent.clone()).await;
    let mut consumer = join(subject, "g").await;
    let heard = hear(&mut *consumer, sent.len()).await;
    let partitions = consumer.share().partitions();
    for delivered in &heard {
        let Message { tenant, key, .. } = &delivered.message;
        assert_eq!(delivered.partition, partition_of(tenant, key, partitions), "partitions are the same everywhere");
    }
    let mut heard: Vec<Message> = heard.into_iter().map(|delivered| delivered.message).collect();
    heard.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(heard, sent);
}

async fn what_is_of_one_key_comes_in_order(subject: &Subject) {
    for page in numbered(300).chunks(60) {
        publish(subject, page.to_vec()).await;
    }
    let mut consumer = join(subject, "g").await;
    let heard = hear(&mut *consumer, 300).await;
    let mut places: BTreeMap<u32, u64> = BTreeMap::new();
    let mut last: BTreeMap<String, usize> = BTreeMap::new();
    for Delivered { partition, offset, message } in heard {
        assert!(places.insert(partition, offset).is_none_or(|before| before < offset), "places ascend");
        let number: usize =
            std::str::from_utf8(&message.body).ok().and_then(|body| body.parse().ok()).expect("a number");
        assert!(last.insert(message.key.to_string(), number).is_none_or(|before| before < number), "{message:?}");
    }
}

async fn every_group_hears_everything_and_what_was_acknowledged_no_more(subject: &Subject) {
    publish(subject, numbered(30)).await;
    for group in ["one", "two"] {
        let mut consumer = join(subject, group).await;
        let heard = hear(&mut *consumer, 30).await;
        consumer.acknowledge(&heard).await.expect("it acknowledges");
        consumer.rewind().await.expect("it rewinds");
        hears_nothing(&mut *consumer).await;
        consumer.leave().await.expect("it leaves");
        let mut later = join(subject, group).await;
        hears_nothing(&mut *later).await;
        later.leave().await.expect("it leaves");
    }
}

async fn what_was_not_acknowledged_comes_again(subject: &Subject) {
    publish(subject, numbered(30)).await;
    let mut consumer = join(subject, "g").await;
    let heard = hear(&mut *consumer, 30).await;
    // All of some partitions, and none of the others.
    let (done, open): (Vec<Delivered>, Vec<Delivered>) =
        heard.into_iter().partition(|delivered| delivered.partition % 2 == 0);
    consumer.acknowledge(&done).await.expect("it acknowledges");
    consumer.rewind().await.expect("it rewinds");
    let again = hear(&mut *consumer, open.len()).await;
    assert_eq!(ids(&again), ids(&open));
    consumer.leave().await.expect("it leaves");
    let mut other = join(subject, "g").await;
    assert_eq!(ids(&hear(&mut *other, open.len()).await), ids(&open));
}

fn ids(delivered: &[Delivered]) -> BTreeSet<String> {
    delivered.iter().map(|delivered| delivered.message.id.to_string()).collect()
}

/// Listens in turn, until both have a share and nobody's changes.
async fn both_share(one: &mut dyn Consumer, other: &mut dyn Consumer) {
    let begun = Instant::now();
    loop {
        assert_eq!(one.next(7).await.expect("it delivers"), []);
        assert_eq!(other.next(7).await.expect("it delivers"), []);
        let (mine, theirs) = (one.share(), other.share());
        let all = u32::try_from(mine.mine().len() + theirs.mine().len()).unwrap_or(u32::MAX);
        if !mine.mine().is_empty() && !theirs.mine().is_empty() && all == mine.partitions() {
            assert!(mine.mine().is_disjoint(theirs.mine()));
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{mine:?} and {theirs:?}");
    }
}

async fn members_share_partitions_and_each_message_is_heard_by_one(subject: &Subject) {
    let (mut one, mut other) = (join(subject, "g").await, join(subject, "g").await);
    both_share(&mut *one, &mut *other).await;
    publish(subject, numbered(200)).await;
    let (begun, mut heard) = (Instant::now(), Vec::new());
    while heard.len() < 200 {
        assert!(begun.elapsed() < PATIENCE, "of 200 messages, {} came", heard.len());
        for consumer in [&mut one, &mut other] {
            let more = consumer.next(50).await.expect("it delivers");
            assert!(more.iter().all(|delivered| consumer.share().mine().contains(&delivered.partition)));
            consumer.acknowledge(&more).await.expect("it acknowledges");
            heard.extend(more);
        }
    }
    assert_eq!((heard.len(), ids(&heard).len()), (200, 200), "each once");
}

async fn what_a_dead_member_had_goes_to_others_and_its_late_word_counts_nothing(subject: &Subject) {
    let (mut dead, mut living) = (join(subject, "g").await, join(subject, "g").await);
    both_share(&mut *dead, &mut *living).await;
    publish(subject, numbered(200)).await;
    let (begun, mut late, mut heard) = (Instant::now(), Vec::new(), Vec::new());
    while late.is_empty() {
        assert!(begun.elapsed() < PATIENCE, "it hears nothing");
        late = dead.next(50).await.expect("it delivers");
        heard.extend(living.next(50).await.expect("it delivers"));
    }
    // From here on it says nothing, for longer than its lease.
    (subject.pass)();
    let begun = Instant::now();
    while ids(&heard).len() < 200 {
        assert!(begun.elapsed() < PATIENCE, "of 200 messages, {} came", ids(&heard).len());
        heard.extend(living.next(50).await.expect("it delivers"));
    }
    assert!(late.iter().all(|delivered| ids(&heard).contains(delivered.message.id.as_str())), "it comes to the other");
    // It wakes. Whether it is told so or not, what it says is passed over.
    drop(dead.acknowledge(&late).await);
    living.rewind().await.expect("it rewinds");
    let all = hear_distinct(&mut *living, &mut *dead, 200).await;
    assert_eq!(all.len(), 200, "nothing of it was acknowledged");
}

/// Listens to both until so many different messages have come.
async fn hear_distinct(one: &mut dyn Consumer, other: &mut dyn Consumer, count: usize) -> BTreeSet<String> {
    let (begun, mut heard) = (Instant::now(), BTreeSet::new());
    while heard.len() < count && begun.elapsed() < PATIENCE {
        heard.extend(ids(&one.next(50).await.expect("it delivers")));
        heard.extend(ids(&other.next(50).await.unwrap_or_default()));
    }
    heard
}

async fn a_repetition_is_one_message_where_the_broker_can_tell(subject: &Subject) {
    publish(subject, numbered(10)).await;
    publish(subject, numbered(20)).await;
    let mut consumer = join(subject, "g").await;
    let heard = hear(&mut *consumer, if subject.forgets_repetitions { 20 } else { 30 }).await;
    assert_eq!(ids(&heard).len(), 20);
    hears_nothing(&mut *consumer).await;
}

async fn what_is_too_large_is_refused_and_nothing_of_it_is_published(subject: &Subject) {
    let large = vec![b'x'; subject.queue.most_bytes() + 1];
    let sent = vec![message("acme", "k", "small", b"1"), message("acme", "k", "large", &large)];
    let refused = subject.queue.publish(Topic::Inputs, sent).await;
    assert!(matches!(refused, Err(super::QueueError::TooLarge { .. })), "{refused:?}");
    publish(subject, vec![message("acme", "k", "after", b"2")]).await;
    let mut consumer = join(subject, "g").await;
    assert_eq!(ids(&hear(&mut *consumer, 1).await), BTreeSet::from(["after".to_owned()]));
}
