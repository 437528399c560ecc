//! What counts against limits: how many records of a place were archived, how often an attribute was written there, and
//! what a person confirmed beyond a limit.
//!
//! Limits are cumulative: a thousand plans with one delete each meet them as one plan with a thousand does. Deletes count
//! until a person confirms more; writes are every day's work, so that their count begins anew after a day. A confirmation is
//! of the operations that were shown, each once: these do not count, and no others have their room.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::engine::hydrate::{Loader, look_at_representation, parse};
use crate::engine::persist::Changes;
use crate::engine::tenant::apply::outbox::{OutboxRow, outbox_key};
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::pages::Pages;
use crate::engine::{Tenant, persist};
use crate::error::Error;
use crate::fingerprint::Digest;
use crate::id::{Actor, ConnectionName, ObjectType};
use crate::plan::{Counted, CountedPlace, Deletes, Limits, Operation, Parked, PlanHash, WritePlace};
use crate::role::Role;
use crate::store::{RowKey, Table};
use crate::text::Text;

/// How many links are looked at at a time.
const PAGE: usize = 500;

/// The journal's kind for what took effect and counts.
pub(crate) const COUNTED: &str = "limit_counted";

/// The journal's kind for what a person confirmed beyond a limit.
pub(crate) const CONFIRMED: &str = "limit_confirmed";

const DELETES: &str = "deletes\u{1f}";
const WRITES: &str = "writes\u{1f}";
/// What the keys of confirmations begin with, beside the approvals.
pub(crate) const CONFIRMATIONS: &str = "confirmed\u{1f}";

/// What counts in one place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Count {
    /// Since when, in milliseconds since the epoch.
    #[serde(default)]
    since: i64,
    /// How many took effect since then.
    done: usize,
}

impl Count {
    /// The count of a place as it stands at an instant: that of writes begins anew after a day.
    fn at(self, place: &CountedPlace, now: i64) -> Self {
        let lasts = matches!(place, CountedPlace::Writes(_)).then_some(Limits::WRITES_WITHIN.num_milliseconds());
        let over = lasts.is_some_and(|lasts| now.saturating_sub(self.since) >= lasts);
        if over || self == Self::default() { Self::begun(now) } else { self }
    }

    /// So many more took effect at an instant.
    pub(crate) fn and(self, place: &CountedPlace, more: usize, now: i64) -> Self {
        let count = self.at(place, now);
        Self { done: count.done + more, ..count }
    }

    /// The count begins anew.
    pub(crate) const fn begun(now: i64) -> Self {
        Self { since: now, done: 0 }
    }

    /// Whether the journal accounts for it. A row in which nothing was counted yet only orders those who ask for room; a count
    /// of deletes that an earlier version began says not since when, and was not journaled.
    pub(crate) fn is_accounted_for(self) -> bool {
        self.since != 0
    }
}

/// The row of a place's count.
pub(crate) fn count_row(place: &CountedPlace) -> RowKey {
    match place {
        CountedPlace::Archives { connection, object } => {
            RowKey::new(Table::Approval, format!("{DELETES}{connection}\u{1f}{object}"))
        }
        CountedPlace::Writes(WritePlace { connection, entity_type, unit, .. }) => {
            RowKey::new(Table::Meta, format!("{WRITES}{connection}\u{1f}{entity_type}\u{1f}{unit}"))
        }
    }
}

/// The tables in which counts are, and what their rows begin with there.
pub(crate) const fn count_rows() -> [(Table, &'static str); 2] {
    [(Table::Approval, DELETES), (Table::Meta, WRITES)]
}

/// Whether a row among the approvals is a confirmation.
pub(crate) fn is_confirmation(key: &str) -> bool {
    key.starts_with(CONFIRMATIONS)
}

/// The row of a confirmed operation, beside the approvals: it runs out as they do. Until then it keeps the room of an archive
/// that may yet turn out to have happened.
fn confirmation_row(key: Digest) -> RowKey {
    RowKey::new(Table::Approval, format!("{CONFIRMATIONS}{key}"))
}

/// A confirmation as its row holds it. By its key nobody knows whose it is, so that it holds no value of anybody's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ConfirmationRow {
    by: Actor,
    /// When it was given, in milliseconds since the epoch.
    at: i64,
    plan: PlanHash,
    /// Where it keeps the room of an archive that was counted, and may yet turn out to have happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    room: Option<CountedPlace>,
}

