//! Standing approvals: given and withdrawn by people, used by applications, counted by receipts.

mod refusals;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::engine::Tenant;
use crate::engine::hydrate::{Loader, parse};
use crate::engine::persist::Changes;
use crate::engine::tenant::apply::outbox::OutboxRow;
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::rollout::state_key;
use crate::engine::tenant::unknown_attribute;
use crate::error::Error;
use crate::fingerprint::Digest;
use crate::id::{Actor, ConnectionName};
use crate::model::EXISTS;
use crate::plan::{GivenStanding, Operation, PlanKind, StandingApproval, StandingId};
use crate::role::Role;
use crate::rollout::{Changed, ConnectionState, Stage, Waiting};
use crate::store::{RowKey, Table};

pub(crate) use refusals::{REFUSALS, forget_refusals};

/// The journal's kinds: given, approved by a second person, withdrawn, and what took effect under it.
pub(crate) const STANDING_GIVEN: &str = "standing_given";
pub(crate) const STANDING_APPROVED: &str = "standing_approved";
pub(crate) const STANDING_WITHDRAWN: &str = "standing_withdrawn";
pub(crate) const STANDING_USED: &str = "standing_used";

const STANDINGS: &str = "standing\u{1f}";

/// What the rows of standing approvals begin with.
pub(crate) const fn standing_prefix() -> &'static str {
    STANDINGS
}

fn standing_key(id: StandingId) -> RowKey {
    RowKey::new(Table::Meta, format!("{STANDINGS}{id}"))
}

/// Which operations of an application rest on which standing approval: by the keys of the operations.
pub(crate) type Covered = BTreeMap<Digest, StandingId>;

impl Tenant {
    /// Gives a standing approval: writes that it covers are carried out without being asked for, into connections that act
    /// ([`Stage::Act`]), by [`Tenant::apply`] and [`Tenant::run`]. Every other limit holds for them as for any write.
    ///
    /// Writes count against its limit once they take effect; those under way take room until then. Where four eyes are asked
    /// for what it permits, it covers nothing before [`Tenant::approve_standing`].
    ///
    /// # Errors
    ///
    /// [`Error::UnlimitedApproval`] if it does not say where, how many and until when, or ends in the past; or if it names
    /// what there is not.
    pub async fn give_standing(
        &self,
        approval: StandingApproval,
        by: &Actor,
        reason: &str,
    ) -> Result<StandingId, Error> {
        self.require_role(by, Role::Approver, "give standing approvals").await?;
        self.refuse_cards("reason", [reason])?;
        let approval = self.limited(approval)?;
        self.require_to_permit(by, &approval).await?;
        let at = self.now();
        let by_two = self.permits_what_takes_two(&approval);
        let given = Changed { by: by.clone(), at, reason: reason.into() };
        let id = approval.id(&self.id, &given, self.attempt());
        let standing = GivenStanding { id, approval, given, used: 0, by_two, approved: None, withdrawn: None };
        let mut changes = Changes::new(&self.core, at, by);
        changes.commit.expect.push((standing_key(id), None));
        changes.put(standing_key(id), &standing);
        changes.journal(STANDING_GIVEN, &id.to_string(), &standing);
        match self.commit_or_lost("give a standing approval", changes.commit).await? {
            None => Ok(id),
            Some(key) => Err(Error::Contended { attempts: 1, key }),
        }
    }

    /// Approves, as a second person, a standing approval for what takes two people
    /// ([`Builder::four_eyes`](crate::Builder::four_eyes)): from here on it covers what it says.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownStanding`]; [`Error::OwnStanding`] if `by` gave it; [`Error::StandingSettled`] if it waits for nobody.
    pub async fn approve_standing(&self, id: StandingId, by: &Actor, reason: &str) -> Result<(), Error> {
        self.require_role(by, Role::Approver, "approve standing approvals").await?;
        self.refuse_cards("reason", [reason])?;
        let mut attempts = Attempts::default();
        loop {
            let mut loader = Loader::new(&self.core, &self.id);
            let mut standing = self.standing_row(&mut loader, id).await?.ok_or(Error::UnknownStanding(id))?;
            let settled = |how| Err(Error::StandingSettled { id, how });
            match &standing {
                standing if standing.withdrawn.is_some() => return settled("was withdrawn"),
                standing if standing.approved.is_some() => return settled("is approved"),
                standing if !standing.by_two => return settled("takes one person only"),
                standing if standing.given.by == *by => return Err(Error::OwnStanding { id, by: by.clone() }),
                _ => {}
            }
            self.require_to_permit(by, &standing.approval).await?;
            let at = self.now();
            let approved = Changed { by: by.clone(), at, reason: reason.into() };
            standing.approved = Some(approved.clone());
            let mut changes = Changes::new(&self.core, at, by);
            changes.commit.expect.extend(loader.loaded.revisions);
            changes.put(standing_key(id), &standing);
            changes.journal(STANDING_APPROVED, &id.to_string(), &(id, approved));
            if attempts.commit(self, "approve a standing approval", changes.commit).await? {
                return Ok(());
            }
        }
    }

