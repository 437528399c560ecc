//! Webhooks that wait to be sent, and are sent again until they are answered or given up.

use bytes::Bytes;
use serde_json::Value;

use crate::{Chance, Faults};

/// What became of the webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sent {
    /// Requests that were answered with success.
    pub accepted: u64,
    /// Requests that were not, and are sent again.
    pub refused: u64,
    /// Given up after the last attempt.
    pub given_up: u64,
    /// Never sent: a fault.
    pub lost: u64,
    /// Events that are sent twice: a fault.
    pub doubled: u64,
    /// Events that wait before they are sent, and so come out of order: a fault.
    pub late: u64,
    /// Those of new records among them, behind what was changed about these since: a fault.
    pub overtaken: u64,
}

/// One request to be: events, and what names them.
#[derive(Debug, Clone)]
pub(crate) struct Parcel {
    /// Marks repetitions, where the vendor does.
    pub(crate) id: u64,
    /// What they are about, where the vendor says so in a header.
    pub(crate) topic: String,
    /// One event, or a batch.
    pub(crate) events: Vec<Value>,
    /// How often it was sent.
    pub(crate) attempt: u32,
    due: i64,
}

/// The webhooks of one system.
#[derive(Debug)]
pub(crate) struct Outbox {
    waiting: Vec<Parcel>,
    /// How long after each attempt the next one is made.
    retries: &'static [i64],
    next: u64,
    sent: Sent,
}

impl Outbox {
    pub(crate) const fn new(retries: &'static [i64]) -> Self {
        let sent = Sent { accepted: 0, refused: 0, given_up: 0, lost: 0, doubled: 0, late: 0, overtaken: 0 };
        Self { waiting: Vec::new(), retries, next: 1, sent }
    }

    /// Lets events wait, each by itself: which of them travel together is decided when they are sent.
    pub(crate) fn push(&mut self, topic: &str, event: Value, now: i64, faults: &Faults, chance: &Chance) {
        if chance.permille(faults.lost) {
            self.sent.lost += 1;
            return;
        }
        let id = self.next;
        self.next += 1;
        let (minute, hour) = (60_000, 3_600_000);
        let overtaken = is_of_new(topic, &event) && chance.permille(faults.update_first);
        let copies = u8::from(chance.permille(faults.doubled));
        self.sent.doubled += u64::from(copies);
        self.sent.overtaken += u64::from(overtaken);
        for _ in 0..=copies {
            let late = match overtaken {
                true => minute + chance.below(hour).cast_signed(),
                false if chance.permille(faults.late) => chance.below(hour).cast_signed(),
                false => 0,
            };
            self.sent.late += u64::from(late > 0);
            let (topic, events) = (topic.to_owned(), vec![event.clone()]);
            self.waiting.push(Parcel { id, topic, events, attempt: 0, due: now.saturating_add(late) });
        }
    }

    /// Takes out what is due, at most `together` events in one parcel; what was late comes after what was not, so that
    /// nobody may believe in an order.
    pub(crate) fn due(&mut self, now: i64, together: usize) -> Vec<Parcel> {
        let mut due: Vec<Parcel> = self.waiting.extract_if(.., |parcel| parcel.due <= now).collect();
        due.sort_by_key(|parcel| parcel.due);
        let mut parcels: Vec<Parcel> = Vec::new();
        for parcel in due {
            match parcels.last_mut() {
                Some(last)
                    if last.topic == parcel.topic
                        && last.attempt == parcel.attempt
                        && last.events.len() + parcel.events.len() <= together =>
                {
                    last.events.extend(parcel.events);
                }
                _ => parcels.push(parcel),
            }
        }
        parcels
    }

    /// What became of a parcel.
    pub(crate) fn answered(&mut self, mut parcel: Parcel, accepted: bool, now: i64) {
        if accepted {
            self.sent.accepted += 1;
            return;
        }
        match self.retries.get(parcel.attempt as usize) {
            Some(wait) => {
                self.sent.refused += 1;
                parcel.attempt += 1;
                parcel.due = now.saturating_add(*wait);
                self.waiting.push(parcel);
            }
            None => self.sent.given_up += 1,
        }
    }

    /// When the next one is due.
    pub(crate) fn next_due(&self) -> Option<i64> {
        self.waiting.iter().map(|parcel| parcel.due).min()
    }

    pub(crate) const fn sent(&self) -> Sent {
        self.sent
    }
}

/// Whether it tells of a new record.
fn is_of_new(topic: &str, event: &Value) -> bool {
    topic.ends_with("_CREATE") || event["subscriptionType"].as_str().is_some_and(|kind| kind.ends_with(".creation"))
}

/// A parcel as a request, and the parcel itself for what becomes of it.
#[derive(Debug)]
pub struct Outgoing {
    /// The request, signed at this moment.
    pub request: http::Request<Bytes>,
    pub(crate) parcel: Parcel,
}

impl Outgoing {
    /// Of what was doubled, the same.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.parcel.id
    }
}
