//! Logical decoding: what was committed, from a slot that keeps the log until it was taken in.
//!
//! A page is looked at (`peek`), and stays in the slot. The slot is advanced to where the engine asks from, which it does
//! only when all before it is durable, or to where it asked from some time ago ([`Log::kept`]). A crash anywhere in between
//! tells the same changes again.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use accordant::connector::{ConnectorError, ConnectorErrorKind, Cursor, Item, Page, Retry, Says};
use accordant::surface::Surface;
use bytes::Bytes;
use deadpool_postgres::{Object as Session, Transaction};
use tokio_postgres::types::{Oid, PgLsn};

use crate::connector::PostgresTable;
use crate::fault::unread;
use crate::pgoutput::{Change, Message, Reader};
use crate::settings::Log;
use crate::surfaces::{self, Way};

/// Where the log was asked from, and when: what tells how far it is given up.
#[derive(Debug, Default)]
pub(crate) struct Asked(Mutex<VecDeque<(i64, PgLsn)>>);

impl Asked {
    /// Notes that the log is asked from `at`, and says up to where it was asked from when `kept` had not begun yet.
    fn from(&self, at: PgLsn, now: i64, log: &Log) -> Option<PgLsn> {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.back().is_none_or(|(_, last)| at > *last) {
            asked.push_back((now, at));
        }
        let until = now.saturating_sub(log.kept.num_milliseconds());
        let mut given_up = None;
        while let Some((_, at)) = asked.front().filter(|(when, _)| *when <= until) {
            given_up = Some(*at);
            asked.pop_front();
        }
        given_up
    }
}

/// How many messages are had from the server at a time.
const AT_A_TIME: i32 = 1_000;

const SLOT: &str = "SELECT confirmed_flush_lsn, wal_status, plugin = 'pgoutput' AND database = current_database() \
    FROM pg_replication_slots WHERE slot_name = $1";
const PEEK: &str = "SELECT data FROM pg_logical_slot_peek_binary_changes($1, NULL, $2, 'proto_version', '1', \
    'publication_names', $3)";

impl PostgresTable {
    /// A page of the log. It tells of all tables, through the first; a transaction is never cut in two, so a page may be
    /// longer than others.
    pub(crate) async fn follow(&self, surface: &Surface, after: Option<Cursor>) -> Result<Page, ConnectorError> {
        let Some(log) = self.settings.log.as_ref().filter(|_| self.speaks(surface)) else {
            return Ok(Page { items: Vec::new(), next: None, more: false });
        };
        let mut session = self.session().await?;
        let Some(at) = place(log, after.as_ref())? else { return begin(&session, log).await };
        let transaction = session.transaction().await.map_err(unread("follow the log"))?;
        // A transaction is decoded whole before the first of it is told, however large it is.
        let patience = format!("SET LOCAL statement_timeout = {}", log.patience.as_millis().clamp(1, i32::MAX as u128));
        transaction.batch_execute(&patience).await.map_err(unread("follow the log"))?;
        let confirmed = advance(&transaction, log, at, self.asked.from(at, self.clock.now(), log)).await?;
        // Before the changes are looked at: all that was committed until here is among them.
        let now = "SELECT pg_current_wal_flush_lsn()";
        let now: PgLsn = transaction.query_one(now, &[]).await.map_err(unread("follow the log"))?.get(0);
        // Where the slot stands before us, it is not known how many messages are to be passed over.
        let most = i32::try_from(self.settings.page).ok().filter(|_| confirmed == at);
        let ids: HashMap<Oid, &str> =
            self.tables.values().map(|bound| (bound.known.oid, bound.table.id.as_str())).collect();
        let mut taken = Taken { reader: Reader::new(&ids), at, ours: true, said: BTreeSet::new(), told: Vec::new() };
        let (mut until, mut count, mut ended) = (None, 0usize, false);
        let statement = transaction.prepare_cached(PEEK).await.map_err(unread("follow the log"))?;
        let portal = transaction.bind(&statement, &[&log.slot, &most, &log.publication]).await;
        let portal = portal.map_err(unread("follow the log"))?;
        // A transaction is never cut in two.
        while !ended && (until.is_none() || taken.told.len() < self.settings.page) {
            let rows = transaction.query_portal(&portal, AT_A_TIME).await.map_err(unread("follow the log"))?;
            ended = rows.len() < AT_A_TIME.unsigned_abs() as usize;
            count = count.saturating_add(rows.len());
            for row in &rows {
                until = taken.message(row.get(0))?.or(until);
            }
        }
        let full = !ended || most.is_some_and(|most| count >= most.unsigned_abs() as usize);
        // With nothing to tell, the log of other tables is given up as well.
        let next = match until {
            Some(until) if full => until,
            until => until.unwrap_or(at).max(now),
        };
        let items = taken.told.into_iter().filter_map(|change| self.told(change)).collect();
        Ok(Page { items, next: Some(cursor(log, next)), more: full && next > at })
    }