/// What an operation writes: the row that it is sent under, and the unit.
type Written = (RowKey, Text);

fn written(operation: &Operation) -> Written {
    (outbox_key(operation), operation.unit.clone())
}

fn is_archives(place: &CountedPlace) -> bool {
    matches!(place, CountedPlace::Archives { .. })
}

impl Tenant {
    /// Confirms, by the hash of a plan, the deletes that a limit keeps out of it: these and no others. They do not count, and
    /// from here on the limits count anew. The next plan has them among its operations, which need an approval like any other.
    /// Confirmed again, nothing changes.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownPlan`]; [`Error::PlanExpired`]; [`Error::PlanMoved`] if any of them is not what would be done today;
    /// [`Error::NothingToConfirm`] if the plan keeps no delete out by a limit, or all of them were carried out; and
    /// [`Error::OwnPlan`] if it is of what takes two people and nobody else asked for the plan.
    pub async fn confirm_deletes(&self, hash: PlanHash, by: &Actor) -> Result<(), Error> {
        self.require_role(by, Role::Approver, "confirm deletes").await?;
        self.confirm_beyond(hash, by, is_archives).await
    }

    /// Confirms, by the hash of a plan, the writes that the limit on writes keeps out of it, as [`Tenant::confirm_deletes`]
    /// confirms deletes.
    ///
    /// # Errors
    ///
    /// As [`Tenant::confirm_deletes`].
    pub async fn confirm_writes(&self, hash: PlanHash, by: &Actor) -> Result<(), Error> {
        self.require_role(by, Role::Approver, "confirm writes").await?;
        self.confirm_beyond(hash, by, |place| !is_archives(place)).await
    }

    async fn confirm_beyond(&self, hash: PlanHash, by: &Actor, of: fn(&CountedPlace) -> bool) -> Result<(), Error> {
        let plan = self.stored_plan(hash).await?;
        self.require_standing(hash).await?;
        let limited = plan.parked.iter().filter(|parked| parked.limited).map(|parked| &parked.operation);
        let shown: Vec<Operation> = limited.filter(|o| of(&CountedPlace::of(o))).cloned().collect();
        let owed = self.still_owed(&plan, &shown).await?;
        if owed.is_empty() {
            return Err(Error::NothingToConfirm { plan: hash });
        }
        self.require_to_write(by, owed.iter().copied()).await?;
        self.require_other_maker(&plan, owed.iter().copied(), by).await?;
        let places: BTreeSet<CountedPlace> = owed.iter().map(|operation| CountedPlace::of(operation)).collect();
        let counts: Vec<RowKey> = places.iter().map(count_row).collect();
        let mut attempts = Attempts::default();
        loop {
            let mut loader = Loader::new(&self.core, &self.id);
            let confirmed = self.confirmed(&mut loader, owed.iter().copied()).await?;
            let new: Vec<&Operation> = owed.iter().copied().filter(|o| !confirmed.contains(&o.key)).collect();
            if new.is_empty() {
                return Ok(());
            }
            // What is counted meanwhile is not lost: the rows must be as they were.
            loader.rows(&counts).await?;
            let at = self.now();
            let mut changes = Changes::new(&self.core, at, by);
            changes.commit.expect.extend(loader.loaded.revisions);
            // An archive that was sent and may still arrive takes effect behind the confirmation: the count begins with it.
            let kept = self.rooms_kept(&places).await?;
            for place in &places {
                let kept = kept.get(place).copied().unwrap_or_default();
                changes.put(count_row(place), &Count::begun(at).and(place, kept, at));
            }
            for operation in &new {
                changes.put(
                    confirmation_row(operation.key),
                    &ConfirmationRow { by: by.clone(), at, plan: hash, room: None },
                );
            }
            let keys: Vec<Digest> = new.iter().map(|operation| operation.key).collect();
            changes.journal(CONFIRMED, &hash.to_string(), &(hash, &places, keys));
            if !kept.is_empty() {
                changes.journal(COUNTED, "limits", &kept.iter().collect::<Vec<_>>());
            }
            if attempts.commit(self, "confirm what a limit keeps out", changes.commit).await? {
                return Ok(());
            }
        }
    }

