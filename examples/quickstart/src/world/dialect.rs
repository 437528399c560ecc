//! What is particular to each system: the shape of its records, its ids, its times, and what it does to a value.

use serde_json::Value;

/// The ways of one system. Everything else about the three is alike: see [`super::Remote`].
pub trait Dialect: Send + Sync + 'static {
    /// Its name.
    fn system(&self) -> &'static str;

    /// Its object types.
    fn objects(&self) -> &'static [&'static str];

    /// A record's number, out of its native id.
    fn id(&self, record: &Value) -> Option<u64>;

    /// When a record last changed, in the precision of the system.
    fn modified(&self, record: &Value) -> Option<i64>;

    /// Stamps a record as changed.
    fn touch(&self, record: &mut Value, at: i64);

    /// An empty record. `key` is the external id that it is created under.
    fn blank(&self, object: &str, id: u64, key: Option<&str>, at: i64) -> Value;

    /// The external id that a record was created under.
    fn key<'a>(&self, record: &'a Value) -> Option<&'a str>;

    /// What the system makes of a value that is written to `path`.
    fn tidy(&self, object: &str, path: &str, value: Value) -> Value;

    /// Whether a null leaf is left out of the record.
    fn omits_null(&self) -> bool {
        false
    }

    /// Marks a record as archived; `false` if the system forgets what is deleted.
    fn archive(&self, _record: &mut Value, _at: i64) -> bool {
        false
    }

    /// Makes `survivor` remember the records that it absorbed.
    fn absorb(&self, _survivor: &mut Value, _absorbed: &[u64]) {}

    /// The webhook bodies that a change gives rise to.
    fn webhooks(&self, change: &Told<'_>) -> Vec<Webhook>;
}

/// A change, as told to whoever makes a webhook of it.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// The object type.
    pub object: &'a str,
    /// The record's number.
    pub id: u64,
    /// What happened to it.
    pub what: Happened<'a>,
    /// When.
    pub at: i64,
    /// Who did it.
    pub by: &'a str,
}

/// What happened to a record.
#[derive(Debug, Clone, Copy)]
pub enum Happened<'a> {
    /// It is new.
    Created(&'a Value),
    /// The leaves at these paths changed.
    Changed(&'a Value, &'a [String]),
    /// It was deleted.
    Deleted,
    /// It is new, and took the place of these.
    Absorbed(&'a [u64]),
}

/// The body of a webhook, or one event of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Webhook {
    /// The topic, where the system has one per request.
    pub topic: &'static str,
    /// The body, or the event.
    pub body: Value,
}

/// A phone number in digits, with country code, and the extension.
pub(super) fn phone(written: &str) -> Option<(String, Option<String>)> {
    let (number, extension) = match written.find(['x', 'e', ';', 'X', 'E']) {
        Some(at) => (&written[..at], Some(digits(&written[at..])).filter(|digits| !digits.is_empty())),
        None => (written, None),
    };
    let number = digits(number);
    match (number.len(), written.trim_start().starts_with('+')) {
        (10, false) => Some((format!("1{number}"), extension)),
        (8..=15, _) => Some((number, extension)),
        _ => None,
    }
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}
