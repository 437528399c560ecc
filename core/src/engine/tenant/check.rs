//! Checks: records are read by key although nothing told of them, the most overdue first, within the budget of their connection.
//! What is found goes the way of every read: it is folded, classified, and stands as discrepancies and facts. What is held is
//! examined beside: entity by entity, and in total.

mod age;
mod examine;
mod ledger;
mod page;
mod pass;
mod results;
mod totals;
mod violations;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use age::{Ages, Finding, Verification};
pub use results::{AggregateResult, CheckResult};

use crate::check::{Account, Budget, Check, choose};
use crate::connector::ConnectorError;
use crate::discrepancy::DiscrepancyState;
use crate::engine::hydrate::{Loader, parse};
use crate::engine::persist::Changes;
use crate::engine::tenant::run::Read;
use crate::engine::tenant::step::READ_AT_ONCE;
use crate::engine::tenant::{FailedCall, Unread};
use crate::engine::{Connection, TakenIn, Tenant};
use crate::error::Error;
use crate::id::{ConnectionName, EntityType, ObjectType, RecordRef};
use crate::representation::{Life, Representation};
use crate::store::{RowKey, Table};
use crate::telemetry::{CheckCounts, in_span};
use crate::text::Text;
use ledger::{Found, Noted};

/// How many records of an object type one round looks at, at least.
const LOOKED_AT: usize = 1_000;

/// How many records of an object type one round reads, whatever the budget allows: they are held in memory.
const MOST: usize = 10_000;

/// How many pages of linked records one round goes through, to find those that are not verified yet.
const PAGES: usize = 10;

/// What a round of checks came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checked {
    /// Records that were read, and so verified.
    pub verified: usize,
    /// Those of them that had changed, though no surface had told.
    pub missed: usize,
    /// Those that are gone.
    pub gone: usize,
    /// Those of which discrepancies stand that are more than noted.
    pub disagreeing: usize,
    /// What was taken in on the way.
    pub taken: TakenIn,
    /// Records that could not be read. They have their turn again after their interval, and their verification ages.
    pub unread: Vec<Unread>,
    /// Connections of which nothing could be read.
    pub failed: Vec<FailedCall>,
    /// How many of the records that were looked at are due and wait for the budget: there may be more.
    pub waiting: u64,
    /// Entities that checks of entities looked at.
    pub examined: usize,
    /// Those of them that a check found something wrong with.
    pub violating: usize,
    /// Checks that panicked, page by page. Of each entity over which one did there is a case, until it no longer does.
    pub panicked: Vec<FailedCheck>,
    /// When the next that was looked at is due.
    pub next: Option<DateTime<Utc>>,
}

/// A check of entities that panicked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailedCheck {
    /// The type of the entities.
    pub entity_type: EntityType,
    /// The check, by name.
    pub check: Text,
    /// Over how many of a page.
    pub entities: usize,
}

impl Checked {
    /// The round of one connection as a read of it: a system that failed half way took nothing back of what it had said.
    pub(crate) fn read(mut self) -> Read {
        let taken = (self.verified > 0 || !self.unread.is_empty()).then_some(self.taken);
        let failed = self.failed.pop();
        let failed = failed.map(|FailedCall { connection, doing, cause: source }| Error::Connector {
            connection,
            doing,
            source,
        });
        Read { taken, ended: failed.map_or(Ok(()), Err) }
    }
}

impl std::ops::AddAssign for Checked {
    fn add_assign(&mut self, other: Self) {
        self.verified += other.verified;
        self.missed += other.missed;
        self.gone += other.gone;
        self.disagreeing += other.disagreeing;
        self.taken += other.taken;
        self.unread.extend(other.unread);
        self.failed.extend(other.failed);
        self.waiting += other.waiting;
        self.examined += other.examined;
        self.violating += other.violating;
        self.panicked.extend(other.panicked);
        self.next = [self.next, other.next].into_iter().flatten().min();
    }
}

/// What is kept of a connection's checks from one round to the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct RoundRow {
    /// What was spent.
    account: Account,
    /// How far linked records were looked through; `None`: the next look begins anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    enrolled: Option<Text>,
}

fn round_key(connection: &ConnectionName) -> RowKey {
    RowKey::new(Table::Meta, format!("checks/{connection}"))
}

