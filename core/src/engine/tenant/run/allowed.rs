//! What a run may carry out: found by what was journaled since it last looked, so that a tenant of millions is not planned
//! anew each time somebody changes one.

use std::collections::BTreeSet;

use crate::engine::Tenant;
use crate::engine::hydrate::parse;
use crate::engine::tenant::Applied;
use crate::engine::tenant::approval::{ApprovalRow, is_approval};
use crate::engine::tenant::pages::Pages;
use crate::engine::tenant::rollout::CONNECTION_SET;
use crate::engine::tenant::schema::{SCHEMA_MENDED, SCHEMA_WAIVED};
use crate::engine::tenant::standing::{STANDING_APPROVED, STANDING_GIVEN};
use crate::error::Error;
use crate::id::EntityId;
use crate::journal::Entry;
use crate::plan::{PlanHash, Scope};
use crate::queue::Share;
use crate::rollout::Stage;
use crate::store::Table;
use crate::text::Text;

/// How many entities one plan of a run covers.
const AT_ONCE: usize = 200;

/// How many entries or rows are read at once.
const PAGE: usize = 500;

/// The kinds of entries after which something that was owed before may be allowed.
const ALLOWING: [&str; 5] = [CONNECTION_SET, STANDING_GIVEN, STANDING_APPROVED, SCHEMA_MENDED, SCHEMA_WAIVED];

/// What a run knows of what may be carried out.
#[derive(Debug, Default)]
pub(crate) struct Allowed {
    /// Up to where the journal was read; `None`: nothing was looked at yet.
    read: Option<u64>,
    /// Plans that wait for a window, a hold, a limit or a system.
    waiting: BTreeSet<PlanHash>,
}

/// What journal entries told.
#[derive(Debug, Default)]
pub(crate) struct News {
    /// Entities that changed.
    pub(crate) entities: BTreeSet<EntityId>,
    /// Plans that were approved.
    pub(crate) approved: BTreeSet<PlanHash>,
    /// Whether something that was owed before may be allowed now.
    pub(crate) everything: bool,
    /// Entities of which nobody who is still there may have looked at what is owed.
    pub(crate) gained: Option<Share>,
}

/// Whether entries of this kind tell that something may be owed of the entity that they are about: it changed, or a write of it
/// was dropped that is still owed.
pub(crate) fn is_about_entity(kind: &str) -> bool {
    matches!(kind, "facts" | "without_effect")
}

impl News {
    /// Adds what an entry tells.
    pub(crate) fn add(&mut self, entry: &Entry) {
        self.hear(&entry.kind, &entry.subject);
    }

    /// Adds what an entry of a kind about a subject tells.
    pub(crate) fn hear(&mut self, kind: &str, subject: &str) {
        match kind {
            kind if is_about_entity(kind) => self.entities.extend(subject.parse::<EntityId>().ok()),
            "approved" => self.approved.extend(subject.parse::<PlanHash>().ok()),
            kind => self.everything |= ALLOWING.contains(&kind),
        }
    }
}

impl Allowed {
    /// The plans to apply now, each once. `retry`: those that wait too.
    pub(super) async fn found(&mut self, tenant: &Tenant, retry: bool) -> Result<Vec<PlanHash>, Error> {
        let mut plans = BTreeSet::new();
        if retry {
            plans.append(&mut self.waiting);
        }
        let news = match self.read {
            Some(after) => tenant.news(after, &mut self.read).await?,
            None => {
                // What is journaled from here on is read as news: what stands now is looked at once.
                self.read = Some(tenant.head().await?);
                News { everything: true, approved: tenant.approved_plans().await?, ..News::default() }
            }
        };
        plans.extend(self.of_news(tenant, news).await?);
        Ok(plans.into_iter().collect())
    }

