//! A description: what is to be known of a system.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::auth::Auth;
use crate::check;
use crate::mistake::Mistakes;
use crate::webhook::Webhooks;

/// A system with a JSON interface. Paths into answers and records are dotted, as mappings write them; the empty one is the
/// whole.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// The system, as models name it.
    pub system: String,
    /// What stands before every path: `https://acme.zendesk.com/api/v2`.
    pub base: String,
    /// Headers that every request carries: the version of the interface. No secrets.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// What makes a request ours.
    #[serde(default)]
    pub auth: Auth,
    /// How fast the system may be asked. Without it, as fast as we can; what it then refuses is waited for.
    #[serde(default)]
    pub limit: Limit,
    /// The header by which the system knows a request that is sent again. The same for every attempt of one write.
    #[serde(default)]
    pub idempotency_header: Option<String>,
    /// Where in the answer to a refused request its code is: `error.code`. Codes are told to people, other words are not,
    /// since they may repeat values.
    #[serde(default)]
    pub error_code: Option<String>,
    /// What the system sends by itself.
    #[serde(default)]
    pub webhooks: Option<Webhooks>,
    /// The object types, by the names that models use.
    pub objects: BTreeMap<String, Object>,
}

impl Description {
    /// Reads a description from TOML, and checks it.
    ///
    /// # Errors
    ///
    /// Every mistake in it: what is no TOML or no description is one, and hides the others.
    pub fn parse(toml: &str) -> Result<Self, Mistakes> {
        let table = toml::Deserializer::parse(toml).map_err(|error| Mistakes::one("", error.to_string()))?;
        let description: Self = serde_path_to_error::deserialize(table).map_err(|error| {
            let place = error.path().to_string();
            let place = if place == "." { String::new() } else { place };
            Mistakes::one(place, error.inner().message())
        })?;
        description.check()?;
        Ok(description)
    }

    /// Checks a description that was written as a literal. [`Rest::new`](crate::Rest::new) does so too.
    ///
    /// # Errors
    ///
    /// Every mistake in it.
    pub fn check(&self) -> Result<(), Mistakes> {
        check::check(self)
    }
}

/// How fast a system may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limit {
    /// Requests in any window of `seconds`.
    pub requests: Option<u32>,
    /// The length of the window.
    pub seconds: Option<u32>,
    /// Requests at once. Reads and writes go as many at a time; without it, reads go eight at a time and writes one by one.
    pub at_once: Option<u32>,
}

/// One object type.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Object {
    /// Where in a record what is.
    pub record: Record,
    /// Everything, for scans.
    pub list: Option<List>,
    /// What changed since, for polls.
    pub changed: Option<Changed>,
    /// One record by its id.
    pub one: Option<One>,
    /// A new record.
    pub create: Option<Create>,
    /// A change to a record.
    pub update: Option<Update>,
    /// The end of a record.
    pub delete: Option<Delete>,
}

/// Where in a record what is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Record {
    /// The id, text or a number.
    pub id: String,
    /// When the record changed last. It orders what is said of it.
    pub modified: Option<Modified>,
    /// A whole number that grows with every change. It orders what is said of the record, in place of `modified`.
    pub version: Option<String>,
    /// What says that the record was deleted, where deleted records are still listed.
    pub deleted: Option<Deleted>,
}

impl Default for Record {
    fn default() -> Self {
        Self { id: "id".to_owned(), modified: None, version: None, deleted: None }
    }
}

/// When a record changed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Modified {
    /// The path.
    pub at: String,
    /// How the instant is written there: `rfc3339` or `millis`.
    #[serde(default)]
    pub written: Written,
    /// The grain of the instants: a second unless said otherwise.
    #[serde(default = "second")]
    pub precision_ms: u32,
}

const fn second() -> u32 {
    1_000
}

/// How an instant is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Written {
    /// `2026-11-21T08:00:00Z`.
    #[default]
    Rfc3339,
    /// Milliseconds since the epoch.
    Millis,
    /// Seconds since the epoch. Only to ask with.
    Seconds,
}

/// What says that a record was deleted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deleted {
    /// The path of the flag. The record is deleted if something is there: `deleted_at` will do. Null, `false`, 0, the empty
    /// text and the words for no are nothing.
    pub at: String,
    /// How long deleted records stay listed.
    pub kept_days: u32,
}

/// A list of records.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct List {
    /// Behind the base: `/users.json`.
    pub path: String,
    /// What every page is asked with.
    pub query: BTreeMap<String, String>,
    /// Where in the answer the records are. Empty: the answer is the list.
    pub records: String,
    /// How many a page holds.
    pub size: Option<Size>,
    /// How the next page is had.
    pub paging: Paging,
}

/// How many records a page holds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// The parameter that asks for it. `None`: the system's pages are of this size, whatever is asked.
    #[serde(default)]
    pub parameter: Option<String>,
    /// How many.
    pub rows: usize,
}