    /// What the limits are measured against where these operations write. Planning and applying measure alike: whatever keeps
    /// an operation from running kept it out of its plan, where a person sees and confirms it. What is under way counts for
    /// itself, but for what something else is planned in the place of: that is counted with the plan.
    pub(crate) async fn counted<'o>(
        &self,
        operations: impl IntoIterator<Item = &'o Operation> + Send,
    ) -> Result<Counted, Error> {
        let limited: Vec<&Operation> = operations.into_iter().filter(|operation| self.is_limited(operation)).collect();
        let mut loader = Loader::new(&self.core, &self.id);
        let confirmed = self.confirmed(&mut loader, limited.iter().copied()).await?;
        let mut counted = self.count_with(&mut loader, &limited, confirmed).await?;
        for (place, deletes) in &mut counted.deletes {
            if let CountedPlace::Archives { connection, object } = place {
                // Those that were deleted since were there when the count began.
                deletes.records = deletes.records.saturating_add(self.living_links(connection, object).await?);
            }
        }
        Ok(counted)
    }

    /// Takes those operations off `operations` for which limits leave no room, and says why. The counts are put back as they
    /// were, so that of two writes that both find room, one finds out about the other. `counted` is what the application
    /// began with: from it is only taken how many records there are.
    pub(crate) async fn keep_to_limits(
        &self,
        loader: &mut Loader<'_>,
        changes: &mut Changes<'_>,
        operations: &mut Vec<Operation>,
        counted: &Counted,
    ) -> Result<Vec<Parked>, Error> {
        let limited: Vec<&Operation> = operations.iter().filter(|operation| self.is_limited(operation)).collect();
        let confirmed = self.confirmed(loader, limited.iter().copied()).await?;
        let mut now = self.count_with(loader, &limited, confirmed).await?;
        for (place, deletes) in &mut now.deletes {
            deletes.records = counted.deletes.get(place).map_or(0, |deletes| deletes.records);
        }
        let kept_out = now.kept_out(self.core.limits, operations.iter().filter(|operation| self.is_limited(operation)));
        let kept = operations.iter().filter(|o| self.is_limited(o) && !kept_out.contains_key(&o.key));
        for place in kept.filter(|o| !now.confirmed.contains(&o.key)).map(CountedPlace::of).collect::<BTreeSet<_>>() {
            let stored = self.count(loader, &place).await?;
            changes.put(count_row(&place), &stored);
        }
        let held = operations.extract_if(.., |operation| kept_out.contains_key(&operation.key));
        Ok(held.filter_map(|o| Some(Parked::limited(o.clone(), kept_out.get(&o.key)?.clone()))).collect())
    }

    /// Counts operations that took effect, or may have. What a person confirmed does not count, and is confirmed no more.
    pub(crate) async fn count_done(
        &self,
        loader: &mut Loader<'_>,
        changes: &mut Changes<'_>,
        operations: &[Operation],
    ) -> Result<(), Error> {
        let limited: Vec<&Operation> = operations.iter().filter(|operation| self.is_limited(operation)).collect();
        let confirmed = self.confirmed(loader, limited.iter().copied()).await?;
        let mut done: BTreeMap<CountedPlace, usize> = BTreeMap::new();
        for operation in limited {
            if confirmed.contains(&operation.key) {
                changes.delete(confirmation_row(operation.key));
                continue;
            }
            let place = CountedPlace::of(operation);
            if planted!(LimitsNotCumulative) && is_archives(&place) {
                continue;
            }
            if planted!(WriteLimitNotCumulative) && !is_archives(&place) {
                continue;
            }
            *done.entry(place).or_default() += 1;
        }
        let as_of = changes.as_of();
        for (place, more) in &done {
            let count = self.count(loader, place).await?;
            let forgotten = planted!(WriteLimitNotCumulative) && !is_archives(place);
            changes.put(count_row(place), &count.and(place, if forgotten { 0 } else { *more }, as_of));
        }
        if !done.is_empty() {
            // About no entity: what is erased of one takes nothing from the count.
            changes.journal(COUNTED, "limits", &done.iter().collect::<Vec<_>>());
        }
        Ok(())
    }

    /// Counts archives that were sent and found without effect: a request may still arrive. Each keeps the room that it took, so
    /// that it does not count again when it is sent again.
    pub(crate) async fn count_late(
        &self,
        loader: &mut Loader<'_>,
        changes: &mut Changes<'_>,
        operations: &[Operation],
    ) -> Result<(), Error> {
        let archives: Vec<&Operation> = operations.iter().filter(|o| is_archives(&CountedPlace::of(o))).collect();
        let room = self.confirmed(loader, archives.iter().copied()).await?;
        let as_of = changes.as_of();
        for operation in archives.into_iter().filter(|operation| !room.contains(&operation.key)) {
            let place = CountedPlace::of(operation);
            let count = self.count(loader, &place).await?;
            changes.put(count_row(&place), &count.and(&place, 1, as_of));
            changes.journal(COUNTED, "limits", &[(&place, 1)]);
            let kept = ConfirmationRow { by: Self::engine(), at: as_of, plan: PlanHash::default(), room: Some(place) };
            changes.put(confirmation_row(operation.key), &kept);
        }
        Ok(())
    }

    /// How many rooms are kept in these places for archives that may yet turn out to have happened.
    async fn rooms_kept(&self, places: &BTreeSet<CountedPlace>) -> Result<BTreeMap<CountedPlace, usize>, Error> {
        let mut kept: BTreeMap<CountedPlace, usize> = BTreeMap::new();
        for row in self.all_rows(Table::Approval, CONFIRMATIONS, "read what keeps room under limits").await? {
            let row: ConfirmationRow = parse(Table::Approval, &row)?;
            if let Some(place) = row.room.filter(|place| places.contains(place)) {
                *kept.entry(place).or_default() += 1;
            }
        }
        Ok(kept)
    }

    /// Whether any limit counts an operation.
    fn is_limited(&self, operation: &Operation) -> bool {
        self.core.limits.writes.is_some() || is_archives(&CountedPlace::of(operation))
    }

    /// The counts of the places of operations that nobody confirmed, with what is under way there. The count is read before
    /// the outbox: whoever else finds room there puts it back, so that what the outbox did not show yet is found out about.
    async fn count_with(
        &self,
        loader: &mut Loader<'_>,
        operations: &[&Operation],
        confirmed: BTreeSet<Digest>,
    ) -> Result<Counted, Error> {
        let counting: Vec<&Operation> = operations.iter().copied().filter(|o| !confirmed.contains(&o.key)).collect();
        let places: BTreeSet<CountedPlace> = counting.iter().map(|operation| CountedPlace::of(operation)).collect();
        let mut counted = Counted { confirmed, ..Counted::default() };
        if places.is_empty() {
            return Ok(counted);
        }
        let now = self.now();
        let mut counts = Vec::with_capacity(places.len());
        for place in places {
            let count = self.count(loader, &place).await?.at(&place, now);
            counts.push((place, count.done));
        }
        let under_way;
        (counted.under_way, under_way) = self.counted_under_way(&counting).await?;
        for (place, done) in counts {
            let all = done.saturating_add(under_way.get(&place).copied().unwrap_or_default());
            if is_archives(&place) {
                counted.deletes.insert(place, Deletes { records: done, done: all });
            } else {
                counted.writes.insert(place, all);
            }
        }
        Ok(counted)
    }

    /// The count of one place; whoever loaded it commits only if it is still so.
    async fn count(&self, loader: &mut Loader<'_>, place: &CountedPlace) -> Result<Count, Error> {
        let key = count_row(place);
        let table = key.table;
        let row = loader.rows(&[key]).await?.into_iter().next().flatten();
        Ok(row.map(|row| parse(table, &row)).transpose()?.unwrap_or_default())
    }

    /// Which of the operations a person confirmed; whoever loaded it commits only if it is still so.
    async fn confirmed<'o>(
        &self,
        loader: &mut Loader<'_>,
        operations: impl Iterator<Item = &'o Operation> + Send,
    ) -> Result<BTreeSet<Digest>, Error> {
        let keys: Vec<Digest> = operations.map(|operation| operation.key).collect();
        let mut confirmed = BTreeSet::new();
        for page in keys.chunks(PAGE) {
            let rows: Vec<RowKey> = page.iter().map(|key| confirmation_row(*key)).collect();
            let rows = loader.rows(&rows).await?;
            confirmed.extend(page.iter().zip(rows).filter_map(|(key, row)| row.map(|_| *key)));
        }
        Ok(confirmed)
    }

    /// Which of the operations are intended and not settled themselves; and how many of all that are, by place: without those
    /// that a person confirmed, and those in whose place something else is to be counted. Where a person confirmed what is to be
    /// written over it, which counts nowhere, what is under way counts for itself.
    async fn counted_under_way(
        &self,
        counting: &[&Operation],
    ) -> Result<(BTreeSet<Digest>, BTreeMap<CountedPlace, usize>), Error> {
        let mut sent: Vec<Operation> = Vec::new();
        for row in self.all_rows(Table::Outbox, "", "list writes under way").await? {
            let row: OutboxRow = parse(Table::Outbox, &row)?;
            sent.extend(row.operations);
        }
        let keys: BTreeSet<Digest> = sent.iter().map(|operation| operation.key).collect();
        let own: BTreeSet<Digest> =
            counting.iter().map(|operation| operation.key).filter(|key| keys.contains(key)).collect();
        let others = counting.iter().filter(|operation| !own.contains(&operation.key));
        let besides: BTreeSet<Written> = others.map(|operation| written(operation)).collect();
        let mut loader = Loader::new(&self.core, &self.id);
        let confirmed = self.confirmed(&mut loader, sent.iter()).await?;
        let mut under_way: BTreeMap<CountedPlace, usize> = BTreeMap::new();
        for operation in sent.iter().filter(|o| !confirmed.contains(&o.key) && !besides.contains(&written(o))) {
            *under_way.entry(CountedPlace::of(operation)).or_default() += 1;
        }
        Ok((own, under_way))
    }

    /// How many linked records of a place are alive. Reads every one of them, a page at a time: asked for only where records
    /// are to be deleted.
    async fn living_links(&self, connection: &ConnectionName, object: &ObjectType) -> Result<usize, Error> {
        let prefix = format!("{}{object}\u{1f}", persist::connection_prefix(connection));
        let mut pages = Pages::of(self, Table::Link, &prefix, "count links");
        let mut living = 0;
        while let Some(page) = pages.page().await? {
            let keys: Vec<RowKey> =
                page.iter().map(|link| RowKey::new(Table::Representation, link.key.clone())).collect();
            let rows = self.core.store.load(&self.id, &keys).await.map_err(Error::store("count living records"))?;
            for (link, row) in page.iter().zip(rows) {
                let (Some(record), Some(row)) = (persist::record_of_key(&link.key), row) else { continue };
                let Some(place) = self.core.place(&record) else { continue };
                living += usize::from(look_at_representation(&self.core, &self.id, &row, place)?.speaks());
            }
        }
        Ok(living)
    }
}