    /// The plans that news make worth applying.
    pub(crate) async fn of_news(&mut self, tenant: &Tenant, news: News) -> Result<BTreeSet<PlanHash>, Error> {
        let mut plans = news.approved;
        if news.everything {
            // It may be that what waited waits no longer.
            plans.append(&mut self.waiting);
        }
        let all_of = if news.everything { Some(Share::whole()) } else { news.gained };
        if (all_of.is_some() || !news.entities.is_empty()) && tenant.may_act().await? {
            if let Some(share) = &all_of {
                plans.extend(tenant.plan_all_of(share).await?);
            }
            if !news.everything {
                let entities: Vec<EntityId> = news.entities.into_iter().collect();
                for page in entities.chunks(AT_ONCE) {
                    let plan = tenant.plan(page.to_vec()).await;
                    plans.extend(unless_gone(plan)?.filter(|plan| !plan.operations.is_empty()).map(|plan| plan.hash));
                }
            }
        }
        Ok(plans)
    }

    /// Those that wait, to be tried again.
    pub(crate) fn retried(&mut self) -> BTreeSet<PlanHash> {
        std::mem::take(&mut self.waiting)
    }

    /// A plan waits, to be tried again.
    pub(crate) fn wait(&mut self, plan: PlanHash) {
        self.waiting.insert(plan);
    }

    /// A plan was applied: what of it waits is tried again.
    pub(crate) fn applied(&mut self, hash: PlanHash, applied: &Applied) {
        if applied.held.len() + applied.deferred + applied.unknown + applied.stopped + applied.busy > 0 {
            self.waiting.insert(hash);
        }
        // What moved, and what was only possible once this was done, is in the successor.
        self.waiting.extend(applied.successor.filter(|_| applied.superseded + applied.done > 0));
    }
}

/// A plan, unless an entity that was named is none of today's model.
fn unless_gone<T>(plan: Result<T, Error>) -> Result<Option<T>, Error> {
    match plan {
        Err(Error::UnknownEntity { .. }) => Ok(None),
        plan => plan.map(Some),
    }
}

impl Tenant {
    /// The end of the journal.
    pub(crate) async fn head(&self) -> Result<u64, Error> {
        Ok(self.journal_end().await?.seq)
    }

    /// What was journaled behind a place. Moves `read` to the last entry.
    async fn news(&self, after: u64, read: &mut Option<u64>) -> Result<News, Error> {
        let mut news = News::default();
        let mut after = after;
        loop {
            let page = self.core.store.journal(&self.id, after, PAGE).await;
            let page = page.map_err(Error::store("read the journal"))?;
            let Some((last, _)) = page.last() else { break };
            after = last.seq;
            page.iter().for_each(|(entry, _)| news.add(entry));
        }
        *read = Some(after);
        Ok(news)
    }

    /// The plans of which anything is approved.
    pub(crate) async fn approved_plans(&self) -> Result<BTreeSet<PlanHash>, Error> {
        let mut plans = BTreeSet::new();
        let mut rows = Pages::new(self, Table::Approval, "list approvals");
        while let Some(row) = rows.next().await? {
            if is_approval(&row.key) {
                let approval: ApprovalRow = parse(Table::Approval, &row)?;
                plans.insert(approval.plan);
            }
        }
        Ok(plans)
    }

    /// Whether any standing approval is open, and any connection acts.
    async fn may_act(&self) -> Result<bool, Error> {
        if !self.connections().await?.values().any(|state| state.stage == Stage::Act) {
            return Ok(false);
        }
        let now = self.instant();
        let mut after = None;
        loop {
            let page = self.standing_approvals(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(false) };
            after = Some(last.id);
            if page.iter().any(|standing| standing.room(now) > 0) {
                return Ok(true);
            }
        }
    }

    /// Plans every entity of a share, a page a plan.
    async fn plan_all_of(&self, share: &Share) -> Result<Vec<PlanHash>, Error> {
        let mut plans = Vec::new();
        let mut after: Option<Text> = None;
        loop {
            let rows = self.core.store.scan(&self.id, Table::Entity, "", after.as_deref(), AT_ONCE).await;
            let rows = rows.map_err(Error::store("list entities"))?;
            let Some(last) = rows.last() else { return Ok(plans) };
            after = Some(last.key.clone());
            let ours = rows.iter().filter(|row| share.has(&self.id, &row.key));
            let page: Vec<EntityId> = ours.filter_map(|row| row.key.parse().ok()).collect();
            if page.is_empty() {
                continue;
            }
            let plan = unless_gone(self.plan(Scope::from(page)).await)?;
            plans.extend(plan.filter(|plan| !plan.operations.is_empty()).map(|plan| plan.hash));
        }
    }
}