/// How the next page of a list is had.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Paging {
    /// There is none: one answer holds all.
    #[default]
    Whole,
    /// By a cursor that the answer carries.
    Cursor {
        /// The parameter that it goes back in.
        parameter: String,
        /// Where in the answer it is. Null, nothing or the empty text there: this was the last page.
        next: String,
        /// Where in the answer it says whether there is more, if the cursor alone does not. It stands in every answer.
        #[serde(default)]
        more: Option<String>,
        /// Where in the answer it says whether this was the last page, if the cursor alone does not. It stands in every
        /// answer.
        #[serde(default)]
        last: Option<String>,
    },
    /// By the address of the next page: in the `Link` header (`rel="next"`), or in the answer.
    Link {
        /// Where in the answer the address is. `None`: in the header.
        #[serde(default)]
        next: Option<String>,
    },
    /// By a page number. The empty page is the last one, whatever was asked for; or the one that is not found.
    Page {
        /// The parameter.
        parameter: String,
        /// The number of the first page: 1 unless said otherwise.
        #[serde(default = "one")]
        first: u64,
    },
    /// By the number of rows to leave out: as many as were read. The empty page is the last one, whatever was asked for.
    Offset {
        /// The parameter.
        parameter: String,
    },
    /// By time, for `changed`: each page is asked for from the instant of the last row of the one before. The list must be
    /// in the order of `modified`, oldest first, and `since` must include its own instant.
    Time {
        /// The parameter that starts behind a row of the instant of `since`, if the system has one: rows are then ordered
        /// by time and id.
        #[serde(default)]
        after_id: Option<String>,
    },
}

const fn one() -> u64 {
    1
}

/// A list of what changed since.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changed {
    /// Behind the base.
    pub path: String,
    /// What every page is asked with: the order, oldest first, where the system must be asked for it.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// Where in the answer the records are. Empty: the answer is the list.
    #[serde(default)]
    pub records: String,
    /// How many a page holds.
    #[serde(default)]
    pub size: Option<Size>,
    /// How the next page is had: `time`, `cursor` or `link`.
    #[serde(default)]
    pub paging: Paging,
    /// The parameter that asks for what changed at an instant or later.
    pub since: Parameter,
    /// The parameter that asks for what changed at an instant or earlier, if there is one.
    #[serde(default)]
    pub until: Option<Parameter>,
    /// How far a poll reaches back behind the one before: as long as a change may stay invisible. Ten minutes unless said
    /// otherwise.
    #[serde(default = "ten_minutes")]
    pub overlap_seconds: u32,
    /// How far a poll stays behind now.
    #[serde(default)]
    pub trail_seconds: u32,
}

const fn ten_minutes() -> u32 {
    600
}

/// A parameter that carries an instant.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// Its name.
    pub parameter: String,
    /// How the instant is written.
    #[serde(default)]
    pub written: Written,
}

/// One record by its id.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct One {
    /// Behind the base, with `{id}`: `/users/{id}.json`.
    pub path: String,
    /// Where in the answer the record is.
    #[serde(default)]
    pub record: String,
}

/// How a record is made.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Create {
    /// Behind the base.
    pub path: String,
    /// `POST` unless said otherwise.
    #[serde(default = "post")]
    pub method: String,
    /// Where in the body of the request the record goes: `user`.
    #[serde(default)]
    pub body: String,
    /// Where in the answer the record is. `None`: the answer carries no whole record, and is read for the id alone.
    #[serde(default)]
    pub record: Option<String>,
    /// Where in the answer the id is, if it carries no whole record.
    #[serde(default)]
    pub id: Option<String>,
    /// Where in the record the key of a create is kept: a field that nothing else uses.
    #[serde(default)]
    pub key: Option<String>,
    /// How the record of a key is found.
    #[serde(default)]
    pub find: Option<Find>,
    /// How far a create can be made safe.
    #[serde(default)]
    pub safety: Safety,
}

fn post() -> String {
    "POST".to_owned()
}

/// How the record of a key is found.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Find {
    /// Behind the base, with `{key}`: `/users/search.json?external_id={key}`.
    pub path: String,
    /// Where in the answer the records are: a list, or one. Those with another key are not taken.
    #[serde(default)]
    pub records: String,
}

/// How far a create can be made safe against double effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Safety {
    /// Not at all: duplicates are found by the next complete scan.
    #[default]
    DetectAndMerge,
    /// The system refuses a second record of one key, or answers with the first.
    RemoteKey,
    /// After so many seconds no old request can still be under way, and `find` then sees every create.
    DrainSeconds(u32),
}

/// How a record is changed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Update {
    /// Behind the base, with `{id}`.
    pub path: String,
    /// `PATCH` unless said otherwise: what is not named stays.
    #[serde(default = "patch")]
    pub method: String,
    /// Where in the body of the request the record goes.
    #[serde(default)]
    pub body: String,
    /// Whether the system takes records only whole: then what was read is sent with the changes in it.
    #[serde(default)]
    pub whole: bool,
    /// Whether the system has `If-Match`: an `ETag` of the record when it was looked at makes a late write fail.
    #[serde(default)]
    pub if_match: bool,
    /// Where in the answer the record is. `None`: the answer carries no whole record.
    #[serde(default)]
    pub record: Option<String>,
}

fn patch() -> String {
    "PATCH".to_owned()
}

/// How a record is deleted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delete {
    /// Behind the base, with `{id}`.
    pub path: String,
    /// `DELETE` unless said otherwise.
    #[serde(default = "delete")]
    pub method: String,
    /// Whether the system has `If-Match`.
    #[serde(default)]
    pub if_match: bool,
}

fn delete() -> String {
    "DELETE".to_owned()
}
