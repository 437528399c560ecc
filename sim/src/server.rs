//! One fake system: a small real server. Records with versions, a log of changes, tokens, and the habits of its kind.

pub mod answers;
pub mod body;
pub mod surfaces;

use std::collections::BTreeMap;

use accordant::id::SurfaceName;
use accordant::text::Text;

use crate::design::System;
use crate::dialect::Dialect;
use crate::word::Word;

/// One record.
#[derive(Debug, Clone)]
pub struct Record {
    /// The person or company that it is about.
    pub subject: usize,
    /// Its attributes.
    pub fields: Vec<Word>,
    /// Whether it is there.
    pub live: bool,
    /// The record that it was merged into.
    pub merged_into: Option<usize>,
    /// Its ordering token.
    pub token: i64,
    /// How often it changed.
    pub version: i64,
    /// What it was before each change, by the instant of the change.
    pub past: Vec<Past>,
    /// When it was made.
    pub made: i64,
    /// Whether reading it fails for ever.
    pub poisoned: bool,
}

/// What a record was until an instant.
#[derive(Debug, Clone)]
pub struct Past {
    /// Until when.
    pub until: i64,
    /// Its token then.
    pub token: i64,
    /// Its attributes then.
    pub fields: Vec<Word>,
    /// Whether it was there.
    pub live: bool,
}

/// One system's state.
#[derive(Debug)]
pub struct Server {
    /// What kind of system it is.
    pub design: System,
    /// Which of the world's systems it is.
    pub place: usize,
    /// How its words are spelled.
    pub dialect: Dialect,
    /// Every record ever.
    pub records: Vec<Record>,
    /// Every change, in order: when, and of which record.
    pub log: Vec<(i64, usize)>,
    /// The records that were created under a key.
    pub create_keys: BTreeMap<Text, usize>,
    /// How late search shows changes, in milliseconds.
    pub lag: i64,
    /// Until when all calls are throttled.
    pub throttled_until: i64,
}

impl Server {
    /// An empty system.
    #[must_use]
    pub const fn new(place: usize, design: System, dialect: Dialect) -> Self {
        Self {
            design,
            place,
            dialect,
            records: Vec::new(),
            log: Vec::new(),
            create_keys: BTreeMap::new(),
            lag: 0,
            throttled_until: 0,
        }
    }

    /// The native object type of its records.
    #[must_use]
    pub fn object(&self) -> &str {
        self.dialect.object(self.place)
    }

    /// The name of one of its surfaces.
    #[must_use]
    pub fn surface(&self, kind: &str) -> SurfaceName {
        surfaces::name(self.object(), kind)
    }

    /// Makes a record, and gives its place.
    pub fn make(&mut self, now: i64, subject: usize, fields: Vec<Word>) -> usize {
        let place = self.records.len();
        self.records.push(Record {
            subject,
            fields,
            live: true,
            merged_into: None,
            token: 0,
            version: 0,
            past: Vec::new(),
            made: now,
            poisoned: false,
        });
        self.stamp(now, place);
        place
    }

    /// Changes a record: keeps what it was, changes it, stamps it.
    pub fn change(&mut self, now: i64, place: usize, change: impl FnOnce(&mut Record)) {
        let record = &mut self.records[place];
        let past = Past { until: now, token: record.token, fields: record.fields.clone(), live: record.live };
        record.past.push(past);
        change(record);
        self.stamp(now, place);
    }

    fn stamp(&mut self, now: i64, place: usize) {
        let System { versions, grain, skew, .. } = self.design;
        let record = &mut self.records[place];
        record.version += 1;
        let theirs = now + skew;
        record.token = match (versions, grain) {
            (true, _) => record.version,
            // An exact system never gives one record the same time twice.
            (false, 1) => theirs.max(record.token + 1),
            (false, grain) => (theirs - theirs.rem_euclid(grain)).max(record.token),
        };
        self.log.push((now, place));
    }

    /// The record that an id leads to.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<usize> {
        let place = id.strip_prefix('r')?.parse::<usize>().ok()?;
        (place < self.records.len()).then_some(place)
    }

    /// Where a record's merges lead.
    #[must_use]
    pub fn survivor(&self, place: usize) -> usize {
        let mut place = place;
        while let Some(next) = self.records[place].merged_into {
            place = next;
        }
        place
    }

    /// A living record about a subject.
    #[must_use]
    pub fn about(&self, subject: usize) -> Option<usize> {
        self.records.iter().position(|record| record.live && record.subject == subject)
    }
}

/// The native id of a record.
#[must_use]
pub fn id(place: usize) -> String {
    format!("r{place}")
}