    fn told(&self, Change { table, id, gone }: Change) -> Option<Item> {
        let (object, _) = self.tables.iter().find(|(_, bound)| bound.known.oid == table)?;
        let body = Bytes::copy_from_slice(id.as_bytes());
        let says = if gone { Says::Deleted { id: id.into() } } else { Says::Hint { id: id.into() } };
        Some(Item::new(surfaces::name(object, Way::Logged).into(), says, body))
    }
}

/// What a page is made of.
struct Taken<'i> {
    reader: Reader<'i>,
    /// What was committed before this was told before.
    at: PgLsn,
    /// Whether the transaction that is being read was not.
    ours: bool,
    said: BTreeSet<Change>,
    told: Vec<Change>,
}

impl Taken<'_> {
    /// Takes a message in. Where the log goes on, if a transaction ends that was not told before.
    fn message(&mut self, message: &[u8]) -> Result<Option<PgLsn>, ConnectorError> {
        match self.reader.read(message)? {
            Message::Begun(committed) => self.ours = PgLsn::from(committed) >= self.at,
            Message::Changed(changes) if self.ours => {
                for change in changes {
                    // All that is told is which row to read: once a page is enough.
                    if self.said.insert(change.clone()) {
                        self.told.push(change);
                    }
                }
            }
            Message::Committed(end) if self.ours => return Ok(Some(PgLsn::from(end))),
            Message::Committed(_) | Message::Changed(_) | Message::Other => {}
        }
        Ok(None)
    }
}

fn cursor(log: &Log, at: PgLsn) -> Cursor {
    Cursor(format!("{at}@{}", log.slot))
}

/// Where a cursor stands in the log; `None` if it stands in that of another slot: then this one is begun.
fn place(log: &Log, after: Option<&Cursor>) -> Result<Option<PgLsn>, ConnectorError> {
    let Some(Cursor(after)) = after else { return Ok(None) };
    let read = after.split_once('@').and_then(|(at, slot)| Some((at.parse().ok()?, slot)));
    let (at, slot) = read.ok_or_else(Cursor::foreign)?;
    Ok((slot == log.slot).then_some(at))
}

/// Makes the slot, unless there is one. What changed before is for a scan to find.
async fn begin(session: &Session, log: &Log) -> Result<Page, ConnectorError> {
    let found = session.query_opt(SLOT, &[&log.slot]).await.map_err(unread("look at the slot"))?;
    let at: PgLsn = match found {
        Some(slot) => {
            usable(log, &slot)?;
            slot.get(0)
        }
        None => {
            let make = "SELECT lsn FROM pg_create_logical_replication_slot($1, 'pgoutput')";
            session.query_one(make, &[&log.slot]).await.map_err(unread("make the slot"))?.get(0)
        }
    };
    Ok(Page { items: Vec::new(), next: Some(cursor(log, at)), more: true })
}

/// Gives up the log before `given_up`: it is durable elsewhere. Where the slot stands then.
async fn advance(
    session: &Transaction<'_>,
    log: &Log,
    at: PgLsn,
    given_up: Option<PgLsn>,
) -> Result<PgLsn, ConnectorError> {
    let slot = session.query_opt(SLOT, &[&log.slot]).await.map_err(unread("look at the slot"))?;
    let slot = slot.ok_or_else(|| {
        let told = format!(
            "the slot {} is gone, and with it what changed since {at}: name another slot in the settings, and scan",
            log.slot
        );
        ConnectorError::new(ConnectorErrorKind::Malformed, told)
    })?;
    usable(log, &slot)?;
    let confirmed: PgLsn = slot.get(0);
    if confirmed > at {
        // Another worker is a page ahead of us; or somebody else reads this slot, and takes from us.
        let told = format!("the slot {} was moved beyond {at} by another reader", log.slot);
        return Err(ConnectorError::new(ConnectorErrorKind::Unavailable, told).retry(Retry::Backoff));
    }
    // Whoever asks from before where it was asked from once gets what follows: nothing that it is to be told is given up.
    let given_up = given_up.map(|given_up| given_up.min(at)).filter(|given_up| confirmed < *given_up);
    let Some(given_up) = given_up else { return Ok(confirmed) };
    let move_on = "SELECT pg_replication_slot_advance($1, $2)";
    session.query(move_on, &[&log.slot, &given_up]).await.map_err(unread("give up the log that was taken in"))?;
    Ok(given_up)
}

fn usable(log: &Log, slot: &tokio_postgres::Row) -> Result<(), ConnectorError> {
    let wrong =
        |told: &str| Err(ConnectorError::new(ConnectorErrorKind::Malformed, format!("the slot {} {told}", log.slot)));
    if slot.get::<_, Option<&str>>(1) == Some("lost") {
        return wrong(
            "was given up by the server (max_slot_wal_keep_size): drop it, name another in the settings, and scan",
        );
    }
    if slot.get::<_, Option<bool>>(2) != Some(true) {
        return wrong("is not one of pgoutput in this database: name another in the settings");
    }
    Ok(())
}