    /// Refuses whoever may not decide what a standing approval covers: of creates, every attribute of the type.
    async fn require_to_permit(&self, by: &Actor, approval: &StandingApproval) -> Result<(), Error> {
        let Some(of) = self.core.model.entity_index(approval.entity_type.as_str()) else { return Ok(()) };
        let model = self.core.model.entity(of);
        if approval.unit.as_str() != EXISTS {
            return self.require_to_decide(by, model, &approval.unit).await;
        }
        for unit in &model.units {
            self.require_to_decide(by, model, &unit.id).await?;
        }
        Ok(())
    }

    /// Withdraws a standing approval. From the commit on no call begins under it: of an application under way, neither.
    /// What was sent by then is not taken back.
    /// Withdrawn again, it stays as it was.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownStanding`].
    pub async fn withdraw_standing(&self, id: StandingId, by: &Actor, reason: &str) -> Result<(), Error> {
        self.require_role(by, Role::Operator, "withdraw standing approvals").await?;
        self.refuse_cards("reason", [reason])?;
        let mut attempts = Attempts::default();
        loop {
            let mut loader = Loader::new(&self.core, &self.id);
            let mut standing = self.standing_row(&mut loader, id).await?.ok_or(Error::UnknownStanding(id))?;
            if standing.withdrawn.is_some() {
                return Ok(());
            }
            let at = self.now();
            let withdrawn = Changed { by: by.clone(), at, reason: reason.into() };
            standing.withdrawn = Some(withdrawn.clone());
            let mut changes = Changes::new(&self.core, at, by);
            changes.commit.expect.extend(loader.loaded.revisions);
            changes.put(standing_key(id), &standing);
            changes.journal(STANDING_WITHDRAWN, &id.to_string(), &(id, withdrawn));
            if attempts.commit(self, "withdraw a standing approval", changes.commit).await? {
                return Ok(());
            }
        }
    }