impl Tenant {
    /// Verifies what is due, a round for each connection that has a budget ([`Checks`](crate::engine::Checks)): reads records by
    /// key, the most overdue for their priority first, as many as the budget allows. That verifies presence, agreement and freshness
    /// of each: what changed or is gone though nothing told is taken in, classified, and stands as a discrepancy where systems
    /// disagree. When it was verified, and what was found, is kept ([`Tenant::verified`], [`Tenant::verification_age`]).
    ///
    /// Then goes on with the checks of entities and totals that are due, some thousand entities of each type: what is wrong is a
    /// case ([`CaseKind::Violation`](crate::engine::CaseKind::Violation)), and counted ([`Tenant::check_results`]). Call again while
    /// [`Checked::next`] is not ahead.
    ///
    /// [`Tenant::run`](Tenant::run) and workers do so by themselves. The calls are taken from the budget before they are made, so
    /// that of several processes each spends what the others left. A round reads at most 10 000 records of an object type, however
    /// many the budget allows at once: [`age_bound`](crate::check::age_bound) holds where that is enough.
    ///
    /// # Errors
    ///
    /// If the store fails. A system that fails is an outcome: the others are verified.
    pub async fn check(&self) -> Result<Checked, Error> {
        let mut checked = Checked::default();
        for name in self.core.checks.budgets.keys() {
            match self.check_connection(name).await {
                Ok(of_connection) => checked += of_connection,
                // Resumed, it is verified at its next turn.
                Err(Error::Paused { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        checked += self.examine().await?;
        Ok(checked)
    }

    /// The round of one connection. A system that fails ends it: what was verified before stands.
    pub(crate) async fn check_connection(&self, name: &ConnectionName) -> Result<Checked, Error> {
        in_span!("check", { tenant = self.id, connection = name }, self.check_due(name))
    }

    async fn check_due(&self, name: &ConnectionName) -> Result<Checked, Error> {
        let Some(budget) = self.core.checks.budgets.get(name).copied() else { return Ok(Checked::default()) };
        self.require_running(name).await?;
        let (revision, mut round) = self.round(name, &budget).await?;
        for _ in 0..PAGES {
            round.enrolled = self.enrol(name, round.enrolled.take()).await?;
            if round.enrolled.is_none() {
                break;
            }
        }
        let live = self.core.live.made(&self.id, name);
        live.iter().for_each(|(at, calls)| round.account.spend_live(&budget, *calls, *at));
        let now = self.now();
        let budgets = BTreeMap::from([(name.clone(), (budget, round.account))]);
        let allowed = usize::try_from(round.account.for_checks(&budget, now)).unwrap_or(usize::MAX);
        let checks = self.candidates(name, allowed.clamp(LOOKED_AT, MOST)).await?;
        // All of them are of the one connection that has this budget.
        let Ok(chosen) = choose(checks, &budgets, &self.core.checks.cadence, now) else {
            return Ok(Checked::default());
        };
        let instant = |at: i64| DateTime::from_timestamp_millis(at);
        let mut checked =
            Checked { waiting: chosen.waiting, next: chosen.next_due.and_then(instant), ..Checked::default() };
        let linked = self.linked(&chosen.checks).await?;
        let (records, forgotten): (Vec<RecordRef>, Vec<RecordRef>) =
            chosen.checks.into_iter().partition(|record| linked.contains(record));
        // Before the calls: of several processes, one makes them.
        round.account.spend_checks(&budget, u32::try_from(records.len()).unwrap_or(u32::MAX), now);
        let mut changes = Changes::new(&self.core, now, &Self::engine());
        changes.commit.expect.push((round_key(name), revision));
        changes.put(round_key(name), &round);
        if !self.commit("take calls from a budget", changes.commit).await? {
            return Ok(checked);
        }
        self.core.live.counted(&self.id, name, &live);
        self.note_verified(&forgotten.into_iter().map(|record| (record, None)).collect(), now).await?;
        for page in records.chunks(READ_AT_ONCE) {
            match self.verify_records(name, page).await {
                Ok(of_page) => checked += of_page,
                Err(Error::Connector { connection, doing, source: cause }) => {
                    checked.failed.push(FailedCall { connection, doing, cause });
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(checked)
    }

    /// Live work makes so many calls of a connection: they count in its budget with the next round of checks.
    pub(crate) fn note_live(&self, name: &ConnectionName, calls: usize) {
        if self.core.checks.budgets.contains_key(name) {
            self.core.live.note(&self.id, name, self.now(), calls);
        }
    }

    /// Counts what live work of this process took of a connection that another one verifies.
    pub(crate) async fn count_live(&self, name: &ConnectionName) -> Result<(), Error> {
        let live = self.core.live.made(&self.id, name);
        let Some(budget) = self.core.checks.budgets.get(name).filter(|_| !live.is_empty()) else { return Ok(()) };
        let (revision, mut round) = self.round(name, budget).await?;
        live.iter().for_each(|(at, calls)| round.account.spend_live(budget, *calls, *at));
        let mut changes = Changes::new(&self.core, self.now(), &Self::engine());
        changes.commit.expect.push((round_key(name), revision));
        changes.put(round_key(name), &round);
        // Whoever was faster has the row: what is not counted yet is counted next time.
        if self.commit("count what live work took of a budget", changes.commit).await? {
            self.core.live.counted(&self.id, name, &live);
        }
        Ok(())
    }

    /// Reads records, and notes what was found of each.
    async fn verify_records(&self, name: &ConnectionName, records: &[RecordRef]) -> Result<Checked, Error> {
        let before = self.held_of(records).await?;
        let now = self.now();
        let answered = self.read_each(name, records).await?;
        let after = self.held_of(records).await?;
        let mut checked = Checked { taken: answered.taken, ..Checked::default() };
        let (mut noted, mut told) = (BTreeMap::new(), CheckCounts::default());
        for record in records {
            if let Some(error) = answered.failed.get(record) {
                checked.unread.push(unread(record, error));
                noted.insert(record.clone(), Some(Noted::Failed));
                continue;
            }
            let found = found(before.get(record), after.get(record));
            checked.verified += 1;
            told.add(found.gone, found.missed);
            checked.missed += usize::from(found.missed);
            checked.gone += usize::from(found.gone);
            checked.disagreeing += usize::from(found.disagrees > 0);
            noted.insert(record.clone(), Some(Noted::Verified(found)));
        }
        self.connection(name.as_str())?.1.instruments.verified(&told);
        self.note_verified(&noted, now).await?;
        Ok(checked)
    }

    /// Notes that records were read because a hint asked for it: they are verified as well.
    pub(crate) async fn note_read(&self, name: &ConnectionName, read: &BTreeSet<RecordRef>) -> Result<(), Error> {
        if read.is_empty() || !self.core.checks.budgets.contains_key(name) {
            return Ok(());
        }
        let records: Vec<RecordRef> = read.iter().cloned().collect();
        let held = self.held_of(&records).await?;
        // A hint is how a surface tells: nothing was missed.
        let noted = |record: RecordRef| {
            let found = held.get(&record).map(|held| found(Some(held), Some(held))).unwrap_or_default();
            (record, Some(Noted::Verified(found)))
        };
        let linked = self.linked(&records).await?;
        self.note_verified(&linked.into_iter().map(noted).collect(), self.now()).await
    }

    /// The records that may be due, by object type the longest first.
    async fn candidates(&self, name: &ConnectionName, most: usize) -> Result<Vec<Check<RecordRef>>, Error> {
        let (_, bound) = self.connection(name.as_str())?;
        let floors = self.pulsed_from(name).await?;
        let objects: Vec<ObjectType> = bound.objects.keys().cloned().collect();
        let mut checks = Vec::new();
        for object in objects {
            let Some(priority) = self.priority_of(name, &object) else { continue };
            let floor = floors.of(&object).unwrap_or(i64::MIN);
            for filed in self.filed_longest(name, &object, most).await? {
                let since = filed.at.max(floor);
                checks.push(Check { what: filed.record, connection: name.clone(), priority, since, cost: 1 });
            }
        }
        Ok(checks)
    }

    /// How long ago the record of a connection was verified of which that is longest ago, in hundredths of the interval of its priority.
    /// Nothing where no budget verifies, or nothing is there to be.
    pub(crate) async fn longest_unverified(&self, name: &ConnectionName) -> Result<Option<u64>, Error> {
        if !self.core.checks.budgets.contains_key(name) {
            return Ok(None);
        }
        let now = self.now();
        let of = |check: Check<RecordRef>| {
            let interval = self.core.checks.cadence.of(check.priority).num_milliseconds().max(1);
            u64::try_from(now.saturating_sub(check.since).max(0).saturating_mul(100) / interval).unwrap_or(0)
        };
        Ok(self.candidates(name, 1).await?.into_iter().map(of).max())
    }

    /// Since when what a connection's pulse reads was verified by it.
    async fn pulsed_from(&self, name: &ConnectionName) -> Result<Pulsed<'_>, Error> {
        let (_, bound) = self.connection(name.as_str())?;
        Ok(Pulsed { bound, began: self.pulse_row(name).await?.1.and_then(|row| row.began) })
    }

    async fn round(&self, name: &ConnectionName, budget: &Budget) -> Result<(Option<u64>, RoundRow), Error> {
        let key = round_key(name);
        let row = self.row(&key, "load what was spent of a budget").await?;
        let revision = row.as_ref().map(|row| row.revision);
        let round = row.map(|row| parse(Table::Meta, &row)).transpose()?;
        let new = || RoundRow { account: Account::full(budget, self.now()), enrolled: None };
        Ok((revision, round.unwrap_or_else(new)))
    }

    /// What is held of records and of the disagreement about them.
    async fn held_of(&self, records: &[RecordRef]) -> Result<BTreeMap<RecordRef, RecordSnapshot>, Error> {
        let mut loader = Loader::new(&self.core, &self.id);
        loader.records(records).await?;
        let set = &loader.loaded.set;
        let mut held = BTreeMap::new();
        for record in records {
            let Some(index) = set.find_record(record) else { continue };
            let state = set.record(index);
            let name = Text::from(record.to_string());
            let stands = |state: DiscrepancyState| matches!(state, DiscrepancyState::Open | DiscrepancyState::Waiting);
            let about = |link: &Option<Text>| link.as_ref().is_none_or(|link| *link == name);
            let disagrees = state.entity.map_or(0, |entity| {
                let all = set.entity(entity).entity.discrepancies.values();
                all.filter(|one| stands(one.state) && about(&one.link)).count()
            });
            let disagrees = u32::try_from(disagrees).unwrap_or(u32::MAX);
            held.insert(
                record.clone(),
                RecordSnapshot { says: Representation::clone(&state.representation), disagrees },
            );
        }
        Ok(held)
    }
}

/// What the last pulse of a connection verified.
#[derive(Clone, Copy)]
struct Pulsed<'c> {
    bound: &'c Connection,
    /// When it began.
    began: Option<i64>,
}

impl Pulsed<'_> {
    /// Since when what it reads of an object type was verified by it; `None`: never, or it does not read that.
    fn of(&self, object: &ObjectType) -> Option<i64> {
        self.began.filter(|_| self.bound.scans(object))
    }
}

/// What is held of a record.
struct RecordSnapshot {
    says: Representation,
    disagrees: u32,
}

fn found(before: Option<&RecordSnapshot>, after: Option<&RecordSnapshot>) -> Found {
    let Some(after) = after else { return Found::default() };
    let gone = matches!(after.says.existence().life(), Life::Dead(_) | Life::Unknown);
    let missed = before.is_some_and(|before| after.says.says_otherwise_than(&before.says));
    Found { gone, missed, disagrees: after.disagrees }
}

fn unread(record: &RecordRef, error: &ConnectorError) -> Unread {
    Unread { connection: record.connection.clone(), record: Some(record.clone()), error: error.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::ConnectorErrorKind;

    #[test]
    fn a_round_that_failed_half_way_tells_what_it_took_in_and_what_failed() {
        let taken = TakenIn { observed: 3, hinted: 1, ..TakenIn::default() };
        let cause = ConnectorError::new(ConnectorErrorKind::Unavailable, "it is gone");
        let failed = FailedCall { connection: "crm".into(), doing: "read records", cause };
        let round = Checked { verified: 3, taken, failed: vec![failed], ..Checked::default() };
        let read = round.read();
        assert_eq!(read.taken, Some(taken));
        assert!(matches!(read.ended, Err(Error::Connector { doing: "read records", .. })));
        let read = Checked::default().read();
        assert!(read.taken.is_none() && read.ended.is_ok(), "nothing was asked");
    }
}