    /// The standing approvals, withdrawn and used up ones included, in the order of their ids, behind `after`, at most
    /// `limit`.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn standing_approvals(
        &self,
        after: Option<StandingId>,
        limit: usize,
    ) -> Result<Vec<GivenStanding>, Error> {
        let after = after.map(|id| standing_key(id).key);
        let rows = self.core.store.scan(&self.id, Table::Meta, STANDINGS, after.as_deref(), limit).await;
        let rows = rows.map_err(Error::store("list standing approvals"))?;
        rows.iter().map(|row| parse(Table::Meta, row)).collect()
    }

    /// A standing approval by the names of today's model, if it has limits.
    fn limited(&self, approval: StandingApproval) -> Result<StandingApproval, Error> {
        let lacks = |lacks| Err(Error::UnlimitedApproval { lacks });
        let Some(toward) = &approval.toward else { return lacks("a connection or system: `toward`") };
        if approval.limit.is_none_or(|limit| limit == 0) {
            return lacks("how many writes it covers: `at_most`");
        }
        if approval.until.is_none_or(|until| until <= self.instant()) {
            return lacks("an end that is still to come: `until`");
        }
        if !self.core.connections.values().any(|connection| *connection.system.as_str() == **toward) {
            self.connection(toward)?;
        }
        let model = self.entity_model(approval.entity_type.as_str())?;
        let unit = match approval.unit.as_str() {
            EXISTS => EXISTS.into(),
            name => {
                let unit = model.unit_index(name).or_else(|| model.unit_of(name).map(|(unit, _)| unit));
                let unit = unit.ok_or_else(|| unknown_attribute(model, name))?;
                model.units[usize::from(unit)].id.clone()
            }
        };
        Ok(StandingApproval { unit, entity_type: model.name.clone(), ..approval })
    }

    /// Which of the operations of a plan standing approvals cover now, in connections that act.
    pub(crate) async fn covered(&self, operations: &[&Operation], kind: PlanKind) -> Result<Covered, Error> {
        let mut covered = Covered::new();
        let acting = self.connections().await?;
        let acts = |operation: &&&Operation| {
            acting.get(operation.target.connection()).is_some_and(|state| state.stage == Stage::Act)
        };
        let mut operations: Vec<&Operation> = operations.iter().filter(acts).copied().collect();
        if operations.is_empty() {
            return Ok(covered);
        }
        let stopped = self.stopped_by_refusals(&mut Loader::new(&self.core, &self.id), &operations).await?;
        operations.retain(|operation| !stopped.contains(&operation.key));
        let now = self.instant();
        for row in self.all_rows(Table::Meta, STANDINGS, "list standing approvals").await? {
            let standing: GivenStanding = parse(Table::Meta, &row)?;
            if standing.room(now) == 0 {
                continue;
            }
            for operation in &operations {
                let Ok((_, bound)) = self.connection(operation.target.connection().as_str()) else { continue };
                if standing.covers(operation, kind, &bound.system) {
                    // Of several that cover it, the first by name: always the same one.
                    covered.entry(operation.key).or_insert(standing.id);
                }
            }
        }
        Ok(covered)
    }

    /// Takes those operations off `operations` that rest on a standing approval which covers them no longer: it was
    /// withdrawn, is used up or over, its connection acts no more, or the system refused the very write. Says which of the
    /// others rest on which. The approvals are put back as they were, so that of two writes that both find room, one finds
    /// out about the other: they are read before what is under way, lest one that begins in between be seen in neither.
    pub(crate) async fn keep_to_standing(
        &self,
        loader: &mut Loader<'_>,
        changes: &mut Changes<'_>,
        operations: &mut Vec<Operation>,
        covered: &Covered,
    ) -> Result<Covered, Error> {
        let asked: BTreeSet<StandingId> = operations.iter().filter_map(|o| covered.get(&o.key)).copied().collect();
        let mut resting = Covered::new();
        if asked.is_empty() {
            return Ok(resting);
        }
        let stage = self.connection_state(loader, operations[0].target.connection()).await?.stage;
        let refused = self.stopped_by_refusals(loader, &operations.iter().collect::<Vec<_>>()).await?;
        let mut standings = Vec::with_capacity(asked.len());
        for id in asked {
            standings.push((id, self.standing_row(loader, id).await?));
        }
        let under_way = self.under_standing().await?;
        for (id, standing) in standings {
            let now = DateTime::from_timestamp_millis(changes.as_of()).unwrap_or(DateTime::<Utc>::MAX_UTC);
            let room = standing.as_ref().filter(|_| stage == Stage::Act).map_or(0, |standing| standing.room(now));
            let mut room = (room as usize).saturating_sub(under_way.get(&id).copied().unwrap_or_default());
            operations.retain(|operation| {
                if covered.get(&operation.key) != Some(&id) {
                    return true;
                }
                let allowed = room > 0 && !refused.contains(&operation.key);
                if allowed {
                    room -= 1;
                    resting.insert(operation.key, id);
                }
                allowed
            });
            if let Some(standing) = standing.filter(|_| resting.values().any(|resting| *resting == id)) {
                changes.put(standing_key(id), &standing);
            }
        }
        Ok(resting)
    }

    /// Why writes into a connection are not called now, if they are not; and which of the standing approvals that they rest on
    /// cover nothing more. One look at both, directly before a call.
    pub(crate) async fn stops_now(
        &self,
        connection: &ConnectionName,
        resting: &BTreeSet<StandingId>,
    ) -> Result<(Option<Waiting>, BTreeSet<StandingId>), Error> {
        let mut keys = vec![state_key(connection)];
        keys.extend(resting.iter().map(|id| standing_key(*id)));
        let rows = self.core.store.load(&self.id, &keys).await.map_err(Error::store("look once more before a call"))?;
        let mut rows = rows.into_iter();
        let state = rows.next().flatten().map(|row| parse(Table::Meta, &row)).transpose()?;
        let state: ConnectionState = state.unwrap_or_default();
        let now = self.instant();
        let mut over = BTreeSet::new();
        for (id, row) in resting.iter().zip(rows) {
            let standing: Option<GivenStanding> = row.map(|row| parse(Table::Meta, &row)).transpose()?;
            let open = standing.is_some_and(|standing| standing.is_open(now)) && state.stage == Stage::Act;
            over.extend((!open).then_some(*id));
        }
        Ok((state.writes_wait(connection, now), over))
    }

    /// Counts what took effect under standing approvals.
    pub(crate) async fn count_standing(
        &self,
        loader: &mut Loader<'_>,
        changes: &mut Changes<'_>,
        intent: &OutboxRow,
    ) -> Result<(), Error> {
        let mut used: BTreeMap<StandingId, u32> = BTreeMap::new();
        for id in intent.standing.values() {
            *used.entry(*id).or_default() += 1;
        }
        for (id, more) in used {
            let Some(standing) = self.standing_row(loader, id).await? else { continue };
            changes.put(standing_key(id), &GivenStanding { used: standing.used.saturating_add(more), ..standing });
            let keys: Vec<&Digest> = intent.standing.iter().filter(|(_, of)| **of == id).map(|(key, _)| key).collect();
            changes.journal(STANDING_USED, &id.to_string(), &(id, more, keys));
        }
        Ok(())
    }

    /// A standing approval; whoever loaded it commits only if it stays so.
    async fn standing_row(&self, loader: &mut Loader<'_>, id: StandingId) -> Result<Option<GivenStanding>, Error> {
        let row = loader.rows(&[standing_key(id)]).await?.into_iter().next().flatten();
        row.map(|row| parse(Table::Meta, &row)).transpose()
    }

    /// How many writes are intended and not settled, by the standing approval that they rest on.
    async fn under_standing(&self) -> Result<BTreeMap<StandingId, usize>, Error> {
        let mut under_way: BTreeMap<StandingId, usize> = BTreeMap::new();
        for row in self.all_rows(Table::Outbox, "", "list writes under way").await? {
            let row: OutboxRow = parse(Table::Outbox, &row)?;
            for id in row.standing.into_values() {
                *under_way.entry(id).or_default() += 1;
            }
        }
        Ok(under_way)
    }

    pub(crate) fn instant(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.now()).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}
